//! What is counted and timed, as tracing events of one target. On Lambda they become CloudWatch metrics (embedded metric
//! format, see omniflow-bootstrap); elsewhere nobody listens and they cost nothing.

use omniflow_domain::order::{Order, OrderId};
use omniflow_domain::status::Status;
use omniflow_services::invocation::METRICS_TARGET;

/// Counts one.
pub fn count(metric: &'static str, order: &OrderId) {
    tracing::info!(target: METRICS_TARGET, metric, value = 1.0, unit = "Count", order_id = %order);
}

/// Counts the end of an order under the name of its outcome.
pub fn outcome(order: &Order) {
    match order.status() {
        Status::Completed => count("OrdersCompleted", order.id()),
        Status::Cancelled => count("OrdersCancelled", order.id()),
        Status::Rejected => count("OrdersRejected", order.id()),
        Status::NeedsAttention => count("OrdersNeedingAttention", order.id()),
        _ => {}
    }
}

/// How long the order took from one status to another, in seconds, if it was in both.
pub fn phase(metric: &'static str, order: &Order, from: Status, to: Status) {
    let at = |status| order.timeline().iter().find(|change| change.status == status).map(|change| change.at);
    if let (Some(from), Some(to)) = (at(from), at(to)) {
        let value = (to - from).as_seconds_f64();
        tracing::info!(target: METRICS_TARGET, metric, value, unit = "Seconds", order_id = %order.id());
    }
}
