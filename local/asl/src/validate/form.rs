//! The form of a definition: which fields there are, which there must be, and what they may hold.

use serde_json::{Map, Value};

use super::{Findings, expressions, resource, rules};
use crate::api::MachineType;
use crate::compile::Language;

const TYPES: [&str; 8] = ["Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"];
const ANY: [&str; 3] = ["Type", "Comment", "QueryLanguage"];

/// Fields of JSONPath states only, over all types.
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
const JSONATA_ONLY: [&str; 4] = ["Arguments", "Output", "Items", "Condition"];

/// The fields of each type besides [`ANY`], of both languages.
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

/// A whole machine.
pub(super) fn machine(definition: &Value, findings: &mut Findings) {
    let Some(map) = definition.as_object() else {
        findings.schema("/", "Definition must be a valid JSON object");
        return;
    };
    for field in map.keys() {
        if !["Comment", "QueryLanguage", "StartAt", "States", "TimeoutSeconds", "Version"]
            .contains(&field.as_str())
        {
            findings.schema("/", format!("Field '{field}' is not supported"));
        }
    }
    query_language(definition, None, "", findings);
    if let Some(timeout) = map.get("TimeoutSeconds") {
        at_least(timeout, 1.0, "/TimeoutSeconds", findings);
    }
    graph(map, Language::of(definition, Language::JsonPath), "", findings);
}

fn query_language(part: &Value, machine: Option<Language>, location: &str, findings: &mut Findings) {
    match part.get("QueryLanguage").map(|l| (l, l.as_str())) {
        Some((_, Some("JSONPath"))) if machine == Some(Language::Jsonata) => {
            findings.schema(
                location,
                "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
            );
        }
        None | Some((_, Some("JSONPath" | "JSONata"))) => {}
        Some(_) => findings.schema(
            &format!("{location}/QueryLanguage"),
            "Value should be one of the following: [JSONPath, JSONata]",
        ),
    }
}

/// `StartAt` and `States`, of a machine, a branch or a processor.
fn graph(map: &Map<String, Value>, machine: Language, location: &str, findings: &mut Findings) {
    require(map, &["StartAt", "States"], if location.is_empty() { "/" } else { location }, findings);
    match map.get("States") {
        Some(Value::Object(states)) if states.is_empty() => {
            findings.schema(&format!("{location}/States"), "Value cannot be empty");
        }
        Some(Value::Object(states)) => {
            for (name, definition) in states {
                let location = format!("{location}/States/{name}");
                if name.is_empty() || name.chars().count() > 80 {
                    findings.add(
                        "INVALID_STATE_NAME",
                        &location,
                        "State name must be between 1 and 80 characters long",
                    );
                }
                state(definition, machine, &location, findings);
            }
        }
        Some(_) => findings.schema(&format!("{location}/States"), "Expected value of type Object"),
        None => {}
    }
}

pub(super) fn require(map: &Map<String, Value>, fields: &[&str], location: &str, findings: &mut Findings) {
    let missing: Vec<&str> = fields.iter().copied().filter(|field| !map.contains_key(*field)).collect();
    if !missing.is_empty() {
        findings.schema(location, format!("These fields are required: [{}]", missing.join(", ")));
    }
}

pub(super) fn only_one_of(
    map: &Map<String, Value>,
    fields: &[&str],
    location: &str,
    findings: &mut Findings,
) {
    let present: Vec<&str> = fields.iter().copied().filter(|field| map.contains_key(*field)).collect();
    if present.len() > 1 {
        findings.schema(
            location,
            format!("There should only be one of the following fields: [{}]", present.join(", ")),
        );
    }
}

pub(super) fn at_least(value: &Value, minimum: f64, location: &str, findings: &mut Findings) {
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|n| n < minimum) => {
            findings.schema(location, format!("Minimum value is {minimum}"));
        }
        Value::Number(_) | Value::String(_) => {}
        _ => findings.schema(location, "Expected value of type Integer"),
    }
}

/// One state.
pub(super) fn state(definition: &Value, machine: Language, location: &str, findings: &mut Findings) {
    let Some(map) = definition.as_object() else {
        findings.schema(location, "Expected value of type Object");
        return;
    };
    require(map, &["Type"], location, findings);
    let Some(kind) = map.get("Type") else { return };
    let Some(kind) = kind.as_str().filter(|kind| TYPES.contains(kind)) else {
        let types = TYPES.join(", ");
        findings.schema(
            &format!("{location}/Type"),
            format!("The field 'Type' should have one of these values: [{types}]"),
        );
        return;
    };
    query_language(definition, Some(machine), location, findings);
    let language = Language::of(definition, machine);
    known_fields(map, kind, language, location, findings);
    numbers(map, location, findings);
    match kind {
        "Task" => {
            require(map, &["Resource"], location, findings);
            only_one_of(map, &["TimeoutSeconds", "TimeoutSecondsPath"], location, findings);
            only_one_of(map, &["HeartbeatSeconds", "HeartbeatSecondsPath"], location, findings);
            if let Some(arn) = map.get("Resource") {
                resource::check(
                    arn,
                    findings.kind == MachineType::Express,
                    &format!("{location}/Resource"),
                    findings,
                );
            }
        }
        "Choice" => rules::choice(map, language, location, findings),
        "Wait" => rules::wait(map, language, location, findings),
        "Fail" => {
            only_one_of(map, &["Error", "ErrorPath"], location, findings);
            only_one_of(map, &["Cause", "CausePath"], location, findings);
        }
        "Parallel" => parallel(map, machine, location, findings),
        "Map" => processor(map, machine, location, findings),
        _ => {}
    }
    if !matches!(kind, "Choice" | "Succeed" | "Fail") {
        transition(map, location, findings);
    }
    rules::handlers(map, language, location, findings);
    expressions::state(map, kind, language, location, findings);
}

fn known_fields(
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

fn numbers(map: &Map<String, Value>, location: &str, findings: &mut Findings) {
    const MINIMA: [(&str, f64); 6] = [
        ("TimeoutSeconds", 1.0),
        ("HeartbeatSeconds", 1.0),
        ("Seconds", 0.0),
        ("MaxConcurrency", 0.0),
        ("ToleratedFailureCount", 0.0),
        ("ToleratedFailurePercentage", 0.0),
    ];
    for (field, minimum) in MINIMA {
        if let Some(value) = map.get(field) {
            at_least(value, minimum, &format!("{location}/{field}"), findings);
        }
    }
}

fn transition(map: &Map<String, Value>, location: &str, findings: &mut Findings) {
    let ends = map.get("End").is_some_and(|end| end == true);
    match (map.contains_key("Next"), ends) {
        (false, false) => {
            findings.schema(location, "There should be at least one of the following fields: [Next, End]")
        }
        (true, true) => only_one_of(map, &["Next", "End"], location, findings),
        _ => {}
    }
}

pub(super) fn items<'m>(
    map: &'m Map<String, Value>,
    field: &str,
    location: &str,
    findings: &mut Findings,
) -> &'m [Value] {
    match map.get(field) {
        Some(Value::Array(items)) if items.is_empty() => {
            findings.schema(&format!("{location}/{field}"), "Value cannot be empty");
            &[]
        }
        Some(Value::Array(items)) => items,
        Some(_) => {
            findings.schema(&format!("{location}/{field}"), "Expected value of type Array");
            &[]
        }
        None => &[],
    }
}

fn parallel(map: &Map<String, Value>, machine: Language, location: &str, findings: &mut Findings) {
    require(map, &["Branches"], location, findings);
    for (i, branch) in items(map, "Branches", location, findings).iter().enumerate() {
        nested(
            branch,
            machine,
            &["Comment", "StartAt", "States"],
            &format!("{location}/Branches[{i}]"),
            findings,
        );
    }
}

fn processor(map: &Map<String, Value>, machine: Language, location: &str, findings: &mut Findings) {
    only_one_of(map, &["ItemProcessor", "Iterator"], location, findings);
    only_one_of(map, &["ItemSelector", "Parameters"], location, findings);
    only_one_of(map, &["MaxConcurrency", "MaxConcurrencyPath"], location, findings);
    only_one_of(map, &["ToleratedFailureCount", "ToleratedFailureCountPath"], location, findings);
    only_one_of(map, &["ToleratedFailurePercentage", "ToleratedFailurePercentagePath"], location, findings);
    if let Some(Value::Number(percentage)) = map.get("ToleratedFailurePercentage")
        && percentage.as_f64().is_some_and(|p| p > 100.0)
    {
        findings.schema(&format!("{location}/ToleratedFailurePercentage"), "Maximum value is 100.0");
    }
    let (field, processor) = match (map.get("ItemProcessor"), map.get("Iterator")) {
        (Some(processor), _) => ("ItemProcessor", processor),
        (None, Some(iterator)) => ("Iterator", iterator),
        (None, None) => return findings.schema(location, "These fields are required: [ItemProcessor]"),
    };
    let known = ["Comment", "StartAt", "States", "ProcessorConfig"];
    nested(processor, machine, &known, &format!("{location}/{field}"), findings);
}

fn nested(part: &Value, machine: Language, known: &[&str], location: &str, findings: &mut Findings) {
    let Some(map) = part.as_object() else {
        return findings.schema(location, "Expected value of type Object");
    };
    for field in map.keys().filter(|field| !known.contains(&field.as_str())) {
        findings.schema(location, format!("Field '{field}' is not supported"));
    }
    graph(map, machine, location, findings);
}
