//! The people of the simulation: customers, reviewers, operators, a clerk and those of a warehouse. They act through
//! the HTTP API alone.

pub mod clerk;
pub mod customer;
pub mod operator;
pub mod reviewer;
pub mod warehouse;
