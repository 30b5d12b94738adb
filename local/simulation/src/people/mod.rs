//! The people of the simulation: customers, reviewers and operators. They act through the HTTP API alone.

pub mod customer;
pub mod operator;
pub mod reviewer;
