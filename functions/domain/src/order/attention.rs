//! Orders that need attention: their workflow failed where it stood, and they stay as they are until it goes
//! on (a retry) or a person has settled by hand what was open (a resolution).
//!
//! ```text
//!   any status that isn't final ── need_attention ──► NEEDS_ATTENTION ── retry, take_up ──► the status before
//!                                                            └────────── resolve ──► COMPLETED, CANCELLED
//! ```

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ErrorName;
use crate::order::{
    Contradiction, Order, PaymentState, Refusal, Reservation, Resolution, SettledMoney, SettledStock,
    Shipment, Signal, Unknown,
};
use crate::payment_gateway::MoneyAt;
use crate::status::{Reason, Status};

/// Somebody who decides about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Actor {
    /// What they are to the shop.
    pub role: Role,
    /// The subject of their token or the ARN of their IAM identity; `None` for the system, and for callers
    /// whom nobody asked who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The e-mail address that an operator's token names, so that people know whom to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What somebody who decides about an order is to the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// A customer.
    Customer,
    /// Somebody who runs the shop.
    Operator,
    /// The system, by itself.
    System,
}

impl Actor {
    /// The system.
    pub const SYSTEM: Self = Self::nameless(Role::System);

    /// Somebody of whom nothing is known but the role.
    pub const fn nameless(role: Role) -> Self {
        Self { role, id: None, email: None }
    }

    /// Somebody with this id.
    pub fn named(role: Role, id: impl Into<String>) -> Self {
        Self { role, id: Some(id.into()), email: None }
    }
}

/// What failed for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// The state of the workflow that failed, if it is known.
    pub state: Option<String>,
    /// The name of the error; `None` for an execution that was stopped without one.
    pub error: Option<String>,
    /// What a person can read about it.
    pub cause: Option<String>,
}

impl Failed {
    /// The failure in one text.
    pub fn text(&self) -> String {
        let error = self.error.as_deref().unwrap_or("the workflow was stopped");
        match self.cause.as_deref().filter(|cause| !cause.is_empty()) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_owned(),
        }
    }
}

/// Why an order needs attention, or last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attention {
    /// The moment since which it does.
    pub since: DateTime<Utc>,
    /// The status that the order had, to which a retry brings it back.
    pub was: Status,
    /// The state of the workflow that failed, and its error.
    pub failed: Failed,
    /// The first of the failures of the same step that only the system's own retries came between.
    pub first: DateTime<Utc>,
    /// The number of those retries.
    pub tries: u32,
    /// Who had the workflow go on, once somebody has.
    pub retried: Option<Actor>,
    /// What was done by hand, once that was said.
    pub resolution: Option<Resolution>,
    /// What a later release stored with it.
    pub unknown: Unknown,
}

/// What is open about an order that needs attention, as far as its record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open<'a> {
    /// Whether the order's money was taken and not given back; `None` where only the payment gateway knows.
    pub money_taken: Option<bool>,
    /// Whether stock is set aside for the order.
    pub stock_held: bool,
    /// The warehouses whose shipments have left.
    pub shipments_out: Vec<&'a str>,
}

impl Order {
    /// The status by which steps decide: for an order that needs attention the one that it had before.
    pub fn standing(&self) -> Status {
        match self.record.status {
            Status::NeedsAttention => self.was(),
            status => status,
        }
    }

    /// The status before; release 0.1 left orders to a person only when they could not be undone.
    fn was(&self) -> Status {
        self.record.attention.as_ref().map_or(Status::Compensating, |attention| attention.was)
    }

    /// Leaves the order to a person, since its workflow failed for good. An order that needs attention
    /// already keeps what it says.
    ///
    /// # Errors
    /// When the order is closed.
    pub fn need_attention(&mut self, failed: Failed, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status == Status::NeedsAttention {
            return Ok(());
        }
        let was = self.record.status;
        self.note_status(Status::NeedsAttention, now)?;
        self.stop_waiting();
        // The step that failed may not have told of its part, and no other comes.
        self.leave_announcements(now);
        let before = self.record.attention.take().filter(|before| {
            before.was == was
                && before.failed.state == failed.state
                && before.retried.as_ref() == Some(&Actor::SYSTEM)
        });
        self.record.failure = Some(failed.text());
        self.record.attention = Some(Attention {
            since: now,
            was,
            failed,
            first: before.as_ref().map_or(now, |before| before.first),
            tries: before.as_ref().map_or(0, |before| before.tries),
            retried: None,
            resolution: None,
            unknown: before.map(|before| before.unknown).unwrap_or_default(),
        });
        Ok(())
    }

    /// Has the workflow go on where it failed. For an order that goes on already after a retry, nothing
    /// changes.
    ///
    /// # Errors
    /// When the order doesn't need attention.
    pub fn retry(&mut self, by: Actor, note: Option<String>, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::NeedsAttention {
            let goes_on = self.record.attention.as_ref().is_some_and(|attention| attention.retried.is_some());
            return if goes_on && !self.record.status.is_final() {
                Ok(())
            } else {
                Err(Refusal::NeedsNoAttention(self.record.status))
            };
        }
        // An execution that ended in the Fail state of release 0.1 would only fail there again.
        let signal = match &self.record.attention {
            Some(_) => Signal::Retry,
            None => {
                self.record.execution += 1;
                Signal::Start
            }
        };
        self.resume(by, note, now)?;
        self.keep_signal(signal, now);
        Ok(())
    }

    /// Has another execution begin, since the one that failed can't be taken up again.
    pub fn restart(&mut self, now: DateTime<Utc>) {
        if self.record.pending_signal == Some(Signal::Retry) {
            self.record.execution += 1;
            self.keep_signal(Signal::Start, now);
        }
    }

    /// Notes that the workflow goes on with an order that needs attention, because a step of it runs: its
    /// execution was redriven. For other orders nothing changes.
    pub fn take_up(&mut self, now: DateTime<Utc>) {
        if self.record.status == Status::NeedsAttention {
            // The table leads from there to every status that an order may have had.
            let _ = self.resume(Actor::SYSTEM, None, now);
        }
    }

    /// Brings the order back to the status that it had.
    fn resume(&mut self, by: Actor, note: Option<String>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let was = self.was();
        self.note_status(was, now)?;
        self.sign(by.clone(), note);
        if !was.is_undone() {
            self.record.failure = None;
        }
        if let Some(attention) = &mut self.record.attention {
            attention.tries += u32::from(by == Actor::SYSTEM);
            attention.retried = Some(by);
        }
        Ok(())
    }

    /// Ends an order that needs attention with what was done by hand. The same resolution again changes
    /// nothing.
    ///
    /// # Errors
    /// When the order doesn't need attention or was resolved otherwise, and when what is said contradicts
    /// what is known of the shipments.
    pub fn resolve(&mut self, resolution: Resolution, by: Actor, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status != Status::NeedsAttention {
            let resolved = self.record.attention.as_ref().and_then(|before| before.resolution.as_ref());
            return if resolved == Some(&resolution) {
                Ok(())
            } else {
                Err(Refusal::NeedsNoAttention(self.record.status))
            };
        }
        self.check_goods(resolution.money, resolution.stock)?;
        let (money, stock) = (resolution.money, resolution.stock);
        let is_sale = (money, stock) == (SettledMoney::Kept, SettledStock::Sold);
        let attention = self.record.attention.take();
        let end = if is_sale { Status::Completed } else { Status::Cancelled };
        let was = attention.as_ref().map_or(Status::Compensating, |attention| attention.was);
        self.note_status(end, now)?;
        self.sign(by, Some(resolution.note.clone()));
        self.stop_waiting();
        self.leave_announcements(now);
        self.record.reason = if is_sale { None } else { self.record.reason.or(Some(Reason::InternalError)) };
        self.record.payment.state = match money {
            SettledMoney::Refunded => PaymentState::Refunded,
            SettledMoney::Kept => PaymentState::Captured,
            SettledMoney::None => PaymentState::Void,
        };
        if self.record.reservation == Reservation::Held {
            self.record.reservation = match stock {
                SettledStock::Released => Reservation::Released,
                SettledStock::Sold => Reservation::Sold,
                SettledStock::Lost => Reservation::Lost,
            };
        }
        self.note_cancelled(|state| !state.is_out());
        self.record.attention = Some(match attention {
            Some(attention) => Attention { resolution: Some(resolution), ..attention },
            None => Attention {
                since: now,
                was,
                failed: Failed::default(),
                first: now,
                tries: 0,
                retried: None,
                resolution: Some(resolution),
                unknown: Unknown::default(),
            },
        });
        Ok(())
    }

    fn check_goods(&self, money: SettledMoney, stock: SettledStock) -> Result<(), Contradiction> {
        let out = self.open().shipments_out.len();
        match stock {
            SettledStock::Released if out > 0 => Err(Contradiction::ShipmentsOut),
            SettledStock::Sold | SettledStock::Lost if self.record.reservation != Reservation::Held => {
                Err(Contradiction::NothingHeld)
            }
            SettledStock::Sold if out == 0 => Err(Contradiction::NothingOut),
            SettledStock::Sold if money == SettledMoney::Kept && out < self.held_shipments().count() => {
                Err(Contradiction::PartlyOut)
            }
            _ => Ok(()),
        }
    }

    /// Checks what a resolution says of the money against what the payment gateway knows.
    ///
    /// # Errors
    /// [`Contradiction`].
    pub fn check_money(said: SettledMoney, known: MoneyAt) -> Result<(), Contradiction> {
        match (said, known) {
            (SettledMoney::Refunded | SettledMoney::Kept, MoneyAt::Customer | MoneyAt::Held) => {
                Err(Contradiction::NothingTaken)
            }
            (SettledMoney::None, MoneyAt::Shop) => Err(Contradiction::MoneyTaken),
            (SettledMoney::Kept | SettledMoney::None, MoneyAt::Returned) => Err(Contradiction::GivenBack),
            // A person may have given it back past the gateway.
            (SettledMoney::Refunded, MoneyAt::Shop | MoneyAt::Returned)
            | (SettledMoney::Kept, MoneyAt::Shop)
            | (SettledMoney::None, MoneyAt::Customer | MoneyAt::Held) => Ok(()),
        }
    }

    /// What is open about the order.
    pub fn open(&self) -> Open<'_> {
        let past_payment = matches!(self.standing(), Status::PaymentReceived | Status::Compensating)
            || self.record.payment.prepaid;
        let money_taken = match self.record.payment.state {
            PaymentState::Captured => Some(true),
            PaymentState::Refunded | PaymentState::Void => Some(false),
            // A call whose answer was lost may have taken it.
            PaymentState::Authorised => None,
            PaymentState::Pending if past_payment && self.record.payment.method.is_some() => None,
            PaymentState::Pending => Some(false),
        };
        let out = |shipment: &&Shipment| shipment.state.is_out();
        Open {
            money_taken,
            stock_held: self.record.reservation == Reservation::Held,
            shipments_out: self
                .record
                .shipments
                .iter()
                .filter(out)
                .map(|out| out.warehouse.as_str())
                .collect(),
        }
    }

    /// Whether the order needs attention only because of a disturbance, so that the system itself may have
    /// its workflow go on.
    pub fn failed_by_disturbance(&self) -> bool {
        let Some(attention) = &self.record.attention else { return false };
        self.record.status == Status::NeedsAttention
            && attention.failed.error.as_deref().is_some_and(is_disturbance)
    }
}

/// Whether an execution that failed with this error may well succeed when it goes on. Of the errors that are
/// not the functions' own, those of Step Functions about the definition itself come again each time.
pub(super) fn is_disturbance(error: &str) -> bool {
    const HOPELESS: [&str; 3] = ["States.QueryEvaluationError", "States.Runtime", "States.DataLimitExceeded"];
    ErrorName::parse(error).map_or(!HOPELESS.contains(&error), ErrorName::is_worth_a_retry)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::allocation::{Line, Share};
    use crate::order::samples::{awaiting_payment, now, received, reserved, token};

    fn failed(error: &str) -> Failed {
        Failed { state: Some("CompleteOrder".to_owned()), error: Some(error.to_owned()), cause: None }
    }

    fn operator() -> Actor {
        Actor::named(Role::Operator, "op-1")
    }

    /// An order whose money was taken and whose two shipments are due.
    fn shipping() -> Order {
        let mut order = received(Some("pm_card"), false);
        let share = |warehouse: &str| Share {
            warehouse: warehouse.to_owned(),
            items: vec![Line { product_id: "p".to_owned(), quantity: 1 }],
        };
        order.reserve(vec![share("wh-east"), share("wh-west")], now()).unwrap();
        order.capture(now()).unwrap();
        order
    }

    #[test]
    fn a_retry_brings_every_order_back_to_where_it_was_and_names_who_did_it() {
        let mut compensating = awaiting_payment();
        compensating.cancel(now()).unwrap();
        for before in
            [received(None, false), reserved(None, false), awaiting_payment(), shipping(), compensating]
        {
            let mut order = before.clone();
            order.need_attention(failed("StoreUnavailable"), now()).unwrap();
            assert_eq!((order.status(), order.standing()), (Status::NeedsAttention, before.status()));
            assert_eq!(order.pending_signal(), Some(Signal::Announce), "nobody waits any more");
            order.retry(operator(), Some("again".to_owned()), now()).unwrap();
            assert_eq!((order.status(), order.pending_signal()), (before.status(), Some(Signal::Retry)));
            let last = order.timeline().last().unwrap();
            assert_eq!((&last.by, last.note.as_deref()), (&Some(operator()), Some("again")));
            let again = order.clone();
            order.retry(operator(), None, now()).unwrap();
            assert_eq!(order, again, "it goes on already");
        }
    }

    #[test]
    fn only_an_order_that_needs_attention_is_retried_or_resolved() {
        let mut order = shipping();
        let resolution =
            Resolution { money: SettledMoney::None, stock: SettledStock::Released, note: "n".to_owned() };
        let refused = Err(Refusal::NeedsNoAttention(Status::Shipping));
        assert_eq!(order.retry(operator(), None, now()), refused);
        assert_eq!(order.resolve(resolution, operator(), now()), refused);
    }

    #[test]
    fn nothing_but_its_workflow_and_a_person_moves_an_order_that_needs_attention() {
        let mut order = awaiting_payment();
        order.need_attention(failed("StoreUnavailable"), now()).unwrap();
        let before = order.clone();
        assert!(order.pay("pm_card", now()).is_err());
        assert!(order.cancel(now()).is_err());
        assert!(order.expire(now() + Duration::days(1)).is_err());
        assert!(order.review(true, None, now()).is_err());
        assert_eq!(order, before);
        order.take_up(now());
        assert_eq!(order.status(), Status::AwaitingPayment);
        assert_eq!(order.timeline().last().unwrap().by, Some(Actor::SYSTEM));
    }

    #[test]
    fn a_window_that_ended_while_the_order_needed_attention_is_closed_when_it_goes_on() {
        let mut order = awaiting_payment();
        order.need_attention(failed("StoreUnavailable"), now()).unwrap();
        let late = now() + Duration::days(2);
        order.retry(operator(), None, late).unwrap();
        order.open_window(token("t2", 0), late + Duration::seconds(30), late).unwrap();
        assert_eq!((order.status(), order.reason()), (Status::Compensating, Some(Reason::PaymentTimeout)));
        assert_eq!((order.pending_signal(), order.task_token()), (Some(Signal::TimedOut), Some("t2")));
    }

    #[test]
    fn the_systems_own_retries_of_one_failure_are_counted_and_a_persons_begin_anew() {
        let mut order = shipping();
        for tries in 0..3 {
            let at = now() + Duration::minutes(tries);
            order.need_attention(failed("StoreUnavailable"), at).unwrap();
            let attention = order.attention().unwrap();
            assert_eq!((i64::from(attention.tries), attention.first, attention.since), (tries, now(), at));
            order.retry(Actor::SYSTEM, None, at).unwrap();
        }
        order.need_attention(failed("StoreUnavailable"), now()).unwrap();
        order.retry(operator(), None, now()).unwrap();
        order.need_attention(failed("StoreUnavailable"), now()).unwrap();
        assert_eq!(order.attention().unwrap().tries, 0);
    }

    #[test]
    fn a_resolution_ends_the_order_once_and_what_contradicts_the_shipments_is_refused() {
        use SettledMoney::{Kept, None as NoMoney, Refunded};
        use SettledStock::{Lost, Released, Sold};
        let say = |money, stock| Resolution { money, stock, note: "by hand".to_owned() };
        let cases = [
            (0, Refunded, Released, Ok((Status::Cancelled, Reservation::Released))),
            (0, Refunded, Lost, Ok((Status::Cancelled, Reservation::Lost))),
            (0, Kept, Sold, Err(Contradiction::NothingOut)),
            (1, Kept, Sold, Err(Contradiction::PartlyOut)),
            (1, Refunded, Sold, Ok((Status::Cancelled, Reservation::Sold))),
            (1, NoMoney, Released, Err(Contradiction::ShipmentsOut)),
            (2, Kept, Sold, Ok((Status::Completed, Reservation::Sold))),
            (2, Kept, Lost, Ok((Status::Cancelled, Reservation::Lost))),
        ];
        for (out, money, stock, end) in cases {
            let mut order = shipping();
            for warehouse in ["wh-east", "wh-west"].iter().take(out) {
                order.ship(warehouse, "t", now()).unwrap();
            }
            order.need_attention(failed("WrongState"), now()).unwrap();
            let before = order.clone();
            let resolved = order.resolve(say(money, stock), operator(), now());
            match end {
                Err(contradiction) => {
                    assert_eq!((resolved, &order), (Err(contradiction.into()), &before));
                }
                Ok(end) => {
                    resolved.unwrap();
                    assert_eq!((order.status(), order.reservation()), end);
                    let ended = order.clone();
                    order.resolve(say(money, stock), operator(), now()).unwrap();
                    assert_eq!(order, ended, "the same again");
                    assert!(order.retry(operator(), None, now()).is_err());
                    let other = Resolution { note: "otherwise".to_owned(), ..say(money, stock) };
                    assert!(order.resolve(other, operator(), now()).is_err());
                }
            }
        }
    }

    #[test]
    fn a_decision_and_a_mistake_are_no_disturbances() {
        for (error, expected) in [
            ("StoreUnavailable", true),
            ("Lambda.Unknown", true),
            ("States.Timeout", true),
            ("RefundFailed", false),
            ("WrongState", false),
            ("States.QueryEvaluationError", false),
        ] {
            let mut order = shipping();
            order.need_attention(failed(error), now()).unwrap();
            assert_eq!(order.failed_by_disturbance(), expected, "{error}");
        }
        let mut stopped = shipping();
        stopped.need_attention(Failed::default(), now()).unwrap();
        assert!(!stopped.failed_by_disturbance(), "somebody stopped it");
    }
}
