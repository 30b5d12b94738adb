//! The shipments: one for each warehouse, in parallel, and called back when the order is undone.

mod cancel;
mod ship;

pub use cancel::{SHIPMENT_NOT_CANCELLABLE, cancel_shipments};
pub use ship::{SHIPMENT_FAILED, WAREHOUSE_UNAVAILABLE, ship_warehouse};

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::activity::names;
use omniflow_domain::services::DynamoDb;
use omniflow_domain::simulated::{Carrier, CarrierError, Ledger};
use omniflow_domain::{ConfigError, Environment, Fault, store};

fn carrier(dynamodb: &Arc<dyn DynamoDb>, environment: &Environment) -> Result<Carrier, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    Ok(Carrier::new(Ledger::new(dynamodb.clone(), environment.require("LEDGER_TABLE")?, latency)))
}

#[derive(Debug, thiserror::Error)]
enum Error {
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
        let error_type = match error {
            Error::Carrier(CarrierError::Unavailable(_)) => WAREHOUSE_UNAVAILABLE,
            Error::Carrier(CarrierError::Impossible(_)) => SHIPMENT_FAILED,
            Error::Carrier(CarrierError::NotCancellable(_)) => SHIPMENT_NOT_CANCELLABLE,
            // Only an order that is undone calls its shipments back.
            Error::Carrier(CarrierError::CalledBack(_)) => names::ORDER_CANCELLED,
            Error::NoShipment(_) => names::WRONG_STATE,
            Error::Carrier(CarrierError::Store(error)) | Error::Store(error) => return error.into(),
        };
        Self { error_type: error_type.to_owned(), message }
    }
}
