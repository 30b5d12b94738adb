//! The rules of a Choice.

use serde_json::Value;

use super::data::{assign, output};
use super::error::{Result, fail};
use super::fields::{expression, list};
use super::places::Places;
use crate::comparison::Comparison;
use crate::graph::{Choice, Condition, Rule};
use crate::jsonata;
use crate::language::Language;

pub(super) fn choice(
    state: &Value,
    language: Language,
    places: &Places<'_>,
    location: &str,
) -> Result<Choice> {
    let rules = list(state, "Choices")
        .iter()
        .enumerate()
        .map(|(i, part)| rule(part, language, places, &format!("{location}/Choices[{i}]")))
        .collect::<Result<_>>()?;
    let default = state.get("Default").map(|name| places.find(Some(name), location)).transpose()?;
    Ok(Choice { rules, default })
}

fn rule(part: &Value, language: Language, places: &Places<'_>, location: &str) -> Result<Rule> {
    Ok(Rule {
        condition: match language {
            Language::Jsonata => expression_condition(part, location)?,
            Language::JsonPath => comparison_condition(part, location)?,
        },
        next: places.find(part.get("Next"), location)?,
        output: output(part, language, location)?,
        assign: assign(part, language, location)?,
    })
}

/// The condition of a JSONata rule. Validation has seen that it is an expression, `true` or `false`.
fn expression_condition(rule: &Value, location: &str) -> Result<Condition> {
    Ok(match rule.get("Condition") {
        Some(Value::String(text)) => match jsonata::delimited(text) {
            Some(source) => Condition::Expression(expression(source, location)?),
            None => Condition::Constant(false),
        },
        condition => Condition::Constant(condition.and_then(Value::as_bool).unwrap_or(false)),
    })
}

/// The condition of a JSONPath rule: a comparison, or And, Or and Not around others.
fn comparison_condition(rule: &Value, location: &str) -> Result<Condition> {
    let all_in = |field: &str| -> Option<Result<Vec<Condition>>> {
        let rules = rule.get(field)?.as_array()?;
        Some(rules.iter().map(|rule| comparison_condition(rule, location)).collect())
    };
    if let Some(conditions) = all_in("And") {
        return conditions.map(Condition::And);
    }
    if let Some(conditions) = all_in("Or") {
        return conditions.map(Condition::Or);
    }
    if let Some(negated) = rule.get("Not") {
        return Ok(Condition::Not(Box::new(comparison_condition(negated, location)?)));
    }
    match Comparison::parse(rule) {
        Some(comparison) => Ok(Condition::Compare(comparison)),
        None => fail(location, "no comparison"),
    }
}
