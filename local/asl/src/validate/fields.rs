//! Which fields a state may have, by its type and query language.

use serde_json::{Map, Value};

use super::findings::Findings;
use crate::language::Language;

/// The types of states, in the order of AWS's message.
pub(super) const TYPES: [&str; 8] = ["Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"];
/// The fields that a state of any type may have.
const ANY: [&str; 3] = ["Type", "Comment", "QueryLanguage"];

/// The fields that only JSONPath states may have, of all types.
const PATH_ONLY: [&str; 20] = [
    "InputPath",
    "OutputPath",
    "ResultPath",
    "Parameters",
    "ResultSelector",
    "Result",
    "ItemsPath",
    "SecondsPath",
    "TimestampPath",
    "TimeoutSecondsPath",
    "HeartbeatSecondsPath",
    "MaxConcurrencyPath",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentagePath",
    "ErrorPath",
    "CausePath",
    "Variable",
    "And",
    "Or",
    "Not",
];
/// The fields that only JSONata states may have, of all types.
const JSONATA_ONLY: [&str; 4] = ["Arguments", "Output", "Items", "Condition"];

/// The fields that a state of the given type may have besides [`ANY`], in either query language.
fn fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pass" => &[
            "InputPath",
            "OutputPath",
            "ResultPath",
            "Parameters",
            "Result",
            "Output",
            "Assign",
            "Next",
            "End",
        ],
        "Task" => &[
            "InputPath",
            "OutputPath",
            "ResultPath",
            "ResultSelector",
            "Parameters",
            "Arguments",
            "Output",
            "Assign",
            "Next",
            "End",
            "Resource",
            "Retry",
            "Catch",
            "TimeoutSeconds",
            "TimeoutSecondsPath",
            "HeartbeatSeconds",
            "HeartbeatSecondsPath",
            "Credentials",
        ],
        "Choice" => &["InputPath", "OutputPath", "Output", "Assign", "Choices", "Default"],
        "Wait" => &[
            "InputPath",
            "OutputPath",
            "Output",
            "Assign",
            "Next",
            "End",
            "Seconds",
            "SecondsPath",
            "Timestamp",
            "TimestampPath",
        ],
        "Succeed" => &["InputPath", "OutputPath", "Output"],
        "Fail" => &["Error", "ErrorPath", "Cause", "CausePath"],
        "Parallel" => &[
            "InputPath",
            "OutputPath",
            "ResultPath",
            "ResultSelector",
            "Parameters",
            "Arguments",
            "Output",
            "Assign",
            "Next",
            "End",
            "Retry",
            "Catch",
            "Branches",
        ],
        "Map" => &[
            "InputPath",
            "OutputPath",
            "ResultPath",
            "ResultSelector",
            "Parameters",
            "Output",
            "Assign",
            "Next",
            "End",
            "Retry",
            "Catch",
            "Iterator",
            "ItemProcessor",
            "ItemsPath",
            "Items",
            "ItemSelector",
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "MaxConcurrency",
            "MaxConcurrencyPath",
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
            "Label",
        ],
        _ => &[],
    }
}

/// Reports the fields that a state of this type, or of this query language, may not have.
pub(super) fn known(
    map: &Map<String, Value>,
    kind: &str,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
    for field in map.keys() {
        let name = field.as_str();
        let known = ANY.contains(&name) || fields(kind).contains(&name);
        let (of, other) = match language {
            Language::JsonPath => ("JSONPath", "JSONata"),
            Language::Jsonata => ("JSONata", "JSONPath"),
        };
        let foreign = match language {
            Language::JsonPath => JSONATA_ONLY.contains(&name),
            Language::Jsonata => PATH_ONLY.contains(&name),
        };
        if !known {
            findings.schema(location, format!("Field '{field}' is not supported"));
        } else if foreign {
            findings.schema(
                location,
                format!("The QueryLanguage is set to '{of}', but field '{field}' is only supported for the '{other}' QueryLanguage"),
            );
        }
    }
}
