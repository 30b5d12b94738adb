//! The functions that AWS adds to JSONata, and those it takes away (AWS Step Functions Developer Guide,
//! "JSONata functions provided by Step Functions").

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, HostFnResult};
use jsonata_core::value::JValue;
use serde_json::Value;

use crate::intrinsic;
use crate::time;
use crate::time::Timestamp;

/// A source of 64 random bits at a time for one evaluation, seeded with one number of the host's.
pub(super) type Dice = Rc<RefCell<Box<dyn FnMut() -> u64>>>;

fn refuse(message: impl Into<String>) -> EvaluatorError {
    EvaluatorError::EvaluationError(message.into())
}

/// The argument as a number, or JSONata's error for a wrong type.
fn number(arguments: &[JValue], at: usize, name: &str) -> Result<f64, EvaluatorError> {
    arguments.get(at).and_then(JValue::as_f64).ok_or_else(|| {
        refuse(format!("T0410: Argument {} of function \"{name}\" does not match function signature", at + 1))
    })
}

/// The argument as text, or JSONata's error for a wrong type.
fn text<'a>(arguments: &'a [JValue], at: usize, name: &str) -> Result<&'a str, EvaluatorError> {
    arguments.get(at).and_then(JValue::as_str).ok_or_else(|| {
        refuse(format!("T0410: Argument {} of function \"{name}\" does not match function signature", at + 1))
    })
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
        let _ =
            match name.as_str() {
                "now" => evaluator
                    .register_fn_override("now", move |arguments: &[JValue]| format_now(now, arguments)),
                "millis" => {
                    let millis = now.timestamp_millis();
                    evaluator.register_fn_override("millis", move |_: &[JValue]| Ok(JValue::from(millis)))
                }
                "random" => evaluator
                    .register_fn_override("random", move |arguments: &[JValue]| random(&dice, arguments)),
                "uuid" => evaluator.register_fn_override("uuid", move |_: &[JValue]| {
                    let mut next = dice.borrow_mut();
                    Ok(JValue::from(intrinsic::uuid(&mut *next)))
                }),
                "eval" => evaluator.register_fn_override("eval", eval),
                "parse" => evaluator.register_fn_override("parse", parse),
                "hash" => evaluator.register_fn_override("hash", hash),
                "partition" => evaluator.register_fn_override("partition", partition),
                "range" => evaluator.register_fn_override("range", range),
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
    match arguments {
        [] => Ok(JValue::from(unit((dice.borrow_mut())()))),
        // With a seed as its argument, AWS's random gives the first number of Java's generator each time.
        _ => Ok(JValue::from(intrinsic::Random::seeded(number(arguments, 0, "random")? as i64).unit())),
    }
}

fn eval(_: &[JValue]) -> HostFnResult {
    Err(refuse("$eval is not supported. Use $parse instead."))
}

fn parse(arguments: &[JValue]) -> HostFnResult {
    let json = text(arguments, 0, "parse")?;
    serde_json::from_str::<Value>(json).map(JValue::from).map_err(|error| refuse(error.to_string()))
}

fn hash(arguments: &[JValue]) -> HostFnResult {
    let (data, algorithm) = (text(arguments, 0, "hash")?, text(arguments, 1, "hash")?);
    intrinsic::hash(data, algorithm)
        .map(JValue::from)
        .ok_or_else(|| refuse(format!("Unknown hash algorithm {algorithm}")))
}

fn partition(arguments: &[JValue]) -> HostFnResult {
    let items = match arguments.first() {
        Some(JValue::Array(items)) => items.to_vec(),
        Some(JValue::Undefined) | None => return Ok(JValue::Undefined),
        Some(single) => vec![single.clone()],
    };
    let size = number(arguments, 1, "partition")?;
    if size.is_nan() || size < 1.0 {
        return Err(refuse("The chunk size must be a positive integer"));
    }
    let chunks = items.chunks(size.floor() as usize).map(|chunk| JValue::array(chunk.to_vec())).collect();
    // An array of arrays: `cons` keeps a path step from flattening it.
    Ok(JValue::cons(chunks))
}

const MAX_RANGE: usize = 360_145;

fn range(arguments: &[JValue]) -> HostFnResult {
    let bound = |at| number(arguments, at, "range").map(|n| n.trunc() as i64);
    let items = intrinsic::range(bound(0)?, bound(1)?, bound(2)?, MAX_RANGE)
        .ok_or_else(|| refuse("The step must not be zero"))?;
    Ok(JValue::sequence(items.into_iter().map(JValue::from).collect()))
}
