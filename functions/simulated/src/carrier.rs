//! The simulated carriers of the warehouses. That a shipment was called back is remembered for ever, so that
//! a call to ship it that comes late is refused.

use futures::future::BoxFuture;
use omniflow_domain::Carrier;
use omniflow_domain::carrier::CarrierError;
use omniflow_domain::order::{OrderId, Shipment};

use crate::Ledger;
use crate::ledger::Error as LedgerError;

/// The carriers of all warehouses.
#[derive(Clone)]
pub struct SimulatedCarrier(Ledger);

impl SimulatedCarrier {
    /// Makes carriers that remember in this ledger what they did.
    pub fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }
}

fn failed(error: LedgerError) -> CarrierError {
    CarrierError::Adapter(error.into())
}

impl Carrier for SimulatedCarrier {
    fn ship<'a>(
        &'a self,
        order: &'a OrderId,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<String, CarrierError>> {
        Box::pin(async move {
            self.0.think().await;
            let (entry, warehouse) = (entry(order, shipment), &shipment.warehouse);
            if contains(shipment, "fragile-vase") {
                return Err(CarrierError::Impossible(warehouse.clone()));
            }
            if contains(shipment, "fragile-lamp")
                && self.0.attempt(&entry, "ship_attempts").await.map_err(failed)? <= 2
            {
                return Err(CarrierError::Unavailable(warehouse.clone()));
            }
            let tracking = format!("TRK-{}-{warehouse}", order.number());
            match self.0.note(&entry, ("tracking", &tracking), Some("called_back")).await {
                Ok(_) => Ok(tracking),
                Err(LedgerError::Forbidden) => Err(CarrierError::CalledBack(warehouse.clone())),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn call_back<'a>(
        &'a self,
        order: &'a OrderId,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<(), CarrierError>> {
        Box::pin(async move {
            self.0.think().await;
            if contains(shipment, "stuck-crate") {
                return Err(CarrierError::NotCancellable(shipment.warehouse.clone()));
            }
            let called_back = self.0.note(&entry(order, shipment), ("called_back", "true"), None).await;
            called_back.map(drop).map_err(failed)
        })
    }
}

fn contains(shipment: &Shipment, product: &str) -> bool {
    shipment.items.iter().any(|line| line.product_id == product)
}

fn entry(order: &OrderId, shipment: &Shipment) -> String {
    format!("shipment#{order}#{}", shipment.warehouse)
}
