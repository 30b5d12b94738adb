//! The functions that AWS adds to JSONata, and those it takes away (AWS Step Functions Developer Guide,
//! "JSONata functions provided by Step Functions").

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, HostFnResult};
use jsonata_core::value::JValue;
use serde_json::Value;

use super::dialect;
use super::run::TOO_LARGE;
use crate::intrinsic;
use crate::time;
use crate::time::Timestamp;

/// A source of 64 random bits at a time for one evaluation, seeded with one number of the host's.
pub(super) type Dice = Rc<RefCell<Box<dyn FnMut() -> u64>>>;

fn refuse(message: impl Into<String>) -> EvaluatorError {
    EvaluatorError::EvaluationError(message.into())
}

/// JSONata's error for an argument that doesn't fit the function.
fn misfit(at: usize, name: &str) -> EvaluatorError {
    refuse(format!("T0410: Argument {} of function \"{name}\" does not match function signature", at + 1))
}

/// The argument as a number; `None` when it is missing or undefined.
fn number(arguments: &[JValue], at: usize, name: &str) -> Result<Option<f64>, EvaluatorError> {
    match arguments.get(at) {
        None | Some(JValue::Undefined) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| misfit(at, name)),
    }
}

/// The argument as text; `None` when it is missing or undefined.
fn text<'a>(arguments: &'a [JValue], at: usize, name: &str) -> Result<Option<&'a str>, EvaluatorError> {
    match arguments.get(at) {
        None | Some(JValue::Undefined) => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(|| misfit(at, name)),
    }
}

/// Refuses more arguments than a function takes.
fn at_most(count: usize, arguments: &[JValue], name: &str) -> Result<(), EvaluatorError> {
    if arguments.len() > count { Err(misfit(count, name)) } else { Ok(()) }
}

/// The bits as a number from 0 up to, but without, 1, like that of JavaScript's Math.random.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Functions that must be AWS's and not the library's. When an expression passes one of them on instead of
/// calling it, the library takes its own, so that is refused.
pub(super) const IMPURE: [&str; 5] = ["eval", "millis", "now", "random", "uuid"];

/// Registers those of AWS's functions that an expression names. Most name none, and registering costs more
/// than evaluating.
pub(super) fn register(evaluator: &mut Evaluator, names: &BTreeSet<String>, now: Timestamp, dice: &Dice) {
    for name in names {
        let dice = Rc::clone(dice);
        // None of these names is one that the library compiles away, so registering them can't fail.
        let _ = match name.as_str() {
            "now" => {
                evaluator.register_fn_override("now", move |arguments: &[JValue]| format_now(now, arguments))
            }
            "millis" => {
                let millis = now.timestamp_millis();
                evaluator.register_fn_override("millis", move |_: &[JValue]| Ok(JValue::from(millis)))
            }
            "random" => {
                evaluator.register_fn_override("random", move |arguments: &[JValue]| random(&dice, arguments))
            }
            "uuid" => evaluator.register_fn_override("uuid", move |arguments: &[JValue]| {
                at_most(0, arguments, "uuid")?;
                let mut next = dice.borrow_mut();
                Ok(JValue::from(intrinsic::uuid(&mut *next)))
            }),
            "eval" => evaluator.register_fn_override("eval", eval),
            "parse" => evaluator.register_fn_override("parse", parse),
            "hash" => evaluator.register_fn_override("hash", hash),
            "partition" => evaluator.register_fn_override("partition", partition),
            "range" => evaluator.register_fn_override("range", range),
            dialect::DIGITS => evaluator.register_fn_override(dialect::DIGITS, |arguments: &[JValue]| {
                Ok(arguments.first().map_or(JValue::Undefined, dialect::fifteen_digits))
            }),
            _ => Ok(()),
        };
    }
}

fn format_now(now: Timestamp, arguments: &[JValue]) -> HostFnResult {
    if arguments.is_empty() {
        return Ok(JValue::from(time::format(now)));
    }
    // The library offers its formatting only as a function of the language.
    let mut context = Context::new();
    context.bind("at".to_owned(), JValue::from(now.timestamp_millis()));
    for (name, argument) in ["picture", "zone"].iter().zip(arguments) {
        context.bind((*name).to_owned(), argument.clone());
    }
    let call = jsonata_core::parser::parse("$fromMillis($at, $picture, $zone)")
        .map_err(|error| refuse(error.to_string()))?;
    Evaluator::with_context(context).evaluate(&call, &JValue::Undefined)
}

fn random(dice: &Dice, arguments: &[JValue]) -> HostFnResult {
    at_most(1, arguments, "random")?;
    match number(arguments, 0, "random")? {
        None => Ok(JValue::from(unit((dice.borrow_mut())()))),
        // With a seed as its argument, AWS's random gives the first number of Java's generator each time.
        Some(seed) => Ok(JValue::from(intrinsic::Random::seeded(seed as i64).unit())),
    }
}

/// AWS has no `$eval`, and says so as JSONata says it of any name that is no function.
fn eval(_: &[JValue]) -> HostFnResult {
    Err(refuse("T1006: Attempted to invoke a non-function"))
}

fn parse(arguments: &[JValue]) -> HostFnResult {
    at_most(1, arguments, "parse")?;
    let Some(json) = text(arguments, 0, "parse")? else { return Ok(JValue::Undefined) };
    serde_json::from_str::<Value>(json).map(JValue::from).map_err(|error| refuse(error.to_string()))
}

fn hash(arguments: &[JValue]) -> HostFnResult {
    at_most(2, arguments, "hash")?;
    let (data, algorithm) = (text(arguments, 0, "hash")?, text(arguments, 1, "hash")?);
    let (Some(data), Some(algorithm)) = (data, algorithm) else { return Ok(JValue::Undefined) };
    intrinsic::hash(data, algorithm).map(JValue::from).ok_or_else(|| {
        refuse(format!(
            "D3137: Hash algorithm '{algorithm}' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"
        ))
    })
}

fn partition(arguments: &[JValue]) -> HostFnResult {
    at_most(2, arguments, "partition")?;
    let items = match arguments.first() {
        Some(JValue::Array(items)) => items.to_vec(),
        Some(JValue::Undefined) | None => return Ok(JValue::Undefined),
        Some(_) => {
            return Err(refuse("T0412: Argument 1 of function \"partition\" must be an array of undefined"));
        }
    };
    let chunks = match number(arguments, 1, "partition")?.map(f64::trunc) {
        None => vec![JValue::array(items)],
        Some(size) if size < 0.0 => {
            return Err(refuse("D3137: Second argument must be zero or greater"));
        }
        Some(size) if size >= 1.0 => {
            items.chunks(size as usize).map(|chunk| JValue::array(chunk.to_vec())).collect()
        }
        Some(_) => return Ok(JValue::Undefined),
    };
    // An array of arrays: `cons` keeps a path step from flattening it.
    Ok(JValue::cons(chunks))
}

/// Items that `$range` may make before AWS's bound of an expression's memory is reached (measured:
/// github.com/floci-io/floci/pull/2790).
const MAX_RANGE: usize = 360_145;

fn range(arguments: &[JValue]) -> HostFnResult {
    at_most(3, arguments, "range")?;
    let bound = |at| number(arguments, at, "range").map(|bound| bound.map(|n| n.trunc() as i64));
    let (Some(from), Some(to), Some(step)) = (bound(0)?, bound(1)?, bound(2)?) else {
        return Ok(JValue::Undefined);
    };
    if step == 0 {
        return Ok(JValue::Undefined);
    }
    let items = intrinsic::range(from, to, step, MAX_RANGE).ok_or_else(|| refuse(TOO_LARGE))?;
    Ok(JValue::sequence(items.into_iter().map(JValue::from).collect()))
}
