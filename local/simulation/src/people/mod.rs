//! The people of the simulation: customers, reviewers, operators and a clerk. They act through the HTTP API alone.

pub mod clerk;
pub mod customer;
pub mod operator;
pub mod reviewer;
