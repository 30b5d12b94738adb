//! Which resources a Task may name.

use serde_json::{Map, Value};

use super::findings::Findings;
use crate::language::Language;
use crate::parameters;
use crate::resource::{Pattern, Resource};

/// Checks the `Resource` of a Task. `express` says whether the machine is an Express machine. A service that
/// AWS has and this runtime hasn't passes here; [`crate::unsupported`] names it.
pub(super) fn check(value: &Value, express: bool, location: &str, findings: &mut Findings) {
    let Some(arn) = value.as_str() else {
        return findings.schema(location, "Expected value of type String");
    };
    if !arn.starts_with("arn:") {
        return findings.schema(location, "Value is not a valid resource ARN");
    }
    match Resource::parse(arn) {
        None => findings.schema(
            location,
            format!(
                "The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
            ),
        ),
        Some(Resource::Activity { .. }) if express => {
            findings.schema(location, "Express state machine does not support Activity ARN");
        }
        Some(Resource::Service { pattern, .. }) if express => {
            let unsupported = match pattern {
                Pattern::Sync | Pattern::Sync2 => ".sync",
                Pattern::WaitForTaskToken => ".waitForTaskToken",
                Pattern::RequestResponse => return,
            };
            findings.schema(
                location,
                format!("Express state machine does not support '{unsupported}' service integration"),
            );
        }
        Some(_) => {}
    }
}

/// Checks the names of a Task's arguments.
pub(super) fn arguments(
    map: &Map<String, Value>,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
    let field = match language {
        Language::JsonPath => "Parameters",
        Language::Jsonata => "Arguments",
    };
    let resource = map.get("Resource").and_then(Value::as_str).and_then(Resource::parse);
    if let (Some(resource), Some(Value::Object(arguments))) = (resource, map.get(field)) {
        for fault in parameters::faults_of_names(&resource, arguments.keys().map(String::as_str)) {
            findings.schema(&format!("{location}/{field}"), fault);
        }
    }
}
