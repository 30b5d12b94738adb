//! The links to the warehouses, as the shop sees them.

use std::error::Error;

use futures::future::BoxFuture;

use crate::order::{Order, Parcel, Shipment};

/// What a warehouse answers in the same call when it is asked to ship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shipping {
    /// The goods are on their way.
    Shipped(Parcel),
    /// The warehouse has the request, and says later what becomes of it.
    Later,
}

/// Asks warehouses to ship what they hold for an order, and calls it back. Order and warehouse are the
/// idempotency key of every call: however often a call is repeated, one parcel leaves.
pub trait WarehouseLink: Send + Sync {
    /// Whether the answer about this shipment comes in the call itself and at once, so that nothing needs to
    /// be stored before.
    fn answers_at_once(&self, shipment: &Shipment) -> bool;

    /// Asks to ship. A shipment that was called back before is refused.
    fn ship<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Shipping, LinkError>>;

    /// Calls a shipment back. One that has not left will not leave any more.
    fn call_back<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<(), LinkError>>;
}

/// Why a warehouse did not do what was asked. `warehouse` is its id.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LinkError {
    /// The warehouse does not answer now; a repeated call may succeed.
    #[error("the warehouse {0} does not answer")]
    Unavailable(String),
    /// The warehouse will never ship this.
    #[error("the warehouse {warehouse} can't ship this{}", why(.reason.as_deref()))]
    Rejected { warehouse: String, reason: Option<String> },
    /// The shipment was called back before it left.
    #[error("the shipment from {0} was called back")]
    CalledBack(String),
    /// The shipment is gone and can't be called back.
    #[error("the shipment from {0} can't be called back")]
    NotCancellable(String),
    /// The warehouse can't be asked, because of how it is set up or because the adapter failed; a repeated
    /// call may succeed once that is mended.
    #[error("the warehouse {warehouse} can't be asked: {source}")]
    Adapter { warehouse: String, source: Box<dyn Error + Send + Sync> },
}

fn why(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}
