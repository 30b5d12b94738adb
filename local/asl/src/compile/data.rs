//! The fields through which data goes into a state and out of it.

use std::sync::Arc;

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::json_path;
use super::template::{jsonata_template, path_field, path_template};
use crate::graph::{Assign, JsonataIo, Kind, PathIo, ResultPath, Source};
use crate::language::Language;
use crate::template::JsonataTemplate;

/// An InputPath or OutputPath.
fn source(state: &Value, field: &str, location: &str) -> Result<Source> {
    Ok(match state.get(field) {
        None => Source::All,
        Some(Value::String(path)) if path == "$" => Source::All,
        Some(Value::String(path)) => Source::Path(json_path(path, location)?),
        Some(_) => Source::Nothing,
    })
}

pub(super) fn result_path(state: &Value, location: &str) -> Result<ResultPath> {
    Ok(match state.get("ResultPath") {
        None => ResultPath::Replace,
        Some(Value::String(path)) => {
            let path = json_path(path, location)?;
            match path.reference() {
                Some([]) => ResultPath::Replace,
                Some(steps) => ResultPath::At(steps.to_vec()),
                None => return fail(location, "ResultPath is not a reference path"),
            }
        }
        Some(_) => ResultPath::Discard,
    })
}

pub(super) fn path_io(state: &Value, kind: &Kind, location: &str) -> Result<PathIo> {
    // A Map's Parameters are its ItemSelector under the older name.
    let parameters = state.get("Parameters").filter(|_| !matches!(kind, Kind::Map(_)));
    Ok(PathIo {
        input_path: source(state, "InputPath", location)?,
        parameters: parameters.map(|p| path_template(p, location)).transpose()?,
        result_selector: state.get("ResultSelector").map(|p| path_template(p, location)).transpose()?,
        result_path: result_path(state, location)?,
        output_path: source(state, "OutputPath", location)?,
        assign: match assign(state, Language::JsonPath, location)? {
            Assign::Path(fields) => Some(fields),
            _ => None,
        },
    })
}

pub(super) fn jsonata_io(state: &Value, location: &str) -> Result<JsonataIo> {
    Ok(JsonataIo {
        arguments: state.get("Arguments").map(|t| jsonata_template(t, location)).transpose()?,
        output: state.get("Output").map(|t| jsonata_template(t, location)).transpose()?,
        assign: match assign(state, Language::Jsonata, location)? {
            Assign::Jsonata(fields) => Some(fields),
            _ => None,
        },
    })
}

/// The Output of a Choice's rule or of a catcher, which only JSONata has.
pub(super) fn output(part: &Value, language: Language, location: &str) -> Result<Option<JsonataTemplate>> {
    match language {
        Language::Jsonata => part.get("Output").map(|output| jsonata_template(output, location)).transpose(),
        Language::JsonPath => Ok(None),
    }
}

/// The Assign of a state, a Choice's rule or a catcher.
pub(super) fn assign(part: &Value, language: Language, location: &str) -> Result<Assign> {
    let Some(fields) = part.get("Assign").and_then(Value::as_object) else { return Ok(Assign::None) };
    Ok(match language {
        Language::Jsonata => Assign::Jsonata(
            fields
                .iter()
                .map(|(name, value)| Ok((Arc::from(name.as_str()), jsonata_template(value, location)?)))
                .collect::<Result<_>>()?,
        ),
        Language::JsonPath => Assign::Path(
            fields
                .iter()
                .map(|(name, value)| {
                    let template = path_field(name, value, location)?;
                    Ok((Arc::from(name.strip_suffix(".$").unwrap_or(name)), template))
                })
                .collect::<Result<_>>()?,
        ),
    })
}
