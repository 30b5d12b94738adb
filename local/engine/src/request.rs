//! What the engine's thread is asked to do.

use asl::{Event, TaskId, Timestamp};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::core::StepTaken;
use crate::error::Error;
use crate::executions::{ExecutionDescription, Started};
use crate::journal::Seq;
use crate::map_runs::UpdateMapRun;
use crate::state_machine::{CreateStateMachine, StateMachine, UpdateStateMachine, UpdatedStateMachine};

/// What the holder of a task token reports (SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat).
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The task is done, and this is its result.
    Success(Value),
    /// The task failed.
    Failure {
        /// The error name that `Retry` and `Catch` match with `ErrorEquals`.
        error: Option<String>,
        /// A text for people.
        cause: Option<String>,
    },
    /// The task is still being worked on; its `HeartbeatSeconds` begin anew.
    Heartbeat,
}

impl Verdict {
    /// A success whose result is given as JSON text.
    ///
    /// # Errors
    /// `InvalidOutput` when the text is not JSON.
    pub fn success(output: &str) -> Result<Self, Error> {
        serde_json::from_str(output)
            .map(Self::Success)
            .map_err(|error| Error::InvalidOutput(error.to_string()))
    }

    pub(crate) fn into_event(self, task: TaskId) -> Event {
        match self {
            Self::Success(output) => Event::TaskSucceeded { task, output: output.into() },
            Self::Failure { error, cause } => Event::TaskFailed { task, error, cause },
            Self::Heartbeat => Event::TaskHeartbeat { task },
        }
    }
}

/// Where the answer to a request goes. It is taken out when the request is handled, and sent when the group
/// is committed; when the group is not, it is dropped, which the caller notices.
pub(crate) type Reply<T> = Option<oneshot::Sender<Result<T, Error>>>;

/// What StartExecution and StartSyncExecution take.
#[derive(Debug, Clone)]
pub(crate) struct StartRequest {
    pub machine_arn: String,
    pub name: Option<String>,
    /// JSON text.
    pub input: String,
}

/// One request to the engine's thread. `core/dispatch.rs` says which command carries it out.
pub(crate) enum Request {
    CreateStateMachine(CreateStateMachine, Reply<StateMachine>),
    UpdateStateMachine(UpdateStateMachine, Reply<UpdatedStateMachine>),
    DeleteStateMachine {
        arn: String,
        reply: Reply<()>,
    },
    StartExecution(StartRequest, Reply<Started>),
    StartSyncExecution(StartRequest, Reply<ExecutionDescription>),
    StopExecution {
        arn: String,
        error: Option<String>,
        cause: Option<String>,
        reply: Reply<Timestamp>,
    },
    RedriveExecution {
        arn: String,
        reply: Reply<Timestamp>,
    },
    UpdateMapRun(UpdateMapRun, Reply<()>),
    SendTask {
        token: String,
        verdict: Verdict,
        reply: Reply<()>,
    },
    /// A call of a Task state has returned.
    TaskResult {
        seq: Seq,
        event: Event,
    },
    /// A step has been taken beside the groups. When its group can't be committed, the step is taken again.
    StepTaken(Option<Box<StepTaken>>),
    /// Time was moved by hand, so that wake-ups may be due.
    ClockMoved,
    ShutDown,
}

impl Request {
    /// Whether nobody waits for an answer and would repeat the request, so that the engine itself must not
    /// lose it.
    pub(crate) fn is_internal(&self) -> bool {
        matches!(self, Self::TaskResult { .. })
    }
}
