//! `ship-warehouse`: ships what one warehouse holds for an order.

use std::sync::Arc;

use omniflow_domain::order::{OrderId, ShipmentState};
use omniflow_domain::{Carrier, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, Handler, typed};
use omniflow_store as store;
use omniflow_store::Orders;
use serde::{Deserialize, Serialize};

use crate::Error;

#[derive(Debug, Clone, Deserialize)]
struct Ship {
    order_id: OrderId,
    warehouse: String,
}

#[derive(Debug, Serialize)]
struct Shipped {
    warehouse: String,
    tracking: String,
}

/// The function `ship-warehouse`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn ship_warehouse(
    dynamodb: &Arc<dyn DynamoDb>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let orders = Orders::new(dynamodb.clone(), environment.require("ORDERS_TABLE")?);
    let carrier = crate::carrier(dynamodb, environment)?;
    Ok(Box::new(typed(move |event: Ship| {
        let (orders, carrier) = (orders.clone(), carrier.clone());
        async move { ship(&orders, &*carrier, event).await }
    })))
}

async fn ship(orders: &Orders, carrier: &dyn Carrier, event: Ship) -> Result<Shipped, Error> {
    let Ship { order_id, warehouse } = event;
    let order = orders.recall(&order_id, |order| order.status == Status::Shipping).await?;
    order.check_wanted().map_err(store::Error::from)?;
    let shipment = order.shipments.iter().find(|shipment| shipment.warehouse == warehouse);
    let shipment = shipment.ok_or_else(|| Error::NoShipment(warehouse.clone()))?;
    if let (ShipmentState::Shipped, Some(tracking)) = (shipment.state, &shipment.tracking) {
        return Ok(Shipped { warehouse, tracking: tracking.clone() });
    }
    let tracking = carrier.ship(&order_id, shipment).await?;
    orders
        .update(&order.order_id, |order| order.ship(&warehouse, &tracking).map_err(store::Error::from))
        .await?;
    Ok(Shipped { warehouse, tracking })
}
