//! `close-order` and `mark-needs-attention`: the two ends of a compensation.

use omniflow_domain::{Order, Refusal};
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
        let now = self.0.now();
        end(&self.0, event, |order| order.close(now)).await
    }
}

/// The function `mark-needs-attention`: leaves an order to a person, with the failure of the compensation
/// that failed for good.
pub struct MarkNeedsAttention(Activity);

impl Function for MarkNeedsAttention {
    const NAME: &'static str = "mark-needs-attention";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem", "events:PutEvents"];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Activity::new(services, environment).map(Self)
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, store::Error> {
        let (now, failure) = (self.0.now(), event.failure.text());
        tracing::error!(order_id = %event.order_id, failure, "a compensation failed for good");
        end(&self.0, event, |order| order.need_attention(failure.clone(), now)).await
    }
}

async fn end(
    activity: &Activity,
    event: CompensationEvent,
    decide: impl Fn(&mut Order) -> Result<(), Refusal>,
) -> Result<Done, store::Error> {
    let order = activity.undo(&event).await?;
    let (order, ended_now) = activity
        .orders
        .update(order.id(), |order| match order.status().is_final() {
            true => Ok(false),
            false => decide(order).map(|()| true).map_err(store::Error::from),
        })
        .await?;
    if ended_now {
        metrics::outcome(&order);
    }
    activity.publish(&order).await?;
    Ok((&order).into())
}
