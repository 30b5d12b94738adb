//! The names of history events (AWS Step Functions API Reference, HistoryEvent).

use crate::graph::Kind;

/// The event of entering a state.
pub(super) fn entered(kind: &Kind) -> &'static str {
    match kind {
        Kind::Pass { .. } => "PassStateEntered",
        Kind::Task(_) => "TaskStateEntered",
        Kind::Choice(_) => "ChoiceStateEntered",
        Kind::Wait(_) => "WaitStateEntered",
        Kind::Succeed => "SucceedStateEntered",
        Kind::Fail { .. } => "FailStateEntered",
        Kind::Parallel { .. } => "ParallelStateEntered",
        Kind::Map(_) => "MapStateEntered",
    }
}

/// The event of leaving a state. A Fail is never left.
pub(super) fn exited(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Pass { .. } => "PassStateExited",
        Kind::Task(_) => "TaskStateExited",
        Kind::Choice(_) => "ChoiceStateExited",
        Kind::Wait(_) => "WaitStateExited",
        Kind::Succeed => "SucceedStateExited",
        Kind::Fail { .. } => return None,
        Kind::Parallel { .. } => "ParallelStateExited",
        Kind::Map(_) => "MapStateExited",
    })
}

/// An event of a task. Those of a Lambda function named by its ARN (`service` is `false`) have names of their
/// own.
pub(super) fn of_task(service: bool, what: &str) -> &'static str {
    match (service, what) {
        (true, "Scheduled") => "TaskScheduled",
        (true, "Started") => "TaskStarted",
        (true, "Succeeded") => "TaskSucceeded",
        (true, "TimedOut") => "TaskTimedOut",
        (true, "SubmitFailed") => "TaskSubmitFailed",
        (true, "StartFailed") => "TaskStartFailed",
        (true, _) => "TaskFailed",
        (false, "Scheduled") => "LambdaFunctionScheduled",
        (false, "Started") => "LambdaFunctionStarted",
        (false, "Succeeded") => "LambdaFunctionSucceeded",
        (false, "TimedOut") => "LambdaFunctionTimedOut",
        (false, "StartFailed") => "LambdaFunctionStartFailed",
        (false, _) => "LambdaFunctionFailed",
    }
}
