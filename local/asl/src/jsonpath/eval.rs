//! Walking a path. A definite path borrows from the data; any other builds an array.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Value;

use super::Step;

/// A definite path that leads nowhere, in Jayway's words (com.jayway.jsonpath, PathNotFoundException).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Missing(pub(crate) String);

/// More results than any payload of 256 KiB can hold: stops `$..*..*` on hostile data.
const MAX_RESULTS: usize = 1 << 18;

pub(super) fn select<'v>(steps: &[Step], definite: bool, root: &'v Value) -> Result<Cow<'v, Value>, Missing> {
    if definite {
        return single(steps, root);
    }
    let mut found = Found { values: Vec::new() };
    walk(steps, root, root, &mut found);
    if let Some(Step::Length) = steps.last() {
        let list = found.values.iter().map(|v| (*v).clone()).collect();
        return Ok(Cow::Owned(length(&Value::Array(list)).unwrap_or(Value::Null)));
    }
    Ok(Cow::Owned(Value::Array(found.values.into_iter().cloned().collect())))
}

fn single<'v>(steps: &[Step], root: &'v Value) -> Result<Cow<'v, Value>, Missing> {
    let mut at = root;
    for (i, step) in steps.iter().enumerate() {
        let last = i + 1 == steps.len();
        let next = match (step, at) {
            (Step::Child(name), Value::Object(map)) => map.get(name),
            (Step::Child(name), other) => {
                return Err(Missing(format!(
                    "Expected to find an object with property ['{name}'] in path {} but found '{}'. This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
                    spell(&steps[..i]),
                    java_class(other)
                )));
            }
            (Step::Index(index), Value::Array(items)) => nth(items, *index),
            (Step::Index(index), other) => {
                return Err(Missing(format!(
                    "Filter: [{index}] can only be applied to arrays. Current context is: {other}"
                )));
            }
            (Step::Length, value) => {
                let value =
                    length(value).ok_or_else(|| Missing(format!("No results for path: {}", spell(steps))))?;
                return Ok(Cow::Owned(value));
            }
            _ => None,
        };
        at = match next {
            Some(value) => value,
            None if last => return Err(Missing(format!("No results for path: {}", spell(steps)))),
            None if matches!(step, Step::Child(_)) => {
                return Err(Missing(format!("Missing property in path {}", spell(&steps[..=i]))));
            }
            None => return Err(Missing(format!("No results for path: {}", spell(steps)))),
        };
    }
    Ok(Cow::Borrowed(at))
}

struct Found<'v> {
    values: Vec<&'v Value>,
}

fn walk<'v>(steps: &[Step], at: &'v Value, root: &'v Value, found: &mut Found<'v>) {
    if found.values.len() >= MAX_RESULTS {
        return;
    }
    let Some((step, rest)) = steps.split_first() else {
        found.values.push(at);
        return;
    };
    match (step, at) {
        (Step::Child(name), Value::Object(map)) => {
            if let Some(value) = map.get(name) {
                walk(rest, value, root, found);
            }
        }
        (Step::Children(names), Value::Object(map)) => {
            for value in names.iter().filter_map(|n| map.get(n)) {
                walk(rest, value, root, found);
            }
        }
        (Step::Wildcard, Value::Object(map)) => map.values().for_each(|v| walk(rest, v, root, found)),
        (Step::Wildcard, Value::Array(items)) => items.iter().for_each(|v| walk(rest, v, root, found)),
        (Step::Index(index), Value::Array(items)) => {
            if let Some(value) = nth(items, *index) {
                walk(rest, value, root, found);
            }
        }
        (Step::Indices(indices), Value::Array(items)) => {
            for value in indices.iter().filter_map(|i| nth(items, *i)) {
                walk(rest, value, root, found);
            }
        }
        (Step::Slice(from, to), Value::Array(items)) => {
            for value in slice(items, *from, *to) {
                walk(rest, value, root, found);
            }
        }
        (Step::Filter(expression), Value::Array(items)) => {
            for item in items.iter().filter(|i| expression.holds(i, root)) {
                walk(rest, item, root, found);
            }
        }
        (Step::Filter(expression), item @ Value::Object(_)) if expression.holds(item, root) => {
            walk(rest, item, root, found);
        }
        (Step::Descend, _) => descend(rest, at, root, found),
        (Step::Length, _) => walk(rest, at, root, found),
        _ => {}
    }
}

fn descend<'v>(rest: &[Step], at: &'v Value, root: &'v Value, found: &mut Found<'v>) {
    walk(rest, at, root, found);
    match at {
        Value::Object(map) => map.values().for_each(|v| descend(rest, v, root, found)),
        Value::Array(items) => items.iter().for_each(|v| descend(rest, v, root, found)),
        _ => {}
    }
}

fn nth(items: &[Value], index: i64) -> Option<&Value> {
    let at = if index < 0 { items.len().checked_sub(index.unsigned_abs() as usize)? } else { index as usize };
    items.get(at)
}

fn slice(items: &[Value], from: Option<i64>, to: Option<i64>) -> &[Value] {
    let place = |at: i64| {
        if at < 0 {
            items.len().saturating_sub(at.unsigned_abs() as usize)
        } else {
            (at as usize).min(items.len())
        }
    };
    let (from, to) = (place(from.unwrap_or(0)), to.map_or(items.len(), place));
    items.get(from..to).unwrap_or(&[])
}

fn length(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(items.len().into()),
        Value::Object(map) => Some(map.len().into()),
        Value::String(text) => Some(text.chars().count().into()),
        _ => None,
    }
}

fn spell(steps: &[Step]) -> String {
    let mut text = String::from("$");
    for step in steps {
        // Writing to a String can't fail.
        let _ = match step {
            Step::Child(name) => write!(text, "['{name}']"),
            Step::Index(index) => write!(text, "[{index}]"),
            Step::Length => write!(text, ".length()"),
            _ => Ok(()),
        };
    }
    text
}

fn java_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "com.fasterxml.jackson.databind.node.BooleanNode",
        Value::Number(n) if n.is_f64() => "com.fasterxml.jackson.databind.node.DoubleNode",
        Value::Number(_) => "com.fasterxml.jackson.databind.node.IntNode",
        Value::String(_) => "com.fasterxml.jackson.databind.node.TextNode",
        Value::Array(_) => "com.fasterxml.jackson.databind.node.ArrayNode",
        Value::Object(_) => "com.fasterxml.jackson.databind.node.ObjectNode",
    }
}
