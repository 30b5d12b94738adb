//! `close-return`: ends a return of which nothing comes.

use omniflow_domain::Order;
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, ReturnEvent};

/// The function `close-return`: notes that nobody waits for the return any more, and tells of it.
pub struct CloseReturn(Activity);

impl Function for CloseReturn {
    const NAME: &'static str = "close-return";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents"];

    type Event = ReturnEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Activity::new(services, environment).map(Self)
    }

    async fn call(&self, ReturnEvent { order_id, number }: ReturnEvent) -> Result<Done, store::Error> {
        let now = self.0.now();
        let close = |order: &mut Order| order.close_return(number, now).map_err(store::Error::from);
        let (order, ()) = self.0.orders.update(&order_id, close).await?;
        self.0.announce_returns_or_leave(&order).await;
        Ok((&order).into())
    }
}
