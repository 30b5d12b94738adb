//! The outside that the shop depends on, simulated: a payment gateway and warehouses.
//!
//! What they remember lives in a table of its own, so that it survives crashes, and a repeated call has one
//! effect, as with the idempotency keys of real gateways. The payment method and the products say how they
//! behave:
//!
//! | payment method | what happens |
//! | --- | --- |
//! | `pm_card` | the money is taken |
//! | `pm_declined` | declined: the order is undone |
//! | `pm_timeout_twice` | the gateway times out twice, then takes the money |
//! | `pm_timeout_always` | the gateway times out for good: the order is undone |
//! | `pm_refund_fails_twice` | taken; a refund fails twice, then succeeds |
//! | `pm_refund_fails` | taken; a refund fails for good: needs attention |
//!
//! For the products that misbehave in transit see [`omniflow_domain::catalogue`].

mod gateway;
mod ledger;
mod warehouse;

pub use gateway::{METHODS, SimulatedGateway};
pub use ledger::Ledger;
pub use warehouse::SimulatedWarehouses;
