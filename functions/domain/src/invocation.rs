//! What is logged of every invocation, wherever it runs: the function, the order, the execution that invoked it, and
//! whether it failed. All that the function logs meanwhile carries the same fields. Never the event: it holds personal
//! data.

use serde_json::Value;
use tracing::{Instrument as _, Span, error_span, info, warn};

use crate::handler::{Fault, Handler};

/// Where events name their order: those of a state machine, of the order bus, of API Gateway.
const ORDER_ID: [&str; 3] = ["/order_id", "/detail/order_id", "/pathParameters/order_id"];

/// Handles the event, and logs that it did.
///
/// # Errors
/// Those of the handler.
pub async fn logged(handler: &dyn Handler, function: &str, event: Value) -> Result<Value, Fault> {
    let span = span(function, &event);
    async move {
        let answer = handler.handle(event).await;
        match &answer {
            Ok(_) => info!("done"),
            Err(Fault { error_type, message }) => warn!(error_type, message, "failed"),
        }
        answer
    }
    .instrument(span)
    .await
}

fn span(function: &str, event: &Value) -> Span {
    let order_id = || ORDER_ID.iter().find_map(|place| event.pointer(place)?.as_str());
    let execution = || event.get("execution").and_then(Value::as_str);
    let path = || event.get("rawPath").and_then(Value::as_str);
    // As important as the gravest thing that may be logged within it.
    error_span!("invocation", function, order_id = order_id(), execution = execution(), path = path())
}
