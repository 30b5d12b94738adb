//! The simulated carriers of the warehouses. A shipment that was called back leaves a tombstone, so that a call to ship
//! it that comes late is refused.

use super::Ledger;
use crate::order::{OrderId, Shipment};
use crate::store::Error as StoreError;

/// A carrier did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not now; perhaps later.
    #[error("the warehouse {0} does not answer")]
    Unavailable(String),
    /// Not ever.
    #[error("the warehouse {0} can't ship this")]
    Impossible(String),
    /// The shipment was called back before it left.
    #[error("the shipment from {0} was called back")]
    CalledBack(String),
    /// The shipment can't be called back.
    #[error("the shipment from {0} can't be called back")]
    NotCancellable(String),
    /// The carrier's memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The carriers.
#[derive(Clone)]
pub struct Carrier(Ledger);

impl Carrier {
    /// With this memory.
    pub fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }

    /// Ships what one warehouse has for an order, once; the tracking number.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ship(&self, order: &OrderId, shipment: &Shipment) -> Result<String, Error> {
        self.0.think().await;
        let (entry, warehouse) = (entry(order, shipment), &shipment.warehouse);
        if contains(shipment, "fragile-vase") {
            return Err(Error::Impossible(warehouse.clone()));
        }
        if contains(shipment, "fragile-lamp") && self.0.attempt(&entry, "ship_attempts").await? <= 2 {
            return Err(Error::Unavailable(warehouse.clone()));
        }
        let tracking = format!("TRK-{}-{warehouse}", order.as_str().trim_start_matches("ORD-"));
        match self.0.note(&entry, ("tracking", &tracking), Some("called_back")).await {
            Ok(_) => Ok(tracking),
            Err(StoreError::Conflict) => Err(Error::CalledBack(warehouse.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls a shipment back, or forbids it if it has not left.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn call_back(&self, order: &OrderId, shipment: &Shipment) -> Result<(), Error> {
        self.0.think().await;
        if contains(shipment, "stuck-crate") {
            return Err(Error::NotCancellable(shipment.warehouse.clone()));
        }
        self.0.note(&entry(order, shipment), ("called_back", "true"), None).await?;
        Ok(())
    }
}

fn contains(shipment: &Shipment, product: &str) -> bool {
    shipment.items.iter().any(|line| line.product_id == product)
}

fn entry(order: &OrderId, shipment: &Shipment) -> String {
    format!("shipment#{order}#{}", shipment.warehouse)
}
