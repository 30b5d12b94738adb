//! `cancel-shipments`, a compensation: calls back what is on its way and forbids what is not.

use std::sync::Arc;

use futures::future::join_all;
use omniflow_domain::{Carrier, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Compensation, Done};

use crate::Error;

/// The function `cancel-shipments`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn cancel_shipments(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let carrier = crate::carrier(dynamodb, environment)?;
    Ok(Box::new(typed(move |event: Compensation| {
        let (activity, carrier) = (activity.clone(), carrier.clone());
        async move { cancel(&activity, &*carrier, event).await }
    })))
}

async fn cancel(activity: &Activity, carrier: &dyn Carrier, event: Compensation) -> Result<Done, Error> {
    // First the order, so that no shipment begins any more; then the carriers, for those that had begun.
    let order = activity.undo(&event).await?;
    if order.status.is_final() {
        return Ok((&order).into());
    }
    activity.events.publish(&order, &[Status::Compensating]).await;
    // All are called back that can be, before the first that can't be stops the chain.
    let calls = order.shipments.iter().map(|shipment| carrier.call_back(&order.order_id, shipment));
    join_all(calls).await.into_iter().collect::<Result<Vec<()>, _>>()?;
    let (order, ()) = activity
        .orders
        .update(&order.order_id, |order| {
            order.cancel_shipments();
            Ok::<_, store::Error>(())
        })
        .await?;
    Ok((&order).into())
}
