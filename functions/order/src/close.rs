//! `close-order`: the end of a compensation.

use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};
use omniflow_store::metrics;

/// The function `close-order`: closes an order of which all is undone.
pub struct CloseOrder(Activity);

impl Function for CloseOrder {
    const NAME: &'static str = "close-order";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents"];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Activity::new(services, environment).map(Self)
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, store::Error> {
        let activity = &self.0;
        let now = activity.now();
        let order = activity.undo(&event).await?;
        let (order, ended_now) = activity
            .orders
            .update(order.id(), |order| match order.status().is_final() {
                true => Ok(false),
                false => order.close(now).map(|()| true).map_err(store::Error::from),
            })
            .await?;
        if ended_now {
            metrics::outcome(&order);
        }
        activity.publish(&order).await?;
        Ok((&order).into())
    }
}
