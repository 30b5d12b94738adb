//! Which resources a Task may name.

use serde_json::Value;

use super::findings::Findings;
use crate::resource::{Pattern, Resource};

/// The actions and patterns of a service's optimized integration (AWS Step Functions Developer Guide,
/// "Integrating services"). A service that is not known here passes with any action; [`crate::unsupported`]
/// names it later.
fn known(service: &str) -> Option<(&'static [&'static str], &'static [Pattern])> {
    use Pattern::{RequestResponse, Sync, Sync2, WaitForTaskToken};
    Some(match service {
        "lambda" => (&["invoke"], &[RequestResponse, WaitForTaskToken]),
        "dynamodb" => (&["getItem", "putItem", "updateItem", "deleteItem"], &[RequestResponse]),
        "events" => (&["putEvents"], &[RequestResponse, WaitForTaskToken]),
        "states" => (&["startExecution"], &[RequestResponse, Sync, Sync2, WaitForTaskToken]),
        "sns" => (&["publish"], &[RequestResponse, WaitForTaskToken]),
        "sqs" => (&["sendMessage"], &[RequestResponse, WaitForTaskToken]),
        _ => return None,
    })
}

/// Checks the `Resource` of a Task. `express` says whether the machine is an Express machine.
pub(super) fn check(value: &Value, express: bool, location: &str, findings: &mut Findings) {
    let Some(arn) = value.as_str() else {
        return findings.schema(location, "Expected value of type String");
    };
    if !arn.starts_with("arn:") {
        return findings.schema(location, "Value is not a valid resource ARN");
    }
    match Resource::parse(arn) {
        Resource::Activity { .. } if express => {
            findings.schema(location, "Express state machine does not support Activity ARN");
        }
        Resource::Service { service, action, sdk, pattern } => {
            let recognized = match known(&service).filter(|_| !sdk) {
                Some((actions, patterns)) => {
                    // A pattern that doesn't exist was read as if there were none; then the ARN does not end
                    // with the action.
                    actions.contains(&action.as_str())
                        && patterns.contains(&pattern)
                        && (pattern != Pattern::RequestResponse || arn.ends_with(&action))
                }
                None => !service.is_empty() && !action.is_empty(),
            };
            if !recognized {
                return findings.schema(
                    location,
                    format!(
                        "The resource provided {arn} is not recognized. The value is not a valid resource ARN, or the resource is not available in this region."
                    ),
                );
            }
            let unsupported = match pattern {
                Pattern::Sync | Pattern::Sync2 => Some(".sync"),
                Pattern::WaitForTaskToken => Some(".waitForTaskToken"),
                Pattern::RequestResponse => None,
            };
            if let Some(pattern) = unsupported.filter(|_| express) {
                findings.schema(
                    location,
                    format!("Express state machine does not support '{pattern}' service integration"),
                );
            }
        }
        _ => {}
    }
}
