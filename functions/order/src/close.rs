//! `close-order` and `mark-needs-attention`: the two ends of a compensation.

use std::sync::Arc;

use omniflow_domain::{Order, Refusal, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Compensation, Done};
use omniflow_store::metrics;

/// A payment that was received and never captured has not been told of before.
const PUBLISHES: &[Status] = &[
    Status::PaymentReceived,
    Status::Compensating,
    Status::Cancelled,
    Status::Rejected,
    Status::NeedsAttention,
];

/// The function `close-order`: all is undone.
///
/// # Errors
/// When the environment lacks a setting.
pub fn close_order(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    Ok(Box::new(typed(move |event: Compensation| {
        let activity = activity.clone();
        async move {
            let now = activity.now();
            end(&activity, event, |order| order.close(now)).await.map_err(Fault::from)
        }
    })))
}

/// The function `mark-needs-attention`: a compensation failed for good, and the order says which and why.
///
/// # Errors
/// When the environment lacks a setting.
pub fn mark_needs_attention(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    Ok(Box::new(typed(move |event: Compensation| {
        let activity = activity.clone();
        async move {
            let (now, failure) = (activity.now(), event.failure.text());
            tracing::error!(order_id = %event.order_id, failure, "a compensation failed for good");
            end(&activity, event, |order| order.need_attention(failure.clone(), now))
                .await
                .map_err(Fault::from)
        }
    })))
}

async fn end(
    activity: &Activity,
    event: Compensation,
    decide: impl Fn(&mut Order) -> Result<(), Refusal>,
) -> Result<Done, store::Error> {
    let order = activity.undo(&event).await?;
    let (order, ended_now) = activity
        .orders
        .update(&order.order_id, |order| match order.status.is_final() {
            true => Ok(false),
            false => decide(order).map(|()| true).map_err(store::Error::from),
        })
        .await?;
    if ended_now {
        metrics::outcome(&order);
    }
    activity.events.publish(&order, PUBLISHES).await;
    Ok((&order).into())
}
