//! The parts that an order is made of.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::email::Email;
use crate::language::Language;
use crate::money::Money;
use crate::order::{Actor, PaymentEntry, Unknown};
use crate::payment_gateway::Dispute;
use crate::status::Status;

/// What a customer orders.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// The customer; `None`, or an empty text, for an order of nobody in particular.
    pub customer_id: Option<String>,
    /// The address that messages about the order go to, if there is one.
    pub email: Option<Email>,
    /// The language of these messages.
    pub language: Language,
    /// The address that the goods go to, if the order names one.
    pub address: Option<Address>,
    /// The products.
    pub items: Vec<Item>,
    /// The price of the whole order.
    pub amount: Money,
    /// The payment method, when the order brings one, so that nobody has to wait for the payment.
    pub method: Option<String>,
    /// Whether a person must approve the order before it can be paid.
    pub needs_audit: bool,
}

/// One product in an order, and how many pieces of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The id that the product has in the catalogue.
    pub product_id: String,
    /// The product's name as the customer wrote it, or else as the catalogue has it.
    pub name: String,
    /// The number of pieces.
    pub quantity: u32,
    /// The price of one piece; `None` when only the amount of the whole order is known.
    pub price: Option<Money>,
    /// What a later release stored with the item.
    pub unknown: Unknown,
}

/// The moment at which an order came to a status.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Change {
    pub status: Status,
    pub at: DateTime<Utc>,
    /// Who brought the order there, where that is known; else the workflow did.
    pub by: Option<Actor>,
    /// What they wrote about it.
    pub note: Option<String>,
}

impl Change {
    /// A change that nobody signed.
    pub fn to(status: Status, at: DateTime<Utc>) -> Self {
        Self { status, at, by: None, note: None }
    }
}

/// What became of the stock that an order wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reservation {
    /// Nothing was set aside yet.
    None,
    /// The stock is set aside for the order.
    Held,
    /// The stock that was set aside can be ordered again.
    Released,
    /// The stock is sold.
    Sold,
    /// The goods are gone, and nobody paid for them.
    Lost,
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The payment method; `None` until the customer pays.
    pub method: Option<String>,
    /// Where the money is.
    pub state: PaymentState,
    /// The moment until which the customer may pay; `None` while nobody is waited for.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether the method came with the order, so that nobody has to wait for it.
    pub prepaid: bool,
    /// The id that the payment provider gave the payment; `None` until it was opened there.
    pub provider_id: Option<String>,
    /// What was given back at the provider, past this system; `None` when nothing was.
    pub returned: Option<Money>,
    /// How the dispute about the payment stands; `None` when there is none.
    pub dispute: Option<Dispute>,
    /// What became known of the money beside the statuses of the order, oldest first.
    pub history: Vec<PaymentEntry>,
    /// What a later release stored with the payment.
    pub unknown: Unknown,
}

/// Where the money of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentState {
    /// The customer has not paid, or need not yet.
    Pending,
    /// The customer named the method to charge.
    Authorised,
    /// The money was taken.
    Captured,
    /// The money was given back.
    Refunded,
    /// The money will never be taken.
    Void,
}

/// The verdict of the person who reviewed an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Audit {
    /// Whether the order may go on.
    pub approved: bool,
    /// What the reviewer wrote about it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The moment of the verdict.
    pub at: DateTime<Utc>,
    /// The reviewer; `None` where an earlier release took the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// What a later release stored with the verdict.
    #[serde(skip)]
    pub unknown: Unknown,
}
