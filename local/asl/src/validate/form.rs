//! The form of a machine and of the states in it: which fields there are, which there must be, and what they
//! may hold.

use serde_json::{Map, Value};

use super::choice::choice;
use super::fields::{self, TYPES};
use super::findings::{Findings, items, only_one_of, require};
use super::handlers::handlers;
use super::wait::wait;
use super::{distributed, expressions, resource, types};
use crate::api::MachineType;
use crate::language::Language;
use crate::processor;

/// Checks a whole machine.
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
        types::number(timeout, 1.0, true, Language::JsonPath, "/TimeoutSeconds", findings);
    }
    if map.get("Version").is_some_and(|version| version.is_string() && version != "1.0") {
        findings.schema("/Version", "Value should be one of the following: [1.0]");
    }
    graph(map, Language::of(definition, Language::JsonPath), "", findings);
}

/// Checks a QueryLanguage. `machine` is the language of the machine around the part; absent for the machine
/// itself.
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

/// Checks `StartAt` and `States` of a machine, a branch or a processor. `machine` is the query language of
/// the whole machine.
fn graph(map: &Map<String, Value>, machine: Language, location: &str, findings: &mut Findings) {
    types::check(map, location, findings);
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

/// Checks one state. `machine` is the query language of the whole machine.
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
    fields::known(map, kind, language, location, findings);
    types::check(map, location, findings);
    numbers(map, language, location, findings);
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
            resource::arguments(map, language, location, findings);
        }
        "Choice" => choice(map, language, location, findings),
        "Wait" => wait(map, language, location, findings),
        "Fail" => {
            only_one_of(map, &["Error", "ErrorPath"], location, findings);
            only_one_of(map, &["Cause", "CausePath"], location, findings);
        }
        "Parallel" => parallel(map, machine, location, findings),
        "Map" => map_state(map, machine, language, location, findings),
        _ => {}
    }
    if !matches!(kind, "Choice" | "Succeed" | "Fail") {
        transition(map, location, findings);
    }
    handlers(map, language, location, findings);
    expressions::state(map, kind, language, location, findings);
}

/// Checks the fields that hold numbers.
fn numbers(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    const NUMBERS: [(&str, f64, bool); 6] = [
        ("TimeoutSeconds", 1.0, true),
        ("HeartbeatSeconds", 1.0, true),
        ("Seconds", 0.0, true),
        ("MaxConcurrency", 0.0, true),
        ("ToleratedFailureCount", 0.0, true),
        ("ToleratedFailurePercentage", 0.0, false),
    ];
    for (field, minimum, whole) in NUMBERS {
        if let Some(value) = map.get(field) {
            types::number(value, minimum, whole, language, &format!("{location}/{field}"), findings);
        }
    }
}

/// Checks that a state has a Next or an End, and not both.
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

fn map_state(
    map: &Map<String, Value>,
    machine: Language,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
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
    let inside = format!("{location}/{field}");
    let kind = findings.kind;
    if processor::is_distributed(processor) {
        distributed::check(map, processor, language, location, &inside, findings);
        findings.kind = processor::child_type(processor);
    }
    nested(processor, machine, &known, &inside, findings);
    findings.kind = kind;
}

/// Checks a graph inside a state. `known` has the fields that it may have.
fn nested(part: &Value, machine: Language, known: &[&str], location: &str, findings: &mut Findings) {
    let Some(map) = part.as_object() else {
        return findings.schema(location, "Expected value of type Object");
    };
    for field in map.keys().filter(|field| !known.contains(&field.as_str())) {
        findings.schema(location, format!("Field '{field}' is not supported"));
    }
    graph(map, machine, location, findings);
}
