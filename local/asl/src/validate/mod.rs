//! Static validation, in AWS's codes and words (ValidateStateMachineDefinition, AWS Step Functions API
//! Reference).
//!
//! There are two passes, as on AWS. The first checks the form of everything, and the second where the
//! transitions lead. While the form is wrong, the second tells only of targets that don't exist.
//!
//! ```text
//!   validate ──▶ form ──▶ fields, types, choice, wait, distributed, resource, handlers, expressions  the first pass
//!            ├─▶ variables
//!            └─▶ transitions                                                            the second pass
//!   each adds to findings, which hold diagnostics
//! ```

mod choice;
mod diagnostic;
mod distributed;
mod expressions;
mod fields;
mod findings;
mod form;
mod handlers;
mod location;
mod resource;
mod timestamp;
mod transitions;
mod types;
mod variables;
mod wait;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::MachineType;
use crate::language::Language;
use crate::unsupported;
use diagnostic::SCHEMA;
use findings::Findings;

pub use diagnostic::{Diagnostic, Invalid, Severity};

/// Bytes that a definition may have (AWS Step Functions Developer Guide, "Service quotas").
const MAX_DEFINITION: usize = 1 << 20;

/// All findings about a definition, in AWS's order. When there are none, CreateStateMachine accepts the
/// definition.
///
/// ```
/// use asl::MachineType;
/// use asl::validate::validate;
///
/// let definition = r#"{
///     "StartAt": "Reserve",
///     "States": {
///         "Reserve": {"Type": "Pass", "Next": "Ship"}
///     }
/// }"#;
/// let findings = validate(definition, MachineType::Standard);
/// assert_eq!(
///     findings[0].to_string(),
///     "MISSING_TRANSITION_TARGET: Missing 'Next' target: Ship at /States/Reserve/Next"
/// );
/// assert_eq!(findings[0].line(definition), Some(4));
///
/// let mended = definition.replace(r#""Next": "Ship""#, r#""End": true"#);
/// assert!(validate(&mended, MachineType::Standard).is_empty());
/// ```
pub fn validate(definition: &str, kind: MachineType) -> Vec<Diagnostic> {
    if definition.len() > MAX_DEFINITION {
        return vec![Diagnostic::error(
            SCHEMA,
            format!("Definition must be at most {MAX_DEFINITION} bytes"),
            None,
        )];
    }
    match parse(definition) {
        Ok(definition) => check(&definition, kind),
        Err(diagnostic) => vec![diagnostic],
    }
}

/// All findings about a definition as [`validate`] gives them, and after those what AWS has and this runtime
/// hasn't, under the code `NOT_SUPPORTED_HERE`. This is what a host answers ValidateStateMachineDefinition
/// with, so that nobody learns of it only when the state machine is created.
///
/// ```
/// use asl::MachineType;
/// use asl::validate::validate_here;
///
/// let definition = r#"{
///     "StartAt": "Tell",
///     "States": {
///         "Tell": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "End": true}
///     }
/// }"#;
/// assert_eq!(
///     validate_here(definition, MachineType::Standard)[0].to_string(),
///     "NOT_SUPPORTED_HERE: The service integration sns:publish is not supported here at /States/Tell/Resource"
/// );
/// ```
pub fn validate_here(definition: &str, kind: MachineType) -> Vec<Diagnostic> {
    let mut diagnostics = validate(definition, kind);
    if let Ok(definition) = parse(definition) {
        let missing = unsupported::find(&definition).into_iter();
        diagnostics.extend(missing.map(|missing| {
            let message = format!("{} is not supported here", missing.feature);
            Diagnostic::error("NOT_SUPPORTED_HERE", message, Some(missing.location))
        }));
    }
    diagnostics
}

/// Reads a definition, which must be a JSON object.
pub(crate) fn parse(definition: &str) -> Result<Value, Diagnostic> {
    if definition.trim().is_empty() {
        return Err(Diagnostic::error(SCHEMA, "Definition must be a valid JSON object", None));
    }
    match serde_json::from_str::<Value>(definition) {
        Ok(value) if value.is_object() => Ok(value),
        Ok(_) => Err(Diagnostic::error(SCHEMA, "Definition must be a valid JSON object", None)),
        Err(error) => Err(Diagnostic::error("INVALID_JSON_DESCRIPTION", error.to_string(), None)),
    }
}

/// All findings about a parsed definition.
pub(crate) fn check(definition: &Value, kind: MachineType) -> Vec<Diagnostic> {
    let mut findings = Findings::new(kind);
    form::machine(definition, &mut findings);
    variables::check(definition, "", &BTreeSet::new(), &mut findings);
    // What can't be reached says little as long as the form is wrong, and AWS says nothing of it then.
    if findings.is_empty() {
        transitions::check(definition, &mut findings);
    } else {
        transitions::check_targets(definition, &mut findings);
    }
    findings.into_diagnostics()
}

/// All findings about a state on its own. What it leads to is not looked at.
pub(crate) fn check_state(name: &str, state: &Value) -> Vec<Diagnostic> {
    let mut findings = Findings::new(MachineType::Standard);
    form::state(state, Language::JsonPath, &format!("/States/{name}"), &mut findings);
    findings.into_diagnostics()
}

/// Refuses a definition if one of the findings is an error.
///
/// # Errors
///
/// [`Invalid`] with all the findings.
pub fn reject(diagnostics: Vec<Diagnostic>) -> Result<(), Invalid> {
    if diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return Err(Invalid { diagnostics });
    }
    Ok(())
}
