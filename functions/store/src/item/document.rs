//! The JSON document in an order's item, and how it becomes an order's record and is made of one.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use omniflow_domain::allocation::Missing;
use omniflow_domain::email::Email;
use omniflow_domain::money::{self, Money};
use omniflow_domain::order::{
    Actor, Announcements, Audit, Change, Item, OrderNumber, OrderRecord, Reservation, Role, Unknown,
};
use omniflow_domain::status::{Reason, Status};
use omniflow_domain::{Address, Currency, Language};

use super::attention::{AttentionDocument, SignedDocument, Signer, places, signed};
use super::payment::PaymentDocument;
use super::returns::ReturnDocument;
use super::shipment::{ShipmentDocument, needs_later_release};

/// The number of the latest form. It counts up when an earlier release would misunderstand a document; a new
/// member is no reason, since earlier releases keep what they don't know.
///
/// Form 0 doesn't say its number. It is the one of release 0.1, and the one before that: with times as text,
/// and with the attributes of the item repeated in it. Form 2 is that of orders which need attention or once
/// did: earlier releases would undo them, and tell the wrong execution. Form 3 is that of orders with a shipment
/// whose warehouse answers later, or that another warehouse ships: earlier releases don't know its states, and
/// would sell its goods twice. Form 4 is that of orders with returns: earlier releases don't know their signals, and would
/// drop what has to be told. All others are written in form 1, so that earlier releases go on to understand
/// them.
pub(crate) const FORM: u32 = 4;
/// The form of orders with a shipment that releases before 0.2 would misunderstand.
const SHIPMENT_FORM: u32 = 3;
/// The form of orders that need attention or once did.
const ATTENTION_FORM: u32 = 2;
/// The form of orders that earlier releases understand.
const USUAL_FORM: u32 = 1;

/// Members of the first documents that repeat attributes of the item, or are attributes now.
const REPEATED: [&str; 6] =
    ["order_id", "version", "status", "customer_id", "pending_signal", "pending_since"];

#[derive(Serialize, Deserialize)]
pub(super) struct Document<'a> {
    /// The number of the form.
    #[serde(default)]
    v: u32,
    /// Missing where a release wrote the order that gave no numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<OrderNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, Email>>,
    #[serde(default, skip_serializing_if = "is_default")]
    language: Language,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<Cow<'a, Address>>,
    /// The currency of the amount and of the prices. Left out, it is the one that all orders had before they
    /// said theirs.
    #[serde(default, skip_serializing_if = "is_default")]
    currency: Currency,
    amount: String,
    items: Vec<ItemDocument<'a>>,
    timeline: Vec<Entry>,
    /// Missing where an earlier release wrote the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    announce_from: Option<usize>,
    #[serde(default, skip_serializing_if = "is_default")]
    announce_late: bool,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    shipments: Vec<ShipmentDocument<'a>>,
    reservation: Reservation,
    payment: PaymentDocument<'a>,
    #[serde(default, skip_serializing_if = "is_default")]
    needs_audit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<AuditDocument<'a>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    missing: Cow<'a, [Missing]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    token_redrive: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    token_attempt: u64,
    /// The entries of the timeline that somebody signed. They have no place for it, and an earlier release
    /// keeps a member of the document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signed: Vec<SignedDocument<'a>>,
    /// The places of the entries that the order's customer decided, of those that an operator did of whom nobody
    /// knows more, and of those that the system did. Most entries that somebody signed are such, and an order has to stay small.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_customer: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_operator: Vec<usize>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by_system: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attention: Option<AttentionDocument<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    returns: Vec<ReturnDocument<'a>>,
    #[serde(default = "first_execution", skip_serializing_if = "is_first_execution")]
    execution: u32,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

#[derive(Serialize, Deserialize)]
struct ItemDocument<'a> {
    product_id: Cow<'a, str>,
    name: Cow<'a, str>,
    quantity: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

#[derive(Serialize, Deserialize)]
struct AuditDocument<'a> {
    approved: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    /// A text also now: only large orders have it.
    at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'a, Actor>>,
    #[serde(flatten)]
    unknown: Cow<'a, Unknown>,
}

/// A status and the moment at which it began.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Pair(Status, Time),
    Map { status: Status, at: Time },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Time {
    Milliseconds(#[serde(with = "chrono::serde::ts_milliseconds")] DateTime<Utc>),
    Text(DateTime<Utc>),
}

/// The number of a document's form, for documents that can't be read otherwise.
pub(super) fn form_of(document: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Form {
        #[serde(default)]
        v: u32,
    }
    serde_json::from_str(document).ok().map(|Form { v }| v)
}

impl<'a> From<&'a OrderRecord> for Document<'a> {
    fn from(record: &'a OrderRecord) -> Self {
        Self {
            v: form_of_record(record),
            number: record.number,
            reason: record.reason,
            email: record.email.as_ref().map(Cow::Borrowed),
            language: record.language,
            address: record.address.as_ref().map(Cow::Borrowed),
            currency: record.amount.currency(),
            amount: record.amount.to_string(),
            items: record.items.iter().map(ItemDocument::from).collect(),
            timeline: record.timeline.iter().map(Entry::from).collect(),
            announce_from: Some(record.announcements.from),
            announce_late: record.announcements.late,
            shipments: record.shipments.iter().map(ShipmentDocument::from).collect(),
            reservation: record.reservation,
            payment: PaymentDocument::from(&record.payment),
            needs_audit: record.needs_audit,
            audit: record.audit.as_ref().map(AuditDocument::from),
            missing: Cow::Borrowed(&record.missing),
            failure: record.failure.as_deref().map(Cow::Borrowed),
            task_token: record.task_token.as_deref().map(Cow::Borrowed),
            token_redrive: record.token_redrive,
            token_attempt: record.token_attempt,
            signed: signed(record),
            by_customer: places(record, Signer::Customer),
            by_operator: places(record, Signer::SomeOperator),
            by_system: places(record, Signer::System),
            attention: record.attention.as_ref().map(AttentionDocument::from),
            returns: record.returns.iter().map(ReturnDocument::from).collect(),
            execution: record.execution,
            unknown: Cow::Borrowed(&record.unknown),
        }
    }
}

impl Document<'_> {
    /// The number of the document's form.
    pub(super) fn form(&self) -> u32 {
        self.v
    }

    /// The record that this document and the attributes around it are.
    ///
    /// # Errors
    /// When what should be an amount in the document's currency is none.
    pub(super) fn into_record(
        self,
        attributes: super::Attributes,
        unknown_attributes: Unknown,
    ) -> Result<OrderRecord, money::Error> {
        let currency = self.currency;
        let items = self.items.into_iter().map(|item| item.into_item(currency));
        let returns = self.returns.into_iter().map(|it| it.into_return(currency));
        let mut timeline: Vec<_> = self.timeline.into_iter().map(Change::from).collect();
        let customer = attributes.customer_id.as_ref();
        let customer = Actor { id: customer.cloned(), ..Actor::nameless(Role::Customer) };
        let shortly = [
            (self.by_customer, customer),
            (self.by_operator, Actor::nameless(Role::Operator)),
            (self.by_system, Actor::SYSTEM),
        ];
        for (places, actor) in shortly {
            for place in places {
                if let Some(change) = timeline.get_mut(place) {
                    change.by = Some(actor.clone());
                }
            }
        }
        for signed in self.signed {
            if let Some(change) = timeline.get_mut(signed.entry) {
                change.by = Some(signed.by.into_owned());
                change.note = signed.note.map(Cow::into_owned);
            }
        }
        Ok(OrderRecord {
            order_id: attributes.order_id,
            number: self.number,
            version: attributes.version,
            writes: attributes.writes,
            status: attributes.status,
            reason: self.reason,
            customer_id: attributes.customer_id,
            email: self.email.map(Cow::into_owned),
            language: self.language,
            address: self.address.map(Cow::into_owned),
            amount: Money::parse(&self.amount, currency)?,
            items: items.collect::<Result<_, _>>()?,
            announcements: Announcements {
                // An earlier release published each change in its own step, and lost some. The last one may
                // have been decided outside of the workflow, which has still to announce it.
                from: self.announce_from.unwrap_or_else(|| timeline.len().saturating_sub(1)),
                late: self.announce_late,
            },
            timeline,
            shipments: self.shipments.into_iter().map(Into::into).collect(),
            reservation: self.reservation,
            payment: self.payment.into_payment(currency)?,
            needs_audit: self.needs_audit,
            audit: self.audit.map(Audit::from),
            missing: self.missing.into_owned(),
            failure: self.failure.map(Cow::into_owned),
            task_token: self.task_token.map(Cow::into_owned),
            token_redrive: self.token_redrive,
            token_attempt: self.token_attempt,
            attention: self.attention.map(Into::into),
            returns: returns.collect::<Result<_, _>>()?,
            execution: self.execution,
            pending_signal: attributes.pending_signal,
            pending_since: attributes.pending_since,
            unknown: if self.v == 0 {
                self.unknown.into_owned().without(&REPEATED)
            } else {
                self.unknown.into_owned()
            },
            unknown_attributes,
        })
    }
}

fn form_of_record(record: &OrderRecord) -> u32 {
    if !record.returns.is_empty() {
        FORM
    } else if record.shipments.iter().any(needs_later_release) {
        SHIPMENT_FORM
    } else if record.attention.is_some() || !is_first_execution(&record.execution) {
        ATTENTION_FORM
    } else {
        USUAL_FORM
    }
}

impl<'a> From<&'a Item> for ItemDocument<'a> {
    fn from(item: &'a Item) -> Self {
        Self {
            product_id: Cow::Borrowed(&item.product_id),
            name: Cow::Borrowed(&item.name),
            quantity: item.quantity,
            price: item.price.map(|price| price.to_string()),
            unknown: Cow::Borrowed(&item.unknown),
        }
    }
}

impl ItemDocument<'_> {
    /// The item, with its price in this currency.
    fn into_item(self, currency: Currency) -> Result<Item, money::Error> {
        Ok(Item {
            product_id: self.product_id.into_owned(),
            name: self.name.into_owned(),
            quantity: self.quantity,
            price: self.price.map(|price| Money::parse(&price, currency)).transpose()?,
            unknown: self.unknown.into_owned(),
        })
    }
}

impl<'a> From<&'a Audit> for AuditDocument<'a> {
    fn from(audit: &'a Audit) -> Self {
        Self {
            approved: audit.approved,
            note: audit.note.as_deref().map(Cow::Borrowed),
            at: audit.at,
            by: audit.by.as_ref().map(Cow::Borrowed),
            unknown: Cow::Borrowed(&audit.unknown),
        }
    }
}

impl From<AuditDocument<'_>> for Audit {
    fn from(audit: AuditDocument<'_>) -> Self {
        Self {
            approved: audit.approved,
            note: audit.note.map(Cow::into_owned),
            at: audit.at,
            by: audit.by.map(Cow::into_owned),
            unknown: audit.unknown.into_owned(),
        }
    }
}

impl From<Time> for DateTime<Utc> {
    fn from(time: Time) -> Self {
        match time {
            Time::Milliseconds(at) | Time::Text(at) => at,
        }
    }
}

impl From<&Change> for Entry {
    fn from(change: &Change) -> Self {
        Self::Pair(change.status, Time::Milliseconds(change.at))
    }
}

impl From<Entry> for Change {
    fn from(entry: Entry) -> Self {
        let (Entry::Pair(status, at) | Entry::Map { status, at }) = entry;
        Self::to(status, at.into())
    }
}

pub(super) const fn first_execution() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
pub(super) fn is_first_execution(number: &u32) -> bool {
    *number == first_execution()
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
