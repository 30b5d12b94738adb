//! The fields of a Wait.

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::{expression, json_path, number, text};
use crate::graph::Wait;
use crate::jsonata;
use crate::language::Language;

pub(super) fn wait(state: &Value, language: Language, location: &str) -> Result<Wait> {
    if let Some(path) = text(state, "TimestampPath") {
        return Ok(Wait::TimestampPath(json_path(path, location)?));
    }
    if let Some(timestamp) = text(state, "Timestamp") {
        return Ok(match jsonata::delimited(timestamp).filter(|_| language == Language::Jsonata) {
            Some(source) => Wait::TimestampExpression(expression(source, location)?),
            None => Wait::Timestamp(timestamp.to_owned()),
        });
    }
    match number(state, "Seconds", language, location)? {
        Some(seconds) => Ok(Wait::Seconds(seconds)),
        None => fail(location, "a Wait without a time"),
    }
}
