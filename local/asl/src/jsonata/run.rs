//! Running expressions: once per state the inputs are converted, once per expression it is evaluated under AWS's limits.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::value::{JArray, JValue};
use serde_json::{Map, Value};

use super::compile::{Expression, Plan};
use super::host;
use crate::error::Failure;
use crate::intrinsic;
use crate::scope::Env;

/// An evaluation may take this long. It guards against loops; whatever fits 256 KiB of input takes microseconds.
const TIMEOUT_MS: u64 = 1_000;
/// Recursion in functions of the expression ends here, not at the end of the stack.
const MAX_DEPTH: usize = 3_000;
/// The longest sequence; anything near the payload limit is shorter.
const MAX_SEQUENCE: usize = 150_000;
/// Enough for values nested as deep as the limits above allow.
const DEEP_STACK: usize = 256 << 20;

/// Levels of nesting in a result; no payload has more.
const MAX_NESTING: usize = 100;

/// `$states` for one state.
#[derive(Default, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) input: Option<&'a Arc<Value>>,
    pub(crate) result: Option<&'a Arc<Value>>,
    pub(crate) error_output: Option<&'a Arc<Value>>,
}

/// The evaluations of one state: what was converted for one expression serves the next.
pub(crate) struct Evaluation<'e, 'a> {
    env: &'e mut Env<'a>,
    inputs: Inputs<'e>,
    input: Option<JValue>,
    result: Option<JValue>,
    error_output: Option<JValue>,
    context: Option<JValue>,
}

impl<'e, 'a> Evaluation<'e, 'a> {
    pub(crate) fn new(env: &'e mut Env<'a>, inputs: Inputs<'e>) -> Self {
        Self { env, inputs, input: None, result: None, error_output: None, context: None }
    }

    /// The value of an expression. `location` says which field it is, for the cause.
    pub(crate) fn evaluate(
        &mut self,
        expression: &Expression,
        location: &dyn Fn() -> String,
    ) -> Result<Arc<Value>, Failure> {
        if let Plan::Pick(root, names) = &expression.plan
            && let Some(picked) = self.pick(root, names)
        {
            return picked.ok_or_else(|| undefined(expression, location()));
        }
        if expression.deep {
            return stacker::grow(DEEP_STACK, || self.run(expression, location));
        }
        self.run(expression, location)
    }

    /// Picks without JSONata. `None`: an array on the way, which JSONata would map over. `Some(None)`: nothing there.
    fn pick(&self, root: &str, names: &[String]) -> Option<Option<Arc<Value>>> {
        let (value, names) = match (root, names) {
            ("states", [member, rest @ ..]) => {
                let value = match member.as_str() {
                    "input" => self.inputs.input,
                    "result" => self.inputs.result,
                    "errorOutput" => self.inputs.error_output,
                    _ => return Some(walk(self.env.context.value(), rest)?.cloned().map(Arc::new)),
                };
                (value, rest)
            }
            (variable, names) => (self.env.scope.lookup(variable), names),
        };
        let Some(value) = value else {
            // A function of JSONata without a call, or nothing at all: JSONata knows.
            return (root == "states").then_some(None);
        };
        if names.is_empty() {
            return Some(Some(Arc::clone(value)));
        }
        Some(walk(value, names)?.cloned().map(Arc::new))
    }

    fn run(&mut self, expression: &Expression, location: &dyn Fn() -> String) -> Result<Arc<Value>, Failure> {
        let parsed;
        let ast = match &expression.plan {
            Plan::Run(ast) => ast.as_ref(),
            Plan::Pick(..) => {
                // It parsed when it was compiled.
                parsed = jsonata_core::parser::parse(expression.source())
                    .map_err(|error| Failure::query(location(), error.to_string()))?;
                &parsed
            }
        };
        let mut context = Context::new();
        for name in expression.variables() {
            if let Some(value) = self.env.scope.lookup(name) {
                context.bind(name.to_owned(), from_json(value));
            }
        }
        let passed_on = host::IMPURE
            .iter()
            .find(|name| expression.variables.contains(**name) && self.env.scope.lookup(name).is_none());
        if let Some(name) = passed_on {
            return Err(threw(
                expression,
                location(),
                ':',
                &format!("The function ${name} can be called, but not passed on."),
            ));
        }
        if expression.variables.contains("states") {
            context.bind("states".to_owned(), self.states(expression));
        }
        let options = EvaluatorOptions {
            timeout_ms: Some(TIMEOUT_MS),
            max_stack_depth: Some(MAX_DEPTH),
            max_sequence_length: Some(MAX_SEQUENCE),
            ..EvaluatorOptions::default()
        };
        let mut evaluator = Evaluator::with_options(context, options);
        let mut seed = self.env.ambient.random();
        let dice: host::Dice = Rc::new(RefCell::new(Box::new(move || {
            seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            intrinsic::mix(seed)
        })));
        host::register(&mut evaluator, &expression.functions, self.env.ambient.now(), &dice);
        let value = evaluator.evaluate(ast, &JValue::Undefined).map_err(|error| {
            // AWS ends the sentence before a coded message, and leads on with a colon to any other.
            let separator = if error.code().is_some() { '.' } else { ':' };
            threw(expression, location(), separator, error.message())
        })?;
        match value {
            JValue::Undefined => Err(undefined(expression, location())),
            value => match to_json(&value, MAX_NESTING) {
                Ok(value) => Ok(Arc::new(value)),
                Err(reason) => {
                    let location = location();
                    let source = expression.source();
                    let cause = format!(
                        "The JSONata expression '{source}' specified for the field '{location}' returned an unsupported result type{reason}."
                    );
                    Err(Failure::query(location, cause))
                }
            },
        }
    }

    fn states(&mut self, expression: &Expression) -> JValue {
        let wanted = |member: &str| expression.members.as_ref().is_none_or(|m| m.contains(member));
        let mut states = IndexMap::new();
        let slots = [
            ("input", self.inputs.input, &mut self.input),
            ("result", self.inputs.result, &mut self.result),
            ("errorOutput", self.inputs.error_output, &mut self.error_output),
        ];
        for (member, value, slot) in slots {
            if let Some(value) = value.filter(|_| wanted(member)) {
                let converted = slot.get_or_insert_with(|| from_json(value));
                states.insert(member.to_owned(), converted.clone());
            }
        }
        if wanted("context") {
            let context = self.env.context.value();
            let converted = self.context.get_or_insert_with(|| from_json(context));
            states.insert("context".to_owned(), converted.clone());
        }
        JValue::object(states)
    }
}

fn threw(expression: &Expression, location: String, separator: char, message: &str) -> Failure {
    let source = expression.source();
    let cause = format!(
        "The JSONata expression '{source}' specified for the field '{location}' threw an error during evaluation{separator} {message}"
    );
    Failure::query(location, cause)
}

fn undefined(expression: &Expression, location: String) -> Failure {
    let source = expression.source();
    let cause = format!(
        "The JSONata expression '{source}' specified for the field '{location}' returned nothing (undefined)."
    );
    Failure::query(location, cause)
}

fn walk<'v>(mut value: &'v Value, names: &[String]) -> Option<Option<&'v Value>> {
    for name in names {
        match value {
            Value::Object(map) => match map.get(name) {
                Some(next) => value = next,
                None => return Some(None),
            },
            Value::Array(_) => return None,
            _ => return Some(None),
        }
    }
    Some(Some(value))
}

/// The value as JSONata has it, without a copy of the JSON in between.
fn from_json(value: &Value) -> JValue {
    match value {
        Value::Null => JValue::Null,
        Value::Bool(b) => JValue::Bool(*b),
        Value::Number(n) => JValue::Number(n.as_f64().unwrap_or(0.0)),
        Value::String(s) => JValue::string(s.as_str()),
        Value::Array(items) => {
            let flat = !items.iter().any(Value::is_array);
            JValue::Array(JArray::new_flat(items.iter().map(from_json).collect(), flat))
        }
        Value::Object(map) => JValue::object(map.iter().map(|(k, v)| (k.clone(), from_json(v))).collect()),
    }
}

/// The value as JSON. `Err`: why it has none, to follow "unsupported result type".
fn to_json(value: &JValue, depth: usize) -> Result<Value, &'static str> {
    Ok(match value {
        JValue::Null => Value::Null,
        JValue::Bool(b) => Value::Bool(*b),
        JValue::Number(n) => Value::Number(intrinsic::json_number(*n).ok_or(": number out of range")?),
        JValue::String(s) => Value::String(s.to_string()),
        JValue::Array(items) => {
            let depth = depth.checked_sub(1).ok_or(": nested too deeply")?;
            let items = items.iter().filter(|item| !item.is_undefined());
            Value::Array(items.map(|item| to_json(item, depth)).collect::<Result<_, _>>()?)
        }
        JValue::Object(map) => {
            let depth = depth.checked_sub(1).ok_or(": nested too deeply")?;
            let mut object = Map::new();
            for (name, member) in map.iter().filter(|(_, member)| !member.is_undefined()) {
                object.insert(name.clone(), to_json(member, depth)?);
            }
            Value::Object(object)
        }
        _ => return Err(""),
    })
}
