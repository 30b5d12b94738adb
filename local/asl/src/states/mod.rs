//! One file per state type. Each computes what a state does from its input; the runner in [`crate::execution`] does what has to be done:
//! events, tasks, timers, branches.

pub(crate) mod choice;
pub(crate) mod data;
mod fail;
pub(crate) mod map;
pub(crate) mod operators;
mod parallel;
mod pass;
mod succeed;
pub(crate) mod task;
mod wait;

use std::sync::Arc;

use serde_json::Value;

use crate::Timestamp;
use crate::error::Failure;
use crate::jsonata::{Evaluation, Expression, Inputs};
use crate::jsonpath::{JsonPath, Missing};
use crate::machine::{Evaluated, Kind, Next, Number, State};
use crate::scope::Env;
use crate::template;

/// A state at work: its definition, its raw input, and what its expressions see.
pub(crate) struct Visit<'v> {
    pub(crate) state: &'v State,
    pub(crate) input: &'v Arc<Value>,
    pub(crate) env: Env<'v>,
}

/// What a state wants after its first look at the input.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is done.
    Exit(Exit),
    /// It waits until an instant.
    Wait(Timestamp),
    /// It wants a task run.
    Task(task::Plan),
    /// It wants its branches run on this input.
    Parallel(Arc<Value>),
    /// It wants an iteration per item.
    Map(map::Plan),
}

/// How a state is left.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) output: Arc<Value>,
    pub(crate) assigned: Vec<(Arc<str>, Arc<Value>)>,
    pub(crate) next: Next,
}

impl Visit<'_> {
    /// Enters the state.
    pub(crate) fn start(&mut self) -> Evaluated<Step> {
        match &self.state.kind {
            Kind::Pass { result } => pass::run(self, result.as_ref()).map(Step::Exit),
            Kind::Task(task) => task::plan(self, task).map(Step::Task),
            Kind::Choice(choice) => choice::run(self, choice).map(Step::Exit),
            Kind::Wait(wait) => wait::until(self, wait).map(Step::Wait),
            Kind::Succeed => succeed::run(self).map(Step::Exit),
            Kind::Fail { error, cause } => Err(fail::failure(self, error, cause)?),
            Kind::Parallel { .. } => parallel::input(self).map(Step::Parallel),
            Kind::Map(map) => map::plan(self, map).map(Step::Map),
        }
    }

    /// JSONata with `$states.input` only.
    pub(crate) fn evaluate(&mut self, expression: &Expression, location: &str) -> Evaluated<Arc<Value>> {
        let inputs = Inputs { input: Some(self.input), ..Inputs::default() };
        Evaluation::new(&mut self.env, inputs).evaluate(expression, &|| location.to_owned())
    }

    /// The value of a path in one of the state's own fields; `None` when it leads nowhere.
    pub(crate) fn look_up(&self, path: &JsonPath, data: &Value) -> Result<Value, Missing> {
        template::resolve(path, data, &self.env)
    }

    /// The value of a path that must lead somewhere.
    pub(crate) fn select(&self, path: &JsonPath, data: &Value) -> Evaluated<Value> {
        template::select(path, data, &self.env)
    }

    /// A field that must be a whole number, at least 0.
    pub(crate) fn integer(&mut self, number: &Number, field: &str, data: &Value) -> Evaluated<u64> {
        let value = match number {
            Number::Literal(value) => return Ok(*value as u64),
            Number::Path(path) => {
                let source = path.source();
                let value = self.select(path, data)?;
                let whole = value.as_i64();
                let Some(whole) = whole else {
                    let shown = shown(&value);
                    return Err(Failure::runtime(format!(
                        "The {field}Path field refers to value \"{shown}\" which is not a valid integer: {source}"
                    )));
                };
                return u64::try_from(whole)
                    .map_err(|_| Failure::runtime(format!("{field} cannot be negative.")));
            }
            Number::Expression(expression) => (self.evaluate(expression, field)?, expression),
        };
        let (value, expression) = value;
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

/// Text as it is, anything else as JSON.
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
