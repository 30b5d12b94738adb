//! An order as a DynamoDB item: one JSON document, beside the attributes that keys, indexes and conditions need.
//!
//! A document is read and written in one piece whatever the order holds, where a nested attribute for each list, map
//! and text in it would be marshalled one by one, on every call.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::Error;
use crate::order::{Order, OrderId, Signal};
use crate::status::Status;

#[derive(Serialize)]
struct Keys<'a> {
    order_id: &'a OrderId,
    version: u64,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_signal: Option<Signal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_since: Option<i64>,
    document: String,
}

#[derive(Deserialize)]
struct Document {
    document: String,
}

pub(super) fn of(order: &Order) -> Result<HashMap<String, AttributeValue>, Error> {
    let keys = Keys {
        order_id: &order.order_id,
        version: order.version,
        status: order.status,
        customer_id: order.customer_id.as_deref().filter(|customer| !customer.is_empty()),
        pending_signal: order.pending_signal,
        pending_since: order.pending_since,
        document: serde_json::to_string(order)?,
    };
    Ok(serde_dynamo::to_item(keys)?)
}

pub(super) fn read(item: HashMap<String, AttributeValue>) -> Result<Order, Error> {
    let Document { document } = serde_dynamo::from_item(item)?;
    Ok(serde_json::from_str(&document)?)
}
