//! What is logged of every invocation, wherever it runs: the function, the order, the execution that invoked
//! it, and whether it failed. All that the function logs meanwhile carries the same fields. The event itself
//! is never logged, since it holds personal data.

use serde_json::Value;
use tracing::{Instrument as _, Span, error_span, info, warn};

use crate::{Fault, Handler};

/// The places where events name their order (JSON pointers, RFC 6901): those of a state machine, of the order
/// bus, and of API Gateway.
const ORDER_ID: [&str; 3] = ["/order_id", "/detail/order_id", "/pathParameters/order_id"];

/// The target of the tracing events that are metrics. On Lambda they are written for CloudWatch, see
/// omniflow-bootstrap.
pub const METRICS_TARGET: &str = "metrics";

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
    let text = |place: &&str| event.pointer(place).and_then(Value::as_str);
    let order_id = ORDER_ID.iter().find_map(text).and_then(order_id);
    let execution = || event.get("execution").and_then(Value::as_str);
    let path = event.get("rawPath").and_then(Value::as_str).map(impersonal);
    // A filter lets the fields through only with the span, so the span has the highest level that is logged
    // within it.
    error_span!("invocation", function, order_id, execution = execution(), path)
}

/// The order's own id, for an id of either kind. A workflow id (`order-processing-CUSTOMER-NUMBER`) holds the
/// customer's id, too, and is not logged; its number is that of the order's own id.
fn order_id(text: &str) -> Option<String> {
    let number = text.rsplit('-').next()?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("ORD-{number}"))
}

/// The path without what a caller has put into it: of `/api/orders/order-processing-ann-20261125…/cancel`
/// remains `/api/orders/…/cancel`. The segments of the API's own paths are lower-case letters, or a version
/// such as `v1`.
fn impersonal(path: &str) -> String {
    let is_own = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
            || segment.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    path.split('/').map(|segment| if is_own(segment) { segment } else { "…" }).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_logged_by_its_own_id() {
        assert_eq!(order_id("ORD-1700000000000123456").as_deref(), Some("ORD-1700000000000123456"));
        assert_eq!(order_id("order-processing-ann-17").as_deref(), Some("ORD-17"));
        assert_eq!((order_id("ann"), order_id("")), (None, None));
    }

    #[test]
    fn a_path_is_logged_without_what_it_names() {
        assert_eq!(impersonal("/api/v1/orders"), "/api/v1/orders");
        assert_eq!(
            impersonal("/api/workflows/order-processing-ann-20261125/status"),
            "/api/workflows/…/status"
        );
        assert_eq!(impersonal("/api/v1/stock/iPhone%2015"), "/api/v1/stock/…");
        assert_eq!(impersonal("/"), "/");
    }
}
