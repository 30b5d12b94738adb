//! OmniFlow on one machine.
//!
//! ```text
//!            template.yaml ──► template (functions, routes, tables, rules, state machines)
//!                                  │
//!   --http ──► gateway ──► functions ◄── bus (rules), schedules
//!                              │  ▲
//!                      inside  ▼  │ integrations
//!   --aws ──► aws ───────► tables (DynamoDB), engine (Step Functions), bus (EventBridge)
//! ```
//!
//! [`Runtime::start`] reads the template and runs what it describes. The handlers are those of the Lambda
//! functions; the services in this process answer their calls to AWS ([`inside`]).

mod asking;
pub mod aws;
pub mod bus;
mod changes;
pub mod cli;
pub mod config;
mod control;
mod data;
pub mod demo;
mod deployment;
mod doctor;
pub mod driven;
mod files;
mod folder;
pub mod functions;
mod gateway;
mod health;
mod identity;
pub mod inside;
pub mod integrations;
mod keys;
pub mod lambda;
pub mod metrics;
mod outbox;
mod pause;
mod private_files;
pub mod remote;
mod repeats;
mod routes;
mod runtime;
mod schedule;
mod server;
mod start_error;

pub use config::Config;
pub use runtime::Runtime;
pub use start_error::StartError;
