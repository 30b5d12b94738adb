//! The foundation of the handlers' tests.
//!
//! ```text
//!   test ──► Shop ──► handlers (by binary) ──► AWS SDK ──► Aws ──► embedded DynamoDB
//!              │                                            ├───► Step Functions: records, answers, fails on demand
//!              └──► Walk: the order's state machine,        └───► EventBridge: records, fails on demand
//!                   one step at a time, by the interpreter `asl`
//! ```
//!
//! Tables, environment variables and state machines come from `template.yaml`. No test waits for real time:
//! deadlines and ages are changed in the tables. Which request overtakes which is drawn from a seed
//! ([`Shop::shuffled`]) or decided by holding one up ([`Aws::hold`]).

#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod aws;
mod cloudwatch;
mod definitions;
mod execution;
mod failures;
mod servers;
mod shop;
mod stripe;
mod walk;

pub use aws::{Aws, Held, Outage, ServiceCall, Token, Use};
pub use definitions::Definition;
pub use failures::{failures, invoked_by_state_machines};
pub use servers::{Received, Servers, WAREHOUSE_SECRET, warehouse_key};
pub use shop::{HttpAnswer, SENDER, Shop, asked_back, customer, deployed, starts, stripe_system, system};
pub use stripe::STRIPE_SECRET;
pub use walk::{At, Walk};
