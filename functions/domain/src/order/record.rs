//! An order as it is stored: plain data, which anybody may read.

use crate::address::Address;
use crate::allocation::Missing;
use crate::email::Email;
use crate::language::Language;
use crate::money::Money;
use crate::order::returns::Return;
use crate::order::{
    Announcements, Attention, Audit, Change, Item, OrderId, OrderNumber, Payment, Reservation, Shipment,
    Signal, Unknown, Writes,
};
use crate::status::{Reason, Status};

/// All that is stored of an order. The store reads an order from it and writes one by it; what an order may
/// become, only the decisions of [`Order`](super::Order) say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The id, which is also the name of the executions of the order's workflow.
    pub order_id: OrderId,
    /// The number that people call it by; `None` for an order of a release that gave none.
    pub number: Option<OrderNumber>,
    /// The number of writes after the first; each is made on the condition that it is the next (optimistic
    /// concurrency).
    pub version: u64,
    /// Which writes made it what it is.
    pub writes: Writes,
    /// The status, which is the last of the timeline.
    pub status: Status,
    /// Why the order was not fulfilled; `None` for an order that was, or may still be.
    pub reason: Option<Reason>,
    /// The customer, if the order names one; never an empty text, which DynamoDB takes for no key.
    pub customer_id: Option<String>,
    /// The address that messages about the order go to, if there is one.
    pub email: Option<Email>,
    /// The language that the order was made in, which is that of the messages about it.
    pub language: Language,
    /// The address that the goods go to, if the order names one that was not erased.
    pub address: Option<Address>,
    /// The price of the whole order.
    pub amount: Money,
    /// The products that were ordered.
    pub items: Vec<Item>,
    /// Each status that the order came to, oldest first.
    pub timeline: Vec<Change>,
    /// Which of these others have still to be told of.
    pub announcements: Announcements,
    /// A shipment for each warehouse; none until stock is set aside.
    pub shipments: Vec<Shipment>,
    /// What became of the stock.
    pub reservation: Reservation,
    /// The payment.
    pub payment: Payment,
    /// Whether a person must approve the order before it can be paid.
    pub needs_audit: bool,
    /// What that person said; `None` until then.
    pub audit: Option<Audit>,
    /// The products of which there was too little.
    pub missing: Vec<Missing>,
    /// What went wrong, as people read it.
    pub failure: Option<String>,
    /// The token of the workflow's task that waits, if one does.
    pub task_token: Option<String>,
    /// How often the execution had been redriven when that task was given the token. A redrive counts the
    /// attempts of a task from 0 again.
    pub token_redrive: u64,
    /// The attempt of that task that the token was given to. Attempts may overtake each other: one that Step
    /// Functions has given up may still be running, and its token is dead.
    pub token_attempt: u64,
    /// Why the order needs attention, or last did.
    pub attention: Option<Attention>,
    /// The number of the execution of the order's workflow: 1 for the first, and one more for each that took
    /// up the work of the one before.
    pub execution: u32,
    /// What customers send back of the order, oldest first.
    pub returns: Vec<Return>,
    /// What the workflow must still be told.
    pub pending_signal: Option<Signal>,
    /// The moment since which the workflow must be told that, in milliseconds since 1970.
    pub pending_since: Option<i64>,
    /// What a later release stored in the order's document.
    pub unknown: Unknown,
    /// The attributes that a later release gave the order's item, in DynamoDB's JSON (Amazon DynamoDB API
    /// Reference, "AttributeValue").
    pub unknown_attributes: Unknown,
}
