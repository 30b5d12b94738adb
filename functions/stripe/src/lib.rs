//! Stripe as the shop's payment gateway: PaymentIntents with manual capture.
//!
//! ```text
//!   StripeGateway ──► calls (forms out, JSON in, idempotency keys) ──► HTTPS
//!        └── intent: what the answers mean        credentials ──┘ (from the secret store)
//!   signature ── whether Stripe sent an event     event ── which payment an event is about
//! ```
//!
//! Each call asks for the state of the PaymentIntent first and does what that state leaves to do: a call whose
//! answer was lost may have been carried out, and is then found done.
//!
//! Source of all rules about Stripe: the Stripe API Reference and Stripe's documentation, by the titles that
//! the comments name.

pub mod amount;
mod calls;
mod credentials;
mod decline;
pub mod event;
mod gateway;
mod intent;
pub mod signature;

pub use calls::{Error, Stripe};
pub use credentials::{Credentials, SECRET_FORM};
pub use gateway::StripeGateway;
