//! Payload templates: JSON with paths or expressions in it. A part without any is built once, when the
//! definition is compiled.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Evaluated, Failure};
use crate::intrinsic::{self, FunctionCall};
use crate::jsonata::{Evaluation, Expression};
use crate::jsonpath::{JsonPath, Missing, Root};
use crate::scope::Env;
use crate::size;

/// A JSONPath template: fields whose names end in `.$` hold a path or an intrinsic function.
#[derive(Debug)]
pub(crate) enum PathTemplate {
    Constant(Arc<Value>),
    Object(Vec<(String, PathTemplate)>),
    Array(Vec<PathTemplate>),
    /// A field with a path: its name, with `.$`, and the path.
    Path(String, JsonPath),
    /// A field with a function call.
    Call(FunctionCall),
}

/// A JSONata template: text of the form `{% … %}` is an expression.
#[derive(Debug)]
pub(crate) enum JsonataTemplate {
    Constant(Arc<Value>),
    Expression(Expression),
    Object(Vec<(String, JsonataTemplate)>),
    Array(Vec<JsonataTemplate>),
}

impl PathTemplate {
    /// The template's value, where `data` is what `$` stands for.
    pub(crate) fn evaluate(&self, data: &Arc<Value>, env: &mut Env<'_>) -> Evaluated<Arc<Value>> {
        match self {
            Self::Constant(value) => Ok(Arc::clone(value)),
            Self::Path(_, path) if path.is_root() && *path.root() == Root::Input => Ok(Arc::clone(data)),
            _ => self.build(data, env).map(Arc::new),
        }
    }

    fn build(&self, data: &Arc<Value>, env: &mut Env<'_>) -> Evaluated<Value> {
        Ok(match self {
            Self::Constant(value) => Value::clone(value),
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (name, template) in fields {
                    map.insert(name.clone(), template.build(data, env)?);
                }
                Value::Object(map)
            }
            Self::Array(items) => {
                Value::Array(items.iter().map(|item| item.build(data, env)).collect::<Result<_, _>>()?)
            }
            Self::Path(field, path) => match resolve(path, data, env) {
                Ok(value) => value,
                Err(missing) if missing.past_the_end => Value::Null,
                Err(_) => return Err(not_found(path.source(), field, path, data, env)),
            },
            Self::Call(call) => call
                .evaluate(&mut Around { data, env: &mut *env })
                .map_err(|error| Failure::runtime(error.to_string()))?,
        })
    }
}

/// The failure for a path in a template that leads nowhere.
fn not_found(source: &str, field: &str, path: &JsonPath, data: &Value, env: &Env<'_>) -> Failure {
    if is_void(path, data) {
        return void();
    }
    let input = match path.root() {
        Root::Context => env.context.value(),
        _ => data,
    };
    Failure::runtime(format!(
        "The JSONPath '{source}' specified for the field '{field}' could not be found in the input '{input}'"
    ))
}

/// What function calls in a template can reach.
struct Around<'x, 'a> {
    data: &'x Arc<Value>,
    env: &'x mut Env<'a>,
}

impl intrinsic::Surroundings for Around<'_, '_> {
    fn resolve(&mut self, path: &JsonPath) -> Result<Value, Missing> {
        resolve(path, self.data, self.env)
    }

    fn start(&self, path: &JsonPath) -> String {
        match path.root() {
            Root::Context => self.env.context.value().to_string(),
            _ => self.data.to_string(),
        }
    }

    fn random(&mut self) -> u64 {
        self.env.ambient.random()
    }

    fn spend(&self, steps: u64) -> bool {
        self.env.budget.spend(steps)
    }
}

/// The failure for a path into a null.
fn void() -> Failure {
    Failure::runtime("Unable to apply Path transformation to null or empty input.")
}

/// The value of a path that a field holds by itself, such as InputPath.
pub(crate) fn select(path: &JsonPath, data: &Value, env: &Env<'_>) -> Evaluated<Value> {
    resolve(path, data, env).map_err(|missing| {
        if is_void(path, data) {
            void()
        } else {
            Failure::runtime(format!("Invalid path '{}' : {missing}", path.source()))
        }
    })
}

/// Whether the path goes into a null, which Jayway reports in other words than a path that leads nowhere.
fn is_void(path: &JsonPath, data: &Value) -> bool {
    data.is_null() && *path.root() == Root::Input && !path.is_root()
}

/// The value of a path, where `data` is what `$` stands for.
pub(crate) fn resolve(path: &JsonPath, data: &Value, env: &Env<'_>) -> Result<Value, Missing> {
    let root = match path.root() {
        Root::Input => data,
        Root::Context => env.context.value(),
        Root::Variable(name) => {
            env.scope.lookup(name).ok_or_else(|| Missing::new(format!("Variable '{name}' is not defined")))?
        }
    };
    let value = path.select(root, env.budget)?;
    // What was put together for the path has been counted already.
    if let Cow::Borrowed(value) = value
        && !env.budget.spend(size::steps(value))
    {
        return Err(Missing::new("The path selects more data than a path may.".to_owned()));
    }
    Ok(value.into_owned())
}

impl JsonataTemplate {
    /// The template's value. `at` is the field that holds the template, such as `Arguments`.
    pub(crate) fn evaluate(
        &self,
        at: &Location<'_>,
        evaluation: &mut Evaluation<'_, '_>,
    ) -> Evaluated<Arc<Value>> {
        match self {
            Self::Constant(value) => Ok(Arc::clone(value)),
            Self::Expression(expression) => evaluation.evaluate(expression, &|| at.to_string()),
            _ => self.build(at, evaluation).map(Arc::new),
        }
    }

    fn build(&self, at: &Location<'_>, evaluation: &mut Evaluation<'_, '_>) -> Evaluated<Value> {
        Ok(match self {
            Self::Constant(value) => Value::clone(value),
            Self::Expression(expression) => {
                Arc::unwrap_or_clone(evaluation.evaluate(expression, &|| at.to_string())?)
            }
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (name, template) in fields {
                    map.insert(name.clone(), template.build(&Location::Field(at, name), evaluation)?);
                }
                Value::Object(map)
            }
            Self::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| item.build(&Location::Item(at, i), evaluation))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

/// The place of a field within a state. It is spelled like the `location` of an EvaluationFailed event
/// (`Arguments/Payload/items[0]`).
pub(crate) enum Location<'a> {
    Root(&'a str),
    Field(&'a Location<'a>, &'a str),
    Item(&'a Location<'a>, usize),
}

impl std::fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root(field) => f.write_str(field),
            Self::Field(parent, name) => write!(f, "{parent}/{name}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
