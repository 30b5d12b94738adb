//! TestState: one state on its own, with the steps its data went through (AWS Step Functions API Reference, TestState).
//!
//! Pure like the rest: a task without a mock is called through the closure that the host passes in.

mod check;
mod inspect;
mod mock;

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::{Ambient, Resource};
use crate::compile::{self, Language};
use crate::error::Failure;
use crate::intrinsic;
use crate::machine::{Kind, Next, State};
use crate::scope::{Context, Env, Scope, Variables};
use crate::states::{Exit, Step, Visit, data, map};
use crate::time;
use inspect::Inspection;

pub use mock::{FieldValidation, Mock};

/// TestState's arguments. JSON arguments are text, as in the API.
#[derive(Debug, Clone, Default)]
pub struct Request<'r> {
    /// A state, or a state machine together with `state_name`.
    pub definition: &'r str,
    /// The state of a state machine to test, at any depth.
    pub state_name: Option<&'r str>,
    /// The input; `{}` when absent.
    pub input: Option<&'r str>,
    /// The context object; made up when absent.
    pub context: Option<&'r str>,
    /// The variables.
    pub variables: Option<&'r str>,
    /// How much to tell.
    pub inspection_level: InspectionLevel,
    /// The role, for the context object.
    pub role_arn: Option<&'r str>,
    /// Whether to show secrets; refused together with a mock.
    pub reveal_secrets: bool,
    /// What the task, the branches or the iterations come to.
    pub mock: Option<Mock<'r>>,
    /// `stateConfiguration`.
    pub configuration: Configuration<'r>,
}

/// `stateConfiguration`: what had happened before.
#[derive(Debug, Clone, Default)]
pub struct Configuration<'r> {
    /// How often the retrier that matches has been used.
    pub retrier_retry_count: u64,
    /// The state inside a Map or Parallel that the mocked error comes from.
    pub error_caused_by_state: Option<&'r str>,
    /// How many of a Map's iterations failed.
    pub map_iteration_failure_count: Option<u64>,
    /// What a Map's ItemReader read, as JSON text.
    pub map_item_reader_data: Option<&'r str>,
}

/// `inspectionLevel`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum InspectionLevel {
    /// Only the outcome.
    #[default]
    Info,
    /// The steps of the data as well.
    Debug,
    /// The same, and the HTTP exchange of HTTP tasks, which don't exist here.
    Trace,
}

/// TestState's answer; it serializes to the API's shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// `SUCCEEDED`, `FAILED`, `RETRIABLE` or `CAUGHT_ERROR`.
    pub status: &'static str,
    /// The output, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The error name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The state that would come next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_state: Option<String>,
    /// The steps of the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspection_data: Option<Map<String, Value>>,
}

/// A request that AWS refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// The exception, such as `ValidationException` or `InvalidDefinition`.
    pub code: &'static str,
    /// AWS's words.
    pub message: String,
}

impl Refused {
    fn validation(message: impl Into<String>) -> Self {
        Self { code: "ValidationException", message: message.into() }
    }
}

/// Calls a task for a test: the resource and its arguments, to a result or an error name and a cause.
pub type Call<'c> = dyn FnMut(&Resource, &Value) -> Result<Value, (String, String)> + 'c;

/// The name that AWS gives to a state that is tested on its own.
const NAME: &str = "StateName";

/// Tests a state.
///
/// # Errors
///
/// [`Refused`] for a definition, a mock, a context object or another argument that AWS doesn't accept.
pub fn run(request: &Request<'_>, ambient: &mut dyn Ambient, call: &mut Call<'_>) -> Result<Answer, Refused> {
    let found = check::state(request)?;
    check::arguments(request, &found)?;
    let parse = |what: &str, text: Option<&str>| match text {
        Some(text) => serde_json::from_str::<Value>(text)
            .map(Some)
            .map_err(|error| Refused::validation(format!("Invalid {what} provided: {error}"))),
        None => Ok(None),
    };
    let input = Arc::new(parse("input", request.input)?.unwrap_or_else(|| json!({})));
    let context = match parse("Context object", request.context)? {
        Some(context) => {
            check::context(&context)?;
            context
        }
        None => made_up_context(request, &found.definition, &input, ambient),
    };
    let variables: Variables = match parse("variables", request.variables)? {
        Some(Value::Object(map)) => map.into_iter().map(|(k, v)| (Arc::from(k), Arc::new(v))).collect(),
        _ => Variables::new(),
    };
    let targets = targets(&found.definition);
    let state = compile::single(NAME, &found.definition, found.language, &targets).map_err(|error| {
        Refused { code: "InvalidDefinition", message: format!("Invalid State Machine Definition: '{error}'") }
    })?;
    let scope = Scope { own: &variables, outer: None, item: None };
    let env = Env { scope, context: Context::Given(&context), ambient };
    let mut test = Test {
        request,
        state: &state,
        definition: &found.definition,
        targets: &targets,
        visit: Visit { state: &state, input: &input, env },
        inspection: Inspection::new(&input, &variables),
    };
    let mut answer = test.run(call)?;
    if request.inspection_level != InspectionLevel::Info {
        answer.inspection_data = Some(test.inspection.into_map());
    }
    Ok(answer)
}

fn made_up_context(request: &Request<'_>, state: &Value, input: &Value, ambient: &mut dyn Ambient) -> Value {
    let now = time::format(ambient.now());
    let mut random = || ambient.random();
    let (machine, execution) = (intrinsic::uuid(&mut random), intrinsic::uuid(&mut random));
    let account = request.role_arn.and_then(|arn| arn.split(':').nth(4)).unwrap_or("111111111111");
    let mut context = json!({
        "Execution": {
            "Id": format!("arn:aws:states:us-east-1:{account}:express:{machine}:{execution}"),
            "Input": input,
            "Name": execution,
            "RoleArn": request.role_arn,
            "StartTime": now,
        },
        "StateMachine": {"Id": format!("arn:aws:states:us-east-1:{account}:stateMachine:{machine}"), "Name": machine},
        "State": {"Name": NAME, "EnteredTime": now},
    });
    if matches!(state.get("Type").and_then(Value::as_str), Some("Task" | "Parallel" | "Map")) {
        context["State"]["RetryCount"] = 0.into();
    }
    context
}

/// The names a state leads to; their places stand in for the states.
fn targets(state: &Value) -> Vec<String> {
    let mut names: Vec<&Value> = ["Next", "Default"].iter().filter_map(|field| state.get(*field)).collect();
    for list in ["Choices", "Catch"] {
        let entries = state.get(list).and_then(Value::as_array).into_iter().flatten();
        names.extend(entries.filter_map(|entry| entry.get("Next")));
    }
    names.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

struct Test<'t, 'v> {
    request: &'t Request<'t>,
    state: &'t State,
    definition: &'t Value,
    targets: &'t [String],
    visit: Visit<'v>,
    inspection: Inspection,
}

impl Test<'_, '_> {
    fn run(&mut self, call: &mut Call<'_>) -> Result<Answer, Refused> {
        Ok(match self.attempt(call)? {
            Ok(exit) => self.left("SUCCEEDED", exit),
            Err(failure) => self.failed(failure),
        })
    }

    fn attempt(&mut self, call: &mut Call<'_>) -> Result<Result<Exit, Failure>, Refused> {
        // A mock that can't be is refused before anything is evaluated.
        if let Some(mock) = self.request.mock.as_ref().filter(|mock| mock.error_output.is_none()) {
            mock::result(mock, self.state, self.definition)?;
        }
        if let Err(failure) = self.inspection.before(&mut self.visit) {
            return Ok(Err(failure));
        }
        let reader = self.definition.get("ItemReader").is_some();
        let step = if reader { None } else { Some(self.visit.start()) };
        let tolerated = match &step {
            Some(Ok(Step::Map(plan))) => plan.tolerated,
            _ => map::Tolerated::default(),
        };
        if let Some(Ok(Step::Map(plan))) = &step {
            self.inspection.map(&mut self.visit, plan);
        } else if reader {
            self.inspection.number(
                "maxConcurrency",
                self.definition.get("MaxConcurrency").cloned().unwrap_or_else(|| 0.into()),
            );
        }
        let step = match step.transpose() {
            Ok(step) => step,
            Err(failure) => return Ok(Err(failure)),
        };
        let result = match step {
            Some(Step::Exit(exit)) => {
                self.inspection.after(&mut self.visit, None);
                return Ok(Ok(exit));
            }
            Some(Step::Wait(_)) => return Ok(data::leave_wait(&mut self.visit)),
            Some(Step::Task(plan)) => match self.mocked(tolerated)? {
                Some(mocked) => mocked,
                None => {
                    let Kind::Task(task) = &self.state.kind else { return Ok(Err(map::too_many_failures())) };
                    call(&task.resource, &plan.arguments)
                        .map_err(|(error, cause)| Failure::told(Some(error), Some(cause)))
                }
            },
            Some(Step::Map(plan)) if plan.refused.is_some() => {
                Err(plan.refused.unwrap_or_else(map::too_many_failures))
            }
            _ => self.mocked(tolerated)?.unwrap_or(Ok(Value::Null)),
        };
        Ok(result.and_then(|result| {
            let result = Arc::new(result);
            self.inspection.after(&mut self.visit, Some(&result));
            data::leave(&mut self.visit, &result)
        }))
    }

    /// What the mock says, if there is one.
    fn mocked(&mut self, tolerated: map::Tolerated) -> Result<Option<Result<Value, Failure>>, Refused> {
        let Some(mock) = &self.request.mock else { return Ok(None) };
        if let Some((error, cause)) = &mock.error_output {
            return Ok(Some(Err(Failure::told(error.map(str::to_owned), cause.map(str::to_owned)))));
        }
        let result = mock::result(mock, self.state, self.definition)?;
        let failed = self.request.configuration.map_iteration_failure_count.unwrap_or(0);
        if failed > 0 && matches!(self.state.kind, Kind::Map(_)) {
            let iterations = result.as_array().map_or(0, Vec::len) as u64;
            if failed > iterations {
                return Err(Refused::validation(
                    "Map iteration failure count must be less than or equal to the number of Map iterations",
                ));
            }
            // Without a tolerance, the mocked result stands however many are said to have failed.
            if tolerated.is_set() && tolerated.exceeded(failed, iterations) {
                return Ok(Some(Err(map::too_many_failures())));
            }
        }
        Ok(Some(Ok(result)))
    }

    fn left(&self, status: &'static str, exit: Exit) -> Answer {
        let next_state = match exit.next {
            Next::To(place) => self.targets.get(place).cloned(),
            Next::End => None,
        };
        Answer { status, output: Some(exit.output.to_string()), next_state, ..Answer::default() }
    }

    fn failed(&mut self, failure: Failure) -> Answer {
        let from_task = self.state.kind.retries();
        let error = failure.error.clone().map(std::borrow::Cow::into_owned);
        let cause = failure.cause.clone();
        let state = self.state;
        let retrier =
            state.retry.iter().enumerate().find(|(_, r)| failure.matches(&r.error_equals, from_task));
        if let Some((index, retrier)) = retrier {
            let used = self.request.configuration.retrier_retry_count;
            let delay = (used < retrier.max_attempts).then(|| retrier.delay_seconds(used));
            self.inspection.retry(index, delay);
            if delay.is_some() {
                return Answer { status: "RETRIABLE", error, cause, ..Answer::default() };
            }
        }
        let catcher =
            state.catch.iter().enumerate().find(|(_, c)| failure.matches(&c.error_equals, from_task));
        if let Some((index, catcher)) = catcher {
            self.inspection.caught(index);
            return match data::caught(&mut self.visit, index, catcher, &failure) {
                Ok(exit) => Answer { error, cause, ..self.left("CAUGHT_ERROR", exit) },
                Err(second) => Answer {
                    status: "FAILED",
                    error: second.error.map(std::borrow::Cow::into_owned),
                    cause: second.cause,
                    ..Answer::default()
                },
            };
        }
        Answer { status: "FAILED", error, cause, ..Answer::default() }
    }
}

/// A state that was found, and the language of the machine around it.
struct Found {
    definition: Value,
    language: Language,
}
