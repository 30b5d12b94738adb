//! An order as a DynamoDB item: the attributes that keys, indexes and conditions need, and one JSON document
//! with all the rest.
//!
//! A document is read and written in one piece whatever the order holds, where a nested attribute for each
//! list, map and text in it would be marshalled one by one, on every call. An item of up to 1 KB costs one
//! write unit (Amazon DynamoDB, "Capacity unit consumption for write operations"), and an order is written
//! eight times: so the document repeats nothing, leaves out what is as usual, and has times in milliseconds
//! since 1970.
//!
//! Releases work on the same orders side by side while one takes the place of another, and when it is taken
//! back. A document says the number of its form, and one of a later form is refused. Members and attributes
//! that this release doesn't know are kept with the order and written back: those of the item, of the
//! document, and in the document those of the payment, the review, each ordered item, each shipment and each
//! return. Pairs (a status and its time, a product and its quantity) and the list of what is missing have no place for
//! more.

mod attention;
mod attribute;
mod document;
mod keys;
mod payment;
mod returns;
mod shipment;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use omniflow_domain::order::{Order, OrderId, Signal, Unknown, WriteId, Writes};
use omniflow_domain::status::Status;

use crate::{Damage, Error, Unreadable};
use attribute::Attribute;
use document::{Document, form_of};

pub(crate) use attribute::UnknownType;
pub(crate) use document::FORM;
pub(crate) use keys::{IndexKeys, sharded_keys};

type AttributeMap = HashMap<String, AttributeValue>;

/// All known attributes except the document.
#[derive(Serialize, Deserialize)]
struct Attributes {
    order_id: OrderId,
    version: u64,
    #[serde(default, skip_serializing_if = "Writes::are_unknown")]
    writes: Writes,
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_signal: Option<Signal>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending_since: Option<i64>,
}

/// The names of [`Attributes`].
const KNOWN: [&str; 7] =
    ["order_id", "version", "writes", "status", "customer_id", "pending_signal", "pending_since"];
/// The attributes that are partition keys of indexes and may name a shard.
const SHARDED: [&str; 2] = ["status", "pending_signal"];
/// The attribute that holds the document.
const DOCUMENT: &str = "document";

/// The item that the order is stored as, with such keys of the indexes.
pub(super) fn of(order: &Order, keys: IndexKeys) -> Result<AttributeMap, Error> {
    let record = order.record();
    let attributes = Attributes {
        order_id: record.order_id.clone(),
        version: record.version,
        writes: record.writes.clone(),
        status: record.status,
        customer_id: record.customer_id.clone(),
        pending_signal: record.pending_signal,
        pending_since: record.pending_since,
    };
    let mut item: AttributeMap = serde_dynamo::to_item(attributes)?;
    for name in SHARDED {
        if let Some(AttributeValue::S(key)) = item.get_mut(name) {
            *key = keys.key(key, &record.order_id);
        }
    }
    let document = serde_json::to_string(&Document::from(record))?;
    item.insert(DOCUMENT.to_owned(), AttributeValue::S(document));
    for (name, value) in record.unknown_attributes.iter() {
        item.insert(name.clone(), Attribute::deserialize(value)?.into());
    }
    Ok(item)
}

/// Whether the item came about by the write of this name, or by others after it. It tells that also of an
/// item that can't be read as an order.
pub(super) fn was_written_by(item: &AttributeMap, id: WriteId) -> bool {
    let writes = item.get("writes").and_then(|writes| writes.as_s().ok());
    writes.is_some_and(|writes| Writes::parse(writes).contain(id))
}

/// The order that the item with this id is.
pub(super) fn read(id: &OrderId, item: AttributeMap) -> Result<Order, Unreadable> {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok());
    let customer_id = text("customer_id").cloned();
    let status = text("status").and_then(|key| Status::parse(keys::name_in(key)));
    parse(item).map_err(|source| Unreadable { order_id: id.clone(), customer_id, status, source })
}

/// The order that an item of the orders' table is, for programs that watch the table's writes; `None` for an
/// item without an order's id.
pub fn order_of(item: AttributeMap) -> Option<Result<Order, Unreadable>> {
    let id = item.get("order_id").and_then(|id| OrderId::parse(id.as_s().ok()?).ok())?;
    Some(read(&id, item))
}

fn parse(mut item: AttributeMap) -> Result<Order, Damage> {
    let document = match item.remove(DOCUMENT) {
        Some(AttributeValue::S(document)) => document,
        _ => return Err(Damage::NoDocument),
    };
    // Whatever can't be understood of a later form is so because of that.
    parse_with(item, &document).map_err(|damage| match form_of(&document) {
        Some(form) if form > FORM => Damage::Later { form },
        _ => damage,
    })
}

fn parse_with(mut item: AttributeMap, document: &str) -> Result<Order, Damage> {
    let mut known: AttributeMap = KNOWN.iter().filter_map(|name| item.remove_entry(*name)).collect();
    for name in SHARDED {
        if let Some(AttributeValue::S(key)) = known.get_mut(name) {
            key.truncate(keys::name_in(key).len());
        }
    }
    let attributes: Attributes = serde_dynamo::from_item(known)?;
    let document: Document<'_> = serde_json::from_str(document)?;
    if document.form() > FORM {
        return Err(Damage::Later { form: document.form() });
    }
    Ok(Order::restore(document.into_record(attributes, unknown(item)?)?))
}

fn unknown(attributes: AttributeMap) -> Result<Unknown, Damage> {
    let mut kept = Map::new();
    for (name, value) in attributes {
        let value: Value = serde_json::to_value(Attribute::try_from(value)?)?;
        kept.insert(name, value);
    }
    Ok(kept.into())
}

#[cfg(test)]
mod returns_tests;
#[cfg(test)]
mod tests;
