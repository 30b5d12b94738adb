//! The carriers of the warehouses, as the shop sees them.

use std::error::Error;

use futures::future::BoxFuture;

use crate::order::{OrderId, Shipment};

/// Ships what a warehouse holds for an order, and calls it back. Order and warehouse are the idempotency key
/// of every call: however often a call is repeated, one parcel leaves.
pub trait Carrier: Send + Sync {
    /// Ships a shipment, and gives its tracking number. A shipment that was called back before is refused.
    fn ship<'a>(
        &'a self,
        order: &'a OrderId,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<String, CarrierError>>;

    /// Calls a shipment back. One that has not left will not leave any more.
    fn call_back<'a>(
        &'a self,
        order: &'a OrderId,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<(), CarrierError>>;
}

/// Why a carrier did not do what was asked. The text of a variant is the id of the warehouse.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// The warehouse does not answer now; a repeated call may succeed.
    #[error("the warehouse {0} does not answer")]
    Unavailable(String),
    /// The warehouse will never ship this.
    #[error("the warehouse {0} can't ship this")]
    Impossible(String),
    /// The shipment was called back before it left.
    #[error("the shipment from {0} was called back")]
    CalledBack(String),
    /// The shipment is gone and can't be called back.
    #[error("the shipment from {0} can't be called back")]
    NotCancellable(String),
    /// The adapter itself failed; a repeated call may succeed.
    #[error("the carrier can't be reached")]
    Adapter(#[source] Box<dyn Error + Send + Sync>),
}
