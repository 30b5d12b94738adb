//! A state at work, and what the files of the single types share.

use std::sync::Arc;

use serde_json::Value;

use crate::error::{Evaluated, Failure};
use crate::graph::{Next, Number, State};
use crate::jsonata::{Evaluation, Expression, Inputs};
use crate::jsonpath::{JsonPath, Missing};
use crate::scope::Env;
use crate::template;

/// A state at work: its definition, its raw input, and what its expressions see.
pub(crate) struct Visit<'v> {
    pub(crate) state: &'v State,
    pub(crate) input: &'v Arc<Value>,
    pub(crate) env: Env<'v>,
}

/// How a state is left.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) output: Arc<Value>,
    /// The variables that the state sets.
    pub(crate) assigned: Vec<(Arc<str>, Arc<Value>)>,
    pub(crate) next: Next,
}

impl Visit<'_> {
    /// The value of an expression in the field at `location`, where `$states` has only `input` and `context`.
    pub(crate) fn evaluate(&mut self, expression: &Expression, location: &str) -> Evaluated<Arc<Value>> {
        let inputs = Inputs { input: Some(self.input), ..Inputs::default() };
        Evaluation::new(&mut self.env, inputs).evaluate(expression, &|| location.to_owned())
    }

    /// The value of a path, where `data` is what `$` stands for.
    pub(crate) fn look_up(&self, path: &JsonPath, data: &Value) -> Result<Value, Missing> {
        template::resolve(path, data, &self.env)
    }

    /// The value of a path that fails the state when it leads nowhere.
    pub(crate) fn select(&self, path: &JsonPath, data: &Value) -> Evaluated<Value> {
        template::select(path, data, &self.env)
    }

    /// The value of a field that must be a whole number of at least 0, where `data` is what `$` stands for.
    pub(crate) fn integer(&mut self, number: &Number, field: &str, data: &Value) -> Evaluated<u64> {
        match number {
            Number::Literal(value) => Ok(*value as u64),
            Number::Path(path) => {
                let source = path.source();
                let value = self.select(path, data)?;
                // AWS reads the number from the value's text, so numeric text will do.
                let whole = value.as_i64().or_else(|| value.as_str()?.parse().ok());
                let Some(whole) = whole else {
                    let shown = shown(&value);
                    return Err(Failure::runtime(format!(
                        "The {field}Path field refers to value \"{shown}\" which is not a valid integer: {source}"
                    )));
                };
                u64::try_from(whole).map_err(|_| Failure::runtime(format!("{field} cannot be negative.")))
            }
            Number::Expression(expression) => {
                let value = self.evaluate(expression, field)?;
                match value.as_f64() {
                    Some(n) if n.fract() == 0.0 && n >= 0.0 => Ok(n as u64),
                    Some(_) => Err(Failure::query(
                        field.to_owned(),
                        format!(
                            "The JSONata expression '{}' specified for the field '{field}' returned a value that is not a valid integer: {value}",
                            expression.source()
                        ),
                    )),
                    None => Err(unexpected(expression, field, "number", &value)),
                }
            }
        }
    }
}

/// A value in a message: text as it is, and anything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The failure for an expression whose value has the wrong type.
pub(crate) fn unexpected(expression: &Expression, field: &str, expected: &str, value: &Value) -> Failure {
    let was = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Failure::query(
        field.to_owned(),
        format!(
            "The JSONata expression '{}' specified for the field '{field}' returned an unexpected result type. Expected '{expected}', but was '{was}' for value: {value}",
            expression.source()
        ),
    )
}
