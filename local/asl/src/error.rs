//! Errors as the language knows them: a name that Retry and Catch match, and a cause for people.

use std::borrow::Cow;

/// The reserved error names (Amazon States Language, Appendix A: "Predefined Error Codes").
pub(crate) mod names {
    pub(crate) const ALL: &str = "States.ALL";
    pub(crate) const TASK_FAILED: &str = "States.TaskFailed";
    pub(crate) const TIMEOUT: &str = "States.Timeout";
    pub(crate) const HEARTBEAT: &str = "States.HeartbeatTimeout";
    pub(crate) const RUNTIME: &str = "States.Runtime";
    pub(crate) const DATA_LIMIT: &str = "States.DataLimitExceeded";
    pub(crate) const QUERY: &str = "States.QueryEvaluationError";
    pub(crate) const RESULT_PATH: &str = "States.ResultPathMatchFailure";
    pub(crate) const TOLERATED: &str = "States.ExceedToleratedFailureThreshold";
}

/// The result of evaluating a part of a state: a value, or the reason why the state fails.
pub(crate) type Evaluated<T> = Result<T, Failure>;

/// Why a state failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error name. A Fail state may leave it out.
    pub(crate) error: Option<Cow<'static, str>>,
    /// The cause, without the preamble that names the state.
    pub(crate) cause: Option<String>,
    /// What the failure comes from.
    pub(crate) kind: FailureKind,
    /// Whether a task's heartbeat did not come. AWS reports such a failure as States.Timeout, and yet a
    /// catcher of States.HeartbeatTimeout takes it.
    pub(crate) heartbeat: bool,
}

/// What a failure comes from. It decides which events the history shows and whether the cause names the
/// state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// A task, a Fail state or a branch has failed. Its events are in the history already, and its cause
    /// stands as it is.
    Told,
    /// The interpreter itself has failed the state. The cause gets the preamble "An error occurred while
    /// executing the state …".
    Runtime,
    /// The evaluation of a JSONata expression has failed. The cause gets the preamble as with `Runtime`, and
    /// an EvaluationFailed event comes first.
    Evaluation {
        /// The field that was evaluated, such as `Arguments/FunctionName`.
        location: Option<String>,
        /// Whether the expression itself ran to its end, and its value was what AWS refused.
        after_entering: bool,
    },
}

impl Failure {
    /// The failure of a task, a Fail state or a branch, as it was reported.
    pub(crate) fn told(error: Option<String>, cause: Option<String>) -> Self {
        Self { error: error.map(Cow::Owned), cause, kind: FailureKind::Told, heartbeat: false }
    }

    /// A failure of the interpreter whose cause does not name the state.
    pub(crate) fn plain(error: &'static str, cause: impl Into<String>) -> Self {
        Self {
            error: Some(Cow::Borrowed(error)),
            cause: Some(cause.into()),
            kind: FailureKind::Told,
            heartbeat: false,
        }
    }

    /// A failure of the interpreter under the name States.Runtime.
    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self::named(names::RUNTIME, cause)
    }

    /// A failure of the interpreter under the given name.
    pub(crate) fn named(error: &'static str, cause: impl Into<String>) -> Self {
        Self {
            error: Some(Cow::Borrowed(error)),
            cause: Some(cause.into()),
            kind: FailureKind::Runtime,
            heartbeat: false,
        }
    }

    /// The failure of an expression in the field at `location`, under the name States.QueryEvaluationError.
    pub(crate) fn query(location: impl Into<Option<String>>, cause: impl Into<String>) -> Self {
        Self {
            error: Some(Cow::Borrowed(names::QUERY)),
            cause: Some(cause.into()),
            kind: FailureKind::Evaluation { location: location.into(), after_entering: false },
            heartbeat: false,
        }
    }

    /// The error name as an own string, for the history and the outcome.
    pub(crate) fn error_name(&self) -> Option<String> {
        self.error.as_deref().map(str::to_owned)
    }

    /// Whether the failure ends the execution whatever Retry and Catch say. States.Runtime and
    /// States.DataLimitExceeded do (AWS Step Functions Developer Guide, "Handling errors in Step Functions
    /// workflows").
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.error.as_deref(), Some(names::RUNTIME | names::DATA_LIMIT))
    }

    /// Whether a retrier or a catcher with this `ErrorEquals` handles the failure. `from_task` says whether
    /// the state is a Task, a Parallel or a Map: only those raise what States.TaskFailed stands for.
    pub(crate) fn matches(&self, error_equals: &[String], from_task: bool) -> bool {
        if self.is_terminal() {
            return false;
        }
        let error = self.error.as_deref().unwrap_or_default();
        error_equals.iter().any(|name| {
            name == error
                || name == names::ALL
                || (name == names::TASK_FAILED
                    && from_task
                    && error != names::TIMEOUT
                    && error != names::HEARTBEAT)
                || (name == names::TIMEOUT && error == names::HEARTBEAT)
                || (name == names::HEARTBEAT && self.heartbeat)
        })
    }
}
