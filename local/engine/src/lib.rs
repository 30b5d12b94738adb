//! Durable executions of state machines on one machine.
//!
//! ```text
//!   API calls, task results, wake-ups
//!            │ Request
//!            ▼
//!   ┌─ engine thread ──────────────────────────────────────────────┐
//!   │ take all waiting requests   (a group); begin before_commit   │
//!   │ load each execution, asl::Execution::apply(event)            │
//!   │ write state, history and timers; wait for it; COMMIT         │   one fsync for the group
//!   │ answer the callers, start the invocations                    │   only after the commit
//!   └──────────────────────────────────────────────────────────────┘
//!            │ Call                                    ▲ task result
//!            ▼                                         │
//!        Integrations (Lambda, DynamoDB, EventBridge …, on tokio)
//! ```
//!
//! The interpreter (`asl`) is pure; this crate gives it a clock, a journal in SQLite and the calls it asks for.
//! An execution that only waits (for a token or a time) lives on disk and costs no memory. After a crash the same
//! loop goes on: calls that were in flight are made again, timers that came due fire in the first group.

mod checkpoints;
mod clock;
mod core;
mod engine;
mod error;
mod executions;
mod integrations;
mod journal;
mod nested;
mod request;
mod state_machines;
mod stats;
mod token;

pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{BeforeCommit, Durable, Engine, Options};
pub use error::Error;
pub use executions::{
    ExecutionDescription, ExecutionPage, ExecutionSummary, HistoryPage, PageRequest, Started,
};
pub use integrations::{Call, Integrations, TaskError};
pub use request::Verdict;
pub use state_machines::{
    CreateStateMachine, StateMachine, StateMachineKind, UpdateStateMachine, UpdatedStateMachine,
};
pub use stats::{Snapshot, Stats};
