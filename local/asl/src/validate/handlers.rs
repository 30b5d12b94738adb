//! The form of retriers and catchers.

use serde_json::{Map, Value};

use super::expressions;
use super::findings::{Findings, at_least, items, require};
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
