//! Single fields: text, lists, paths, expressions and numbers.

use serde_json::Value;

use super::error::{Error, Result};
use crate::graph::Number;
use crate::jsonata::{self, Expression};
use crate::jsonpath::JsonPath;
use crate::language::Language;

pub(super) fn text<'d>(part: &'d Value, field: &str) -> Option<&'d str> {
    part.get(field).and_then(Value::as_str)
}

/// The items of a list; none when the field is absent.
pub(super) fn list<'d>(part: &'d Value, field: &str) -> &'d [Value] {
    part.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn json_path(source: &str, location: &str) -> Result<JsonPath> {
    JsonPath::parse(source)
        .ok_or_else(|| Error { location: location.to_owned(), reason: format!("{source} is not a JSONPath") })
}

pub(super) fn expression(source: &str, location: &str) -> Result<Expression> {
    Expression::parse(source)
        .map_err(|error| Error { location: location.to_owned(), reason: error.to_string() })
}

/// A field that holds a number or an expression, or whose sibling with `Path` at its end holds a path to a
/// number.
pub(super) fn number(
    state: &Value,
    field: &str,
    language: Language,
    location: &str,
) -> Result<Option<Number>> {
    let path = match language {
        Language::JsonPath => text(state, &format!("{field}Path")),
        Language::Jsonata => None,
    };
    Ok(match (state.get(field), path) {
        (_, Some(path)) => Some(Number::Path(json_path(path, location)?)),
        (Some(Value::String(source)), None) => match jsonata::delimited(source) {
            Some(source) => Some(Number::Expression(expression(source, location)?)),
            None => None,
        },
        (Some(value), None) => value.as_f64().map(Number::Literal),
        (None, None) => None,
    })
}
