//! `release-stock`, a compensation: gives back what was set aside, once, however often it runs.

use std::sync::Arc;

use omniflow_domain::Status;
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Compensation, Done};
use omniflow_store::{Stock, metrics};

/// How often a write that was overtaken is made again.
const ATTEMPTS: usize = 12;

/// The function `release-stock`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn release_stock(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let stock = Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?);
    Ok(Box::new(typed(move |event: Compensation| {
        let (activity, stock) = (activity.clone(), stock.clone());
        async move { release(&activity, &stock, event).await.map_err(Fault::from) }
    })))
}

async fn release(activity: &Activity, stock: &Stock, event: Compensation) -> Result<Done, store::Error> {
    for _ in 0..ATTEMPTS {
        let mut order = activity.undo(&event).await?;
        if !order.release() {
            return Ok((&order).into());
        }
        let writes = stock.release(&order)?;
        match activity.orders.save_with(&mut order, writes).await {
            Ok(()) => {
                metrics::count("Compensations", &order.order_id);
                activity.events.publish(&order, &[Status::Compensating]).await;
                return Ok((&order).into());
            }
            Err(store::Error::Conflict | store::Error::Contention) => {}
            Err(error) => return Err(error),
        }
    }
    Err(store::Error::Contention)
}
