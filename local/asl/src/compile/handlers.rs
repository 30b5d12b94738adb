//! Retry and Catch.

use serde_json::Value;

use super::data::{assign, output, result_path};
use super::error::Result;
use super::fields::{list, text};
use super::places::Places;
use crate::graph::{Catcher, ResultPath, Retrier};
use crate::language::Language;

fn error_equals(part: &Value) -> Vec<String> {
    list(part, "ErrorEquals").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An entry of a Retry. What it leaves out has the default of the Amazon States Language ("Retrying after
/// error").
pub(super) fn retrier(part: &Value) -> Retrier {
    let number = |field: &str| part.get(field).and_then(Value::as_f64);
    Retrier {
        error_equals: error_equals(part),
        interval_seconds: number("IntervalSeconds").unwrap_or(1.0),
        max_attempts: part.get("MaxAttempts").and_then(Value::as_u64).unwrap_or(3),
        backoff_rate: number("BackoffRate").unwrap_or(2.0),
        max_delay_seconds: number("MaxDelaySeconds"),
        full_jitter: text(part, "JitterStrategy") == Some("FULL"),
    }
}

/// An entry of a Catch.
pub(super) fn catcher(
    part: &Value,
    language: Language,
    places: &Places<'_>,
    location: &str,
) -> Result<Catcher> {
    Ok(Catcher {
        error_equals: error_equals(part),
        next: places.find(part.get("Next"), location)?,
        result_path: match language {
            Language::JsonPath => result_path(part, location)?,
            Language::Jsonata => ResultPath::Replace,
        },
        output: output(part, language, location)?,
        assign: assign(part, language, location)?,
    })
}
