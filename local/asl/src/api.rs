//! What crosses the border between the interpreter and its host: how an execution starts, what can happen to it, what it wants done.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{HistoryEvent, Timestamp};

/// What the host knows when it starts an execution (StartExecution and StartSyncExecution, AWS Step Functions API Reference).
#[derive(Debug, Clone)]
pub struct Start {
    /// `$$.Execution.Id`.
    pub execution_arn: String,
    /// `$$.Execution.Name`.
    pub execution_name: String,
    /// `$$.StateMachine.Id`; its region is the `region` of scheduled service tasks in the history.
    pub state_machine_arn: String,
    /// `$$.StateMachine.Name`.
    pub state_machine_name: String,
    /// `$$.Execution.RoleArn`.
    pub role_arn: String,
    /// `$$.Execution.StartTime`; the top-level TimeoutSeconds counts from here.
    pub start_time: Timestamp,
    /// The input, `{}` when the caller gave none.
    pub input: Value,
}

/// The outside that is passed in: clock, randomness and task tokens. The same answers give the same execution, byte for byte.
pub trait Ambient {
    /// The current instant; it must not go back within one execution.
    fn now(&self) -> Timestamp;
    /// 64 random bits, for jitter, `$random`, `$uuid`, `States.MathRandom` and `States.UUID`.
    fn random(&mut self) -> u64;
    /// The token that a `.waitForTaskToken` task hands out as `$$.Task.Token`.
    fn task_token(&mut self, task: TaskId) -> String;
}

/// One attempt of one task: unique within an execution and never used again (a retry gets a new one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u64);

/// What can happen to an execution. An event about a task that is no longer awaited changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Time has passed: does all that is due at [`Ambient::now`].
    Wake,
    /// A `.sync` or `.waitForTaskToken` call itself has returned; the task goes on waiting for its result.
    TaskSubmitted {
        /// The task.
        task: TaskId,
        /// The service's answer to the call.
        output: Value,
    },
    /// The result of a task: the service's answer, the final description of a `.sync` job, or SendTaskSuccess.
    TaskSucceeded {
        /// The task.
        task: TaskId,
        /// The result.
        output: Value,
    },
    /// The failure of a task, or SendTaskFailure.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// The error name that Retry and Catch match; absent when SendTaskFailure gave none.
        error: Option<String>,
        /// The cause; absent when SendTaskFailure gave none.
        cause: Option<String>,
    },
    /// The call of a `.sync` or `.waitForTaskToken` task was refused (history event TaskSubmitFailed).
    TaskSubmitFailed {
        /// The task.
        task: TaskId,
        /// The error name that Retry and Catch match.
        error: Option<String>,
        /// The cause.
        cause: Option<String>,
    },
    /// The task could not be started (history events TaskStartFailed, LambdaFunctionStartFailed).
    TaskStartFailed {
        /// The task.
        task: TaskId,
        /// The error name that Retry and Catch match.
        error: Option<String>,
        /// The cause.
        cause: Option<String>,
    },
    /// SendTaskHeartbeat: the heartbeat's clock starts again.
    TaskHeartbeat {
        /// The task.
        task: TaskId,
    },
    /// StopExecution.
    Abort {
        /// The caller's error.
        error: Option<String>,
        /// The caller's cause.
        cause: Option<String>,
    },
    /// RedriveExecution: goes on from the state that failed, was aborted or timed out. Changes nothing on an execution that isn't redrivable.
    Redrive,
}

/// What one event led to. The host stores the execution and the history first, and acts then.
#[derive(Debug, Default)]
pub struct Effects {
    /// The history events that came up, in order.
    pub history: Vec<HistoryEvent>,
    /// The calls to make now.
    pub invocations: Vec<Invocation>,
    /// Tasks that are no longer awaited though they got no result: timed out, or their branch was given up.
    pub cancelled: Vec<TaskId>,
}

/// A call that a host has to make for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The attempt to name in the answer.
    pub task: TaskId,
    /// What to call.
    pub resource: Resource,
    /// What to call it with.
    pub arguments: Arc<Value>,
    /// The task token, for `.waitForTaskToken` (it is somewhere in `arguments` as well).
    pub token: Option<String>,
    /// The task's timeout in seconds; the interpreter keeps the timer itself.
    pub timeout_seconds: Option<u64>,
    /// The task's heartbeat in seconds; the interpreter keeps the timer itself.
    pub heartbeat_seconds: Option<u64>,
    /// The name of the state.
    pub state: String,
}

/// What a Task's `Resource` names (AWS Step Functions Developer Guide, "Integrating services").
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Resource {
    /// A Lambda function by its ARN.
    LambdaFunction {
        /// The function's ARN, with a version or an alias if the definition has one.
        arn: String,
    },
    /// A service integration, `arn:aws:states:::service:action.pattern`.
    Service {
        /// The service, such as `lambda`, `dynamodb`, `events`, `states`; of an SDK integration the part after `aws-sdk:`.
        service: String,
        /// The action in camel case, such as `invoke`.
        action: String,
        /// Whether it is an `aws-sdk` integration.
        sdk: bool,
        /// How the task waits.
        pattern: Pattern,
    },
    /// An activity. Out of scope: [`Machine::unsupported`](crate::Machine::unsupported) names it.
    Activity {
        /// The activity's ARN.
        arn: String,
    },
}

/// How a service integration waits (AWS Step Functions Developer Guide, "Discover service integration patterns").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pattern {
    /// The service's answer is the result.
    RequestResponse,
    /// `.sync`: the end of the job is the result.
    Sync,
    /// `.sync:2`: the same, and the result is JSON rather than JSON text.
    Sync2,
    /// `.waitForTaskToken`: SendTaskSuccess brings the result.
    WaitForTaskToken,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Status SUCCEEDED.
    Succeeded {
        /// The output.
        output: Arc<Value>,
    },
    /// Status FAILED. A Fail state without Error and Cause leaves both out.
    Failed {
        /// The error name.
        error: Option<String>,
        /// The cause.
        cause: Option<String>,
    },
    /// Status TIMED_OUT: the top-level TimeoutSeconds has passed.
    TimedOut {
        /// The error name.
        error: Option<String>,
        /// The cause.
        cause: Option<String>,
    },
    /// Status ABORTED: StopExecution.
    Aborted {
        /// The caller's error.
        error: Option<String>,
        /// The caller's cause.
        cause: Option<String>,
    },
}

impl Outcome {
    /// The status as DescribeExecution spells it.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "SUCCEEDED",
            Self::Failed { .. } => "FAILED",
            Self::TimedOut { .. } => "TIMED_OUT",
            Self::Aborted { .. } => "ABORTED",
        }
    }
}

/// STANDARD or EXPRESS (CreateStateMachine's `type`): validation differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MachineType {
    /// Durable, with history, up to a year.
    #[default]
    Standard,
    /// Short, without `.sync`, task tokens and activities.
    Express,
}
