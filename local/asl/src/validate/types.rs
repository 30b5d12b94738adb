//! The JSON types of fields.

use serde_json::{Map, Value};

use super::findings::Findings;
use crate::jsonata;
use crate::language::Language;

const TEXT: [&str; 12] = [
    "Comment",
    "Next",
    "Default",
    "StartAt",
    "Label",
    "Resource",
    "Error",
    "Cause",
    "ErrorPath",
    "CausePath",
    "QueryLanguage",
    "Version",
];
const OBJECTS: [&str; 5] = ["Assign", "ItemReader", "ItemBatcher", "ResultWriter", "Credentials"];
const LISTS: [&str; 2] = ["Retry", "Catch"];

/// Checks the fields of a machine, a state, a rule or a handler whose type is the same wherever they stand.
/// A field that has a check of its own is left to it.
pub(super) fn check(map: &Map<String, Value>, location: &str, findings: &mut Findings) {
    let mut expect = |field: &str, fits: bool, wanted: &str| {
        if !fits {
            findings.schema(&format!("{location}/{field}"), format!("Expected value of type {wanted}"));
        }
    };
    for (field, value) in map {
        match field.as_str() {
            // Checks of their own say more.
            "Resource" | "QueryLanguage" => {}
            name if TEXT.contains(&name) => expect(field, value.is_string(), "String"),
            name if OBJECTS.contains(&name) => expect(field, value.is_object(), "Object"),
            name if LISTS.contains(&name) => expect(field, value.is_array(), "Array"),
            "End" => expect(field, value.is_boolean(), "Boolean"),
            _ => {}
        }
    }
}

/// Checks a field that holds a number of at least `minimum`, or, in JSONata, an expression.
pub(super) fn number(
    value: &Value,
    minimum: f64,
    whole: bool,
    language: Language,
    location: &str,
    findings: &mut Findings,
) {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(n) if whole && !(number.is_i64() || number.is_u64() || n.fract() == 0.0) => {
                findings.schema(location, "Expected value of type Integer");
            }
            Some(n) if n < minimum => findings.schema(location, format!("Minimum value is {minimum}")),
            _ => {}
        },
        Value::String(text) if language == Language::Jsonata && jsonata::is_delimited(text) => {}
        _ => {
            let wanted = if whole { "Integer" } else { "Number" };
            findings.schema(location, format!("Expected value of type {wanted}"));
        }
    }
}
