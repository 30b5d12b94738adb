//! The engine's core: it takes a group of requests, applies them to executions, and commits all of the group
//! or nothing.
//!
//! ```text
//!   Request ──▶ dispatch ──▶ a command ──┐
//!                                        ▼
//!   wake-ups that are due ────────▶ Group.work ──▶ apply ──▶ asl::Execution::apply(event)
//!                                        ▲            │
//!                                        └────────────┤ calls, results of children
//!                                                     ▼
//!                                    commit: state and history, then COMMIT ──▶ After: answers, calls
//! ```
//!
//! The core runs on one thread and does nothing to the outside. What must happen after the commit it returns
//! as [`After`]. Live running, recovery after a crash and redrive all change an execution through
//! `Core::apply`.
//!
//! A step whose expressions are dear is taken beside the groups (`aside`).
//!
//! Each command has a file named after its operation of the Step Functions API.

mod ambient;
mod apply;
mod aside;
mod backlog;
mod commit;
mod create_state_machine;
mod dear_step;
mod dispatch;
mod group;
mod live;
mod map_children;
mod map_runs;
mod memory;
mod nested;
mod quarantine;
mod recover;
mod redrive_execution;
mod send_task;
mod start_execution;
mod start_nested_execution;
mod start_sync_execution;
mod state;
mod stop_execution;
mod task_call;
mod tidy;
mod update_map_run;
mod update_state_machine;
mod wake;

pub(crate) use dear_step::{DearStep, StepTaken};
pub(crate) use group::After;
pub(crate) use state::{Core, Hooks, Limits};
