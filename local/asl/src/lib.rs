//! The Amazon States Language as a pure interpreter.
//!
//! The crate reads no clock, draws no random number and makes no call. A host hands in what happened ([`Event`]) together with clock and
//! randomness ([`Ambient`]), and gets back the next state ([`Execution`], plain data) and what is to be done ([`Effects`]). The same
//! events in the same order give the same execution, whether it runs live, is recovered after a crash or is redriven.
//!
//! ```text
//!   definition ──▶ validate ──▶ Machine (compiled once)
//!                                  │
//!   Start ───▶ Execution::start ◀──┤
//!   Event ───▶ Execution::apply ◀──┘──▶ Effects { history, invocations, cancelled }
//! ```
//!
//! A host:
//! - compiles each definition once ([`Machine::parse_as`]) and refuses what [`Machine::unsupported`] names;
//! - stores the [`Execution`] and the history of the [`Effects`] in one transaction, and only then makes the calls;
//! - keeps one wake-up an execution, at [`Execution::wake_at`], and sends [`Event::Wake`] then;
//! - after a crash makes the calls of [`Execution::invocations`] again;
//! - runs StartSyncExecution with [`Execution::start_synchronous`], TestState with [`test_state::run`], and the validation API with
//!   [`validate::validate`].
//!
//! Values that may be large (arguments, outputs) are handed around as `Arc<serde_json::Value>`. A history event keeps them that way and
//! becomes JSON text only when it is serialized ([`HistoryEvent`]).

#![forbid(unsafe_code)]

mod api;
mod compile;
mod error;
mod execution;
mod history;
mod intrinsic;
mod jsonata;
mod jsonpath;
mod machine;
mod references;
mod scope;
mod size;
mod states;
mod template;
pub mod test_state;
mod time;
mod unsupported;
pub mod validate;

pub use api::{Ambient, Effects, Event, Invocation, MachineType, Outcome, Pattern, Resource, Start, TaskId};
pub use execution::{Execution, input_is_too_large};
pub use history::{Details, HistoryEvent, Scheduled};
pub use machine::Machine;
pub use time::Timestamp;
pub use unsupported::Unsupported;
pub use validate::{Diagnostic, Invalid};
