//! `variableReferences` of DescribeStateMachine: which state refers to which variable.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::intrinsic::FunctionCall;
use crate::jsonata::{self, Expression};
use crate::jsonpath::{JsonPath, Root};
use crate::language::Language;

/// The names of the variables that each state refers to, by the name of the state. States without any are
/// left out.
pub(crate) fn of(definition: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    graph(definition, Language::JsonPath, &mut found);
    found
}

fn graph(part: &Value, outer: Language, found: &mut BTreeMap<String, Vec<String>>) {
    let outer = Language::of(part, outer);
    for (name, state) in part.get("States").and_then(Value::as_object).into_iter().flatten() {
        let mut names = BTreeSet::new();
        let language = Language::of(state, outer);
        for (field, value) in state.as_object().into_iter().flatten() {
            match field.as_str() {
                "ItemProcessor" | "Iterator" => graph(value, outer, found),
                "Branches" => {
                    value.as_array().into_iter().flatten().for_each(|branch| graph(branch, outer, found))
                }
                // These fields hold plain data, even where it looks like an expression.
                "Result" | "Comment" | "Type" | "Next" | "Default" | "Resource" => {}
                _ => collect(field, value, language, &mut names),
            }
        }
        if !names.is_empty() {
            found.insert(name.clone(), names.into_iter().collect());
        }
    }
}

fn collect(field: &str, value: &Value, language: Language, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, v)| collect(name, v, language, names)),
        Value::Array(items) => items.iter().for_each(|item| collect(field, item, language, names)),
        Value::String(text) if language == Language::Jsonata => {
            if let Some(Ok(expression)) = jsonata::delimited(text).map(Expression::parse) {
                names.extend(expression.variables().map(str::to_owned));
            }
        }
        Value::String(text) if field.ends_with(".$") || field.ends_with("Path") || field == "Variable" => {
            let mut add = |path: &JsonPath| {
                if let Root::Variable(name) = path.root() {
                    names.insert(name.clone());
                }
            };
            if let Some(path) = JsonPath::parse(text) {
                add(&path);
            } else if let Some(call) = FunctionCall::parse(text) {
                call.paths().into_iter().for_each(add);
            }
        }
        _ => {}
    }
}
