//! `complete-order`: what was set aside is sold, in one transaction with the order.

use std::sync::Arc;

use omniflow_domain::{Order, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, Step};
use omniflow_store::{Stock, metrics};

/// How often a write that was overtaken is made again.
const ATTEMPTS: usize = 12;

/// The function `complete-order`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn complete_order(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let stock = Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?);
    Ok(Box::new(typed(move |step: Step| {
        let (activity, stock) = (activity.clone(), stock.clone());
        async move { complete(&activity, &stock, step).await.map_err(Fault::from) }
    })))
}

async fn complete(activity: &Activity, stock: &Stock, step: Step) -> Result<Done, store::Error> {
    let shipped = |order: &Order| order.clone().complete(activity.now()).is_ok();
    let mut order = activity.orders.recall(&step.order_id, shipped).await?;
    for _ in 0..ATTEMPTS {
        if order.status != Status::Completed {
            order.complete(activity.now())?;
            let writes = stock.sell(&order)?;
            match activity.orders.save_with(&mut order, writes).await {
                Ok(()) => {
                    metrics::outcome(&order);
                    metrics::phase("SecondsToComplete", &order, Status::PaymentReceived, Status::Completed);
                }
                Err(store::Error::Conflict | store::Error::Contention) => {
                    order = activity.orders.get(&step.order_id).await?;
                    continue;
                }
                Err(error) => return Err(error),
            }
        }
        activity.events.publish(&order, &[Status::Completed]).await;
        return Ok((&order).into());
    }
    Err(store::Error::Contention)
}
