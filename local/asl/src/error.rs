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
    pub(crate) const NO_CHOICE: &str = "States.NoChoiceMatched";
    pub(crate) const INTRINSIC: &str = "States.IntrinsicFailure";
    pub(crate) const RESULT_PATH: &str = "States.ResultPathMatchFailure";
    pub(crate) const TOLERATED: &str = "States.ExceedToleratedFailureThreshold";
}

/// Why a state failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error name. A Fail state may leave it out.
    pub(crate) error: Option<Cow<'static, str>>,
    /// The cause, without the preamble that names the state.
    pub(crate) cause: Option<String>,
    pub(crate) kind: FailureKind,
}

/// Where a failure comes from: it decides what the history shows and whether a cause names the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// A task, a Fail state or a branch: its events are in the history already, its cause stands as it is.
    Told,
    /// The interpreter itself: the cause gets the preamble "An error occurred while executing the state …".
    Runtime,
    /// A JSONata evaluation: as `Runtime`, and an EvaluationFailed event comes first.
    Evaluation {
        /// The field that was evaluated.
        location: Option<String>,
        /// Whether the expression itself ran to its end, and its value was what AWS refused.
        after_entering: bool,
    },
}

impl Failure {
    pub(crate) fn told(error: Option<String>, cause: Option<String>) -> Self {
        Self { error: error.map(Cow::Owned), cause, kind: FailureKind::Told }
    }

    pub(crate) fn plain(error: &'static str, cause: impl Into<String>) -> Self {
        Self { error: Some(Cow::Borrowed(error)), cause: Some(cause.into()), kind: FailureKind::Told }
    }

    pub(crate) fn runtime(cause: impl Into<String>) -> Self {
        Self::named(names::RUNTIME, cause)
    }

    pub(crate) fn named(error: &'static str, cause: impl Into<String>) -> Self {
        Self { error: Some(Cow::Borrowed(error)), cause: Some(cause.into()), kind: FailureKind::Runtime }
    }

    pub(crate) fn query(location: impl Into<Option<String>>, cause: impl Into<String>) -> Self {
        Self {
            error: Some(Cow::Borrowed(names::QUERY)),
            cause: Some(cause.into()),
            kind: FailureKind::Evaluation { location: location.into(), after_entering: false },
        }
    }

    /// Whether a Retry or a Catch may handle it at all. States.Runtime and States.DataLimitExceeded end the execution (AWS Step Functions
    /// Developer Guide, "Handling errors in Step Functions workflows").
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.error.as_deref(), Some(names::RUNTIME | names::DATA_LIMIT))
    }

    /// Whether one of the names in an `ErrorEquals` means it.
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
        })
    }
}
