//! `cancel-shipments`, a compensation: calls back the shipments that are on their way, and forbids those that
//! are not.

use std::sync::Arc;

use futures::future::join_all;
use omniflow_domain::{Carrier, Order};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};

use crate::Error;

/// The function `cancel-shipments`.
pub struct CancelShipments {
    activity: Activity,
    carrier: Arc<dyn Carrier>,
}

impl Function for CancelShipments {
    const NAME: &'static str = "cancel-shipments";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "LEDGER_TABLE", "EVENT_BUS", "SIMULATED_LATENCY_MILLIS"];
    const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "events:PutEvents"];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            carrier: crate::carrier(services, environment)?,
        })
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, Error> {
        let Self { activity, carrier } = self;
        // First the order, so that no shipment begins any more; then the carriers, for those that had begun.
        let order = activity.undo(&event).await?;
        if order.status().is_final() {
            return Ok((&order).into());
        }
        let is_out = activity.publish(&order).await?;
        // All are called back that can be, before the first that can't be stops the chain.
        let calls = order.shipments().iter().map(|shipment| carrier.call_back(order.id(), shipment));
        join_all(calls).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        let published = is_out.then_some(&order);
        let cancel = |order: &mut Order| {
            let cancelled = order.change_after_announcing(published, Order::cancel_shipments);
            cancelled.map_err(store::Error::from)
        };
        let (order, ()) = activity.orders.update(order.id(), cancel).await?;
        Ok((&order).into())
    }
}
