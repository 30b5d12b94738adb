//! `reserve-stock`: sets aside what an order wants, in the fewest warehouses, in one transaction with the order itself.

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::allocation::{Missing, allocate};
use omniflow_domain::{ErrorName, Order, Reason, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Step};
use omniflow_store::{Stock, metrics};
use serde::Serialize;

/// How often a plan that was overtaken is made again.
const ATTEMPTS: u32 = 20;
/// What this step publishes.
const PUBLISHES: &[Status] = &[Status::Received, Status::Reserved];

/// What the workflow goes on with.
#[derive(Debug, Serialize)]
struct Reserved {
    warehouses: Vec<String>,
}

impl From<&Order> for Reserved {
    fn from(order: &Order) -> Self {
        Self { warehouses: order.shipments.iter().map(|shipment| shipment.warehouse.clone()).collect() }
    }
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("not enough in stock: {}", list(.0))]
    OutOfStock(Vec<Missing>),
    #[error("the order was cancelled")]
    Cancelled,
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn list(missing: &[Missing]) -> String {
    let each =
        missing.iter().map(|m| format!("{} (wanted {}, available {})", m.product_id, m.wanted, m.available));
    each.collect::<Vec<_>>().join(", ")
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::OutOfStock(_) => ErrorName::OutOfStock,
            Error::Cancelled => ErrorName::OrderCancelled,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}

/// The function `reserve-stock`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn reserve_stock(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let stock = Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?);
    Ok(Box::new(typed(move |step: Step| {
        let (activity, stock) = (activity.clone(), stock.clone());
        async move { reserve(&activity, &stock, step).await }
    })))
}

async fn reserve(activity: &Activity, stock: &Stock, step: Step) -> Result<Reserved, Error> {
    let mut order = activity.orders.recall(&step.order_id, |order| order.status == Status::Received).await?;
    for attempt in 0..ATTEMPTS {
        if let Some(reserved) = made_before(&order)? {
            activity.events.publish(&order, PUBLISHES).await;
            return Ok(reserved);
        }
        match plan_and_write(activity, stock, order).await {
            // Others took stock meanwhile: read again, plan again. Each time somebody got on, so this ends.
            Err(Error::Store(store::Error::Conflict | store::Error::Contention)) => {
                metrics::count("StockConflicts", &step.order_id);
                tokio::time::sleep(Duration::from_millis(u64::from(attempt))).await;
                order = activity.orders.get(&step.order_id).await?;
            }
            done => return done,
        }
    }
    Err(store::Error::Contention.into())
}

/// What this step did when it ran before, if it did.
fn made_before(order: &Order) -> Result<Option<Reserved>, Error> {
    match (order.status, order.reason) {
        (Status::Received, _) => Ok(None),
        (status, Some(Reason::OutOfStock)) if status.is_undone() => {
            Err(Error::OutOfStock(order.missing.clone()))
        }
        (status, _) if status.is_undone() => Err(Error::Cancelled),
        _ => Ok(Some(order.into())),
    }
}

async fn plan_and_write(activity: &Activity, stock: &Stock, mut order: Order) -> Result<Reserved, Error> {
    let available = stock.available(&order).await?;
    match allocate(&order.wanted(), &available) {
        Ok(shares) => {
            order.reserve(shares, activity.now()).map_err(store::Error::from)?;
            let writes = stock.reserve(&order)?;
            activity.orders.save_with(&mut order, writes).await?;
            metrics::phase("SecondsToReserve", &order, Status::Received, Status::Reserved);
            activity.events.publish(&order, PUBLISHES).await;
            Ok((&order).into())
        }
        Err(missing) => {
            order.miss(missing.clone(), activity.now()).map_err(store::Error::from)?;
            activity.orders.save(&mut order).await?;
            activity.events.publish(&order, &[Status::Received, Status::Compensating]).await;
            Err(Error::OutOfStock(missing))
        }
    }
}
