//! Paths, calls of intrinsic functions and JSONata expressions in a definition: all of them must parse.

use serde_json::{Map, Value};

use super::findings::Findings;
use crate::intrinsic::FunctionCall;
use crate::jsonata::{self, Expression};
use crate::jsonpath::{JsonPath, Root};
use crate::language::Language;

/// Checks the fields of one state.
pub(super) fn state(
    map: &Map<String, Value>,
    kind: &str,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
    match language {
        Language::Jsonata => {
            for (field, value) in map {
                match field.as_str() {
                    // These fields hold other states or plain data, or are checked elsewhere.
                    "Branches" | "ItemProcessor" | "Iterator" | "Comment" | "Resource" | "Next"
                    | "Default" | "Type" | "Label" | "Catch" | "Retry" | "QueryLanguage" => {}
                    "Output" | "Assign" if matches!(kind, "Task" | "Parallel" | "Map") => {
                        jsonata_in(value, &format!("{location}/{field}"), WITH_RESULT, findings);
                    }
                    _ => jsonata_in(value, &format!("{location}/{field}"), ALWAYS, findings),
                }
            }
        }
        Language::JsonPath => {
            for field in ["InputPath", "OutputPath", "ItemsPath"] {
                path(map, field, location, findings);
            }
            for field in [
                "SecondsPath",
                "TimestampPath",
                "TimeoutSecondsPath",
                "HeartbeatSecondsPath",
                "MaxConcurrencyPath",
                "ToleratedFailureCountPath",
                "ToleratedFailurePercentagePath",
            ] {
                reference(map, field, location, findings);
            }
            result_path(map, location, findings);
            for field in ["Parameters", "ResultSelector", "ItemSelector", "Assign"] {
                if let Some(template) = map.get(field) {
                    template_in(template, &format!("{location}/{field}"), findings);
                }
            }
            for field in ["ErrorPath", "CausePath"] {
                if let Some(Value::String(text)) = map.get(field)
                    && FunctionCall::parse(text).is_none()
                {
                    path(map, field, location, findings);
                }
            }
            if kind == "Choice" {
                for (i, rule) in
                    map.get("Choices").and_then(Value::as_array).into_iter().flatten().enumerate()
                {
                    let location = format!("{location}/Choices[{i}]");
                    condition(rule, &location, findings);
                    if let Some(template) = rule.get("Assign") {
                        template_in(template, &format!("{location}/Assign"), findings);
                    }
                }
            }
        }
    }
}

/// Checks the fields of a catcher.
pub(super) fn catcher(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    match language {
        Language::Jsonata => {
            for field in ["Output", "Assign"] {
                if let Some(template) = map.get(field) {
                    jsonata_in(template, &format!("{location}/{field}"), WITH_ERROR, findings);
                }
            }
        }
        Language::JsonPath => {
            result_path(map, location, findings);
            if let Some(template) = map.get("Assign") {
                template_in(template, &format!("{location}/Assign"), findings);
            }
        }
    }
}

fn condition(rule: &Value, location: &str, findings: &mut Findings) {
    let Some(map) = rule.as_object() else { return };
    path(map, "Variable", location, findings);
    for (field, value) in map {
        match (field.as_str(), value) {
            ("And" | "Or", Value::Array(rules)) => {
                for (i, rule) in rules.iter().enumerate() {
                    condition(rule, &format!("{location}/{field}[{i}]"), findings);
                }
            }
            ("Not", rule) => condition(rule, &format!("{location}/Not"), findings),
            (name, _) if name.ends_with("Path") => path(map, name, location, findings),
            _ => {}
        }
    }
}

/// Checks a field that holds a path.
fn path(map: &Map<String, Value>, field: &str, location: &str, findings: &mut Findings) {
    match map.get(field) {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) if JsonPath::parse(text).is_some() => {}
        Some(_) => findings.schema(&format!("{location}/{field}"), "Value is not a valid JSONPath"),
    }
}

/// Checks a field that holds a reference path.
fn reference(map: &Map<String, Value>, field: &str, location: &str, findings: &mut Findings) {
    let Some(value) = map.get(field) else { return };
    let parsed = value.as_str().and_then(JsonPath::parse);
    if !parsed.is_some_and(|path| path.reference().is_some() && *path.root() != Root::Context) {
        findings.schema(&format!("{location}/{field}"), "Value is not a Reference Path");
    }
}

fn result_path(map: &Map<String, Value>, location: &str, findings: &mut Findings) {
    match map.get("ResultPath") {
        None | Some(Value::Null) => {}
        Some(value) => {
            let parsed = value.as_str().and_then(JsonPath::parse);
            if !parsed.is_some_and(|path| path.reference().is_some() && *path.root() == Root::Input) {
                findings.schema(&format!("{location}/ResultPath"), "Value is not a Reference Path");
            }
        }
    }
}

/// Checks a JSONPath template. AWS reports a bad field at the object that has it.
fn template_in(template: &Value, location: &str, findings: &mut Findings) {
    match template {
        Value::Object(map) => {
            for (field, value) in map {
                if field.ends_with(".$") {
                    let valid = value.as_str().is_some_and(|text| {
                        if text.trim_start().starts_with('$') {
                            JsonPath::parse(text).is_some()
                        } else {
                            FunctionCall::parse(text).is_some()
                        }
                    });
                    if !valid {
                        findings.schema(
                            location,
                            format!("The value for the field '{field}' must be a valid JSONPath or a valid intrinsic function call"),
                        );
                    }
                } else {
                    template_in(value, &format!("{location}/{field}"), findings);
                }
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                template_in(item, &format!("{location}[{i}]"), findings);
            }
        }
        _ => {}
    }
}

/// Checks the paths and the template of an ItemBatcher in JSONPath.
pub(super) fn batcher(batcher: &Map<String, Value>, location: &str, findings: &mut Findings) {
    for field in ["MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"] {
        reference(batcher, field, location, findings);
    }
    if let Some(template) = batcher.get("BatchInput") {
        template_in(template, &format!("{location}/BatchInput"), findings);
    }
}

/// The members of `$states` that every field has.
const ALWAYS: &[&str] = &["input", "context"];
/// Those that a state has which leaves with a result.
const WITH_RESULT: &[&str] = &["input", "context", "result"];
/// Those that a catcher has.
const WITH_ERROR: &[&str] = &["input", "context", "errorOutput"];

/// Checks the expressions in a JSONata template, which may use these members of `$states`.
fn jsonata_in(template: &Value, location: &str, members: &[&str], findings: &mut Findings) {
    match template {
        Value::Object(map) => map
            .iter()
            .for_each(|(field, value)| jsonata_in(value, &format!("{location}/{field}"), members, findings)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, item)| jsonata_in(item, &format!("{location}[{i}]"), members, findings)),
        Value::String(text) => match jsonata::delimited(text) {
            Some(source) => match Expression::parse(source) {
                Err(error) => findings.add("INVALID_JSONATA_EXPRESSION", location, error.to_string()),
                Ok(expression) => {
                    if let Some(reason) = expression.unsupported(members) {
                        findings.add("UNSUPPORTED_JSONATA_EXPRESSION", location, reason);
                    }
                }
            },
            None if jsonata::is_misdelimited(text) => findings.add(
                "INVALID_JSONATA_EXPRESSION",
                location,
                "A JSONata expression must start with '{%' and end with '%}', with nothing before or after them",
            ),
            None => {}
        },
        _ => {}
    }
}
