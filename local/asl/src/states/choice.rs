//! Choice: the first rule whose condition holds decides what follows.

use serde_json::Value;

use super::data;
use super::visit::{Exit, Visit, unexpected};
use crate::error::{Evaluated, Failure};
use crate::graph::{Choice, Condition, Io, Next};
use crate::jsonata::Inputs;
use crate::template::Location;

pub(super) fn run(visit: &mut Visit<'_>, choice: &Choice) -> Evaluated<Exit> {
    let input = data::selected_input(visit)?;
    for (index, rule) in choice.rules.iter().enumerate() {
        if !holds(&rule.condition, visit, &input, index)? {
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
        // The documentation has States.NoChoiceMatched here; AWS's recorded executions have States.Runtime.
        return Err(Failure::runtime(
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

/// Whether a condition holds. `index` is that of its rule, for the location of a failure.
fn holds(condition: &Condition, visit: &mut Visit<'_>, input: &Value, index: usize) -> Evaluated<bool> {
    Ok(match condition {
        Condition::And(all) => {
            for condition in all {
                if !holds(condition, visit, input, index)? {
                    return Ok(false);
                }
            }
            true
        }
        Condition::Or(any) => {
            for condition in any {
                if holds(condition, visit, input, index)? {
                    return Ok(true);
                }
            }
            false
        }
        Condition::Not(condition) => !holds(condition, visit, input, index)?,
        Condition::Compare(comparison) => comparison.holds(&|path| visit.look_up(path, input))?,
        Condition::Constant(value) => *value,
        Condition::Expression(expression) => {
            let location = format!("Choices[{index}]/Condition");
            let value = visit.evaluate(expression, &location)?;
            match &*value {
                Value::Bool(holds) => *holds,
                other => return Err(unexpected(expression, &location, "boolean", other)),
            }
        }
    })
}
