//! What is kept in DynamoDB: orders and what they are found by, products, stock and its movements, and the answers for idempotency keys. Beside that, what the
//! activities of the workflow share: the events that they get, how they publish what they did, and how the
//! workflow is told of decisions.
//!
//! Every write of an order carries the condition that its version is the one that was read (optimistic
//! concurrency). If another write came first, the order is read again and the decision is made again.

#[cfg(feature = "eventbridge")]
pub mod activity;
mod backlog;
mod buckets;
#[cfg(any(feature = "eventbridge", feature = "sfn"))]
mod cause;
mod idempotency;
mod item;
mod lists;
#[cfg(feature = "eventbridge")]
mod low_stock;
pub mod metrics;
mod moved_rows;
pub mod movements;
mod moves;
mod open_returns;
mod orders;
pub mod products;
#[cfg(feature = "eventbridge")]
pub mod publisher;
mod recent;
#[cfg(feature = "sfn")]
pub mod reconcile;
mod register;
#[cfg(feature = "sfn")]
pub mod returns;
mod shelves;
mod stock;
pub mod warehouses;
#[cfg(feature = "sfn")]
pub mod windows;
#[cfg(feature = "sfn")]
pub mod workflow;

use omniflow_domain::money;
use omniflow_domain::order::{OrderId, Refusal};
use omniflow_domain::status::Status;
use omniflow_services::{Reason, ServiceError};

pub use backlog::Backlog;
pub use buckets::Split;
pub use idempotency::{Idempotency, Kept};
pub use item::order_of;
pub use lists::{After, Counted, Page, Unheard, id_in};
#[cfg(feature = "eventbridge")]
pub use low_stock::LowStock;
pub use moves::{Attempt, Moves, places_of};
pub use open_returns::{OpenReturns, ReturnsSince};
pub use orders::{Decided, Orders};
pub use products::Products;
pub use register::Register;
pub use shelves::{Glimpse, Shelves};
pub use stock::{Place, Stock, StockPage, StockRow};
pub use warehouses::{KnownWarehouses, Warehouses};

/// The length of the longest partition key of a table or an index, in bytes of UTF-8 (Amazon DynamoDB
/// Developer Guide, "Quotas in Amazon DynamoDB"). DynamoDB refuses requests with longer ones as invalid.
pub const LONGEST_PARTITION_KEY: usize = 2048;

/// An order that is stored and can't be read: something has damaged its item, or a later release wrote it.
/// Reading it again doesn't help.
#[derive(Debug, thiserror::Error)]
#[error("the item of order {order_id} can't be read: {source}")]
pub struct Unreadable {
    /// The id of the order.
    pub order_id: OrderId,
    /// The order's customer, if the item names one that can be read.
    pub customer_id: Option<String>,
    /// The order's status, if that can be read.
    pub status: Option<Status>,
    /// The reason why the item can't be read.
    source: Damage,
}

impl Unreadable {
    /// Whether the item is sound, and only this release can't read it.
    pub fn is_of_a_later_release(&self) -> bool {
        matches!(self.source, Damage::Later { .. })
    }
}

/// What is wrong with an item that is no order.
#[derive(Debug, thiserror::Error)]
enum Damage {
    /// The document is of a form that counts higher than those which this release reads.
    #[error(
        "a later release wrote it (form {form} of the document, of which this release reads {} and lower); run that release or a later one",
        item::FORM
    )]
    Later {
        /// The number of the form.
        form: u32,
    },
    /// The item has no text where its document should be.
    #[error("it has no document")]
    NoDocument,
    /// An attribute is missing or of another type.
    #[error(transparent)]
    Item(#[from] serde_dynamo::Error),
    /// An attribute that is kept without being looked into has a type that can't be kept.
    #[error(transparent)]
    UnknownType(#[from] item::UnknownType),
    /// The document is not JSON, or not that of an order.
    #[error(transparent)]
    Document(#[from] serde_json::Error),
    /// What should be an amount in the order's currency is none.
    #[error(transparent)]
    Money(#[from] money::Error),
}

/// Why the store did not do what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no order with this id.
    #[error("there is no order {0}")]
    NoOrder(OrderId),
    /// Another write came first. The order must be read again, and the decision made again.
    #[error("somebody else wrote first")]
    Conflict,
    /// Two transactions touched the same items at the same moment. The same request may succeed.
    #[error("two transactions touched the same items at once")]
    Contention,
    /// The order refused the decision.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The order is over more places of stock than one transaction can write; the number is the largest
    /// possible.
    #[error("an order over {0} different places of stock is too large")]
    TooLarge(usize),
    /// The order is stored and can't be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// An item that is no order can't be read, or an item can't be written.
    #[error("an item can't be read or written: {0}")]
    Item(#[from] serde_dynamo::Error),
    /// The document of an order can't be written.
    #[error("an order's document can't be read or written: {0}")]
    Document(#[from] serde_json::Error),
    /// DynamoDB takes no more of such requests at this moment.
    #[error("DynamoDB: {message}")]
    Throttled {
        /// What it says.
        message: String,
        /// The numbers of those writes of the transaction that were too many, from 0; none of a single request.
        writes: Vec<usize>,
    },
    /// DynamoDB failed, with this message.
    #[error("DynamoDB: {0}")]
    Service(String),
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error.code.as_deref() {
            Some("ConditionalCheckFailedException") => Self::Conflict,
            Some("TransactionConflictException" | "TransactionInProgressException") => Self::Contention,
            Some("TransactionCanceledException") => cancelled(&error.reasons),
            Some(
                "ProvisionedThroughputExceededException" | "RequestLimitExceeded" | "ThrottlingException",
            ) => Self::Throttled { message: error.to_string(), writes: Vec::new() },
            _ => Self::Service(error.to_string()),
        }
    }
}

/// The error that a cancelled transaction is: a condition that failed counts for more than contention.
fn cancelled(reasons: &[Reason]) -> Error {
    let any = |wanted: &str| reasons.iter().any(|reason| reason.code == wanted);
    if any(Reason::CONDITION) {
        Error::Conflict
    } else if any("TransactionConflict") {
        Error::Contention
    } else {
        let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
        let message = format!("the transaction was cancelled: {}", codes.join(", "));
        let is_throttled = |code: &str| matches!(code, "ProvisionedThroughputExceeded" | "ThrottlingError");
        let writes = codes.iter().enumerate().filter(|(_, code)| is_throttled(code));
        let writes: Vec<_> = writes.map(|(number, _)| number).collect();
        match writes.is_empty() {
            true => Error::Service(message),
            false => Error::Throttled { message, writes },
        }
    }
}
