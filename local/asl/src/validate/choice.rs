//! The form of a Choice's rules.

use serde_json::{Map, Value};

use super::findings::{Findings, items, require};
use super::timestamp::timestamp;
use super::types;
use crate::comparison;
use crate::language::Language;

pub(super) fn choice(map: &Map<String, Value>, language: Language, location: &str, findings: &mut Findings) {
    require(map, &["Choices"], location, findings);
    for (i, rule) in items(map, "Choices", location, findings).iter().enumerate() {
        let location = format!("{location}/Choices[{i}]");
        let Some(rule) = rule.as_object() else {
            findings.schema(&location, "Expected value of type Object");
            continue;
        };
        require(rule, &["Next"], &location, findings);
        types::check(rule, &location, findings);
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
    let mut operators = rule.iter().filter(|(field, _)| comparison::is_operator(field));
    match operators.next() {
        None => findings.schema(location, "A comparison operator is required"),
        Some((field, value)) => operand(field, value, location, findings),
    }
    for (field, _) in operators {
        findings.schema(location, format!("Field '{field}' is not supported"));
    }
}

/// Checks the type of what an operator compares with.
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
