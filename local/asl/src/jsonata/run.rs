//! Running expressions. The inputs are converted once for a state, and each expression is evaluated under
//! limits, so that a hostile one fails instead of hanging.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, EvaluatorOptions};
use jsonata_core::value::JValue;
use serde_json::Value;

use super::convert::{from_json, to_json};
use super::expression::{Expression, Program, Strategy};
use super::{guards, host};
use crate::api::Effort;
use crate::budget::Budget;
use crate::error::Failure;
use crate::intrinsic;
use crate::scope::Env;
use crate::size;

/// Milliseconds that an evaluation may take. The limit guards against loops; whatever fits 256 KiB of input
/// takes microseconds. It is the last resort: what one call builds is bounded by [`guards`] before that.
const TIMEOUT_MS: u64 = 100;
/// The same for a small effort that is timed.
const SMALL_TIMEOUT_MS: u64 = 1;
/// The same for a small effort that is counted alone. It is so long that only an expression without an end gets there,
/// and none because its machine has no time for it; a full effort then says how the expression ends.
const COUNTED_TIMEOUT_MS: u64 = 10_000;
/// How often an evaluation is tried whose time was up. The time is that of the wall, and a process that was stopped
/// meanwhile, or a machine that had no time for it, is no fault of the expression. The second time gives the same
/// value, since nothing but the inputs and the seed decides it.
const ATTEMPTS: usize = 2;
/// Levels of evaluations within evaluations. AWS allows as many (measured: github.com/floci-io/floci/issues/2737).
const MAX_DEPTH: usize = 100;
/// Items that a sequence may have. AWS bounds the memory of an expression, and this many numbers fit into it
/// (measured: the same issue).
pub(super) const MAX_SEQUENCE: usize = 873_782;
/// AWS's words for an expression that goes beyond these limits.
const TOO_DEEP: &str = "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive";
pub(super) const TOO_LARGE: &str =
    "Expression evaluation memory limit exceeded: Check for excessive memory usage";
/// Bytes of stack that are enough for values nested as deep as the limits above allow.
const DEEP_STACK: usize = 256 << 20;

/// The members of `$states` besides the context object, where the state has them.
#[derive(Default, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) input: Option<&'a Arc<Value>>,
    pub(crate) result: Option<&'a Arc<Value>>,
    pub(crate) error_output: Option<&'a Arc<Value>>,
}

/// The evaluations of one state. What was converted for one expression serves the next.
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

    /// The value of an expression. `location` spells the field that holds it, for the cause of a failure.
    pub(crate) fn evaluate(
        &mut self,
        expression: &Expression,
        location: &dyn Fn() -> String,
    ) -> Result<Arc<Value>, Failure> {
        if let Strategy::Pick(root, names) = &expression.strategy
            && let Some(picked) = self.pick(root, names)
        {
            return picked.ok_or_else(|| undefined(expression, location()));
        }
        if expression.deep {
            return stacker::grow(DEEP_STACK, || self.run(expression, location));
        }
        self.run(expression, location)
    }

    /// Picks a value without the library. `None` means that the library must be asked, because there is an
    /// array on the way, which JSONata would map over; `Some(None)` means that there is no such value.
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
            // The name may be one of JSONata's functions, or nothing at all; the library knows.
            return (root == "states").then_some(None);
        };
        if names.is_empty() {
            return Some(Some(Arc::clone(value)));
        }
        Some(walk(value, names)?.cloned().map(Arc::new))
    }

    fn run(&mut self, expression: &Expression, location: &dyn Fn() -> String) -> Result<Arc<Value>, Failure> {
        let is_hidden = |name: &&str| guards::is_guarded(name) && self.env.scope.lookup(name).is_some();
        let hiding: BTreeSet<_> = expression.variables().filter(is_hidden).map(str::to_owned).collect();
        let hidden = if hiding.is_empty() { None } else { expression.hiding(&hiding) };
        let parsed;
        let program = match (&expression.strategy, &hidden) {
            (_, Some(program)) | (Strategy::Run(program), None) => program,
            (Strategy::Pick(..), None) => {
                // It parsed when it was compiled.
                let ast = jsonata_core::parser::parse(expression.source())
                    .map_err(|error| Failure::query(location(), error.to_string()))?;
                parsed = Program { ast: Box::new(ast), is_guarded: false };
                &parsed
            }
        };
        let mut bindings = Vec::new();
        for name in expression.variables() {
            if let Some(value) = self.env.scope.lookup(name) {
                if !self.env.budget.spend(size::steps(value)) {
                    return Err(Budget::failure());
                }
                bindings.push((name.to_owned(), from_json(value)));
            }
        }
        let passed_on = host::IMPURE
            .iter()
            .find(|name| expression.usage.free.contains(**name) && self.env.scope.lookup(name).is_none());
        if let Some(name) = passed_on {
            return Err(threw(
                expression,
                location(),
                ':',
                &format!("The function ${name} can be called, but not passed on."),
            ));
        }
        if expression.usage.free.contains("states") {
            bindings.push(("states".to_owned(), self.states(expression)?));
        }
        let budget = self.env.budget;
        let timeout = match budget.effort() {
            Effort::Full => TIMEOUT_MS,
            Effort::Small { timed: true } => SMALL_TIMEOUT_MS,
            Effort::Small { timed: false } => COUNTED_TIMEOUT_MS,
        };
        let options = EvaluatorOptions {
            timeout_ms: Some(timeout),
            max_stack_depth: Some(MAX_DEPTH),
            max_sequence_length: Some(MAX_SEQUENCE),
            ..EvaluatorOptions::default()
        };
        let (seed, now) = (self.env.ambient.random(), self.env.ambient.now());
        let mut evaluated = Err(EvaluatorError::EvaluationError(String::new()));
        for _ in 0..ATTEMPTS {
            let mut seed = seed;
            let dice: host::Dice = Rc::new(RefCell::new(Box::new(move || {
                seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                intrinsic::mix(seed)
            })));
            let mut context = Context::new();
            bindings.iter().for_each(|(name, value)| context.bind(name.clone(), value.clone()));
            let mut evaluator = Evaluator::with_options(context, options.clone());
            host::register(&mut evaluator, &expression.usage.functions, now, &dice);
            if program.is_guarded {
                guards::register(&mut evaluator, budget);
            }
            // The library is not ours: where it panics, the expression has failed, and nothing else.
            evaluated =
                catch_unwind(AssertUnwindSafe(|| evaluator.evaluate(&program.ast, &JValue::Undefined)))
                    .unwrap_or_else(|_| {
                        Err(EvaluatorError::EvaluationError("The evaluation failed inside".to_owned()))
                    });
            if !ended_by(&evaluated, "D1012") {
                break;
            }
            // The failure is dropped, since the event is applied again with full effort.
            if budget.exceed() {
                return Err(Budget::failure());
            }
        }
        if ended_by(&evaluated, "D2015") && budget.exceed() {
            return Err(Budget::failure());
        }
        let value = evaluated.map_err(|error| {
            // AWS ends the sentence before a coded message, and leads on with a colon to any other.
            let (separator, message) = match error.code() {
                Some("D1011" | "U1001") => (':', TOO_DEEP),
                Some("D2015") => (':', TOO_LARGE),
                Some(_) => ('.', error.message()),
                None => (':', error.message()),
            };
            threw(expression, location(), separator, message)
        })?;
        match value {
            JValue::Undefined => Err(undefined(expression, location())),
            value => match to_json(&value) {
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

    /// `$states`, with the members that the expression needs.
    fn states(&mut self, expression: &Expression) -> Result<JValue, Failure> {
        let mut states = IndexMap::new();
        let slots = [
            ("input", self.inputs.input, &mut self.input),
            ("result", self.inputs.result, &mut self.result),
            ("errorOutput", self.inputs.error_output, &mut self.error_output),
        ];
        for (member, value, slot) in slots {
            if let Some(value) = value.filter(|_| expression.wants(member)) {
                if slot.is_none() && !self.env.budget.spend(size::steps(value)) {
                    return Err(Budget::failure());
                }
                let converted = slot.get_or_insert_with(|| from_json(value));
                states.insert(member.to_owned(), converted.clone());
            }
        }
        if expression.wants("context") {
            let context = self.env.context.value();
            if self.context.is_none() && !self.env.budget.spend(size::steps(context)) {
                return Err(Budget::failure());
            }
            let converted = self.context.get_or_insert_with(|| from_json(context));
            states.insert("context".to_owned(), converted.clone());
        }
        Ok(JValue::object(states))
    }
}

/// Whether an evaluation ended with this code of JSONata.
fn ended_by(evaluated: &Result<JValue, EvaluatorError>, code: &str) -> bool {
    evaluated.as_ref().is_err_and(|error| error.code() == Some(code) || error.message().starts_with(code))
}

/// The failure of an expression that ended with an error.
fn threw(expression: &Expression, location: String, separator: char, message: &str) -> Failure {
    let source = expression.source();
    let cause = format!(
        "The JSONata expression '{source}' specified for the field '{location}' threw an error during evaluation{separator} {message}"
    );
    Failure::query(location, cause)
}

/// The failure of an expression that has no value.
fn undefined(expression: &Expression, location: String) -> Failure {
    let source = expression.source();
    let cause = format!(
        "The JSONata expression '{source}' specified for the field '{location}' returned nothing (undefined)."
    );
    Failure::query(location, cause)
}

/// Follows the names. `None` means that there is an array on the way, and `Some(None)` that there is no such
/// member.
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
