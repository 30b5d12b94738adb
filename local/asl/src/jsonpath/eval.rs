//! Walking a path, and deciding the filters in it. A definite path borrows from the data; any other builds an
//! array.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::{Map, Value};

use super::compare;
use super::syntax::{self, Comparable, Filter, Segment};
use crate::budget::Budget;
use crate::size;

/// A definite path leads nowhere. The text is Jayway's (com.jayway.jsonpath, PathNotFoundException), because
/// it is part of the cause that users see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Missing {
    message: String,
    /// Whether the path ends with an index that its array doesn't have. Templates take null for that.
    pub(crate) past_the_end: bool,
}

impl Missing {
    pub(crate) fn new(message: String) -> Self {
        Self { message, past_the_end: false }
    }
}

/// Results that a path may have, which is more than a payload of 256 KiB can hold. It stops `$..*..*` on
/// hostile data.
const MAX_RESULTS: usize = 1 << 18;

/// The value of a path that starts at `root`, as far as the budget goes: one value if the path is definite, and an array of all that it
/// matches if not. `definite` is what [`syntax::is_definite`] says about the segments.
pub(super) fn select<'v>(
    segments: &[Segment],
    definite: bool,
    root: &'v Value,
    budget: &Budget,
) -> Result<Cow<'v, Value>, Missing> {
    if definite {
        return single(segments, root);
    }
    let mut matches = Vec::new();
    walk(segments, root, root, budget, &mut matches);
    if budget.is_spent() {
        return Err(Missing::new("The path takes more work than a path may.".to_owned()));
    }
    let steps = matches
        .iter()
        .filter(|matched| matches!(matched, Cow::Borrowed(_)))
        .map(|matched| size::steps(matched));
    if !budget.spend(steps.sum()) {
        return Err(Missing::new("The path selects more data than a path may.".to_owned()));
    }
    Ok(Cow::Owned(Value::Array(matches.into_iter().map(Cow::into_owned).collect())))
}

/// The value of a definite path.
fn single<'v>(segments: &[Segment], root: &'v Value) -> Result<Cow<'v, Value>, Missing> {
    let mut at = root;
    for (i, segment) in segments.iter().enumerate() {
        let last = i + 1 == segments.len();
        let next = match (segment, at) {
            (Segment::Child(name), Value::Object(map)) => map.get(name),
            (Segment::Child(name), other) => {
                return Err(Missing::new(format!(
                    "Expected to find an object with property ['{name}'] in path {} but found '{}'. This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
                    spell(&segments[..i]),
                    java_class(other)
                )));
            }
            (Segment::Index(index), Value::Array(items)) => nth(items, *index),
            (Segment::Index(index), other) => {
                return Err(Missing::new(format!(
                    "Filter: [{index}] can only be applied to arrays. Current context is: {other}"
                )));
            }
            (Segment::Children(names), Value::Object(map)) => return Ok(Cow::Owned(members(names, map))),
            _ => None,
        };
        at = match next {
            Some(value) => value,
            None if last => {
                let past_the_end = matches!(segment, Segment::Index(_));
                let message = format!("No results for path: {}", spell(segments));
                return Err(Missing { message, past_the_end });
            }
            None if matches!(segment, Segment::Child(_)) => {
                return Err(Missing::new(format!("Missing property in path {}", spell(&segments[..=i]))));
            }
            None => return Err(Missing::new(format!("No results for path: {}", spell(segments)))),
        };
    }
    Ok(Cow::Borrowed(at))
}

/// Adds every value that the segments lead to from `at`.
fn walk<'v>(
    segments: &[Segment],
    at: &'v Value,
    root: &'v Value,
    budget: &Budget,
    matches: &mut Vec<Cow<'v, Value>>,
) {
    if matches.len() >= MAX_RESULTS || !budget.spend(1) {
        return;
    }
    let Some((segment, rest)) = segments.split_first() else {
        matches.push(Cow::Borrowed(at));
        return;
    };
    match (segment, at) {
        (Segment::Child(name), Value::Object(map)) => {
            if let Some(value) = map.get(name) {
                walk(rest, value, root, budget, matches);
            }
        }
        (Segment::Children(names), Value::Object(map)) if rest.is_empty() => {
            matches.push(Cow::Owned(members(names, map)));
        }
        (Segment::Children(names), Value::Object(map)) => {
            for value in names.iter().filter_map(|n| map.get(n)) {
                walk(rest, value, root, budget, matches);
            }
        }
        (Segment::Wildcard, Value::Object(map)) => {
            map.values().for_each(|v| walk(rest, v, root, budget, matches))
        }
        (Segment::Wildcard, Value::Array(items)) => {
            items.iter().for_each(|v| walk(rest, v, root, budget, matches))
        }
        (Segment::Index(index), Value::Array(items)) => {
            match nth(items, *index) {
                Some(value) => walk(rest, value, root, budget, matches),
                // Behind a star, AWS puts null in the place of an item that isn't there.
                None if rest.is_empty() => matches.push(Cow::Owned(Value::Null)),
                None => {}
            }
        }
        (Segment::Indices(indices), Value::Array(items)) => {
            for value in indices.iter().filter_map(|i| nth(items, *i)) {
                walk(rest, value, root, budget, matches);
            }
        }
        (Segment::Slice(from, to), Value::Array(items)) => {
            for value in slice(items, *from, *to) {
                walk(rest, value, root, budget, matches);
            }
        }
        (Segment::Filter(filter), Value::Array(items)) => {
            for item in items.iter().filter(|item| holds(filter, item, root, budget)) {
                walk(rest, item, root, budget, matches);
            }
        }
        (Segment::Filter(filter), item @ Value::Object(_)) if holds(filter, item, root, budget) => {
            walk(rest, item, root, budget, matches);
        }
        (Segment::Descend, _) => descend(rest, at, root, budget, matches),
        _ => {}
    }
}

/// Applies the segments to `at` and to everything in it.
fn descend<'v>(
    rest: &[Segment],
    at: &'v Value,
    root: &'v Value,
    budget: &Budget,
    matches: &mut Vec<Cow<'v, Value>>,
) {
    if budget.is_spent() {
        return;
    }
    walk(rest, at, root, budget, matches);
    match at {
        Value::Object(map) => map.values().for_each(|v| descend(rest, v, root, budget, matches)),
        Value::Array(items) => items.iter().for_each(|v| descend(rest, v, root, budget, matches)),
        _ => {}
    }
}

/// Whether an item passes a filter. When the budget is used up, the answer means nothing.
fn holds(filter: &Filter, item: &Value, root: &Value, budget: &Budget) -> bool {
    if !budget.spend(1) {
        return false;
    }
    match filter {
        Filter::Or(any) => any.iter().any(|filter| holds(filter, item, root, budget)),
        Filter::And(all) => all.iter().all(|filter| holds(filter, item, root, budget)),
        Filter::Not(filter) => !holds(filter, item, root, budget),
        Filter::Exists(comparable) => value(comparable, item, root, budget).is_some(),
        Filter::Compare(left, operator, right) => {
            let (left, right) = (value(left, item, root, budget), value(right, item, root, budget));
            compare::holds(left.as_deref(), *operator, right.as_deref(), budget)
        }
    }
}

/// The value of one side of a comparison; `None` when its path leads nowhere.
fn value<'v>(
    comparable: &'v Comparable,
    item: &'v Value,
    root: &'v Value,
    budget: &Budget,
) -> Option<Cow<'v, Value>> {
    let (segments, from) = match comparable {
        Comparable::Item(segments) => (segments, item),
        Comparable::Root(segments) => (segments, root),
        Comparable::Literal(value) => return Some(Cow::Borrowed(value)),
    };
    select(segments, syntax::is_definite(segments), from, budget).ok()
}

/// The item at an index; a negative one counts from the end.
fn nth(items: &[Value], index: i64) -> Option<&Value> {
    let at = if index < 0 { items.len().checked_sub(index.unsigned_abs() as usize)? } else { index as usize };
    items.get(at)
}

/// The items from an index up to, but without, another.
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

/// An object with those of the members that there are.
fn members(names: &[String], map: &Map<String, Value>) -> Value {
    let members = names.iter().filter_map(|name| Some((name.clone(), map.get(name)?.clone())));
    Value::Object(members.collect())
}

/// The segments as Jayway spells them, from the root.
fn spell(segments: &[Segment]) -> String {
    let mut text = String::from("$");
    for segment in segments {
        // Writing to a String can't fail.
        let _ = match segment {
            Segment::Child(name) => write!(text, "['{name}']"),
            Segment::Index(index) => write!(text, "[{index}]"),
            _ => Ok(()),
        };
    }
    text
}

/// The class that Jayway's cause names for a value of this type.
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
