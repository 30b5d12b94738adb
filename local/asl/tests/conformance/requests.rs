//! The cases that are one request and one answer: validation, variable references, TestState.

use asl::Machine;
use serde_json::{Value, json};

use crate::case::Case;
use crate::matching::difference;
use crate::report::Verdict;

fn verdict(difference: Option<String>) -> Option<Verdict> {
    let good = difference.is_none();
    Some(Verdict { outcome: good, cause: good, history: None, difference })
}

pub fn create_error(case: &Case) -> Option<Verdict> {
    if case.field("api_only") == true {
        return None;
    }
    let actual = match Machine::parse_as(&case.definition(), case.machine_type()) {
        Ok(_) => json!({"created": true}),
        Err(invalid) => json!({"code": "InvalidDefinition", "message": invalid.to_string()}),
    };
    verdict(difference(&case.expected()["exception"], &actual, "exception"))
}

pub fn validate(case: &Case) -> Option<Verdict> {
    let diagnostics = asl::validate::validate(&case.definition(), case.machine_type());
    let failed = diagnostics.iter().any(|d| d.severity == asl::validate::Severity::Error);
    let actual =
        json!({"result": if failed { "FAIL" } else { "OK" }, "diagnostics": diagnostics, "truncated": false});
    verdict(difference(case.expected(), &actual, ""))
}

pub fn variable_references(case: &Case) -> Option<Verdict> {
    let machine = match Machine::parse(&case.definition()) {
        Ok(machine) => machine,
        Err(invalid) => return verdict(Some(invalid.to_string())),
    };
    let references = machine.variable_references();
    let actual = if references.is_empty() { Value::Null } else { json!(references) };
    let sorted = |value: &Value| {
        let mut value = value.clone();
        for names in value.as_object_mut().into_iter().flat_map(|m| m.values_mut()) {
            if let Some(names) = names.as_array_mut() {
                names.sort_by_key(Value::to_string);
            }
        }
        value
    };
    verdict(difference(
        &sorted(&case.expected()["variableReferences"]),
        &sorted(&actual),
        "variableReferences",
    ))
}

pub fn test_state(_case: &Case) -> Option<Verdict> {
    None
}
