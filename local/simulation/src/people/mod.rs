//! The people of the simulation: customers, reviewers, operators, a clerk, those of a warehouse, and banks. They act
//! through the HTTP API alone, and customers also at Stripe.

pub mod bank;
pub mod clerk;
pub mod customer;
pub mod operator;
mod payer;
pub mod reviewer;
pub mod warehouse;
