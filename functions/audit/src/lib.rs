//! The review of large orders.

use omniflow_domain::Order;
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, TokenEvent};
use omniflow_store::workflow::Tasks;

/// The function `request-audit`: puts an order before a reviewer and keeps the token that the verdict
/// answers.
pub struct RequestAudit {
    activity: Activity,
    tasks: Tasks,
}

impl Function for RequestAudit {
    const NAME: &'static str = "request-audit";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents", "states:SendTaskSuccess"];

    type Event = TokenEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
        })
    }

    async fn call(&self, step: TokenEvent) -> Result<Done, store::Error> {
        let now = self.activity.now();
        let request = |order: &mut Order| {
            order.take_up(now);
            order.request_audit(step.token(), now).map_err(store::Error::from)
        };
        let (order, ()) = self.activity.orders.update(&step.order_id, request).await?;
        self.activity.publish(&order).await?;
        // A verdict that came between the first attempt and this one is the answer to the new token.
        self.tasks.answer_or_leave(&order).await;
        Ok((&order).into())
    }
}
