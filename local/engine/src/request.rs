//! What the engine's thread is asked to do.

use asl::{Event, TaskId, Timestamp};
use serde_json::Value;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::executions::{ExecutionDescription, Started};
use crate::journal::Seq;
use crate::state_machines::{CreateStateMachine, StateMachine, UpdateStateMachine, UpdatedStateMachine};

/// What the holder of a task token has to say (SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat).
#[derive(Debug, Clone)]
pub enum Verdict {
    /// The task is done; its result.
    Success(Value),
    /// The task failed.
    Failure {
        /// The error name that Retry and Catch match.
        error: Option<String>,
        /// A text for people.
        cause: Option<String>,
    },
    /// The task is alive.
    Heartbeat,
}

impl Verdict {
    /// The task is done; its result as JSON text.
    ///
    /// # Errors
    /// `InvalidOutput`.
    pub fn success(output: &str) -> Result<Self, Error> {
        serde_json::from_str(output)
            .map(Self::Success)
            .map_err(|error| Error::InvalidOutput(error.to_string()))
    }

    pub(crate) fn into_event(self, task: TaskId) -> Event {
        match self {
            Self::Success(output) => Event::TaskSucceeded { task, output },
            Self::Failure { error, cause } => Event::TaskFailed { task, error, cause },
            Self::Heartbeat => Event::TaskHeartbeat { task },
        }
    }
}

/// An answer that is given when the group is committed. Taken out of the request when it is handled.
pub(crate) type Reply<T> = Option<oneshot::Sender<Result<T, Error>>>;

/// What StartExecution and StartSyncExecution ask for.
#[derive(Debug, Clone)]
pub(crate) struct StartRequest {
    pub machine_arn: String,
    pub name: Option<String>,
    pub input: String,
}

/// One request to the engine's thread.
pub(crate) enum Request {
    Create(CreateStateMachine, Reply<StateMachine>),
    Update(UpdateStateMachine, Reply<UpdatedStateMachine>),
    Delete(String, Reply<()>),
    Start(StartRequest, Reply<Started>),
    StartSync(StartRequest, Reply<ExecutionDescription>),
    Stop {
        arn: String,
        error: Option<String>,
        cause: Option<String>,
        reply: Reply<Timestamp>,
    },
    Redrive(String, Reply<Timestamp>),
    Token(String, Verdict, Reply<()>),
    /// A call returned.
    Task(Seq, Event),
    /// Time was moved by hand: look for what is due.
    Tick,
    Shutdown,
}

impl Request {
    /// Whether nobody waits for an answer, so that the engine itself must not lose it.
    pub(crate) fn is_internal(&self) -> bool {
        matches!(self, Self::Task(..))
    }
}
