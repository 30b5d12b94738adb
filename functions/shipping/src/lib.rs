//! The shipments of an order, one for each warehouse: they are shipped in parallel, and called back when the
//! order is undone.

mod cancel;
mod ship;

pub use cancel::CancelShipments;
pub use ship::ShipWarehouse;

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::carrier::CarrierError;
use omniflow_domain::{Carrier, ErrorName};
use omniflow_services::{ConfigError, Environment, Fault, Services};
use omniflow_simulated::{Ledger, SimulatedCarrier};
use omniflow_store as store;

fn carrier(services: &impl Services, environment: &Environment) -> Result<Arc<dyn Carrier>, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    let ledger = Ledger::new(services, environment.require("LEDGER_TABLE")?, latency);
    Ok(Arc::new(SimulatedCarrier::new(ledger)))
}

/// Why a shipment was neither shipped nor called back.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names and texts say it")]
pub enum Error {
    #[error(transparent)]
    Carrier(#[from] CarrierError),
    #[error("the order has no shipment from {0}")]
    NoShipment(String),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Carrier(CarrierError::Unavailable(_)) => ErrorName::WarehouseUnavailable,
            Error::Carrier(CarrierError::Impossible(_)) => ErrorName::ShipmentFailed,
            Error::Carrier(CarrierError::NotCancellable(_)) => ErrorName::ShipmentNotCancellable,
            // Only an order that is undone calls its shipments back.
            Error::Carrier(CarrierError::CalledBack(_)) => ErrorName::OrderCancelled,
            Error::NoShipment(_) => ErrorName::WrongState,
            Error::Carrier(CarrierError::Adapter(_)) => ErrorName::StoreUnavailable,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}
