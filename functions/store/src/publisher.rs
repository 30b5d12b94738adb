//! Publishes the changes of orders to an event bus.

use std::sync::Arc;

use aws_sdk_eventbridge::operation::put_events::PutEventsInput;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use omniflow_domain::event::{DETAIL_TYPE, SOURCE, changes, detail};
use omniflow_domain::{Order, Status};
use omniflow_services::EventBridge;

/// Publishes the changes of orders to one event bus.
#[derive(Clone)]
pub struct Publisher {
    events: Arc<dyn EventBridge>,
    bus: String,
}

impl Publisher {
    /// Makes a publisher to the bus of this name.
    pub fn new(events: Arc<dyn EventBridge>, bus: &str) -> Self {
        Self { events, bus: bus.to_owned() }
    }

    /// Publishes the changes by which the order came to these statuses, in one call. A failure is logged and
    /// nothing else.
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
            Ok(answer) => tracing::warn!(order_id = %order.id(), ?answer, "some events were refused"),
            Err(error) => {
                tracing::warn!(order_id = %order.id(), %error, "no events could be published")
            }
        }
    }
}
