//! State machines as the API names them, and the rules for names and ARNs.

use std::fmt;

use asl::Timestamp;

use crate::error::Error;

/// Whether an execution is durable and kept, or quick and forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateMachineKind {
    /// Durable, with a history, up to a year.
    #[default]
    Standard,
    /// Up to five minutes; nothing is kept of it.
    Express,
}

impl StateMachineKind {
    /// As the API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Express => "EXPRESS",
        }
    }

    /// Reads the API's word.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "STANDARD" => Some(Self::Standard),
            "EXPRESS" => Some(Self::Express),
            _ => None,
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
pub struct StateMachine {
    /// `arn:aws:states:REGION:ACCOUNT:stateMachine:NAME`
    pub arn: String,
    /// Unique in the engine.
    pub name: String,
    /// Standard or Express.
    pub kind: StateMachineKind,
    /// The role its tasks would take on AWS; here only told back.
    pub role_arn: String,
    /// The definition in Amazon States Language.
    pub definition: String,
    /// Changes with each update.
    pub revision_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// What CreateStateMachine takes.
#[derive(Debug, Clone)]
pub struct CreateStateMachine {
    /// 1 to 80 characters.
    pub name: String,
    /// Standard or Express.
    pub kind: StateMachineKind,
    /// The definition in Amazon States Language.
    pub definition: String,
    /// An IAM role's ARN.
    pub role_arn: String,
}

/// What UpdateStateMachine takes; what is `None` stays as it is. Running executions keep the definition they began with.
#[derive(Debug, Clone)]
pub struct UpdateStateMachine {
    /// Which one.
    pub arn: String,
    /// The new definition.
    pub definition: Option<String>,
    /// The new role.
    pub role_arn: Option<String>,
}

/// What UpdateStateMachine answers.
#[derive(Debug, Clone)]
pub struct UpdatedStateMachine {
    /// The new revision.
    pub revision_id: String,
    /// When.
    pub updated: Timestamp,
}

/// Region and account, for the ARNs.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub region: String,
    pub account: String,
}

impl Place {
    pub(crate) fn state_machine_arn(&self, name: &str) -> String {
        format!("arn:aws:states:{}:{}:stateMachine:{name}", self.region, self.account)
    }

    pub(crate) fn execution_arn(
        &self,
        kind: StateMachineKind,
        machine: &str,
        name: &str,
        run: &str,
    ) -> String {
        let Self { region, account } = self;
        match kind {
            StateMachineKind::Standard => {
                format!("arn:aws:states:{region}:{account}:execution:{machine}:{name}")
            }
            StateMachineKind::Express => {
                format!("arn:aws:states:{region}:{account}:express:{machine}:{name}:{run}")
            }
        }
    }
}

/// Checks an ARN of Step Functions and gives its resource type (`stateMachine`, `execution` …).
pub(crate) fn resource_type(arn: &str) -> Result<&str, Error> {
    let invalid = || Error::InvalidArn(arn.to_owned());
    let mut parts = arn.splitn(7, ':');
    let head = [parts.next(), parts.next(), parts.next()];
    if head != [Some("arn"), Some("aws"), Some("states")] {
        return Err(invalid());
    }
    let resource = parts.nth(2).ok_or_else(invalid)?;
    match parts.next() {
        Some(name) if !name.is_empty() => Ok(resource),
        _ => Err(invalid()),
    }
}

/// Checks a name (Step Functions API Reference, CreateStateMachine: 1–80 characters, none of a list).
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let forbidden = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c)
            || ('\u{fffe}'..='\u{ffff}').contains(&c)
    };
    if name.is_empty() || name.chars().count() > 80 || name.contains(forbidden) {
        return Err(Error::InvalidName(name.to_owned()));
    }
    Ok(())
}

/// Refuses a definition that AWS would refuse, or that this engine can't run.
pub(crate) fn check_definition(definition: &str, kind: StateMachineKind) -> Result<(), Error> {
    let machine = asl::Machine::parse_as(definition, kind.machine_type())
        .map_err(|invalid| Error::InvalidDefinition(invalid.to_string()))?;
    match machine.unsupported().first() {
        Some(unsupported) => Err(Error::InvalidDefinition(unsupported.to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_aws_checks_them() {
        assert!(check_name("ORD-17000").is_ok());
        for bad in ["", "a b", "a:b", "a/b", &"x".repeat(81)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_arn_tells_its_resource_type() {
        let arn = "arn:aws:states:us-east-1:000000000000:execution:m:e";
        assert_eq!(resource_type(arn).unwrap(), "execution");
        assert!(resource_type("arn:aws:states:us-east-1:000000000000:execution:").is_err());
        assert!(resource_type("order").is_err());
    }
}
