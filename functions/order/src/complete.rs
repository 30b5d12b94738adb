//! `complete-order`: sells the stock that was set aside, in one transaction with the order, where the step that shipped
//! last could not do so because the warehouse said later, by a message, that the goods are on their way.

use omniflow_domain::{Order, Status};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, StepEvent};
use omniflow_store::{Decided, Stock, metrics};

/// The function `complete-order`.
pub struct CompleteOrder {
    activity: Activity,
    stock: Stock,
}

impl Function for CompleteOrder {
    const NAME: &'static str = "complete-order";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "STOCK_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "events:PutEvents"];

    type Event = StepEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
        })
    }

    async fn call(&self, step: StepEvent) -> Result<Done, store::Error> {
        let Self { activity, stock } = self;
        let is_shipped = |order: &Order| order.clone().complete(activity.now()).is_ok();
        let moves = &stock.moves();
        let complete = |mut order: Order| async move {
            if order.status() == Status::Completed {
                return Ok::<_, store::Error>(Decided { order, answer: false, with: Vec::new() });
            }
            order.take_up(activity.now());
            order.complete(activity.now())?;
            let with = moves.sell(&order).await?;
            Ok(Decided { order, answer: true, with })
        };
        let (order, is_completed_now) =
            activity.orders.update_with(&step.order_id, is_shipped, complete).await?;
        if is_completed_now {
            metrics::completed(&order);
        }
        activity.publish(&order).await?;
        Ok((&order).into())
    }
}
