//! The order: what it is, and every decision about it.
//!
//! ```text
//!   record ── what is stored of an order, made of parts
//!   Order ── a record that only decisions change
//!     ├── forward ── stock, review, payment
//!     ├── shipping ── what warehouses do and say
//!     ├── compensation ── turning back, and undoing what was done
//!     ├── attention ── what a failed workflow leaves to a person
//!     ├── waiting ── the tasks of the workflow that wait, and what they must be told
//!     ├── people ── who decided, and forgetting a customer
//!     ├── announcing ── the changes that others have still to be told of
//!     ├── provider ── what the payment provider says of the order's money
//!     └── returns ── what customers send back of an order that was completed
//! ```
//!
//! A decision is a method that changes the order in memory, or refuses and leaves it as it is. The store then
//! writes the order on the condition that nobody else wrote meanwhile (optimistic concurrency); so of two
//! decisions that race, one is made on the result of the other.

mod announcing;
mod attention;
mod compensation;
mod forward;
mod id;
mod number;
mod parts;
mod people;
mod provider;
mod record;
mod resolution;
pub mod returns;
#[cfg(test)]
mod samples;
mod shipment;
mod shipping;
mod unknown;
mod waiting;
mod writes;

use chrono::{DateTime, Utc};

use crate::address::Address;
use crate::allocation::{Line, Missing};
use crate::email::Email;
use crate::language::Language;
use crate::money::Money;
use crate::status::{IllegalTransition, Reason, Status};

pub use announcing::Announcements;
pub use attention::{Actor, Attention, Failed, Open, Role};
pub use id::{BadOrderId, OrderId};
pub use number::OrderNumber;
pub use parts::{Audit, Change, Item, NewOrder, Payment, PaymentState, Reservation};
pub use provider::{PaymentEntry, PaymentNews};
pub use record::OrderRecord;
pub use resolution::{Contradiction, Resolution, SettledMoney, SettledStock};
pub use shipment::{
    BadReport, LONGEST_SAID, LONGEST_URL, Parcel, Report, Said, Shipment, ShipmentSignal, ShipmentState,
    WarehouseEvent,
};
pub use unknown::Unknown;
pub use waiting::{Awaits, Signal, Token};
pub use writes::{WriteId, Writes};

/// An order. It is what its item in the database says, and only its decisions change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    record: OrderRecord,
}

/// Why a decision was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order is not in a status in which this can be done.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The order is being undone or is closed; the workflow must turn to its compensations.
    #[error("the order is {0}")]
    Undone(Status),
    /// A compensation is asked of an order that is not being undone.
    #[error("the order is {0}, so that nothing of it is undone")]
    NotCompensating(Status),
    /// The reviewer has given a verdict already.
    #[error("the order was reviewed already")]
    ReviewedAlready,
    /// The deadline for the payment has passed.
    #[error("the payment window closed at {0}")]
    TooLate(DateTime<Utc>),
    /// The deadline for the payment has not passed yet.
    #[error("the payment window is open until {0}")]
    TooEarly(DateTime<Utc>),
    /// The shipment from this warehouse is not on its way yet.
    #[error("the shipment from {0} is not on its way")]
    NotShipped(String),
    /// The order has no shipment from this warehouse.
    #[error("the order has no shipment from {0}")]
    NoShipment(String),
    /// The goods from this warehouse must not leave: they were called back, or the order is undone.
    #[error("the shipment from {0} was called back: do not send it, and stop it if it has left")]
    CalledBack(String),
    /// This warehouse rejected the shipment before, so that others may ship in its place.
    #[error("the shipment from {0} was rejected or overdue: do not send it, and stop it if it has left")]
    RejectedBefore(String),
    /// A shipment that has left can't be rejected any more.
    #[error("the shipment from {0} is on its way already")]
    OnItsWay(String),
    /// Another warehouse ships in place of this one already, or can't.
    #[error("the shipment from {0} was given to another warehouse already")]
    ReallocatedBefore(String),
    /// Only what a warehouse doesn't ship is given to another.
    #[error("the shipment from {0} was not rejected")]
    NotRejected(String),
    /// The customer has the goods from this warehouse.
    #[error("the shipment from {0} was delivered")]
    Delivered(String),
    /// A retry or a resolution of an order that doesn't need attention.
    #[error("the order is {0} and does not need attention")]
    NeedsNoAttention(Status),
    /// The reviewer would approve an order of their own.
    #[error("the order is the reviewer's own")]
    OwnOrder,
    /// The personal data of an order that is still open can't be erased.
    #[error("the order is {0}, and what is known of its customer is still needed")]
    StillOpen(Status),
    /// A resolution says what can't be.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// A decision about a return.
    #[error(transparent)]
    Return(#[from] returns::ReturnRefusal),
    /// The personal data of an order with a return under way can't be erased.
    #[error("a return of the order is open, and what is known of its customer is still needed")]
    ReturnOpen,
}

impl Order {
    /// A new order, which its workflow has still to be started for.
    pub fn receive(order_id: OrderId, new: NewOrder, now: DateTime<Utc>) -> Self {
        let payment = Payment {
            prepaid: new.method.is_some(),
            method: new.method,
            state: PaymentState::Pending,
            deadline: None,
            provider_id: None,
            returned: None,
            dispute: None,
            history: Vec::new(),
            unknown: Unknown::default(),
        };
        let record = OrderRecord {
            order_id,
            number: None,
            version: 0,
            writes: Writes::default(),
            status: Status::Received,
            reason: None,
            customer_id: new.customer_id.filter(|customer| !customer.is_empty()),
            email: new.email,
            language: new.language,
            address: new.address,
            amount: new.amount,
            items: new.items,
            timeline: vec![Change::to(Status::Received, now)],
            announcements: Announcements::default(),
            shipments: Vec::new(),
            reservation: Reservation::None,
            payment,
            needs_audit: new.needs_audit,
            audit: None,
            missing: Vec::new(),
            failure: None,
            task_token: None,
            token_redrive: 0,
            token_attempt: 0,
            attention: None,
            execution: 1,
            returns: Vec::new(),
            pending_signal: None,
            pending_since: None,
            unknown: Unknown::default(),
            unknown_attributes: Unknown::default(),
        };
        let mut order = Self { record };
        order.keep_signal(Signal::Start, now);
        order
    }

    /// Gives a new order the number that people call it by, before it is written.
    #[must_use]
    pub fn numbered(mut self, number: OrderNumber) -> Self {
        self.record.number = Some(number);
        self
    }

    /// The order that was stored as this record. Only the store may call it, with what it has read: whatever
    /// else makes an order goes through [`Order::receive`] and the decisions.
    pub fn restore(record: OrderRecord) -> Self {
        Self { record }
    }

    /// What is to be stored of the order.
    pub fn record(&self) -> &OrderRecord {
        &self.record
    }

    /// Counts a write that is about to be made, and gives the version that the item must still have then.
    pub fn count_write(&mut self) -> u64 {
        let read = self.record.version;
        self.record.version += 1;
        read
    }

    /// Names the write that is about to be made. A decision of somebody outside of the workflow is remembered
    /// for ever, see [`Writes`].
    pub fn name_write(&mut self, id: WriteId, is_decision: bool) {
        self.record.writes.note(id, is_decision);
    }

    /// Whether this order came about by the write of this name, or by others after it, as far as it
    /// remembers.
    pub fn was_written_by(&self, id: WriteId) -> bool {
        self.record.writes.contain(id)
    }

    /// Notes that the order came to this status, if the table of transitions allows it.
    fn change_status(&mut self, status: Status, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.record.status == Status::NeedsAttention {
            return Err(IllegalTransition { from: self.record.status, to: status }.into());
        }
        if !status.is_undone() {
            self.check_not_undone()?;
        }
        self.note_status(status, now)
    }

    /// As [`Order::change_status`], also for an order that needs attention.
    fn note_status(&mut self, status: Status, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.record.status.check(status)?;
        self.record.status = status;
        self.record.timeline.push(Change::to(status, now));
        Ok(())
    }

    /// Notes who brought the order to its present status, and what they wrote about it.
    pub fn sign(&mut self, by: Actor, note: Option<String>) {
        if let Some(change) = self.record.timeline.last_mut() {
            change.by = Some(by);
            change.note = note;
        }
    }

    /// Checks that the order is neither being undone nor undone: steps that go forward are turned away by
    /// such.
    ///
    /// # Errors
    /// [`Refusal::Undone`].
    pub fn check_not_undone(&self) -> Result<(), Refusal> {
        let standing = self.standing();
        if standing.is_undone() { Err(Refusal::Undone(standing)) } else { Ok(()) }
    }

    /// The products that the order wants, each once with all its pieces.
    pub fn wanted(&self) -> Vec<Line> {
        let mut wanted: Vec<Line> = Vec::new();
        for item in &self.record.items {
            match wanted.iter_mut().find(|line| line.product_id == item.product_id) {
                Some(line) => line.quantity = line.quantity.saturating_add(item.quantity),
                None => wanted.push(Line { product_id: item.product_id.clone(), quantity: item.quantity }),
            }
        }
        wanted
    }
}

/// Reading; see the fields of [`OrderRecord`].
#[allow(missing_docs, reason = "the fields of the record say it")]
impl Order {
    pub fn id(&self) -> &OrderId {
        &self.record.order_id
    }

    pub fn number(&self) -> Option<OrderNumber> {
        self.record.number
    }

    pub fn version(&self) -> u64 {
        self.record.version
    }

    pub fn status(&self) -> Status {
        self.record.status
    }

    /// The status as people and programs are shown it. It is another one than the stored one from an approval until
    /// the workflow has heard of it: the order waits for nobody's review any more, and can't be paid yet.
    pub fn shown_status(&self) -> Status {
        match self.record.status {
            Status::AwaitingAudit if self.audit().is_some_and(|audit| audit.approved) => Status::Reserved,
            status => status,
        }
    }

    pub fn reason(&self) -> Option<Reason> {
        self.record.reason
    }

    pub fn customer_id(&self) -> Option<&str> {
        self.record.customer_id.as_deref()
    }

    pub fn email(&self) -> Option<&Email> {
        self.record.email.as_ref()
    }

    pub fn language(&self) -> Language {
        self.record.language
    }

    pub fn address(&self) -> Option<&Address> {
        self.record.address.as_ref()
    }

    pub fn amount(&self) -> Money {
        self.record.amount
    }

    pub fn items(&self) -> &[Item] {
        &self.record.items
    }

    pub fn timeline(&self) -> &[Change] {
        &self.record.timeline
    }

    /// The moment at which the order was created, which its timeline begins with.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.record.timeline.first().map(|change| change.at)
    }

    pub fn shipments(&self) -> &[Shipment] {
        &self.record.shipments
    }

    pub fn reservation(&self) -> Reservation {
        self.record.reservation
    }

    pub fn payment(&self) -> &Payment {
        &self.record.payment
    }

    /// The moment until which the customer may pay, if they may.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.record.payment.deadline
    }

    pub fn needs_audit(&self) -> bool {
        self.record.needs_audit
    }

    pub fn audit(&self) -> Option<&Audit> {
        self.record.audit.as_ref()
    }

    pub fn missing(&self) -> &[Missing] {
        &self.record.missing
    }

    pub fn failure(&self) -> Option<&str> {
        self.record.failure.as_deref()
    }

    pub fn task_token(&self) -> Option<&str> {
        self.record.task_token.as_deref()
    }

    /// Why the order needs attention, or last did.
    pub fn attention(&self) -> Option<&Attention> {
        self.record.attention.as_ref()
    }

    /// The name of the execution of the order's workflow: the order's id, and for one that took up the work
    /// of an earlier one its number behind that.
    pub fn execution_name(&self) -> String {
        self.record.order_id.execution_name(self.record.execution)
    }

    pub fn pending_signal(&self) -> Option<Signal> {
        self.record.pending_signal
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use proptest::prelude::*;

    use super::samples::{now, received, token};
    use super::*;
    use crate::allocation::Share;
    use crate::payment_gateway::{MoneyAt, PaymentReport};

    /// The number of decisions that [`decide`] knows.
    const DECISIONS: u8 = 35;

    /// Makes one of all decisions there are, `seconds` after the order was made.
    fn decide(order: &mut Order, decision: u8, seconds: i64) -> Result<(), Refusal> {
        let now = now() + Duration::seconds(seconds);
        let items = vec![Line { product_id: "p".to_owned(), quantity: 1 }];
        let share = || Share { warehouse: "wh-east".to_owned(), items: items.clone() };
        match decision {
            0 => order.reserve(vec![share()], now),
            1 => order.run_out_of_stock(Vec::new(), now),
            2 => order.request_audit(token("a", 0), now),
            3 => order.review(true, None, now),
            4 => order.review(false, None, now),
            5 => order.open_window(token("w", 0), now + Duration::seconds(5), now).map(drop),
            6 => order.pay("pm_card", now),
            7 => order.expire(now),
            8 => order.cancel(now),
            9 => order.capture(now),
            10 => order.ship("wh-east", "t", now),
            11 => order.complete(now),
            12 => order.begin_compensation(Reason::InternalError, Some("why".to_owned()), now),
            13 => order.cancel_shipments(),
            14 => order.refund(true),
            15 => order.release_stock().map(drop),
            16 => order.close(now),
            17 => order.need_attention(Failed::default(), now),
            18 => {
                order.take_up(now);
                Ok(())
            }
            19 => order.retry(Actor::SYSTEM, None, now),
            20 => order.dispatch("wh-east", Some(token("s", 0)), now),
            21 => order.reject("wh-east", None, now),
            22 => order.reallocate("wh-east", "wh-west"),
            23..=27 => {
                let event = WarehouseEvent::ALL[usize::from(decision - 23)];
                let from = if seconds % 2 == 0 { "wh-east" } else { "wh-west" };
                order.hear(from, &Report { event, parcel: "t".into(), reason: None }, now)
            }
            31 => order.erase_customer(),
            32 => order.complete_with_last_shipment((seconds % 2 == 0).then_some("s"), now).map(drop),
            33 => {
                let read = order.clone();
                order.settle(&read, now);
                Ok(())
            }
            28 => order.note_payment("pi_1"),
            29 => order.pay_at_provider(Some("pm_1"), now),
            30 => {
                let money = if seconds % 2 == 0 { MoneyAt::Held } else { MoneyAt::Returned };
                order.learn(&PaymentReport { cancelled: seconds > 4, ..PaymentReport::of(money) }, None, now);
                Ok(())
            }
            _ => {
                let money = if seconds % 2 == 0 { SettledMoney::Kept } else { SettledMoney::Refunded };
                let stock = if seconds < 5 { SettledStock::Released } else { SettledStock::Sold };
                order.resolve(Resolution { money, stock, note: String::new() }, Actor::SYSTEM, now)
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_decided_the_order_goes_by_the_table_and_a_refused_decision_changes_nothing(
            prepaid in any::<bool>(),
            needs_audit in any::<bool>(),
            decisions in proptest::collection::vec((0..DECISIONS, 0i64..9), 0..60),
        ) {
            let mut order = received(prepaid.then_some("pm_card"), needs_audit);
            for (decision, seconds) in decisions {
                let before = order.clone();
                if decide(&mut order, decision, seconds).is_err() {
                    prop_assert_eq!(&order, &before);
                }
                let steps = order.timeline().windows(2);
                for step in steps {
                    prop_assert!(step[0].status.next().contains(&step[1].status), "{:?}", step);
                }
                prop_assert_eq!(order.timeline().last().map(|change| change.status), Some(order.status()));
                prop_assert_eq!(order.reason().is_some(), order.standing().is_undone());
                let lines: usize = order.held_shipments().map(|shipment| shipment.items.len()).sum();
                prop_assert!(order.shipments().is_empty() || lines == 1, "each piece is shipped from one place");
                let tell = order.pending_shipments().next().is_some();
                prop_assert!(!tell || order.pending_signal().is_some(), "nobody would find it: {:?}", order);
                let is_listed = order.record.pending_since.is_some();
                prop_assert_eq!(order.pending_signal().is_some(), is_listed, "nobody would find it: {:?}", order);
                if order.status() == Status::Completed {
                    prop_assert_eq!(order.reservation(), Reservation::Sold);
                }
                prop_assert_eq!(order.version(), 0, "only the store counts writes");
                prop_assert!(before.unannounced_from() <= order.unannounced_from());
            }
        }
    }
}
