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
