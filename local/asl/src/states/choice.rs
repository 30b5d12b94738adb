//! Choice: the first rule that holds decides.

use serde_json::Value;

use super::operators::Test;
use super::{Exit, Visit, data, unexpected};
use crate::compile::{self, Language};
use crate::error::{Failure, names};
use crate::jsonata::{self, Expression, Inputs};
use crate::machine::{Choice, Evaluated, Io, Next};
use crate::template::Location;

/// A rule's condition.
#[derive(Debug)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Test(Test),
    Expression(Expression),
    /// JSONata's `"Condition": true`.
    Constant(bool),
}

impl Condition {
    pub(crate) fn compile(rule: &Value, language: Language, location: &str) -> Result<Self, compile::Error> {
        if language == Language::Jsonata {
            return Ok(match rule.get("Condition") {
                Some(Value::String(text)) => match jsonata::delimited(text) {
                    Some(source) => Self::Expression(compile::expression(source, location)?),
                    None => Self::Constant(false),
                },
                condition => Self::Constant(condition.and_then(Value::as_bool).unwrap_or(false)),
            });
        }
        let list = |field: &str| -> Option<Result<Vec<Self>, compile::Error>> {
            let rules = rule.get(field)?.as_array()?;
            Some(rules.iter().map(|rule| Self::compile(rule, language, location)).collect())
        };
        if let Some(conditions) = list("And") {
            return conditions.map(Self::And);
        }
        if let Some(conditions) = list("Or") {
            return conditions.map(Self::Or);
        }
        if let Some(negated) = rule.get("Not") {
            return Ok(Self::Not(Box::new(Self::compile(negated, language, location)?)));
        }
        match Test::compile(rule) {
            Some(test) => Ok(Self::Test(test)),
            None => Err(compile::Error { location: location.to_owned(), reason: "no comparison".to_owned() }),
        }
    }

    fn holds(&self, visit: &mut Visit<'_>, input: &Value, index: usize) -> Evaluated<bool> {
        Ok(match self {
            Self::And(all) => {
                for condition in all {
                    if !condition.holds(visit, input, index)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Or(any) => {
                for condition in any {
                    if condition.holds(visit, input, index)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::Not(condition) => !condition.holds(visit, input, index)?,
            Self::Test(test) => test.holds(visit, input)?,
            Self::Constant(value) => *value,
            Self::Expression(expression) => {
                let location = format!("Choices[{index}]/Condition");
                let value = visit.evaluate(expression, &location)?;
                match &*value {
                    Value::Bool(holds) => *holds,
                    other => return Err(unexpected(expression, &location, "boolean", other)),
                }
            }
        })
    }
}

pub(super) fn run(visit: &mut Visit<'_>, choice: &Choice) -> Evaluated<Exit> {
    let input = data::selected_input(visit)?;
    for (index, rule) in choice.rules.iter().enumerate() {
        if !rule.condition.holds(visit, &input, index)? {
            continue;
        }
        let at = Location::Root("Choices");
        let at = Location::Item(&at, index);
        let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
        let output = match &rule.output {
            Some(template) => data::output(template, &at, inputs, &mut visit.env)?,
            None => data::output_path(visit, &input)?,
        };
        let assigned = data::assign(&rule.assign, &at, inputs, &input, &mut visit.env)?;
        return Ok(Exit { output, assigned, next: Next::To(rule.next) });
    }
    let Some(default) = choice.default else {
        return Err(Failure::named(
            names::NO_CHOICE,
            "Failed to transition out of the state. The state does not point to a next state.",
        ));
    };
    let mut exit = data::leave_without_result(visit, &input)?;
    if matches!(visit.state.io, Io::Path(_)) {
        exit.output = data::output_path(visit, &input)?;
    }
    exit.next = Next::To(default);
    Ok(exit)
}
