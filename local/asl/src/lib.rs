//! The Amazon States Language as a pure interpreter.
//!
//! The crate reads no clock, draws no random number and makes no call. A host hands in what happened
//! ([`Event`]) together with clock and randomness ([`Ambient`]), and gets back the next state ([`Execution`],
//! plain data) and what is to be done ([`Effects`]). The same events in the same order give the same
//! execution, whether it runs live, is recovered after a crash or is redriven.
//!
//! ```text
//!   definition ──▶ validate ──▶ Machine (compiled once)
//!                                  │
//!   Start ───▶ Execution::start ◀──┤
//!   Event ───▶ Execution::apply ◀──┘──▶ Effects { history, invocations, map_runs, children }
//! ```
//!
//! A host:
//! - compiles each definition once ([`Machine::parse_as`]) and refuses what [`Machine::unsupported`] names;
//! - stores the [`Execution`] and the history of the [`Effects`] in one transaction, and only then makes the
//!   calls;
//! - keeps one wake-up for each execution, at [`Execution::wake_at`], and sends [`Event::Wake`] then;
//! - may want only a small effort made for an event ([`Ambient::effort`]). When the event needs more
//!   ([`Effects::exceeded`]), the host applies it again to the execution as it was before, with full effort and where it
//!   holds nobody up;
//! - makes the calls of [`Execution::invocations`] again after a crash;
//! - starts and counts the child executions of a Distributed Map ([`MapRunChange`]), which are executions like any
//!   other, and reports how the whole ended;
//! - runs StartSyncExecution with [`Execution::start_synchronous`], TestState with [`test_state::run`], and
//!   the validation API with [`validate::validate`].
//!
//! Values that may be large (arguments, outputs) are handed around as `Arc<serde_json::Value>`. A history
//! event keeps them that way and becomes JSON text only when it is serialized ([`HistoryEvent`]).
//!
//! The modules stand on floors. Each uses those below it, and none beside or above it:
//!
//! ```text
//!   execution, test_state            run a machine; test a single state
//!   machine, states                  what a host compiles; what a state of each type does
//!   validate, compile                check the JSON of a definition; turn it into a graph
//!   graph, references, unsupported   the compiled form; what else is told about a definition
//!   template, comparison             what states and their rules are made of
//!   jsonata                          expressions in `{% … %}`
//!   intrinsic, scope                 function calls; the variables and the context object
//!   jsonpath, api                    paths; what crosses the border to the host
//!   history, parameters               events; what the actions of services take
//!   resource, integration             what a Task calls; which services there are
//!   processor                         how the iterations of a Map run
//!   budget, error, language, size,
//!   time                              what all of them share
//! ```

#![forbid(unsafe_code)]

mod api;
mod budget;
mod comparison;
mod compile;
mod error;
mod execution;
mod graph;
mod history;
mod integration;
mod intrinsic;
mod jsonata;
mod jsonpath;
mod language;
mod machine;
mod parameters;
mod processor;
mod references;
mod resource;
mod scope;
mod size;
mod states;
mod template;
pub mod test_state;
mod time;
mod unsupported;
pub mod validate;

pub use api::{
    Allowance, Ambient, Effects, Effort, Event, Invocation, MachineType, MapChild, MapRunChange, MapRunStart,
    Outcome, Start, TaskId, Tolerated,
};
pub use execution::{Execution, LaterRelease, LoadError, input_is_too_large};
pub use history::{Details, HistoryEvent, Scheduled};
pub use machine::Machine;
pub use resource::{Pattern, Resource};
pub use size::MAX_PAYLOAD;
pub use time::Timestamp;
pub use unsupported::Unsupported;
pub use validate::{Diagnostic, Invalid};
