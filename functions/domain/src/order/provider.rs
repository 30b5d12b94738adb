//! What an order learns of its money from the payment provider: by its own questions, and because the provider
//! sent word that something has changed.
//!
//! Such word may be late, repeated or lost, and it may overtake what it follows. So it only says which payment
//! to ask about; what is noted here is what the provider answers when it is asked ([`PaymentReport`]).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::order::{Order, PaymentState, Refusal, Signal};
use crate::payment_gateway::{Charge, Decline, Dispute, MoneyAt, PaymentReport};
use crate::status::{IllegalTransition, Reason, Status};

/// The largest number of entries in a payment's history from which on declined attempts are no longer noted:
/// a customer may try as often as they like, and an order's item is billed by its length.
const MOST_BEFORE_DECLINES: usize = 20;

/// What became known of an order's money beside the statuses of the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentNews {
    /// The customer tried to pay, and the bank declined.
    Declined,
    /// The customer paid when the order was no longer to be paid: the money was let go or given back.
    LateReturned,
    /// Money was given back at the provider, past this system.
    ReturnedAtProvider,
    /// The bank no longer holds the money, which had not been taken.
    HoldLost,
    /// The customer or their bank disputes the payment.
    DisputeOpened,
    /// The dispute ended, and the shop keeps the money.
    DisputeWon,
    /// The dispute ended, and the customer keeps the money.
    DisputeLost,
}

impl PaymentNews {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Declined,
        Self::LateReturned,
        Self::ReturnedAtProvider,
        Self::HoldLost,
        Self::DisputeOpened,
        Self::DisputeWon,
        Self::DisputeLost,
    ];

    /// Whether the customer is written to about it.
    pub const fn is_told(self) -> bool {
        matches!(self, Self::LateReturned | Self::ReturnedAtProvider)
    }
}

/// An entry in the history of an order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentEntry {
    /// What became known.
    pub news: PaymentNews,
    /// The moment at which it was noted.
    pub at: DateTime<Utc>,
    /// The money that it is about, where that is not the whole price.
    pub amount: Option<Money>,
    /// Why the bank declined.
    pub declined: Option<Decline>,
    /// The id of the provider's event that led to it, if one did.
    pub event: Option<String>,
}

impl Order {
    /// What the payment gateway needs to know of this order.
    pub fn charge(&self) -> Charge<'_> {
        Charge {
            order: &self.record.order_id,
            amount: self.record.amount,
            method: self.record.payment.method.as_deref(),
            payment: self.record.payment.provider_id.as_deref(),
        }
    }

    /// Notes under which id the provider knows the payment. It is noted before anybody can confirm the
    /// payment, so that whoever undoes the order knows what to void. The first id stays.
    ///
    /// # Errors
    /// When the order is being undone or is not to be paid.
    pub fn note_payment(&mut self, id: &str) -> Result<(), Refusal> {
        self.check_not_undone()?;
        if self.record.status.is_final() {
            return Err(IllegalTransition { from: self.record.status, to: Status::PaymentReceived }.into());
        }
        self.record.payment.provider_id.get_or_insert_with(|| id.to_owned());
        Ok(())
    }

    /// Notes that the customer's bank holds the money. That the deadline has passed is no reason to refuse it
    /// as long as nobody has cancelled the order for that: the money is there. An order that needs attention is
    /// paid when it goes on and comes to wait again ([`Order::open_window`]).
    ///
    /// # Errors
    /// When nobody waits for the payment.
    pub fn pay_at_provider(&mut self, method: Option<&str>, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.standing() != Status::AwaitingPayment {
            return Err(IllegalTransition { from: self.record.status, to: Status::PaymentReceived }.into());
        }
        if self.record.status == Status::AwaitingPayment {
            self.change_status(Status::PaymentReceived, now)?;
            self.keep_signal(Signal::Paid, now);
        }
        if let Some(method) = method {
            self.record.payment.method = Some(method.to_owned());
        }
        self.record.payment.state = PaymentState::Authorised;
        Ok(())
    }

    /// Whether the provider has money for this order which no step of its workflow will give back: the
    /// customer paid when the order was undone already, or no longer to be paid.
    pub fn is_late(&self, report: &PaymentReport) -> bool {
        let has_money = matches!(report.money, MoneyAt::Held | MoneyAt::Shop);
        // An order that was not paid in time passes by the step that refunds; for all others that are being
        // undone that step is still to come.
        let is_passed_by =
            self.record.status.is_final() || self.record.reason == Some(Reason::PaymentTimeout);
        let knows_of_none = matches!(
            self.record.payment.state,
            PaymentState::Pending | PaymentState::Authorised | PaymentState::Void
        );
        has_money && self.record.status.is_undone() && is_passed_by && knows_of_none
    }

    /// Notes that late money was given back, or, unless `money_moved`, that what was held of it was let go.
    pub fn return_late(&mut self, money_moved: bool, event: Option<&str>, now: DateTime<Utc>) {
        self.record.payment.state = if money_moved { PaymentState::Refunded } else { PaymentState::Void };
        self.note_news(PaymentNews::LateReturned, None, None, event, now);
    }

    /// Notes what the provider reports of the payment, as far as it is news. The event is the provider's, if
    /// one has led to the question.
    pub fn learn(&mut self, report: &PaymentReport, event: Option<&str>, now: DateTime<Utc>) {
        if matches!(report.money, MoneyAt::Held | MoneyAt::Shop) {
            // Whoever no longer waits for it has been paid, or is undone.
            let _ = self.pay_at_provider(report.method.as_deref(), now);
        }
        match (self.standing(), self.record.payment.state) {
            (Status::AwaitingPayment, _) if report.money == MoneyAt::Customer => {
                if let Some(decline) = report.declined
                    && self.record.payment.history.len() < MOST_BEFORE_DECLINES
                {
                    self.note_news(PaymentNews::Declined, None, Some(decline), event, now);
                }
            }
            (Status::PaymentReceived, PaymentState::Authorised)
                if report.cancelled && !self.has_news(PaymentNews::HoldLost) =>
            {
                self.note_news(PaymentNews::HoldLost, None, None, event, now);
            }
            // What a step of the workflow gives back, it notes itself.
            (Status::Compensating, _) => {}
            (_, PaymentState::Captured) => self.learn_of_returned(report, event, now),
            _ => {}
        }
        self.learn_of_dispute(report.dispute, event, now);
    }

    fn learn_of_returned(&mut self, report: &PaymentReport, event: Option<&str>, now: DateTime<Utc>) {
        let Some(reported) = report.returned else { return };
        let returned = self.returned_past_the_shop(reported);
        if returned.is_zero() && !self.refunded_for_returns().is_zero() {
            return;
        }
        if self.record.payment.returned != Some(returned) {
            self.record.payment.returned = Some(returned);
            self.note_news(PaymentNews::ReturnedAtProvider, Some(returned), None, event, now);
        }
        // Of an order that goes on, the steps that come still have to know that money was taken.
        if report.money == MoneyAt::Returned && self.record.status.is_final() {
            self.record.payment.state = PaymentState::Refunded;
        }
    }

    /// The part of what the provider reports as given back that was not given back for returns. Whether the report has the
    /// money of a return that is on its way, nobody knows; so what was known before stays as long as it can be true.
    fn returned_past_the_shop(&self, reported: Money) -> Money {
        let least = reported.less(self.refunded_for_returns());
        let most = reported.less(self.surely_refunded_for_returns());
        let known = self.record.payment.returned.unwrap_or(least).at_most(most);
        if known < least { least } else { known }
    }

    fn learn_of_dispute(&mut self, dispute: Option<Dispute>, event: Option<&str>, now: DateTime<Utc>) {
        if dispute.is_none() || dispute == self.record.payment.dispute {
            return;
        }
        self.record.payment.dispute = dispute;
        let news = match dispute {
            Some(Dispute::Won) => PaymentNews::DisputeWon,
            Some(Dispute::Lost) => PaymentNews::DisputeLost,
            _ => PaymentNews::DisputeOpened,
        };
        self.note_news(news, None, None, event, now);
    }

    fn has_news(&self, news: PaymentNews) -> bool {
        self.record.payment.history.iter().any(|entry| entry.news == news)
    }

    fn note_news(
        &mut self,
        news: PaymentNews,
        amount: Option<Money>,
        declined: Option<Decline>,
        event: Option<&str>,
        now: DateTime<Utc>,
    ) {
        let event = event.map(str::to_owned);
        self.record.payment.history.push(PaymentEntry { news, at: now, amount, declined, event });
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;
    use crate::currency::Currency;
    use crate::order::samples::{awaiting_payment, now, received, token};
    use crate::order::{Actor, Failed};

    fn held() -> PaymentReport {
        PaymentReport { method: Some("pm_1".to_owned()), ..PaymentReport::of(MoneyAt::Held) }
    }

    fn news(order: &Order) -> Vec<PaymentNews> {
        order.payment().history.iter().map(|entry| entry.news).collect()
    }

    #[test]
    fn money_that_is_held_pays_an_order_that_waits_for_it_also_after_its_deadline() {
        let mut order = awaiting_payment();
        order.learn(&held(), Some("evt_1"), now() + Duration::days(1));
        assert_eq!((order.status(), order.pending_signal()), (Status::PaymentReceived, Some(Signal::Paid)));
        assert_eq!(order.payment().method.as_deref(), Some("pm_1"));
        assert_eq!(order.payment().state, PaymentState::Authorised);
        let paid = order.clone();
        order.learn(&held(), Some("evt_2"), now() + Duration::days(1));
        assert_eq!(order, paid, "told again, nothing changes");
    }

    #[test]
    fn money_that_is_held_for_an_order_that_needs_attention_pays_it_once_it_goes_on() {
        let failed = || Failed { state: Some("AwaitPayment".to_owned()), ..Failed::default() };
        for by_hand in [true, false] {
            let mut order = awaiting_payment();
            order.need_attention(failed(), now()).unwrap();
            for event in ["evt_1", "evt_2"] {
                order.learn(&held(), Some(event), now());
                assert_eq!(
                    (order.status(), order.standing(), order.payment().state),
                    (Status::NeedsAttention, Status::AwaitingPayment, PaymentState::Authorised)
                );
            }
            match by_hand {
                true => order.retry(Actor::SYSTEM, None, now()).unwrap(),
                false => order.take_up(now()),
            }
            let late = now() + Duration::days(1);
            order.open_window(token("t2", 1), late, late).unwrap();
            assert_eq!(
                (order.status(), order.pending_signal()),
                (Status::PaymentReceived, Some(Signal::Paid))
            );
        }
        let mut reserved = received(None, false);
        reserved.reserve(Vec::new(), now()).unwrap();
        reserved.need_attention(failed(), now()).unwrap();
        let before = reserved.clone();
        reserved.learn(&held(), None, now());
        assert_eq!(reserved, before, "it did not wait for its payment yet");
    }

    #[test]
    fn money_is_late_when_no_step_gives_it_back() {
        let mut order = awaiting_payment();
        assert!(!order.is_late(&held()), "it is waited for");
        order.expire(now() + Duration::seconds(30)).unwrap();
        assert!(order.is_late(&held()), "an order that was not paid in time is not refunded by its workflow");
        assert!(!order.is_late(&PaymentReport::of(MoneyAt::Customer)));
        order.return_late(false, Some("evt_1"), now());
        assert_eq!(
            (order.payment().state, news(&order)),
            (PaymentState::Void, vec![PaymentNews::LateReturned])
        );

        let mut cancelled = awaiting_payment();
        cancelled.cancel(now()).unwrap();
        assert!(!cancelled.is_late(&held()), "its workflow comes to the refund");
        cancelled.refund(false).unwrap();
        cancelled.close(now()).unwrap();
        assert!(cancelled.is_late(&held()));
        cancelled.return_late(true, None, now());
        assert_eq!(cancelled.payment().state, PaymentState::Refunded);
        assert!(!cancelled.is_late(&PaymentReport::of(MoneyAt::Shop)), "it was given back once");
    }

    #[test]
    fn a_payment_is_known_before_it_can_be_confirmed_and_never_for_an_order_that_is_undone() {
        let mut order = awaiting_payment();
        order.note_payment("pi_1").unwrap();
        order.note_payment("pi_2").unwrap();
        assert_eq!(order.charge().payment, Some("pi_1"));
        order.cancel(now()).unwrap();
        assert!(order.note_payment("pi_1").is_err());
    }

    #[test]
    fn what_is_given_back_at_the_provider_and_disputed_is_noted_once() {
        let mut order = received(Some("pm_card"), false);
        order.reserve(Vec::new(), now()).unwrap();
        order.capture(now()).unwrap();
        order.complete(now()).unwrap();
        let some = Money::from_minor_units(100, Currency::USD).unwrap();
        let mut report = PaymentReport { returned: Some(some), ..PaymentReport::of(MoneyAt::Shop) };
        for _ in 0..2 {
            order.learn(&report, Some("evt_1"), now());
        }
        assert_eq!((order.payment().state, order.payment().returned), (PaymentState::Captured, Some(some)));
        report = PaymentReport { dispute: Some(Dispute::Open), money: MoneyAt::Returned, ..report };
        report.returned = Some(order.amount());
        for _ in 0..2 {
            order.learn(&report, Some("evt_2"), now());
        }
        report.dispute = Some(Dispute::Lost);
        order.learn(&report, Some("evt_3"), now());
        assert_eq!(order.payment().state, PaymentState::Refunded);
        assert_eq!(
            news(&order),
            [
                PaymentNews::ReturnedAtProvider,
                PaymentNews::ReturnedAtProvider,
                PaymentNews::DisputeOpened,
                PaymentNews::DisputeLost
            ]
        );
    }

    #[test]
    fn attempts_that_were_declined_are_noted_up_to_a_number() {
        let mut order = awaiting_payment();
        let report =
            PaymentReport { declined: Some(Decline::CardExpired), ..PaymentReport::of(MoneyAt::Customer) };
        for _ in 0..99 {
            order.learn(&report, None, now());
        }
        assert_eq!(order.status(), Status::AwaitingPayment);
        assert_eq!(order.payment().history.len(), MOST_BEFORE_DECLINES);
        assert_eq!(order.payment().history[0].declined, Some(Decline::CardExpired));
    }
}
