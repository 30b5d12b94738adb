//! What callers give, checked as AWS checks it.

use serde_json::Value;

use crate::error::Error;
use crate::state_machine::StateMachineKind;

/// The largest input of an execution, in bytes of UTF-8 (Step Functions Developer Guide, "Service quotas").
const MAX_INPUT: usize = 262_144;

/// Checks the name of a state machine or an execution: 1 to 80 characters, none of them forbidden (Step
/// Functions API Reference, CreateStateMachine, `name`).
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
    let kind = kind.machine_type();
    let invalid = |invalid: asl::Invalid| Error::InvalidDefinition(invalid.to_string());
    asl::validate::reject(asl::validate::validate_here(definition, kind)).map_err(invalid)?;
    asl::Machine::parse_as(definition, kind).map_err(invalid)?;
    Ok(())
}

/// Reads the input of an execution from its JSON text.
pub(crate) fn parse_input(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_INPUT {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to {MAX_INPUT}"
        )));
    }
    serde_json::from_str(text).map_err(|error| Error::InvalidExecutionInput(error.to_string()))
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
}
