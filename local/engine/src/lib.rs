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
//!            │ TaskCall                                ▲ task result
//!            ▼                                         │
//!        Integrations (Lambda, DynamoDB, EventBridge …, on tokio)
//! ```
//!
//! The interpreter (`asl`) is pure; this crate gives it a clock, a journal in SQLite and the calls that it
//! asks for. An execution that only waits, for a task token or for a time, lives on disk and costs no memory.
//! After a crash the engine goes on by the same way as before it: calls that were in flight are made again,
//! and timers that came due fire in the first group.
//!
//! ```
//! # use std::sync::Arc;
//! # use engine::*;
//! # use futures::future::BoxFuture;
//! # use serde_json::{Value, json};
//! /// Functions that give back their event.
//! struct Echo;
//!
//! impl Integrations for Echo {
//!     fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
//!         Box::pin(async move { Ok((*call.arguments).clone()) })
//!     }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let engine = Engine::open(Options::at(folder.path().join("journal.db")), |_| Arc::new(Echo))?;
//!
//! let definition = json!({ "StartAt": "Greet", "States": { "Greet": { "Type": "Pass", "End": true } } });
//! let machine = engine
//!     .create_state_machine(CreateStateMachine {
//!         name: "greeting".to_owned(),
//!         kind: StateMachineKind::Standard,
//!         definition: definition.to_string(),
//!         role_arn: "arn:aws:iam::000000000000:role/greeting".to_owned(),
//!     })
//!     .await?;
//! let started = engine.start_execution(machine.arn, None, r#"{"hello":"world"}"#.to_owned()).await?;
//!
//! let ended = engine.describe_execution(&started.arn)?;
//! assert_eq!(ended.status, ExecutionStatus::Succeeded);
//! assert_eq!(ended.output.as_deref(), Some(r#"{"hello":"world"}"#));
//!
//! let history = engine.execution_history(&started.arn, false, &PageRequest::default())?;
//! let types: Vec<_> = history.events.iter().map(|event| &event["type"]).collect();
//! assert_eq!(types, ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]);
//! engine.shut_down();
//! # Ok(())
//! # }
//! ```

mod arn;
mod checks;
mod core;
mod engine;
mod error;
mod executions;
mod health;
mod integrations;
mod journal;
mod map_runs;
mod options;
mod request;
mod state_machine;
mod stats;
mod status;
mod status_changes;
mod token;

pub use ambient::{Clock, ManualClock, SystemClock};
pub use engine::{Driver, Engine};
pub use error::Error;
pub use executions::{
    ExecutionDescription, ExecutionPage, ExecutionSummary, HistoryPage, PageRequest, Started,
};
pub use health::{Health, Trouble, TroubleKind, WritesLost};
pub use integrations::{Integrations, TaskCall, TaskError};
pub use journal::JournalError;
pub use map_runs::{MapRunCounts, MapRunDescription, MapRunPage, MapRunStatus, MapRunSummary, UpdateMapRun};
pub use options::{BeforeCommit, Durable, Folder, Options};
pub use request::Verdict;
pub use state_machine::{
    CreateStateMachine, StateMachine, StateMachineKind, UpdateStateMachine, UpdatedStateMachine,
};
pub use stats::{Snapshot, Stats};
pub use status::ExecutionStatus;
pub use status_changes::{Committed, StatusChanges};
