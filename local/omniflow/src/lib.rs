//! OmniFlow on one machine.
//!
//! ```text
//!            template.yaml ──► template (functions, routes, tables, rules, state machines)
//!                                  │
//!   --http ──► gateway ──► functions ◄── bus (rules), schedules
//!                              │  ▲
//!        AWS SDK, in-process   ▼  │ integrations
//!   --aws ───────────────────► aws ──► tables (DynamoDB), engine (Step Functions), bus (EventBridge)
//! ```
//!
//! [`Runtime::start`] reads the template and runs what it says. The handlers are those of the Lambda functions; their
//! SDK clients reach [`aws::Aws`] without a socket.

pub mod aws;
pub mod bus;
pub mod cli;
pub mod config;
pub mod demo;
pub mod functions;
mod gateway;
pub mod inside;
pub mod integrations;
pub mod lambda;
mod outbox;
pub mod remote;
mod runtime;
mod schedule;
mod server;
pub mod template;
mod unguarded;

pub use config::Config;
pub use runtime::{Runtime, StartError};

use mimalloc::MiMalloc;

/// An order makes some ten thousand small allocations, most of them in the SDK's and the tables' JSON; this allocator
/// spends half of what the system's does on them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
