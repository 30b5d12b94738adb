//! An order as a DynamoDB item: the attributes that keys, indexes and conditions need, and one JSON document with all
//! the rest.
//!
//! A document is read and written in one piece whatever the order holds, where a nested attribute for each list, map
//! and text in it would be marshalled one by one, on every call. An item of up to 1 KB costs one write unit (Amazon
//! DynamoDB, "Capacity unit consumption for write operations"), and an order is written eight times: so the document
//! repeats nothing, leaves out what is as usual, and has times in milliseconds since 1970. Earlier documents, which had
//! all fields and times as text, are still read.

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use omniflow_domain::allocation::{Line, Missing};
use omniflow_domain::email::Email;
use omniflow_domain::money::Money;
use omniflow_domain::order::{
    Audit, Change, Item, Order, OrderId, Payment, PaymentState, Reservation, Shipment, ShipmentState, Signal,
};
use omniflow_domain::status::{Reason, Status};
use omniflow_domain::texts::Language;

use crate::{Damage, Error, Unreadable};

#[derive(Serialize, Deserialize)]
struct Attributes {
    order_id: OrderId,
    version: u64,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_signal: Option<Signal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_since: Option<i64>,
    document: String,
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Reason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, Email>>,
    #[serde(default, skip_serializing_if = "is_default")]
    language: Language,
    amount: Money,
    items: Cow<'a, [Item]>,
    timeline: Vec<Entry>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    shipments: Vec<ShipmentDocument<'a>>,
    reservation: Reservation,
    payment: PaymentDocument<'a>,
    #[serde(default, skip_serializing_if = "is_default")]
    needs_audit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<Cow<'a, Audit>>,
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    missing: Cow<'a, [Missing]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_token: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "is_default")]
    token_attempt: u64,
}

#[derive(Serialize, Deserialize)]
struct ShipmentDocument<'a> {
    warehouse: Cow<'a, str>,
    items: Vec<Goods<'a>>,
    state: ShipmentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracking: Option<Cow<'a, str>>,
}

/// A product and how many of it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Goods<'a> {
    Pair(Cow<'a, str>, u32),
    Map { product_id: Cow<'a, str>, quantity: u32 },
}

#[derive(Serialize, Deserialize)]
struct PaymentDocument<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    method: Option<Cow<'a, str>>,
    state: PaymentState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<Time>,
    #[serde(default, skip_serializing_if = "is_default")]
    prepaid: bool,
}

/// A status and when it began.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Pair(Status, Time),
    Map { status: Status, at: Time },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Time {
    Milliseconds(#[serde(with = "chrono::serde::ts_milliseconds")] DateTime<Utc>),
    Text(DateTime<Utc>),
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
        Self { status, at: at.into() }
    }
}

impl<'a> From<&'a Shipment> for ShipmentDocument<'a> {
    fn from(shipment: &'a Shipment) -> Self {
        let goods = |line: &'a Line| Goods::Pair(Cow::Borrowed(&line.product_id), line.quantity);
        Self {
            warehouse: Cow::Borrowed(&shipment.warehouse),
            items: shipment.items.iter().map(goods).collect(),
            state: shipment.state,
            tracking: shipment.tracking.as_deref().map(Cow::Borrowed),
        }
    }
}

impl From<ShipmentDocument<'_>> for Shipment {
    fn from(shipment: ShipmentDocument<'_>) -> Self {
        let line = |goods| {
            let (Goods::Pair(product_id, quantity) | Goods::Map { product_id, quantity }) = goods;
            Line { product_id: product_id.into_owned(), quantity }
        };
        Self {
            warehouse: shipment.warehouse.into_owned(),
            items: shipment.items.into_iter().map(line).collect(),
            state: shipment.state,
            tracking: shipment.tracking.map(Cow::into_owned),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) fn of(order: &Order) -> Result<HashMap<String, AttributeValue>, Error> {
    let document = Document {
        reason: order.reason,
        email: order.email.as_ref().map(Cow::Borrowed),
        language: order.language,
        amount: order.amount,
        items: Cow::Borrowed(&order.items),
        timeline: order.timeline.iter().map(Entry::from).collect(),
        shipments: order.shipments.iter().map(ShipmentDocument::from).collect(),
        reservation: order.reservation,
        payment: PaymentDocument {
            method: order.payment.method.as_deref().map(Cow::Borrowed),
            state: order.payment.state,
            deadline: order.payment.deadline.map(Time::Milliseconds),
            prepaid: order.payment.prepaid,
        },
        needs_audit: order.needs_audit,
        audit: order.audit.as_ref().map(Cow::Borrowed),
        missing: Cow::Borrowed(&order.missing),
        failure: order.failure.as_deref().map(Cow::Borrowed),
        task_token: order.task_token.as_deref().map(Cow::Borrowed),
        token_attempt: order.token_attempt,
    };
    let attributes = Attributes {
        order_id: order.order_id.clone(),
        version: order.version,
        status: order.status,
        customer_id: order.customer_id.clone(),
        pending_signal: order.pending_signal,
        pending_since: order.pending_since,
        document: serde_json::to_string(&document)?,
    };
    Ok(serde_dynamo::to_item(attributes)?)
}

/// The order that the item with this id is.
pub(super) fn read(id: &OrderId, item: HashMap<String, AttributeValue>) -> Result<Order, Unreadable> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let customer_id = text("customer_id").cloned();
    let status = text("status").and_then(|name| Status::parse(name));
    parse(item).map_err(|source| Unreadable { order_id: id.clone(), customer_id, status, source })
}

fn parse(item: HashMap<String, AttributeValue>) -> Result<Order, Damage> {
    let Attributes { order_id, version, status, customer_id, pending_signal, pending_since, document } =
        serde_dynamo::from_item(item)?;
    let document: Document<'_> = serde_json::from_str(&document)?;
    Ok(Order {
        order_id,
        version,
        status,
        reason: document.reason,
        customer_id,
        email: document.email.map(Cow::into_owned),
        language: document.language,
        amount: document.amount,
        items: document.items.into_owned(),
        timeline: document.timeline.into_iter().map(Change::from).collect(),
        shipments: document.shipments.into_iter().map(Shipment::from).collect(),
        reservation: document.reservation,
        payment: Payment {
            method: document.payment.method.map(Cow::into_owned),
            state: document.payment.state,
            deadline: document.payment.deadline.map(DateTime::from),
            prepaid: document.payment.prepaid,
        },
        needs_audit: document.needs_audit,
        audit: document.audit.map(Cow::into_owned),
        missing: document.missing.into_owned(),
        failure: document.failure.map(Cow::into_owned),
        task_token: document.task_token.map(Cow::into_owned),
        token_attempt: document.token_attempt,
        pending_signal,
        pending_since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(document: &str) -> HashMap<String, AttributeValue> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        HashMap::from([
            ("order_id".to_owned(), text("ORD-1800000000000000007")),
            ("version".to_owned(), AttributeValue::N("4".to_owned())),
            ("status".to_owned(), text("PAYMENT_RECEIVED")),
            ("customer_id".to_owned(), text("ann")),
            ("pending_signal".to_owned(), text("PAID")),
            ("pending_since".to_owned(), AttributeValue::N("1800000002000".to_owned())),
            ("document".to_owned(), text(document)),
        ])
    }

    const DOCUMENT: &str = r#"{
        "amount": "499.00",
        "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
        "timeline": [["RECEIVED", 1800000000000], ["PAYMENT_RECEIVED", 1800000002000]],
        "shipments": [{ "warehouse": "w", "items": [["p", 2]], "state": "PENDING" }],
        "reservation": "HELD",
        "payment": { "method": "pm_card", "state": "AUTHORISED", "deadline": 1800000030000 },
        "task_token": "token"
    }"#;

    /// As it was written at first.
    const EARLIER: &str = r#"{
        "order_id": "ORD-1800000000000000007", "version": 4, "status": "PAYMENT_RECEIVED", "customer_id": "ann",
        "language": "zh",
        "amount": "499.00",
        "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
        "timeline": [
            { "status": "RECEIVED", "at": "2027-01-15T08:00:00Z" },
            { "status": "PAYMENT_RECEIVED", "at": "2027-01-15T08:00:02.000Z" }
        ],
        "shipments": [{ "warehouse": "w", "items": [{ "product_id": "p", "quantity": 2 }], "state": "PENDING" }],
        "reservation": "HELD",
        "payment": {
            "method": "pm_card", "state": "AUTHORISED", "deadline": "2027-01-15T08:00:30Z", "prepaid": false
        },
        "needs_audit": false, "task_token": "token", "token_attempt": 0,
        "pending_signal": "PAID", "pending_since": 1800000002000
    }"#;

    fn read(item: HashMap<String, AttributeValue>) -> Result<Order, Unreadable> {
        super::read(&OrderId::parse("ORD-1800000000000000007").unwrap(), item)
    }

    #[test]
    fn what_is_written_is_read() {
        let order = read(stored(DOCUMENT)).unwrap();
        let item = of(&order).unwrap();
        let written: serde_json::Value = serde_json::from_str(item["document"].as_s().unwrap()).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(DOCUMENT).unwrap());
        assert_eq!(read(item).unwrap(), order);
    }

    #[test]
    fn earlier_documents_are_read() {
        assert_eq!(read(stored(EARLIER)).unwrap(), read(stored(DOCUMENT)).unwrap());
    }

    #[test]
    fn of_a_damaged_item_what_its_attributes_say_is_known() {
        let money = |amount: &str| DOCUMENT.replace("499.00", amount);
        for document in
            ["", "{}", "no document", &DOCUMENT[..100], &money("4e2"), &money("-1.00"), &money("4_9.00")]
        {
            let unreadable = read(stored(document)).unwrap_err();
            assert_eq!(unreadable.order_id.as_str(), "ORD-1800000000000000007");
            assert_eq!(unreadable.customer_id.as_deref(), Some("ann"));
            assert_eq!(unreadable.status, Some(Status::PaymentReceived));
        }
        let mut item = stored(DOCUMENT);
        item.insert("status".to_owned(), AttributeValue::S("LOST".to_owned()));
        item.insert("customer_id".to_owned(), AttributeValue::Bool(true));
        let unreadable = read(item).unwrap_err();
        assert_eq!((unreadable.customer_id, unreadable.status), (None, None));
    }
}
