//! How data flows through a state. In JSONPath it comes in by InputPath and Parameters, and goes out by
//! ResultSelector, ResultPath and OutputPath; in JSONata it comes in by Arguments and goes out by Output.
//! Assign sets variables in both.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::visit::{Exit, Visit};
use crate::error::{Evaluated, Failure, names};
use crate::graph::{Assign, Catcher, Io, JsonataIo, Next, PathIo, ResultPath, Source};
use crate::jsonata::{Evaluation, Inputs};
use crate::jsonpath::Segment;
use crate::scope::Env;
use crate::template::{self, JsonataTemplate, Location, PathTemplate};

/// The variables that an Assign sets, in its order.
pub(crate) type Assigned = Vec<(Arc<str>, Arc<Value>)>;

/// The part of the data that an InputPath or OutputPath selects.
fn select(source: &Source, data: &Arc<Value>, env: &Env<'_>) -> Evaluated<Arc<Value>> {
    match source {
        Source::All => Ok(Arc::clone(data)),
        Source::Nothing => Ok(Arc::new(Value::Object(Map::new()))),
        Source::Path(path) => template::select(path, data, env).map(Arc::new),
    }
}

/// The state's input after InputPath.
pub(crate) fn selected_input(visit: &Visit<'_>) -> Evaluated<Arc<Value>> {
    match &visit.state.io {
        Io::Path(io) => select(&io.input_path, visit.input, &visit.env),
        Io::Jsonata(_) => Ok(Arc::clone(visit.input)),
    }
}

/// The state's input after InputPath and Parameters, or after Arguments: what a task, the branches of a
/// Parallel or a Pass works on.
pub(crate) fn effective_input(visit: &mut Visit<'_>) -> Evaluated<Arc<Value>> {
    match &visit.state.io {
        Io::Path(io) => {
            let input = select(&io.input_path, visit.input, &visit.env)?;
            match &io.parameters {
                Some(parameters) => parameters.evaluate(&input, &mut visit.env),
                None => Ok(input),
            }
        }
        Io::Jsonata(io) => match &io.arguments {
            Some(arguments) => {
                let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
                let mut evaluation = Evaluation::new(&mut visit.env, inputs);
                arguments.evaluate(&Location::Root("Arguments"), &mut evaluation)
            }
            None => Ok(Arc::clone(visit.input)),
        },
    }
}

/// Leaves a state that has a result.
pub(crate) fn leave(visit: &mut Visit<'_>, result: &Arc<Value>) -> Evaluated<Exit> {
    let state = visit.state;
    let (output, assigned) = match &state.io {
        Io::Path(io) => path_output(io, visit.input, result, &mut visit.env)?,
        Io::Jsonata(io) => {
            let inputs = Inputs { input: Some(visit.input), result: Some(result), ..Inputs::default() };
            jsonata_output(io, inputs, result, &mut visit.env)?
        }
    };
    Ok(Exit { output, assigned, next: state.next })
}

/// Leaves a state whose type has no `$states.result` (Pass, Wait, Succeed, Choice). `result` is what goes out
/// of it in JSONPath.
pub(crate) fn leave_without_result(visit: &mut Visit<'_>, result: &Arc<Value>) -> Evaluated<Exit> {
    let state = visit.state;
    let (output, assigned) = match &state.io {
        Io::Path(io) => path_output(io, visit.input, result, &mut visit.env)?,
        Io::Jsonata(io) => {
            let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
            jsonata_output(io, inputs, visit.input, &mut visit.env)?
        }
    };
    Ok(Exit { output, assigned, next: state.next })
}

/// Leaves a Wait.
pub(crate) fn leave_wait(visit: &mut Visit<'_>) -> Evaluated<Exit> {
    let input = selected_input(visit)?;
    leave_without_result(visit, &input)
}

/// The output and the variables of a JSONPath state.
fn path_output(
    io: &PathIo,
    input: &Arc<Value>,
    result: &Arc<Value>,
    env: &mut Env<'_>,
) -> Evaluated<(Arc<Value>, Assigned)> {
    let assigned = match &io.assign {
        Some(fields) => assign_path(fields, result, env)?,
        None => Vec::new(),
    };
    let selected = match &io.result_selector {
        Some(selector) => selector.evaluate(result, env)?,
        None => Arc::clone(result),
    };
    let merged = merge(&io.result_path, input, selected)?;
    Ok((select(&io.output_path, &merged, env)?, assigned))
}

/// The output and the variables of a JSONata state. `otherwise` is the output of a state without an Output.
fn jsonata_output(
    io: &JsonataIo,
    inputs: Inputs<'_>,
    otherwise: &Arc<Value>,
    env: &mut Env<'_>,
) -> Evaluated<(Arc<Value>, Assigned)> {
    if io.output.is_none() && io.assign.is_none() {
        return Ok((Arc::clone(otherwise), Vec::new()));
    }
    let mut evaluation = Evaluation::new(env, inputs);
    let assigned = match &io.assign {
        Some(fields) => assign_jsonata(fields, &Location::Root("Assign"), &mut evaluation)?,
        None => Vec::new(),
    };
    let output = match &io.output {
        Some(output) => output.evaluate(&Location::Root("Output"), &mut evaluation)?,
        None => Arc::clone(otherwise),
    };
    Ok((output, assigned))
}

fn assign_path(
    fields: &[(Arc<str>, PathTemplate)],
    data: &Arc<Value>,
    env: &mut Env<'_>,
) -> Evaluated<Assigned> {
    fields.iter().map(|(name, template)| Ok((Arc::clone(name), template.evaluate(data, env)?))).collect()
}

fn assign_jsonata(
    fields: &[(Arc<str>, JsonataTemplate)],
    at: &Location<'_>,
    evaluation: &mut Evaluation<'_, '_>,
) -> Evaluated<Assigned> {
    fields
        .iter()
        .map(|(name, template)| {
            Ok((Arc::clone(name), template.evaluate(&Location::Field(at, name), evaluation)?))
        })
        .collect()
}

/// The variables that the Assign at `at`, of a Choice's rule or of a catcher, sets. `inputs` is what JSONata
/// sees, and `data` is what `$` stands for in JSONPath.
pub(crate) fn assign(
    assign: &Assign,
    at: &Location<'_>,
    inputs: Inputs<'_>,
    data: &Arc<Value>,
    env: &mut Env<'_>,
) -> Evaluated<Assigned> {
    match assign {
        Assign::None => Ok(Vec::new()),
        Assign::Path(fields) => assign_path(fields, data, env),
        Assign::Jsonata(fields) => {
            let at = Location::Field(at, "Assign");
            assign_jsonata(fields, &at, &mut Evaluation::new(env, inputs))
        }
    }
}

/// The value of the Output at `at`, of a Choice's rule or of a catcher.
pub(crate) fn output(
    template: &JsonataTemplate,
    at: &Location<'_>,
    inputs: Inputs<'_>,
    env: &mut Env<'_>,
) -> Evaluated<Arc<Value>> {
    template.evaluate(&Location::Field(at, "Output"), &mut Evaluation::new(env, inputs))
}

/// The data after OutputPath alone, for a state whose output is its input (Choice and Succeed).
pub(crate) fn output_path(visit: &Visit<'_>, data: &Arc<Value>) -> Evaluated<Arc<Value>> {
    match &visit.state.io {
        Io::Path(io) => select(&io.output_path, data, &visit.env),
        Io::Jsonata(_) => Ok(Arc::clone(data)),
    }
}

/// Leaves a state through a catcher. `index` is the catcher's, for the location of a failure.
pub(crate) fn caught(
    visit: &mut Visit<'_>,
    index: usize,
    catcher: &Catcher,
    failure: &Failure,
) -> Evaluated<Exit> {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let mut error = Map::with_capacity(2);
    error.insert("Error".to_owned(), text(failure.error.as_deref()));
    error.insert("Cause".to_owned(), text(failure.cause.as_deref()));
    let error = Arc::new(Value::Object(error));
    let at = Location::Root("Catch");
    let at = Location::Item(&at, index);
    let inputs = Inputs { input: Some(visit.input), error_output: Some(&error), ..Inputs::default() };
    let assigned = assign(&catcher.assign, &at, inputs, &error, &mut visit.env)?;
    let output = match &catcher.output {
        Some(template) => output(template, &at, inputs, &mut visit.env)?,
        None => merge(&catcher.result_path, visit.input, error)?,
    };
    Ok(Exit { output, assigned, next: Next::To(catcher.next) })
}

/// Puts a result into the raw input, as ResultPath says.
pub(crate) fn merge(path: &ResultPath, input: &Arc<Value>, result: Arc<Value>) -> Evaluated<Arc<Value>> {
    match path {
        ResultPath::Replace => Ok(result),
        ResultPath::Discard => Ok(Arc::clone(input)),
        ResultPath::At(segments) => {
            let mut merged = Value::clone(input);
            match place(&mut merged, segments) {
                Some(slot) => *slot = Arc::unwrap_or_clone(result),
                None => {
                    return Err(Failure::named(
                        names::RESULT_PATH,
                        format!("Unable to apply ReferencePath {} to input {input}", spell(segments)),
                    ));
                }
            }
            Ok(Arc::new(merged))
        }
    }
}

/// The place that the segments lead to. Objects on the way are made where they are missing; `None` means that
/// the way ends at a value that is no object, or at an index that an array does not have.
fn place<'v>(value: &'v mut Value, segments: &[Segment]) -> Option<&'v mut Value> {
    let Some((segment, rest)) = segments.split_first() else { return Some(value) };
    let next = match (segment, value) {
        (Segment::Child(name), Value::Object(map)) => {
            map.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()))
        }
        (Segment::Index(index), Value::Array(items)) => items.get_mut(usize::try_from(*index).ok()?)?,
        _ => return None,
    };
    place(next, rest)
}

/// A reference path as AWS spells it in a cause.
fn spell(segments: &[Segment]) -> String {
    segments.iter().fold("$".to_owned(), |text, segment| match segment {
        Segment::Child(name) => format!("{text}.{name}"),
        Segment::Index(index) => format!("{text}[{index}]"),
        _ => text,
    })
}
