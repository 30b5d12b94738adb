//! The errors of the Step Functions API, by AWS's names and with AWS's words.

use crate::state_machines::StateMachineKind;

/// Why a call of the Step Functions API was refused (source: Step Functions API Reference).
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The name was used by an execution that has ended or had another input.
    #[error("Execution Already Exists: '{0}'")]
    ExecutionAlreadyExists(String),
    /// No execution has this ARN.
    #[error("Execution Does Not Exist: '{0}'")]
    ExecutionDoesNotExist(String),
    /// The execution can't be redriven; the text says why.
    #[error("{0}")]
    ExecutionNotRedrivable(String),
    /// Not an ARN, or one of something else.
    #[error("Invalid Arn: '{0}'")]
    InvalidArn(String),
    /// The definition is not valid ASL; the text lists what is wrong with it.
    #[error("{0}")]
    InvalidDefinition(String),
    /// The input is not JSON, or too large.
    #[error("Invalid State Machine Execution Input: '{0}'")]
    InvalidExecutionInput(String),
    /// A name that AWS would not take.
    #[error("Invalid Name: '{0}'")]
    InvalidName(String),
    /// A task's output that is not JSON.
    #[error("Invalid output: '{0}'")]
    InvalidOutput(String),
    /// Not a token of this engine.
    #[error("Invalid Token: 'Invalid token'")]
    InvalidToken,
    /// Another definition, role or type is stored under this name.
    #[error("State Machine Already Exists: '{0}'")]
    StateMachineAlreadyExists(String),
    /// No state machine has this ARN.
    #[error("State Machine Does Not Exist: '{0}'")]
    StateMachineDoesNotExist(String),
    /// The operation is not for state machines of this type.
    #[error("{operation} is not supported for {kind} state machines")]
    StateMachineTypeNotSupported {
        /// The operation asked for.
        operation: &'static str,
        /// The type of the state machine.
        kind: StateMachineKind,
    },
    /// The token is good but its task waits no more.
    #[error("Task Timed Out: 'Provided task does not exist anymore'")]
    TaskTimedOut,
    /// The execution of the token is gone.
    #[error("Task does not exist")]
    TaskDoesNotExist,
    /// A parameter out of its bounds.
    #[error("{0}")]
    Validation(String),
    /// A page token that this engine did not give.
    #[error("Invalid Token: '{0}'")]
    InvalidPageToken(String),
    /// The journal could not be written or read. Nothing of the call was kept.
    #[error("the journal failed: {0}")]
    Journal(String),
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
            Self::Validation(_) => "ValidationException",
            Self::Journal(_) => "InternalFailure",
            Self::ShuttingDown => "ServiceUnavailable",
        }
    }

    /// Whether the fault is ours (HTTP 5xx) and the same call may succeed later.
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Journal(_) | Self::ShuttingDown)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.to_string())
    }
}
