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
        "event_id": format!("{}:{}", order.order_id, change.status),
        "order_id": order.order_id.as_str(),
        "state": change.status.name(),
        "at": change.at,
        "amount": order.amount.to_string(),
        "language": order.language,
    });
    if let Some(customer) = &order.customer_id {
        detail["customer_id"] = json!(customer);
    }
    if let Some(email) = &order.email {
        detail["email"] = json!(email);
    }
    if let Some(reason) = order.reason.filter(|_| change.status.is_undone()) {
        detail["reason"] = json!(reason);
    }
    detail
}

/// The changes to these statuses.
pub fn changes<'a>(order: &'a Order, statuses: &'a [Status]) -> impl Iterator<Item = &'a Change> {
    order.timeline.iter().filter(|change| statuses.contains(&change.status))
}

#[cfg(feature = "eventbridge")]
pub use publisher::Publisher;

#[cfg(feature = "eventbridge")]
mod publisher {
    use std::sync::Arc;

    use aws_sdk_eventbridge::operation::put_events::PutEventsInput;
    use aws_sdk_eventbridge::types::PutEventsRequestEntry;

    use super::{DETAIL_TYPE, SOURCE, changes, detail};
    use crate::order::Order;
    use crate::services::EventBridge;
    use crate::status::Status;

    /// Publishes to one bus.
    #[derive(Clone)]
    pub struct Publisher {
        events: Arc<dyn EventBridge>,
        bus: String,
    }

    impl Publisher {
        /// To the bus of this name.
        pub fn new(events: Arc<dyn EventBridge>, bus: &str) -> Self {
            Self { events, bus: bus.to_owned() }
        }

        /// Publishes the order's changes to these statuses, in one call. What fails is only logged.
        pub async fn publish(&self, order: &Order, statuses: &[Status]) {
            let entries = changes(order, statuses).map(|change| {
                PutEventsRequestEntry::builder()
                    .event_bus_name(&self.bus)
                    .source(SOURCE)
                    .detail_type(DETAIL_TYPE)
                    .detail(detail(order, change).to_string())
                    .build()
            });
            let entries: Vec<_> = entries.collect();
            if entries.is_empty() {
                return;
            }
            match self.events.put_events(PutEventsInput::builder().set_entries(Some(entries))).await {
                Ok(answer) if answer.failed_entry_count() == 0 => {}
                Ok(answer) => tracing::warn!(order_id = %order.order_id, ?answer, "some events were refused"),
                Err(error) => {
                    tracing::warn!(order_id = %order.order_id, %error, "no events could be published")
                }
            }
        }
    }
}
