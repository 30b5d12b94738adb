//! What other systems hear of an order: an event for every change of its status.
//!
//! An activity publishes after its write, and again when it is repeated. The id of the event is the same
//! then, so that a listener can drop the repeat. An order goes on also when an event can't be published.

use serde_json::{Value, json};

use crate::order::{Change, Order};
use crate::status::Status;

/// The `source` of all events (Amazon EventBridge User Guide, "Event structure").
pub const SOURCE: &str = "omniflow.orders";
/// The `detail-type` of all events.
pub const DETAIL_TYPE: &str = "Order Status Changed";
/// The version of the detail, which `events/order-status-changed.schema.json` describes. It counts up when a
/// listener that knows the shape before would misunderstand it; a new optional member is no reason.
pub const VERSION: u32 = 1;

/// The detail of the event about this change of the order.
pub fn detail(order: &Order, change: &Change) -> Value {
    let mut detail = json!({
        "version": VERSION,
        "event_id": format!("{}:{}", order.id(), change.status),
        "order_id": order.id().as_str(),
        "state": change.status.name(),
        "at": change.at,
        "amount": order.amount().to_string(),
        "currency": order.amount().currency(),
        "language": order.language(),
    });
    if let Some(customer) = order.customer_id() {
        detail["customer_id"] = json!(customer);
    }
    if let Some(email) = order.email() {
        detail["email"] = json!(email);
    }
    if let Some(reason) = order.reason().filter(|_| change.status.is_undone()) {
        detail["reason"] = json!(reason);
    }
    detail
}

/// The changes by which the order came to one of these statuses.
pub fn changes<'a>(order: &'a Order, statuses: &'a [Status]) -> impl Iterator<Item = &'a Change> {
    order.timeline().iter().filter(|change| statuses.contains(&change.status))
}
