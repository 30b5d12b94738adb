//! The form of retriers and catchers.

use serde_json::{Map, Value};

use super::expressions;
use super::findings::{Findings, items, require};
use super::types;
use crate::error::names;
use crate::language::Language;

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
            let errors = items(handler, "ErrorEquals", &location, findings);
            if errors.iter().any(|error| error == names::ALL) && (errors.len() > 1 || i + 1 < list.len()) {
                findings.schema(
                    &format!("{location}/ErrorEquals"),
                    "States.ALL must appear alone and at end of list",
                );
            }
            types::check(handler, &location, findings);
            for (number, minimum, whole) in [
                ("IntervalSeconds", 1.0, true),
                ("MaxAttempts", 0.0, true),
                ("BackoffRate", 1.0, false),
                ("MaxDelaySeconds", 1.0, true),
            ] {
                if let Some(value) = handler.get(number) {
                    let location = format!("{location}/{number}");
                    types::number(value, minimum, whole, Language::JsonPath, &location, findings);
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
