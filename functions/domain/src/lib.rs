//! The order and its rules.
//!
//! ```text
//!   order ── decides (pure) ──► store ── writes on the condition of the version ──► DynamoDB
//!     │                           │
//!   status (the one table)      workflow ── tells Step Functions what was decided (pending_signal)
//! ```
//!
//! Nothing here knows whether it runs on Lambda or in the local runtime. Clients are features, so that a function that
//! doesn't use a service doesn't link it.

#[cfg(all(feature = "dynamodb", feature = "eventbridge"))]
pub mod activity;
pub mod allocation;
pub mod catalogue;
pub mod clock;
pub mod email;
pub mod event;
pub mod folding;
pub mod handler;
pub mod invocation;
pub mod metrics;
pub mod money;
pub mod order;
pub mod problem;
#[cfg(feature = "sdk")]
pub mod services;
#[cfg(feature = "dynamodb")]
pub mod simulated;
pub mod status;
#[cfg(feature = "dynamodb")]
pub mod store;
pub mod texts;
#[cfg(feature = "sfn")]
pub mod workflow;

pub use clock::{Clock, ManualClock, SystemClock};
pub use email::Email;
pub use handler::{ConfigError, Environment, Fault, Handler, typed};
pub use money::Money;
pub use order::{Order, OrderId, Refusal};
pub use status::{Reason, Status};
