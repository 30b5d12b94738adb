//! What sets a branch going, and what it does next.

use std::sync::Arc;

use serde_json::Value;

use crate::api::TaskId;
use crate::states::Exit;

/// What sets a branch going.
pub(super) enum Stimulus {
    /// The branch starts on this input.
    Begin(Arc<Value>),
    /// Time has passed.
    Wake,
    /// The host reports on a task. The report is gone once the task has been found.
    Task(TaskId, Option<Report>),
    /// The host reports on a Map Run. The report is gone once the run has been found.
    MapRun(TaskId, Option<MapRunReport>),
    /// The states that failed are tried again.
    Redrive,
}

impl Stimulus {
    /// Whether the stimulus has reached the task or the run that it is about, so that no other branch need be asked.
    pub(super) fn is_spent(&self) -> bool {
        matches!(self, Self::Task(_, None) | Self::MapRun(_, None))
    }
}

/// What a host reports on a task.
pub(super) enum Report {
    /// The call was made and has returned this.
    Submitted(Arc<Value>),
    /// The task has this result.
    Succeeded(Arc<Value>),
    /// The task has failed.
    Failed {
        /// The name of the history event without `Task` or `LambdaFunction` before it.
        event: &'static str,
        error: Option<String>,
        cause: Option<String>,
    },
    /// The task is alive.
    Heartbeat,
}

/// What a host reports on a Map Run, or asks for.
pub(super) enum MapRunReport {
    /// The inputs of at most `at_most` children are wanted, for the items from an index on.
    Children { from: u64, at_most: usize },
    /// All children have ended, with these outputs.
    Succeeded(Arc<Value>),
    /// All children have ended, and their outputs are too large.
    TooLarge,
    /// Too many children have failed.
    Failed,
}

/// What a branch does next.
pub(super) enum Action {
    /// The branch enters the state at this place, with this raw input.
    Enter(usize, Arc<Value>),
    /// The active state starts, or starts again.
    Start,
    /// The active state is left.
    Exit(Exit),
    /// The branch waits.
    Suspend,
}
