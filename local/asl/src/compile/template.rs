//! Payload templates.

use std::sync::Arc;

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::{expression, json_path};
use crate::intrinsic::FunctionCall;
use crate::jsonata;
use crate::template::{JsonataTemplate, PathTemplate};

/// One field of a JSONPath template: its name ends in `.$` if it holds a path or a function call.
pub(super) fn path_field(name: &str, value: &Value, location: &str) -> Result<PathTemplate> {
    match (name.ends_with(".$"), value) {
        (true, Value::String(source)) if source.trim_start().starts_with('$') => {
            Ok(PathTemplate::Path(name.to_owned(), json_path(source, location)?))
        }
        (true, Value::String(source)) => match FunctionCall::parse(source) {
            Some(call) => Ok(PathTemplate::Call(call)),
            None => fail(location, format!("{name} is neither a path nor a function")),
        },
        (true, _) => fail(location, format!("{name} is not text")),
        (false, value) => path_template(value, location),
    }
}

/// A JSONPath template.
pub(super) fn path_template(value: &Value, location: &str) -> Result<PathTemplate> {
    fn constant(value: &Value) -> bool {
        match value {
            Value::Object(map) => map.iter().all(|(name, v)| !name.ends_with(".$") && constant(v)),
            Value::Array(items) => items.iter().all(constant),
            _ => true,
        }
    }
    if constant(value) {
        return Ok(PathTemplate::Constant(Arc::new(value.clone())));
    }
    Ok(match value {
        Value::Object(map) => PathTemplate::Object(
            map.iter()
                .map(|(name, value)| {
                    Ok((
                        name.strip_suffix(".$").unwrap_or(name).to_owned(),
                        path_field(name, value, location)?,
                    ))
                })
                .collect::<Result<_>>()?,
        ),
        Value::Array(items) => PathTemplate::Array(
            items.iter().map(|item| path_template(item, location)).collect::<Result<_>>()?,
        ),
        _ => PathTemplate::Constant(Arc::new(value.clone())),
    })
}

/// A JSONata template.
pub(super) fn jsonata_template(value: &Value, location: &str) -> Result<JsonataTemplate> {
    fn constant(value: &Value) -> bool {
        match value {
            Value::String(text) => jsonata::delimited(text).is_none(),
            Value::Object(map) => map.values().all(constant),
            Value::Array(items) => items.iter().all(constant),
            _ => true,
        }
    }
    if constant(value) {
        return Ok(JsonataTemplate::Constant(Arc::new(value.clone())));
    }
    Ok(match value {
        Value::String(text) => match jsonata::delimited(text) {
            Some(source) => JsonataTemplate::Expression(expression(source, location)?),
            None => JsonataTemplate::Constant(Arc::new(value.clone())),
        },
        Value::Object(map) => JsonataTemplate::Object(
            map.iter()
                .map(|(name, v)| Ok((name.clone(), jsonata_template(v, location)?)))
                .collect::<Result<_>>()?,
        ),
        Value::Array(items) => JsonataTemplate::Array(
            items.iter().map(|item| jsonata_template(item, location)).collect::<Result<_>>()?,
        ),
        _ => JsonataTemplate::Constant(Arc::new(value.clone())),
    })
}
