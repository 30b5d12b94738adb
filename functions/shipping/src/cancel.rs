//! `cancel-shipments`, a compensation: calls back the shipments that are on their way, and forbids those that
//! are not.

use futures::future::join_all;
use omniflow_domain::Order;
use omniflow_domain::order::{Shipment, ShipmentState};
use omniflow_domain::warehouse_link::LinkError;
use omniflow_links::Links;
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};

use crate::Error;

/// The function `cancel-shipments`.
pub struct CancelShipments {
    activity: Activity,
    links: Links,
}

impl Function for CancelShipments {
    const NAME: &'static str = "cancel-shipments";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "WAREHOUSES_TABLE",
        "LEDGER_TABLE",
        "ALLOW_PRIVATE_WAREHOUSES",
        "PUBLIC_URL",
        "WAREHOUSE_SECRET",
        "EVENT_BUS",
        "SIMULATED_LATENCY_MILLIS",
    ];
    const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan", "dynamodb:UpdateItem", "events:PutEvents"];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            links: Links::new(services, environment)?,
        })
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, Error> {
        let activity = &self.activity;
        // First the order, so that no shipment begins any more; then the warehouses, for those that had begun.
        let order = activity.undo(&event).await?;
        if order.status().is_final() {
            return Ok((&order).into());
        }
        let is_out = activity.publish(&order).await?;
        self.call_back(&order).await?;
        let published = is_out.then_some(&order);
        let cancel = |order: &mut Order| {
            let cancelled = order.change_after_announcing(published, Order::cancel_shipments);
            cancelled.map_err(store::Error::from)
        };
        let (order, ()) = activity.orders.update(order.id(), cancel).await?;
        Ok((&order).into())
    }
}

impl CancelShipments {
    /// Calls all shipments back that can be, before the first that can't be stops the chain.
    async fn call_back(&self, order: &Order) -> Result<(), Error> {
        let calls = order.shipments().iter().filter(|it| it.state != ShipmentState::Rejected);
        let answers = join_all(calls.map(|shipment| self.call_one_back(order, shipment))).await;
        let gone = |answer: &Result<(), Error>| match answer {
            Err(Error::Link(LinkError::NotCancellable(warehouse))) => Some(warehouse.clone()),
            _ => None,
        };
        let gone: Vec<_> = answers.iter().filter_map(gone).collect();
        if !gone.is_empty() {
            // Whoever settles it by hand must know that these goods have left.
            let note = |order: &mut Order| {
                gone.iter().for_each(|warehouse| order.note_gone(warehouse));
                Ok::<_, store::Error>(())
            };
            self.activity.orders.update(order.id(), note).await?;
        }
        answers.into_iter().collect()
    }

    async fn call_one_back(&self, order: &Order, shipment: &Shipment) -> Result<(), Error> {
        let link = self.links.to(&shipment.warehouse).await?;
        Ok(link.call_back(order, shipment).await?)
    }
}
