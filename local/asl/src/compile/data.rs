//! Fields that move data: paths, templates, assignments.

use std::sync::Arc;

use serde_json::Value;

use super::{Language, Result, expression, fail, json_path};
use crate::intrinsic::Call;
use crate::jsonata;
use crate::machine::{Assign, JsonataIo, Kind, PathIo, ResultPath, Source};
use crate::template::{JsonataTemplate, PathTemplate};

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
    // A Map's Parameters are its ItemSelector under the old name.
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

fn path_field(name: &str, value: &Value, location: &str) -> Result<PathTemplate> {
    match (name.ends_with(".$"), value) {
        (true, Value::String(source)) if source.starts_with('$') => {
            Ok(PathTemplate::Path(name.to_owned(), json_path(source, location)?))
        }
        (true, Value::String(source)) => match Call::parse(source) {
            Some(call) => Ok(PathTemplate::Call(name.to_owned(), call)),
            None => fail(location, format!("{name} is neither a path nor a function")),
        },
        (true, _) => fail(location, format!("{name} is not text")),
        (false, value) => path_template(value, location),
    }
}

/// A JSONPath template.
pub(crate) fn path_template(value: &Value, location: &str) -> Result<PathTemplate> {
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
pub(crate) fn jsonata_template(value: &Value, location: &str) -> Result<JsonataTemplate> {
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
