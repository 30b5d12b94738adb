//! The metrics, as tracing events of one target. On Lambda they become CloudWatch metrics (embedded metric
//! format, see omniflow-bootstrap); elsewhere nothing subscribes to them.

use chrono::TimeDelta;
use omniflow_domain::order::{Order, OrderId};
use omniflow_domain::status::Status;
use omniflow_services::invocation::METRICS_TARGET;

/// The metric of orders, and of returns, whose workflow failed for good.
pub const NEEDING_ATTENTION: &str = "OrdersNeedingAttention";

/// Adds one to a metric.
pub fn count(metric: &'static str, order: &OrderId) {
    tracing::info!(target: METRICS_TARGET, metric, value = 1.0, unit = "Count", order_id = %order);
}

/// Adds one to the metric of the status in which the order has ended, if it has.
pub fn outcome(order: &Order) {
    match order.status() {
        Status::Completed => count("OrdersCompleted", order.id()),
        Status::Cancelled => count("OrdersCancelled", order.id()),
        Status::Rejected => count("OrdersRejected", order.id()),
        Status::NeedsAttention => count(NEEDING_ATTENTION, order.id()),
        _ => {}
    }
}

/// Notes the time that the order took from one status to another, in seconds, if it came to both.
pub fn phase(metric: &'static str, order: &Order, from: Status, to: Status) {
    let at = |status| order.timeline().iter().find(|change| change.status == status).map(|change| change.at);
    if let (Some(from), Some(to)) = (at(from), at(to)) {
        let value = (to - from).as_seconds_f64();
        tracing::info!(target: METRICS_TARGET, metric, value, unit = "Seconds", order_id = %order.id());
    }
}

/// Notes that the order is completed, and how long that took from its payment.
pub fn completed(order: &Order) {
    outcome(order);
    phase("SecondsToComplete", order, Status::PaymentReceived, Status::Completed);
}

/// Notes how long the signal that has been pending for longest has waited to be heard.
pub fn oldest_signal(age: TimeDelta, order: &OrderId) {
    let value = age.as_seconds_f64();
    let metric = "OldestSignalSeconds";
    tracing::info!(target: METRICS_TARGET, metric, value, unit = "Seconds", order_id = %order);
}
