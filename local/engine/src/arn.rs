//! The ARNs of state machines and executions (Service Authorization Reference, "Resource types defined by AWS
//! Step Functions").

use crate::error::Error;
use crate::state_machine::StateMachineKind;

/// Makes the ARNs of one region and one account.
#[derive(Debug, Clone)]
pub(crate) struct Arns {
    pub region: String,
    pub account: String,
}

impl Arns {
    pub(crate) fn state_machine(&self, name: &str) -> String {
        format!("arn:aws:states:{}:{}:stateMachine:{name}", self.region, self.account)
    }

    /// The ARN of an execution. `run` tells apart the Express executions of one name; Standard ones have only
    /// one.
    pub(crate) fn execution(&self, kind: StateMachineKind, machine: &str, name: &str, run: &str) -> String {
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

/// The ARN of the state machine of a Standard execution.
pub(crate) fn state_machine_of(execution: &str) -> String {
    let machine = execution.rsplit_once(':').map_or(execution, |(machine, _)| machine);
    machine.replacen(":execution:", ":stateMachine:", 1)
}

/// Checks that this is an ARN of Step Functions, and gives its resource type (`stateMachine`, `execution`,
/// `express` …).
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

/// The name in an ARN of Step Functions, with all that follows the resource type.
pub(crate) fn name(arn: &str) -> Option<&str> {
    arn.splitn(7, ':').nth(6)
}

/// Checks that this is the ARN of a resource of the given type.
pub(crate) fn check_type(arn: &str, expected: &str) -> Result<(), Error> {
    if resource_type(arn)? == expected { Ok(()) } else { Err(Error::InvalidArn(arn.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_its_resource_type() {
        let arn = "arn:aws:states:us-east-1:000000000000:execution:m:e";
        assert_eq!(resource_type(arn).unwrap(), "execution");
        assert!(resource_type("arn:aws:states:us-east-1:000000000000:execution:").is_err());
        assert!(resource_type("order").is_err());
    }
}
