//! One execution: its whole state as data, and the one function that changes it.
//!
//! ```text
//!   Event ──▶ Execution::apply ──▶ Runner ──▶ states::start: what does this state want?
//!             (lifecycle)            │  ▲
//!                │                   │  └──── branches and iterations: the same, one level down
//!                ▼                   ▼
//!            Execution            Effects: history, invocations
//!            (snapshot)
//! ```
//!
//! Nothing here acts. A host stores the execution and the history first and then makes the calls, so that
//! live running, recovery and redrive are the same code.
//!
//! The runner's work is cut by what it does: `drive` takes a branch from state to state, `task`, `wait`,
//! `parallel`, `map` and `distributed` each do what a state of that type wants, and `failing` handles retriers, catchers and
//! giving up.

mod branch;
mod distributed;
mod drive;
mod events;
mod failing;
mod lifecycle;
mod map;
mod parallel;
mod queries;
mod runner;
mod snapshot;
mod stimulus;
mod task;
mod wait;

use serde_json::Value;

use crate::size;

pub use snapshot::{Execution, LaterRelease, LoadError};

/// Whether StartExecution would refuse this input for its size (256 KiB).
pub fn input_is_too_large(input: &Value) -> bool {
    size::is_too_large(input)
}
