//! TestState: one state on its own, with the steps that its data goes through (AWS Step Functions API
//! Reference, TestState).
//!
//! This is pure like the rest of the crate: a task without a mock is called through a closure that the host
//! passes in.

mod attempt;
mod check;
mod context;
mod inspect;
mod mock;
mod request;
mod result;
mod services;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::{Ambient, Effort};
use crate::budget::Budget;
use crate::compile;
use crate::scope::{Context, Env, Scope, Variables};
use crate::states::Visit;
use attempt::StateTest;
use check::NAME;
use inspect::Inspection;

pub use attempt::TaskCaller;
pub use request::{Configuration, FieldValidation, InspectionLevel, Mock, Request};
pub use result::{Refused, TestExecutionStatus, TestResult};

/// Tests a state.
///
/// ```
/// use asl::test_state::{Request, TestExecutionStatus, run};
/// use asl::{Ambient, TaskId, Timestamp};
/// use serde_json::json;
///
/// struct Still;
///
/// impl Ambient for Still {
///     fn now(&self) -> Timestamp {
///         Timestamp::UNIX_EPOCH
///     }
///     fn random(&mut self) -> u64 {
///         4
///     }
///     fn task_token(&mut self, _: TaskId) -> String {
///         "token".into()
///     }
/// }
///
/// let request = Request {
///     definition: r#"{
///         "Type": "Task",
///         "Resource": "arn:aws:states:::lambda:invoke",
///         "Parameters": {"FunctionName": "price", "Payload.$": "$.item"},
///         "ResultPath": "$.price",
///         "Catch": [{"ErrorEquals": ["OutOfStock"], "ResultPath": null, "Next": "Apologise"}],
///         "Next": "Charge"
///     }"#,
///     input: Some(r#"{"item": "cup"}"#),
///     ..Request::default()
/// };
///
/// let result = run(&request, &mut Still, &mut |_, arguments| {
///     assert_eq!(*arguments, json!({"FunctionName": "price", "Payload": "cup"}));
///     Ok(json!("4.50"))
/// })?;
/// assert_eq!(result.status, TestExecutionStatus::Succeeded);
/// assert_eq!(result.output.as_deref(), Some(r#"{"item":"cup","price":"4.50"}"#));
/// assert_eq!(result.next_state.as_deref(), Some("Charge"));
///
/// let result = run(&request, &mut Still, &mut |_, _| Err(("OutOfStock".into(), "No cup is left.".into())))?;
/// assert_eq!(result.status, TestExecutionStatus::CaughtError);
/// assert_eq!(result.next_state.as_deref(), Some("Apologise"));
/// # Ok::<(), asl::test_state::Refused>(())
/// ```
///
/// # Errors
///
/// [`Refused`] for a definition, a mock, a context object or another argument that AWS doesn't accept.
pub fn run(
    request: &Request<'_>,
    ambient: &mut dyn Ambient,
    call: &mut TaskCaller<'_>,
) -> Result<TestResult, Refused> {
    let tested = check::state(request)?;
    check::arguments(request, &tested)?;
    let parse = |what: &str, text: Option<&str>| match text {
        Some(text) => serde_json::from_str::<Value>(text)
            .map(Some)
            .map_err(|error| Refused::validation(format!("Invalid {what} provided: {error}"))),
        None => Ok(None),
    };
    let input = Arc::new(parse("input", request.input)?.unwrap_or_else(|| json!({})));
    let context = match parse("Context object", request.context)? {
        Some(context) => {
            context::check(&context)?;
            context
        }
        None => context::made_up(request, &tested.definition, &input, ambient),
    };
    let variables: Variables = match parse("variables", request.variables)? {
        Some(Value::Object(map)) => map.into_iter().map(|(k, v)| (Arc::from(k), Arc::new(v))).collect(),
        _ => Variables::new(),
    };
    let targets = targets(&tested.definition);
    let state = compile::state(NAME, &tested.definition, tested.language, &targets)
        .map_err(|error| Refused::definition(format!("Invalid State Machine Definition: '{error}'")))?;
    let scope = Scope { own: &variables, outer: None, item: None };
    let budget = Budget::new(Effort::Full);
    let env = Env { scope, context: Context::Given(&context), ambient, budget: &budget };
    let mut test = StateTest {
        request,
        state: &state,
        definition: &tested.definition,
        targets: &targets,
        visit: Visit { state: &state, input: &input, env },
        inspection: Inspection::new(&input, &variables),
    };
    let mut result = test.run(call)?;
    if request.inspection_level != InspectionLevel::Info {
        result.inspection_data = Some(test.inspection.into_map());
    }
    Ok(result)
}

/// The names of the states that a state leads to. The index of a name stands in for the place of that state.
fn targets(state: &Value) -> Vec<String> {
    let mut names: Vec<&Value> = ["Next", "Default"].iter().filter_map(|field| state.get(*field)).collect();
    for list in ["Choices", "Catch"] {
        let entries = state.get(list).and_then(Value::as_array).into_iter().flatten();
        names.extend(entries.filter_map(|entry| entry.get("Next")));
    }
    names.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
