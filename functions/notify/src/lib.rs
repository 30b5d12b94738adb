//! Tells customers what became of their orders. Whatever goes wrong here never touches the order.

use omniflow_domain::{ConfigError, Environment, Fault, Handler, Status, typed};
use serde::{Deserialize, Serialize};

/// An event of the order bus, as far as it matters here.
#[derive(Debug, Deserialize)]
struct OrderEvent {
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    event_id: String,
    order_id: String,
    state: Status,
    #[serde(default)]
    customer_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct Notified {
    event_id: String,
}

/// The function `notify-customer`: writes the message to the log.
///
/// # Errors
/// None now; a sender's address would be read here.
pub fn notify_customer(_environment: &Environment) -> Result<Box<dyn Handler>, ConfigError> {
    Ok(Box::new(typed(|event: OrderEvent| async move {
        let Detail { event_id, order_id, state, customer_id } = event.detail;
        tracing::info!(event_id, order_id, %state, customer = customer_id.as_deref().unwrap_or("-"), "customer notified");
        Ok::<_, Fault>(Notified { event_id })
    })))
}
