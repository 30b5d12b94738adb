//! What the end-to-end tests share: the target that they test, clients of its APIs, and helpers that wait
//! with a time limit.
//!
//! ```text
//!   OMNIFLOW_URL set      → that target, whatever stands behind it (OMNIFLOW_AWS_URL: its AWS API, if it has one)
//!   OMNIFLOW_URL not set  → a runtime of our own: free ports, a fresh folder, killed with the test that started it
//! ```
//!
//! Tests that restart or kill the runtime, or need its flags, call [`Runtime::own`]. On a foreign target
//! they are skipped and say so on stderr. Helpers are assertions: they panic when something is not as it
//! must be.
#![allow(
    clippy::unwrap_used,
    reason = "these are assertions of tests: a panic with a message is their way to fail"
)]

mod answer;
mod aws;
mod order;
mod personal;
mod products;
mod runtime;
mod seed;
mod shop;
#[cfg(feature = "aws")]
mod signature;
mod stock;
mod tls;
mod waiting;

pub use answer::{Answer, Problem};
pub use aws::Aws;
pub use order::{Order, Shipment};
pub use products::*;
pub use runtime::{Alone, Runtime, Settings, refusal, refusals, run};
pub use seed::Seed;
pub use shop::Shop;
pub use stock::{Place, Stock};
pub use tls::prepare_tls;
pub use waiting::{PATIENCE, eventually, eventually_within};
