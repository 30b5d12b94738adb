//! `release-stock`, a compensation: gives the stock back that was set aside, once, however often the function
//! runs.

use omniflow_domain::Order;
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};
use omniflow_store::{Decided, LowStock, Stock, metrics};

/// The function `release-stock`.
pub struct ReleaseStock {
    activity: Activity,
    stock: Stock,
    low_stock: LowStock,
}

impl Function for ReleaseStock {
    const NAME: &'static str = "release-stock";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "STOCK_TABLE", "PRODUCTS_TABLE", "REGISTER_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "events:PutEvents",
    ];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            low_stock: LowStock::new(services, environment)?,
        })
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, store::Error> {
        let Self { activity, stock, low_stock } = self;
        let undone = activity.undo(&event).await?;
        if undone.status().is_final() {
            return Ok((&undone).into());
        }
        let is_out = activity.publish(&undone).await?;
        let published = is_out.then_some(&undone);
        let moves = &stock.moves();
        let release = |mut order: Order| async move {
            let released = order.change_after_announcing(published, Order::release_stock)?;
            let with = if released { moves.release(&order).await? } else { Vec::new() };
            Ok::<_, store::Error>(Decided { order, answer: released, with })
        };
        let (order, released) = activity
            .orders
            .update_with(undone.id(), |order| order.clone().release_stock().unwrap_or(false), release)
            .await?;
        if released {
            metrics::count("Compensations", order.id());
        }
        // Also when the step ran before, which may have ended before it looked.
        if !order.shipments().is_empty() {
            low_stock.look(order.items().iter().map(|item| item.product_id.as_str())).await;
        }
        Ok((&order).into())
    }
}
