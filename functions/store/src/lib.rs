//! What is kept in DynamoDB: orders, stock, and the answers for idempotency keys. And what the activities of the workflow
//! share: the events that they get, how they publish what they did, and how the workflow hears of decisions.
//!
//! Every write of an order carries the condition that its version is the one that was read. Whoever loses reads again
//! and decides again, on what is now.

#[cfg(feature = "eventbridge")]
pub mod activity;
mod idempotency;
mod item;
pub mod metrics;
mod orders;
#[cfg(feature = "eventbridge")]
pub mod publisher;
mod recent;
mod stock;
#[cfg(feature = "sfn")]
pub mod workflow;

use omniflow_domain::order::{OrderId, Refusal};
use omniflow_services::ServiceError;

pub use idempotency::{Idempotency, Kept};
pub use orders::{After, Counted, Orders, Page, Unheard};
pub use stock::{Stock, StockRow};

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such order.
    #[error("there is no order {0}")]
    NoOrder(OrderId),
    /// Somebody else wrote first; read again and decide again.
    #[error("somebody else wrote first")]
    Conflict,
    /// Two transactions touched the same items at the same moment; try again.
    #[error("two transactions touched the same items at once")]
    Contention,
    /// The decision was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// More than one transaction can hold.
    #[error("an order over {0} different places of stock is too large")]
    TooLarge(usize),
    /// An item is not what it should be.
    #[error("an item can't be read or written: {0}")]
    Item(#[from] serde_dynamo::Error),
    /// The document of an order is not what it should be.
    #[error("an order's document can't be read or written: {0}")]
    Document(#[from] serde_json::Error),
    /// DynamoDB failed.
    #[error("DynamoDB: {0}")]
    Service(String),
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error.code.as_deref() {
            Some("ConditionalCheckFailedException") => Self::Conflict,
            Some("TransactionConflictException" | "TransactionInProgressException") => Self::Contention,
            Some("TransactionCanceledException") => cancelled(&error.reasons),
            _ => Self::Service(error.to_string()),
        }
    }
}

/// What a cancelled transaction means: a condition that failed outweighs contention.
fn cancelled(reasons: &[String]) -> Error {
    let any = |wanted: &str| reasons.iter().any(|reason| reason == wanted);
    if any("ConditionalCheckFailed") {
        Error::Conflict
    } else if any("TransactionConflict") {
        Error::Contention
    } else {
        Error::Service(format!("the transaction was cancelled: {}", reasons.join(", ")))
    }
}
