//! The functions that AWS adds to JSONata, and those it takes away (Developer Guide, "JSONata functions provided by Step Functions").

use std::cell::RefCell;
use std::rc::Rc;

use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError};
use jsonata_core::value::JValue;
use serde_json::Value;

use crate::Timestamp;
use crate::intrinsic;
use crate::time;

/// Randomness that an evaluation may use up, drawn from the host's first number.
pub(super) type Dice = Rc<RefCell<Box<dyn FnMut() -> u64>>>;

fn refuse(message: impl Into<String>) -> EvaluatorError {
    EvaluatorError::EvaluationError(message.into())
}

fn number(arguments: &[JValue], at: usize, name: &str) -> Result<f64, EvaluatorError> {
    arguments.get(at).and_then(JValue::as_f64).ok_or_else(|| {
        refuse(format!("T0410: Argument {} of function \"{name}\" does not match function signature", at + 1))
    })
}

fn text<'a>(arguments: &'a [JValue], at: usize, name: &str) -> Result<&'a str, EvaluatorError> {
    arguments.get(at).and_then(JValue::as_str).ok_or_else(|| {
        refuse(format!("T0410: Argument {} of function \"{name}\" does not match function signature", at + 1))
    })
}

/// The 64 bits as a number in 0..1, as JavaScript's Math.random has it.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

pub(super) fn register(evaluator: &mut Evaluator, now: Timestamp, dice: &Dice) {
    // None of these names is one that the library compiles away, so registering them can't fail.
    let stamp = time::format(now);
    let _ = evaluator.register_fn_override("now", move |arguments: &[JValue]| {
        if arguments.is_empty() {
            return Ok(JValue::from(stamp.as_str()));
        }
        // The library keeps its formatting to itself, except as a function of the language.
        let mut context = Context::new();
        context.bind("at".to_owned(), JValue::from(now.timestamp_millis()));
        for (name, argument) in ["picture", "zone"].iter().zip(arguments) {
            context.bind((*name).to_owned(), argument.clone());
        }
        let call = jsonata_core::parser::parse("$fromMillis($at, $picture, $zone)")
            .map_err(|error| refuse(error.to_string()))?;
        Evaluator::with_context(context).evaluate(&call, &JValue::Undefined)
    });
    let _ = evaluator
        .register_fn_override("millis", move |_: &[JValue]| Ok(JValue::from(now.timestamp_millis())));
    let shared = Rc::clone(dice);
    let _ = evaluator.register_fn_override("random", move |arguments: &[JValue]| match arguments {
        [] => Ok(JValue::from(unit((shared.borrow_mut())()))),
        // With a seed, AWS's random gives the same number each time.
        [seed, ..] => {
            let seed = seed.as_f64().ok_or_else(|| {
                refuse("T0410: Argument 1 of function \"random\" does not match function signature")
            })?;
            Ok(JValue::from(unit(intrinsic::mix(seed.to_bits()))))
        }
    });
    let shared = Rc::clone(dice);
    let _ = evaluator.register_fn_override("uuid", move |_: &[JValue]| {
        let mut next = shared.borrow_mut();
        Ok(JValue::from(intrinsic::uuid(&mut *next)))
    });
    let _ = evaluator.register_fn_override("eval", |_: &[JValue]| {
        Err(refuse("$eval is not supported. Use $parse instead."))
    });
    let _ = evaluator.register_fn_override("parse", |arguments: &[JValue]| {
        let json = text(arguments, 0, "parse")?;
        serde_json::from_str::<Value>(json).map(JValue::from).map_err(|error| refuse(error.to_string()))
    });
    let _ = evaluator.register_fn_override("hash", |arguments: &[JValue]| {
        let (data, algorithm) = (text(arguments, 0, "hash")?, text(arguments, 1, "hash")?);
        intrinsic::hash(data, algorithm).map(JValue::from).map_err(refuse)
    });
    let _ = evaluator.register_fn_override("partition", |arguments: &[JValue]| {
        let items = match arguments.first() {
            Some(JValue::Array(items)) => items.to_vec(),
            Some(JValue::Undefined) | None => return Ok(JValue::Undefined),
            Some(single) => vec![single.clone()],
        };
        let size = number(arguments, 1, "partition")?;
        if size.is_nan() || size < 1.0 {
            return Err(refuse("The chunk size must be a positive integer"));
        }
        // An array of arrays: `cons` keeps a path step from flattening it.
        Ok(JValue::cons(
            items.chunks(size.floor() as usize).map(|chunk| JValue::array(chunk.to_vec())).collect(),
        ))
    });
    let _ = evaluator.register_fn_override("range", |arguments: &[JValue]| {
        let (from, to, step) =
            (number(arguments, 0, "range")?, number(arguments, 1, "range")?, number(arguments, 2, "range")?);
        match intrinsic::range(from, to, step).map_err(refuse)? {
            Value::Array(items) => Ok(JValue::sequence(items.into_iter().map(JValue::from).collect())),
            _ => Ok(JValue::Undefined),
        }
    });
}
