//! The errors of the Step Functions API, by AWS's names and with AWS's words.

use crate::journal::JournalError;
use crate::state_machine::StateMachineKind;

/// The error name of an execution that the engine can't go on with (AWS Step Functions Developer Guide, "Handling
/// errors in Step Functions workflows": "States.Runtime: an execution failed due to some exception that it couldn't
/// process").
pub(crate) const RUNTIME: &str = "States.Runtime";

/// Why a call of the Step Functions API was refused (source: Step Functions API Reference).
///
/// The messages are for the caller of the API. What is wrong inside, such as a failing disk, stands in the
/// error's source, which is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An execution of this name has ended, or runs with another input.
    #[error("Execution Already Exists: '{0}'")]
    ExecutionAlreadyExists(String),
    /// No execution has this ARN.
    #[error("Execution Does Not Exist: '{0}'")]
    ExecutionDoesNotExist(String),
    /// As many executions are running as there may be.
    #[error(
        "The maximum number of running executions has been reached. Running executions must end or be stopped before a new execution can be started."
    )]
    ExecutionLimitExceeded,
    /// The execution can't be redriven; the text says why.
    #[error("{0}")]
    ExecutionNotRedrivable(String),
    /// The text is not an ARN of Step Functions, or names a resource of another type.
    #[error("Invalid Arn: '{0}'")]
    InvalidArn(String),
    /// The definition is not valid ASL; the text lists what is wrong with it.
    #[error("{0}")]
    InvalidDefinition(String),
    /// The input is not JSON.
    #[error("Invalid State Machine Execution Input: '{0}'")]
    InvalidExecutionInput(String),
    /// The name is too long, empty, or has a forbidden character.
    #[error("Invalid Name: '{0}'")]
    InvalidName(String),
    /// The output of a task is not JSON.
    #[error("Invalid output: '{0}'")]
    InvalidOutput(String),
    /// The task token was not issued by this engine.
    #[error("Invalid Token: 'Invalid token'")]
    InvalidToken,
    /// A state machine of this name has another definition, role or type.
    #[error("State Machine Already Exists: '{0}'")]
    StateMachineAlreadyExists(String),
    /// No state machine has this ARN.
    #[error("State Machine Does Not Exist: '{0}'")]
    StateMachineDoesNotExist(String),
    /// The operation is not for state machines of this type.
    #[error("{operation} is not supported for {kind} state machines")]
    #[allow(missing_docs, reason = "the names say it")]
    StateMachineTypeNotSupported { operation: &'static str, kind: StateMachineKind },
    /// The task token is genuine, but its task has ended or timed out.
    #[error("Task Timed Out: 'Provided task does not exist anymore'")]
    TaskTimedOut,
    /// The task token is genuine, but the engine no longer knows the execution.
    #[error("Task does not exist")]
    TaskDoesNotExist,
    /// No Map Run has this ARN.
    #[error("Resource not found: '{0}'")]
    ResourceNotFound(String),
    /// A parameter is outside of its bounds; the text says which and what they are.
    #[error("{0}")]
    Validation(String),
    /// The page token was not given by this engine.
    #[error("Invalid Token: '{0}'")]
    InvalidPageToken(String),
    /// The journal can't be read or written. Nothing of the call was kept.
    #[error(
        "the engine could not read or write its journal; nothing of this call was kept, and it may be repeated"
    )]
    Journal(#[from] JournalError),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    ShuttingDown,
}

impl Error {
    /// The `__type` that AWS gives this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExecutionAlreadyExists(_) => "ExecutionAlreadyExists",
            Self::ExecutionDoesNotExist(_) => "ExecutionDoesNotExist",
            Self::ExecutionLimitExceeded => "ExecutionLimitExceeded",
            Self::ExecutionNotRedrivable(_) => "ExecutionNotRedrivable",
            Self::InvalidArn(_) => "InvalidArn",
            Self::InvalidDefinition(_) => "InvalidDefinition",
            Self::InvalidExecutionInput(_) => "InvalidExecutionInput",
            Self::InvalidName(_) => "InvalidName",
            Self::InvalidOutput(_) => "InvalidOutput",
            Self::InvalidToken | Self::InvalidPageToken(_) => "InvalidToken",
            Self::StateMachineAlreadyExists(_) => "StateMachineAlreadyExists",
            Self::StateMachineDoesNotExist(_) => "StateMachineDoesNotExist",
            Self::StateMachineTypeNotSupported { .. } => "StateMachineTypeNotSupported",
            Self::TaskTimedOut => "TaskTimedOut",
            Self::TaskDoesNotExist => "TaskDoesNotExist",
            Self::ResourceNotFound(_) => "ResourceNotFound",
            Self::Validation(_) => "ValidationException",
            Self::Journal(_) => "InternalFailure",
            Self::ShuttingDown => "ServiceUnavailable",
        }
    }

    /// Whether the fault is the engine's own (HTTP 5xx), so that the same call may succeed later.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Journal(_) | Self::ShuttingDown)
    }
}
