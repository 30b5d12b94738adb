//! State machines as the API describes them.

use std::fmt;

use asl::Timestamp;

/// The type of a state machine (AWS Step Functions Developer Guide, "Choosing workflow type").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateMachineKind {
    /// Executions are durable, keep their history and may run for up to a year.
    #[default]
    Standard,
    /// Executions run for up to five minutes, and nothing of them is kept once they have ended.
    Express,
}

impl StateMachineKind {
    /// The type as the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Express => "EXPRESS",
        }
    }

    /// Reads what [`Self::as_str`] writes; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "STANDARD" => Some(Self::Standard),
            "EXPRESS" => Some(Self::Express),
            _ => None,
        }
    }

    pub(crate) fn of(kind: asl::MachineType) -> Self {
        match kind {
            asl::MachineType::Standard => Self::Standard,
            asl::MachineType::Express => Self::Express,
        }
    }

    pub(crate) fn machine_type(self) -> asl::MachineType {
        match self {
            Self::Standard => asl::MachineType::Standard,
            Self::Express => asl::MachineType::Express,
        }
    }
}

impl fmt::Display for StateMachineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A stored state machine.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct StateMachine {
    /// `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`
    pub arn: String,
    /// The name, which no other state machine of the engine has.
    pub name: String,
    pub kind: StateMachineKind,
    /// The IAM role that tasks would take on AWS. The engine only stores it and tells it back.
    pub role_arn: String,
    /// The definition in Amazon States Language, as JSON text.
    pub definition: String,
    /// A UUID that every update replaces.
    pub revision_id: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// What CreateStateMachine takes.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CreateStateMachine {
    /// 1 to 80 characters; some are forbidden (Step Functions API Reference, CreateStateMachine, `name`).
    pub name: String,
    pub kind: StateMachineKind,
    /// The definition in Amazon States Language, as JSON text.
    pub definition: String,
    pub role_arn: String,
}

/// What UpdateStateMachine takes. A field that is `None` is left as it is.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UpdateStateMachine {
    pub arn: String,
    /// The new definition; executions that run already go on with the one they began with.
    pub definition: Option<String>,
    pub role_arn: Option<String>,
}

/// What UpdateStateMachine answers.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct UpdatedStateMachine {
    pub revision_id: String,
    pub updated: Timestamp,
}
