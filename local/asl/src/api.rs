//! What crosses the border between the interpreter and its host: how an execution starts, what can happen to
//! it, and what it wants done.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::HistoryEvent;
use crate::resource::Resource;
use crate::time::Timestamp;

/// What the host knows when it starts an execution (StartExecution and StartSyncExecution, AWS Step Functions
/// API Reference). The context object shows these values to the definition's expressions.
#[derive(Debug, Clone)]
pub struct Start {
    /// The execution's ARN, which the context object shows as `$$.Execution.Id`.
    pub execution_arn: String,
    /// The execution's name, which the context object shows as `$$.Execution.Name`.
    pub execution_name: String,
    /// The state machine's ARN, which the context object shows as `$$.StateMachine.Id`. The history takes the
    /// `region` of a scheduled service task from it.
    pub state_machine_arn: String,
    /// The state machine's name, which the context object shows as `$$.StateMachine.Name`.
    pub state_machine_name: String,
    /// The execution role's ARN, which the context object shows as `$$.Execution.RoleArn`.
    pub role_arn: String,
    /// The instant from which the definition's top-level TimeoutSeconds counts. The context object shows it
    /// as `$$.Execution.StartTime`.
    pub start_time: Timestamp,
    /// The input. A host passes `{}` when its caller gave none, as AWS does.
    pub input: Value,
}

/// The outside world, which the host passes in: clock, randomness and task tokens. The same answers give the
/// same execution, byte for byte.
pub trait Ambient {
    /// The current instant. It must not go back within one execution.
    fn now(&self) -> Timestamp;
    /// The next 64 random bits, for jitter, `$random`, `$uuid`, `States.MathRandom` and `States.UUID`.
    fn random(&mut self) -> u64;
    /// The token that a `.waitForTaskToken` task hands out as `$$.Task.Token`.
    fn task_token(&mut self, task: TaskId) -> String;
    /// How much the execution may do for one event. When that is spent it pauses where it is and is due at once
    /// ([`Execution::wake_at`](crate::Execution::wake_at)), so that one execution holds up no other.
    fn allowance(&self) -> Allowance {
        Allowance::UNLIMITED
    }
    /// How much evaluating the expressions of one event may cost.
    fn effort(&self) -> Effort {
        Effort::Full
    }
    /// Whether the execution is to pause before its next state, as when its allowance is spent. It is asked every few
    /// states.
    fn wants_pause(&self) -> bool {
        false
    }
}

/// How much evaluating the expressions of one event may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// All that the language allows, which is some tenths of a second for one expression. What needs more fails.
    Full,
    /// What a millisecond or so suffices for, counted in work. An event that needs more is not applied at all
    /// ([`Effects::exceeded`]).
    Small {
        /// Whether an expression in JSONata has exceeded the effort also when the machine's clock says that it took more
        /// than a millisecond. Then the same events need not exceed it on every machine.
        timed: bool,
    },
}

/// How much an execution may do for one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// States that it may enter.
    pub states: u64,
    /// Bytes of JSON that the inputs of those states may have together.
    pub bytes: usize,
}

impl Allowance {
    /// The execution goes on until it waits or ends.
    pub const UNLIMITED: Self = Self { states: u64::MAX, bytes: usize::MAX };
}

/// Names one attempt of one task. It is unique within an execution and never used again; a retry gets a new
/// one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u64);

/// What can happen to an execution. An event about a task that is no longer awaited changes nothing.
///
/// `error` is the name that Retry and Catch match, and `cause` is the text for people. Either is absent when
/// the caller of SendTaskFailure or StopExecution gave none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the same in all variants; the type explains them")]
pub enum Event {
    /// Time has passed. The execution does all that is due at [`Ambient::now`].
    Wake,
    /// The call of a `.sync` or `.waitForTaskToken` task has returned `output`. The task goes on waiting for
    /// its result.
    TaskSubmitted { task: TaskId, output: Arc<Value> },
    /// The task has a result: the service's answer, the final description of a `.sync` job, or the output of
    /// SendTaskSuccess.
    TaskSucceeded { task: TaskId, output: Arc<Value> },
    /// The task has failed, or SendTaskFailure was called.
    TaskFailed { task: TaskId, error: Option<String>, cause: Option<String> },
    /// The call of a `.sync` or `.waitForTaskToken` task was refused (history event TaskSubmitFailed).
    TaskSubmitFailed { task: TaskId, error: Option<String>, cause: Option<String> },
    /// The task could not be started (history events TaskStartFailed and LambdaFunctionStartFailed).
    TaskStartFailed { task: TaskId, error: Option<String>, cause: Option<String> },
    /// SendTaskHeartbeat was called: the heartbeat's clock starts again.
    TaskHeartbeat { task: TaskId },
    /// StopExecution was called.
    Abort { error: Option<String>, cause: Option<String> },
    /// The host can't go on with the execution, for a reason that lies in the execution: it fails where it is, and
    /// nothing catches that. A redrive goes on from there.
    Fail { error: Option<String>, cause: Option<String> },
    /// RedriveExecution was called: the execution goes on from the state that failed, timed out or was
    /// stopped. This changes nothing on an execution that isn't
    /// [redrivable](crate::Execution::is_redrivable).
    Redrive,
    /// The host has room for more children of a Map Run: it wants the inputs of at most `at_most` children, for the
    /// items from the index `from` on ([`Effects::children`]). Nothing else changes, unless an input can't be made,
    /// which fails the state.
    MapChildren { run: TaskId, from: u64, at_most: usize },
    /// A Map Run has ended, and `output` has the outputs of its children in the order of their items.
    MapRunSucceeded { run: TaskId, output: Arc<Value> },
    /// A Map Run has ended, and the outputs of its children are together larger than a payload may be.
    MapRunTooLarge { run: TaskId },
    /// More children of a Map Run have failed than the host was told to tolerate.
    MapRunFailed { run: TaskId },
}

/// Characters that an error name and a cause may have (Step Functions API Reference, SendTaskFailure, `error` and
/// `cause`).
const MAX_ERROR: usize = 256;
const MAX_CAUSE: usize = 32_768;

impl Event {
    /// The event with its error and cause cut to the lengths that AWS keeps. The cause of a child's failure is quoted
    /// in that of its parent, where escaping doubles it: without an end, a chain of children would fill the memory.
    pub(crate) fn cut(mut self) -> Self {
        if let Self::TaskFailed { error, cause, .. }
        | Self::TaskSubmitFailed { error, cause, .. }
        | Self::TaskStartFailed { error, cause, .. }
        | Self::Abort { error, cause }
        | Self::Fail { error, cause } = &mut self
        {
            cut(error, MAX_ERROR);
            cut(cause, MAX_CAUSE);
        }
        self
    }
}

fn cut(text: &mut Option<String>, characters: usize) {
    if let Some(text) = text
        && text.len() > characters
        && let Some((end, _)) = text.char_indices().nth(characters)
    {
        text.truncate(end);
    }
}

/// What one event led to. The host stores the execution and the history first, and makes the calls then.
#[derive(Debug, Default)]
pub struct Effects {
    /// The new history events, in order.
    pub history: Vec<HistoryEvent>,
    /// The calls to make now.
    pub invocations: Vec<Invocation>,
    /// What has become of Map Runs.
    pub map_runs: Vec<MapRunChange>,
    /// The children that [`Event::MapChildren`] asked for.
    pub children: Vec<MapChild>,
    /// Whether the event needs more than the small effort that the host wanted ([`Effort::Small`]). There are no other
    /// effects then, and the execution must not be used any more: the event is to be applied again, with full effort, to
    /// what the execution was before.
    pub exceeded: bool,
}

/// What a host has to do about a Map Run, which is what a Distributed Map starts: the child executions of its items.
/// `run` is the number that events about the run give; it is never that of a task of the same execution.
#[derive(Debug, Clone, PartialEq)]
pub enum MapRunChange {
    /// The run begins. Its children are asked for with [`Event::MapChildren`].
    Started(Box<MapRunStart>),
    /// The run goes on: children that ended without success are redriven, and the rest are started.
    #[allow(missing_docs, reason = "the type explains it")]
    Redriven { run: TaskId },
    /// The state has failed; children that still run are to be aborted.
    #[allow(missing_docs, reason = "the type explains it")]
    Failed { run: TaskId },
    /// The state was given up; children that still run are to be aborted.
    #[allow(missing_docs, reason = "the type explains it")]
    Aborted { run: TaskId },
}

/// A Map Run that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct MapRunStart {
    /// The number of the run within its execution.
    pub run: TaskId,
    /// `arn:aws:states:REGION:ACCOUNT:mapRun:MACHINE/LABEL:UUID`
    pub arn: String,
    /// The definition that the children run.
    pub definition: Arc<str>,
    /// The type of the children.
    pub child_type: MachineType,
    /// How many items there are.
    pub items: u64,
    /// How many items a child gets at the most.
    pub items_a_child: u64,
    /// How many children may run at once; 0 means that the definition sets no limit.
    pub max_concurrency: u64,
    /// How many items may fail before the run does.
    pub tolerated: Tolerated,
}

/// A child of a Map Run that is to be started.
#[derive(Debug, Clone, PartialEq)]
pub struct MapChild {
    /// How many items it works on; more than one only with an ItemBatcher.
    pub items: u64,
    /// Its input.
    pub input: Arc<Value>,
}

/// How many iterations may fail before the Map does: ToleratedFailureCount and ToleratedFailurePercentage (0
/// to 100).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tolerated {
    /// How many items may fail; absent when no number is set.
    pub count: Option<u64>,
    /// What share of the items may fail, from 0 to 100; absent when none is set.
    pub percentage: Option<f64>,
}

impl Tolerated {
    /// Whether the definition tolerates anything.
    pub(crate) fn is_set(self) -> bool {
        self.count.is_some() || self.percentage.is_some()
    }

    /// Whether `failed` failures out of `of` iterations are too many.
    pub fn exceeded(self, failed: u64, of: u64) -> bool {
        let share = failed as f64 * 100.0 / of.max(1) as f64;
        match (self.count, self.percentage) {
            (None, None) => failed > 0,
            (count, percentage) => {
                count.is_some_and(|count| failed > count)
                    || percentage.is_some_and(|percentage| share > percentage)
            }
        }
    }
}

/// A call that a host has to make for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The attempt, which the host names in the events that report on it.
    pub task: TaskId,
    /// The function or service to call.
    pub resource: Resource,
    /// The arguments of the call.
    pub arguments: Arc<Value>,
    /// The task token of a `.waitForTaskToken` task. The definition has put it somewhere into `arguments` as
    /// well.
    pub token: Option<String>,
    /// The task's timeout in seconds. The interpreter keeps the timer itself.
    pub timeout_seconds: Option<u64>,
    /// The seconds that may pass between two heartbeats. The interpreter keeps the timer itself.
    pub heartbeat_seconds: Option<u64>,
    /// The name of the Task state.
    pub state: String,
}

/// How an execution ended. `error` and `cause` are those of the failure or of the caller who stopped it; a
/// Fail state without Error and Cause leaves both out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the same in all variants; the type explains them")]
pub enum Outcome {
    /// The last state was left with this output.
    Succeeded { output: Arc<Value> },
    /// A state failed, and nothing caught that.
    Failed { error: Option<String>, cause: Option<String> },
    /// The definition's top-level TimeoutSeconds have passed.
    TimedOut { error: Option<String>, cause: Option<String> },
    /// StopExecution was called.
    Aborted { error: Option<String>, cause: Option<String> },
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

/// The `type` of CreateStateMachine. The two are validated differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum MachineType {
    /// A machine whose executions are durable, have a history and may last a year.
    #[default]
    Standard,
    /// A machine whose executions last five minutes at the most, without `.sync`, task tokens and activities.
    Express,
}
