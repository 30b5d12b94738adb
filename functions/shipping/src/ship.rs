//! `ship-warehouse`: ships what one warehouse holds for an order.

use std::sync::Arc;

use ambient::Clock;
use omniflow_domain::order::{OrderId, ShipmentState};
use omniflow_domain::{Carrier, Status};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::Orders;
use serde::{Deserialize, Serialize};

use crate::Error;

#[derive(Debug, Clone, Deserialize)]
pub struct Ship {
    order_id: OrderId,
    warehouse: String,
}

#[derive(Debug, Serialize)]
pub struct Shipped {
    warehouse: String,
    tracking: String,
}

/// The function `ship-warehouse`.
pub struct ShipWarehouse {
    orders: Orders,
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Clock>,
}

impl Function for ShipWarehouse {
    const NAME: &'static str = "ship-warehouse";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE", "LEDGER_TABLE", "SIMULATED_LATENCY_MILLIS"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];

    type Event = Ship;
    type Answer = Shipped;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: Orders::new(services, environment)?,
            carrier: crate::carrier(services, environment)?,
            clock: services.clock(),
        })
    }

    async fn call(&self, event: Ship) -> Result<Shipped, Error> {
        let Self { orders, carrier, clock } = self;
        let Ship { order_id, warehouse } = event;
        let order = orders.recall(&order_id, |order| order.status() == Status::Shipping).await?;
        order.check_not_undone().map_err(store::Error::from)?;
        let shipment = order.shipments().iter().find(|shipment| shipment.warehouse == warehouse);
        let shipment = shipment.ok_or_else(|| Error::NoShipment(warehouse.clone()))?;
        if let (ShipmentState::Shipped, Some(tracking)) = (shipment.state, &shipment.tracking) {
            return Ok(Shipped { warehouse, tracking: tracking.clone() });
        }
        let tracking = carrier.ship(&order_id, shipment).await?;
        let now = clock.now_in_milliseconds();
        orders
            .update(order.id(), |order| {
                order.take_up(now);
                order.ship(&warehouse, &tracking).map_err(store::Error::from)
            })
            .await?;
        Ok(Shipped { warehouse, tracking })
    }
}
