//! The people of the simulation: customers, reviewers, operators, a clerk, those who take returns in, those of a warehouse,
//! and banks. They act
//! through the HTTP API alone, and customers also at Stripe.

pub mod bank;
pub mod clerk;
pub mod customer;
pub mod desk;
pub mod operator;
mod payer;
mod returns;
pub mod reviewer;
pub mod warehouse;
