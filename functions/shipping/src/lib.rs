//! The shipments of an order, one for each warehouse: the warehouses are asked in parallel, what one rejects
//! another ships, and all are called back when the order is undone.

mod cancel;
mod ship;

pub use cancel::CancelShipments;
pub use ship::ShipWarehouse;

use omniflow_domain::ErrorName;
use omniflow_domain::warehouse_link::LinkError;
use omniflow_services::Fault;
use omniflow_store as store;
use omniflow_store::workflow::Unsent;

/// Why a shipment was neither shipped nor called back.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names and texts say it")]
pub enum Error {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("the order has no shipment from {0}")]
    NoShipment(String),
    #[error("{0} does not ship this, and no other warehouse has all of it")]
    NobodyShips(String),
    #[error("{0} has not shipped yet, and the workflow's definition is one that can't wait for it")]
    CantWait(String),
    #[error("the workflow could not be told what became of the shipment: {0}")]
    Untold(#[from] Unsent),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Link(LinkError::Unavailable(_) | LinkError::Adapter { .. }) | Error::CantWait(_) => {
                ErrorName::WarehouseUnavailable
            }
            Error::Link(LinkError::Rejected { .. }) => ErrorName::ShipmentRejected,
            Error::Link(LinkError::NotCancellable(_)) => ErrorName::ShipmentNotCancellable,
            // Only an order that is undone calls its shipments back.
            Error::Link(LinkError::CalledBack(_)) => ErrorName::OrderCancelled,
            Error::NobodyShips(_) => ErrorName::ShipmentFailed,
            Error::NoShipment(_) => ErrorName::WrongState,
            // Asked again, the step finds what became of the shipment, and tells it.
            Error::Untold(_) => ErrorName::StoreUnavailable,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}
