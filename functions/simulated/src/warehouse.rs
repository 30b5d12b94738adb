//! The simulated warehouses. That a shipment was called back is remembered for ever, so that
//! a call to ship it that comes late is refused.

use std::time::Duration;

use futures::future::BoxFuture;
use omniflow_domain::WarehouseLink;
use omniflow_domain::order::{Order, Shipment};
use omniflow_domain::warehouse_link::{LinkError, Shipping};

use crate::Ledger;
use crate::ledger::Error as LedgerError;

/// The time after which a warehouse ships a product whose id begins with `slow-`.
const SLOW: Duration = Duration::from_secs(5);

/// All simulated warehouses.
#[derive(Clone)]
pub struct SimulatedWarehouses(Ledger);

impl SimulatedWarehouses {
    /// Makes warehouses that remember in this ledger what they did.
    pub fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }
}

impl WarehouseLink for SimulatedWarehouses {
    fn answers_at_once(&self, shipment: &Shipment) -> bool {
        !is_slow(shipment)
    }

    fn ship<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Shipping, LinkError>> {
        Box::pin(async move {
            self.0.think().await;
            if is_slow(shipment) {
                tokio::time::sleep(SLOW).await;
            }
            let (entry, warehouse) = (entry(order, shipment), &shipment.warehouse);
            let failed = failed(warehouse);
            if contains(shipment, "fragile-vase") {
                return Err(LinkError::Rejected { warehouse: warehouse.clone(), reason: None });
            }
            if contains(shipment, "fragile-lamp")
                && self.0.attempt(&entry, "ship_attempts").await.map_err(failed)? <= 2
            {
                return Err(LinkError::Unavailable(warehouse.clone()));
            }
            let tracking = format!("TRK-{}-{warehouse}", order.id().number());
            match self.0.note(&entry, ("tracking", &tracking), Some("called_back")).await {
                Ok(_) => Ok(Shipping::Shipped(tracking.as_str().into())),
                Err(LedgerError::Forbidden) => Err(LinkError::CalledBack(warehouse.clone())),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn call_back<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            self.0.think().await;
            if contains(shipment, "stuck-crate") {
                return Err(LinkError::NotCancellable(shipment.warehouse.clone()));
            }
            let called_back = self.0.note(&entry(order, shipment), ("called_back", "true"), None).await;
            called_back.map(drop).map_err(failed(&shipment.warehouse))
        })
    }
}

fn failed(warehouse: &str) -> impl Fn(LedgerError) -> LinkError + Copy {
    move |error| LinkError::Adapter { warehouse: warehouse.to_owned(), source: error.into() }
}

fn is_slow(shipment: &Shipment) -> bool {
    shipment.items.iter().any(|line| line.product_id.starts_with("slow-"))
}

fn contains(shipment: &Shipment, product: &str) -> bool {
    shipment.items.iter().any(|line| line.product_id == product)
}

fn entry(order: &Order, shipment: &Shipment) -> String {
    format!("shipment#{}#{}", order.id(), shipment.warehouse)
}
