//! Bounds inside of the JSONata library's functions.
//!
//! The library looks at its limits between the nodes of an expression, and never inside of a function: one call of
//! `$pad("x", 2000000000)` builds its two gigabytes before anybody can stop it, and so does `&` that doubles a text
//! again and again. So an expression is rewritten when it is compiled: where a function or an operator may build far
//! more than it was given, its arguments are bound to variables, and a function of ours works out from their sizes what
//! the call will cost, before it is made. What it costs comes off a budget that the whole evaluation has. That counts
//! work and not time, so that the same expression on the same data ends in the same way on every machine.
//!
//! `$pad(a, b)` becomes `($g0 := a; $g1 := b; $guard_pad($g0, $g1); $pad($g0, $g1))`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use jsonata_core::evaluator::{Evaluator, EvaluatorError};
use jsonata_core::value::JValue;
use serde_json::{Value, json};

use super::run::MAX_SEQUENCE;
use crate::budget::Budget;

/// Bytes that the guarded calls of one evaluation may build together. Payloads have 256 KiB, so that this is some
/// hundred of them.
const BUDGET: usize = 64 << 20;
/// Characters of a picture, and digits of a width in one: the library formats numbers as long as those say.
const MAX_PICTURE: usize = 256;
const MAX_WIDTH_DIGITS: usize = 2;
/// What one more item in memory costs in bytes, and a match with its groups.
const ITEM: usize = 48;
const MATCH: usize = 200;
/// How many arrays and objects an expression without functions of its own may build in its text before they count as
/// able to hold each other so often that walking them never ends.
const FEW_CONSTRUCTORS: usize = 16;

/// The functions that are guarded, with the number of their parameters.
const FUNCTIONS: [(&str, usize); 12] = [
    ("distinct", 1),
    ("formatInteger", 2),
    ("formatNumber", 3),
    ("fromMillis", 3),
    ("join", 2),
    ("match", 3),
    ("pad", 3),
    ("parseInteger", 2),
    ("replace", 4),
    ("split", 3),
    ("string", 1),
    ("toMillis", 2),
];
/// The operators that are guarded, by the names that the syntax tree gives them. Comparing is so only where values can
/// hold each other many times.
const OPERATORS: [&str; 2] = ["Concatenate", "Range"];
const COMPARISONS: [&str; 3] = ["Equal", "NotEqual", "In"];

/// The syntax tree with its guards; `None` when it needs none. `variables` are names that hold values of the state, and
/// so no functions.
pub(super) fn guarded(tree: &Value, variables: &BTreeSet<String>) -> Option<Value> {
    let mut guard = Guard { variables, guards: 0, compares: constructs_much(tree) };
    let guarded = guard.node(tree);
    (guard.guards > 0).then_some(guarded)
}

/// Names of functions that an expression may hand on as values, and that a variable of the state may hide.
pub(super) fn is_guarded(name: &str) -> bool {
    FUNCTIONS.iter().any(|(guarded, _)| *guarded == name)
}

/// Whether values of the expression may hold the same value so often that a walk over them would never end.
fn constructs_much(tree: &Value) -> bool {
    fn count(node: &Value, constructors: &mut usize, functions: &mut bool) {
        match node {
            Value::Array(items) => items.iter().for_each(|item| count(item, constructors, functions)),
            Value::Object(map) => {
                for (kind, child) in map {
                    *constructors += usize::from(matches!(kind.as_str(), "Array" | "Object" | "ArrayGroup"));
                    *functions |= kind == "Lambda";
                    count(child, constructors, functions);
                }
            }
            _ => {}
        }
    }
    let (mut constructors, mut functions) = (0, false);
    count(tree, &mut constructors, &mut functions);
    constructors > FEW_CONSTRUCTORS || (functions && constructors > 0)
}

struct Guard<'a> {
    variables: &'a BTreeSet<String>,
    guards: usize,
    compares: bool,
}

impl Guard<'_> {
    fn node(&mut self, node: &Value) -> Value {
        let map = match node {
            Value::Array(items) => return items.iter().map(|item| self.node(item)).collect(),
            Value::Object(map) => map,
            other => return other.clone(),
        };
        if let Some(piped) = piped(map) {
            return self.node(&piped);
        }
        if let Some(Value::String(name)) = map.get("Variable")
            && let Some((name, arity)) = FUNCTIONS.iter().find(|(guarded, _)| guarded == name)
            && !self.variables.contains(*name)
            && (self.compares || *name != "string")
        {
            return self.function_value(name, vec![json!("Placeholder"); *arity]);
        }
        // What a name is bound to is no use of the name.
        let binds = map.get("Binary").filter(|binary| binary["op"] == "ColonEqual");
        if let Some(binary) = binds {
            return json!({ "Binary": { "op": "ColonEqual", "lhs": binary["lhs"], "rhs": self.node(&binary["rhs"]) } });
        }
        let node: Value = map
            .iter()
            .map(|(kind, child)| (kind.clone(), self.node(child)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        if let Some(Value::Array(arguments)) = node.pointer("/Function/args")
            && let Some(name) = node.pointer("/Function/name").and_then(Value::as_str)
            && node.pointer("/Function/is_builtin") == Some(&Value::Bool(true))
            && is_guarded(name)
        {
            let arguments = arguments.clone();
            return if arguments.iter().any(|argument| argument == "Placeholder") {
                self.function_value(name, arguments)
            } else {
                self.call(name, arguments, |arguments| call_of(name, arguments))
            };
        }
        let Some(op) = node.pointer("/Binary/op").and_then(Value::as_str) else { return node };
        let (lhs, rhs) = (&node["Binary"]["lhs"], &node["Binary"]["rhs"]);
        let compares = self.compares && COMPARISONS.contains(&op) && !is_literal(lhs) && !is_literal(rhs);
        if !OPERATORS.contains(&op) && !compares {
            return node;
        }
        let operands = vec![lhs.clone(), rhs.clone()];
        self.call(
            op,
            operands,
            |operands| json!({ "Binary": { "op": op, "lhs": operands[0], "rhs": operands[1] } }),
        )
    }

    /// A function of the expression's own that makes a guarded call. Each placeholder becomes a parameter.
    fn function_value(&mut self, name: &str, arguments: Vec<Value>) -> Value {
        let mut parameters = Vec::new();
        let arguments = arguments
            .into_iter()
            .map(|argument| {
                if argument == "Placeholder" {
                    parameters.push(format!("guard_p{}", parameters.len()));
                    json!({ "Variable": parameters.last() })
                } else {
                    argument
                }
            })
            .collect();
        let body = self.call(name, arguments, |arguments| call_of(name, arguments));
        json!({ "Lambda": { "params": parameters, "body": body, "signature": null, "thunk": false } })
    }

    /// A block that binds the arguments, asks the guard, and makes the call.
    fn call(&mut self, name: &str, arguments: Vec<Value>, call: impl FnOnce(&[Value]) -> Value) -> Value {
        self.guards += 1;
        let bound: Vec<Value> =
            (0..arguments.len()).map(|index| json!({ "Variable": format!("guard_{index}") })).collect();
        let mut block: Vec<Value> = bound
            .iter()
            .zip(&arguments)
            .map(|(variable, argument)| json!({ "Binary": { "op": "ColonEqual", "lhs": variable, "rhs": argument } }))
            .collect();
        block.push(call_of(&format!("guard_{name}"), &bound));
        block.push(call(&bound));
        json!({ "Block": block })
    }
}

fn call_of(name: &str, arguments: &[Value]) -> Value {
    json!({ "Function": { "name": name, "args": arguments, "is_builtin": true } })
}

/// `a ~> $f(b)` as the call that it stands for, `$f(a, b)`.
fn piped(map: &serde_json::Map<String, Value>) -> Option<Value> {
    let binary = map.get("Binary").filter(|binary| binary["op"] == "ChainPipe")?;
    let name = binary.pointer("/rhs/Function/name")?.as_str().filter(|name| is_guarded(name))?;
    let more = binary.pointer("/rhs/Function/args")?.as_array()?;
    if more.iter().any(|argument| argument == "Placeholder") {
        return None;
    }
    let arguments: Vec<Value> = std::iter::once(&binary["lhs"]).chain(more).cloned().collect();
    Some(call_of(name, &arguments))
}

fn is_literal(node: &Value) -> bool {
    node == "Null" || ["String", "Number", "Boolean"].iter().any(|kind| node.get(kind).is_some())
}

/// Registers the guards, which share what the budget of the state allows.
pub(super) fn register(evaluator: &mut Evaluator, budget: &Budget) {
    let budget = Rc::new(Cell::new(budget.bytes(BUDGET)));
    let functions = FUNCTIONS.iter().map(|(name, _)| *name);
    for name in functions.chain(OPERATORS).chain(COMPARISONS) {
        let budget = Rc::clone(&budget);
        // None of these names is one of the library's own, so registering them can't fail.
        let _ = evaluator.register_fn(format!("guard_{name}"), move |arguments: &[JValue]| {
            let cost = cost(name, arguments, budget.get()).map_err(EvaluatorError::EvaluationError)?;
            match budget.get().checked_sub(cost) {
                Some(left) => budget.set(left),
                None => return Err(EvaluatorError::EvaluationError(too_much())),
            }
            Ok(JValue::Undefined)
        });
    }
}

/// It bears the code of a sequence that is too long: AWS has one text for both.
fn too_much() -> String {
    format!("D2015: The expression builds more than {} MiB", BUDGET >> 20)
}

/// What a call costs, in bytes that it builds or, where it only compares, in bytes that it walks over. Arguments of a
/// wrong type cost nothing: the call itself refuses them.
fn cost(name: &str, arguments: &[JValue], left: usize) -> Result<usize, String> {
    let text = |at: usize| arguments.get(at).and_then(JValue::as_str);
    let length = |at: usize| text(at).map_or(0, str::len);
    let number = |at: usize| arguments.get(at).and_then(JValue::as_f64).unwrap_or(0.0);
    Ok(match name {
        "pad" => (number(1).abs() as usize).saturating_mul(length(2).max(1)),
        "join" => {
            let Some(JValue::Array(items)) = arguments.first() else { return Ok(length(0)) };
            let texts: usize = items.iter().filter_map(JValue::as_str).map(str::len).sum();
            items.len().saturating_mul(length(1)).saturating_add(texts)
        }
        "replace" => {
            let (subject, replacement) = (text(0).unwrap_or_default(), length(2));
            let matches = match text(1) {
                Some(pattern) if !pattern.is_empty() => subject.matches(pattern).count(),
                _ => subject.len() + 1,
            };
            let matches =
                if arguments.len() > 3 { matches.min(number(3).max(0.0) as usize) } else { matches };
            matches.saturating_mul(replacement).saturating_add(subject.len())
        }
        "split" => {
            let subject = text(0).unwrap_or_default();
            let parts = match text(1) {
                Some(separator) if !separator.is_empty() => subject.matches(separator).count() + 1,
                _ => subject.len() + 1,
            };
            parts.saturating_mul(ITEM).saturating_add(subject.len())
        }
        "match" => length(0).saturating_mul(MATCH),
        "distinct" => match arguments.first() {
            // Each item is compared with all that came before.
            Some(JValue::Array(items)) => {
                let size =
                    arguments.iter().try_fold(left, |left, value| spend(value, left)).ok_or_else(too_much)?;
                (left - size).saturating_add(items.len().saturating_mul(items.len()) / 2)
            }
            _ => 0,
        },
        "Range" if number(1) - number(0) >= MAX_SEQUENCE as f64 => {
            return Err(format!("D2015: The maximum sequence length of {MAX_SEQUENCE} was exceeded."));
        }
        "Range" => ((number(1) - number(0)).max(0.0) as usize).saturating_mul(ITEM),
        "fromMillis" | "toMillis" | "formatNumber" | "formatInteger" | "parseInteger" => {
            check_picture(text(1).unwrap_or_default())?;
            MAX_PICTURE
        }
        // `&`, $string, `=`, `!=` and `in` walk over all that they are given.
        _ => left - arguments.iter().try_fold(left, |left, value| spend(value, left)).ok_or_else(too_much)?,
    })
}

fn check_picture(picture: &str) -> Result<(), String> {
    let width = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    let wide = picture.split([',', '-', '*']).skip(1).any(|part| width(part) > MAX_WIDTH_DIGITS);
    if picture.len() > MAX_PICTURE || (picture.contains('[') && wide) {
        return Err("The picture asks for more characters than a number has".to_owned());
    }
    Ok(())
}

/// Takes the size of a value, with all that it holds as often as it holds it, from a budget.
fn spend(value: &JValue, left: usize) -> Option<usize> {
    match value {
        JValue::String(text) => left.checked_sub(text.len() + 2),
        JValue::Array(items) => {
            let left = left.checked_sub(2)?;
            items.iter().try_fold(left, |left, item| spend(item, left.checked_sub(1)?))
        }
        JValue::Object(map) => {
            let left = left.checked_sub(2)?;
            map.iter().try_fold(left, |left, (name, item)| spend(item, left.checked_sub(name.len() + 4)?))
        }
        _ => left.checked_sub(4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(source: &str) -> Value {
        serde_json::to_value(jsonata_core::parser::parse(source).unwrap()).unwrap()
    }

    #[test]
    fn only_what_may_build_much_is_guarded() {
        let none = BTreeSet::new();
        for plain in
            ["1 + 2", "$sum(a.b)", "$uppercase(a)", "a.b = c", "[a, b]", "$map(a, function($x) { $x * 2 })"]
        {
            assert_eq!(guarded(&tree(plain), &none), None, "{plain}");
        }
        for guarded_one in ["'a' & b", "$pad(a, 5)", "a ~> $pad(5)", "$map(a, $join)", "$pad(?, 5)", "[1..5]"]
        {
            assert!(guarded(&tree(guarded_one), &none).is_some(), "{guarded_one}");
        }
    }

    #[test]
    fn a_variable_of_the_state_is_no_function() {
        let variables = BTreeSet::from(["match".to_owned()]);
        assert_eq!(guarded(&tree("$match"), &variables), None);
        assert!(guarded(&tree("$match"), &BTreeSet::new()).is_some());
    }
}
