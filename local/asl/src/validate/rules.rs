//! The form of what is inside a state: a Choice's rules, a Wait's time, retriers and catchers.

use serde_json::{Map, Value};

use super::form::{at_least, items, only_one_of, require};
use super::{Findings, expressions};
use crate::compile::Language;
use crate::states::operators;
use crate::time;

pub(super) fn choice(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    require(map, &["Choices"], location, findings);
    for (i, rule) in items(map, "Choices", location, findings).iter().enumerate() {
        let location = format!("{location}/Choices[{i}]");
        let Some(rule) = rule.as_object() else {
            findings.schema(&location, "Expected value of type Object");
            continue;
        };
        require(rule, &["Next"], &location, findings);
        condition(rule, language, &location, findings);
    }
}

fn condition(rule: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    if language == Language::Jsonata {
        require(rule, &["Condition"], location, findings);
        return;
    }
    for field in ["And", "Or"] {
        for (i, inner) in items(rule, field, location, findings).iter().enumerate() {
            if let Some(inner) = inner.as_object() {
                condition(inner, language, &format!("{location}/{field}[{i}]"), findings);
            }
        }
    }
    match rule.get("Not") {
        Some(Value::Object(inner)) => condition(inner, language, &format!("{location}/Not"), findings),
        Some(_) => findings.schema(&format!("{location}/Not"), "Expected value of type Object"),
        None => {}
    }
    if rule.contains_key("And") || rule.contains_key("Or") || rule.contains_key("Not") {
        return;
    }
    require(rule, &["Variable"], location, findings);
    let mut operators = rule.iter().filter(|(field, _)| operators::is_operator(field));
    match operators.next() {
        None => findings.schema(location, "A comparison operator is required"),
        Some((field, value)) => operand(field, value, location, findings),
    }
    for (field, _) in operators {
        findings.schema(location, format!("Field '{field}' is not supported"));
    }
}

fn operand(field: &str, value: &Value, location: &str, findings: &mut Findings) {
    let location = format!("{location}/{field}");
    let expected = match field {
        _ if field.ends_with("Path") => (value.is_string(), "String"),
        _ if field.starts_with("Is") || field.starts_with("Boolean") => (value.is_boolean(), "Boolean"),
        _ if field.starts_with("Numeric") => (value.is_number(), "Number"),
        _ => (value.is_string(), "String"),
    };
    if !expected.0 {
        findings.schema(&location, format!("Expected value of type {}", expected.1));
    } else if field.starts_with("Timestamp") && !field.ends_with("Path") {
        timestamp(value, &location, findings);
    }
}

fn timestamp(value: &Value, location: &str, findings: &mut Findings) {
    if value.as_str().and_then(time::parse).is_none() {
        findings.schema(location, "String does not match RFC3339 timestamp");
    }
}

pub(super) fn wait(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    const WAYS: [&str; 4] = ["Seconds", "SecondsPath", "Timestamp", "TimestampPath"];
    only_one_of(map, &WAYS, location, findings);
    if !WAYS.iter().any(|way| map.contains_key(*way)) {
        let ways = WAYS.join(", ");
        findings.schema(location, format!("There should be at least one of the following fields: [{ways}]"));
    }
    if let Some(value) = map.get("Timestamp") {
        let expression = value.as_str().and_then(crate::jsonata::delimited).is_some();
        if language == Language::JsonPath || !expression {
            timestamp(value, &format!("{location}/Timestamp"), findings);
        }
    }
}

pub(super) fn handlers(
    map: &Map<String, Value>,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
    for (field, required) in [("Retry", &["ErrorEquals"][..]), ("Catch", &["ErrorEquals", "Next"])] {
        // An empty list is allowed here.
        let list = map.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (i, handler) in list.iter().enumerate() {
            let location = format!("{location}/{field}[{i}]");
            let Some(handler) = handler.as_object() else {
                findings.schema(&location, "Expected value of type Object");
                continue;
            };
            require(handler, required, &location, findings);
            items(handler, "ErrorEquals", &location, findings);
            for (number, minimum) in [
                ("IntervalSeconds", 1.0),
                ("MaxAttempts", 0.0),
                ("BackoffRate", 1.0),
                ("MaxDelaySeconds", 1.0),
            ] {
                if let Some(value) = handler.get(number) {
                    at_least(value, minimum, &format!("{location}/{number}"), findings);
                }
            }
            if handler.get("JitterStrategy").is_some_and(|s| s != "FULL" && s != "NONE") {
                findings.schema(
                    &format!("{location}/JitterStrategy"),
                    "Value should be one of the following: [NONE, FULL]",
                );
            }
            if field == "Catch" {
                expressions::catcher(handler, language, &location, findings);
            }
        }
    }
}
