//! What others hear of an order: an event for every change of its status.
//!
//! Activities publish after their write, and publish again when they are repeated; the id is the same then, so that
//! whoever listens can drop the repeat. An event that can't be published never fails the order.

use serde_json::{Value, json};

use crate::order::{Change, Order};
use crate::status::Status;

/// The `source` of all events.
pub const SOURCE: &str = "omniflow.orders";
/// The `detail-type` of all events.
pub const DETAIL_TYPE: &str = "Order Status Changed";
/// The version of the detail's shape, which `events/order-status-changed.schema.json` describes. It counts up when a
/// listener that knows the shape before would misunderstand it; a new optional member is no reason.
pub const VERSION: u32 = 1;

/// The detail of the event that a change is.
pub fn detail(order: &Order, change: &Change) -> Value {
    let mut detail = json!({
        "version": VERSION,
        "event_id": format!("{}:{}", order.id(), change.status),
        "order_id": order.id().as_str(),
        "state": change.status.name(),
        "at": change.at,
        "amount": order.amount().to_string(),
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

/// The changes to these statuses.
pub fn changes<'a>(order: &'a Order, statuses: &'a [Status]) -> impl Iterator<Item = &'a Change> {
    order.timeline().iter().filter(|change| statuses.contains(&change.status))
}
