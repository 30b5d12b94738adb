//! The fields of a Fail.

use serde_json::Value;

use super::error::Result;
use super::fields::{expression, json_path, text};
use crate::graph::FailText;
use crate::intrinsic::FunctionCall;
use crate::jsonata;
use crate::language::Language;
use crate::template::PathTemplate;

/// The Error or the Cause; `field` says which.
pub(super) fn fail_text(state: &Value, field: &str, language: Language, location: &str) -> Result<FailText> {
    let path_name = format!("{field}Path");
    if let Some(path) = text(state, &path_name) {
        let template = match FunctionCall::parse(path) {
            Some(call) => PathTemplate::Call(call),
            None => PathTemplate::Path(path_name, json_path(path, location)?),
        };
        return Ok(FailText::Path(template));
    }
    Ok(match text(state, field) {
        None => FailText::Absent,
        Some(literal) => match jsonata::delimited(literal).filter(|_| language == Language::Jsonata) {
            Some(source) => FailText::Expression(expression(source, location)?),
            None => FailText::Literal(literal.to_owned()),
        },
    })
}
