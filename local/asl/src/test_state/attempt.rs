//! The test itself: the state is started, and what it wants is mocked or called.

use std::sync::Arc;

use serde_json::Value;

use super::inspect::Inspection;
use super::mock;
use super::request::Request;
use super::result::{Refused, TestExecutionStatus, TestResult};
use crate::api::Tolerated;
use crate::error::{Evaluated, Failure};
use crate::graph::{Kind, Next, State};
use crate::resource::Resource;
use crate::states::map::{self, MapPlan};
use crate::states::{self, Exit, Intent, Visit, data};

/// Calls a task for a test. It gets the resource and the arguments, and gives the result, or an error name
/// and a cause.
pub type TaskCaller<'c> = dyn FnMut(&Resource, &Value) -> Result<Value, (String, String)> + 'c;

/// A state that is being tested.
pub(super) struct StateTest<'t, 'v> {
    pub(super) request: &'t Request<'t>,
    pub(super) state: &'t State,
    pub(super) definition: &'t Value,
    /// The names of the states that this one leads to, by the places that stand in for them.
    pub(super) targets: &'t [String],
    pub(super) visit: Visit<'v>,
    pub(super) inspection: Inspection,
}

impl StateTest<'_, '_> {
    /// Runs the state once. An error is AWS's refusal of the mock.
    pub(super) fn run(&mut self, call: &mut TaskCaller<'_>) -> Result<TestResult, Refused> {
        Ok(match self.attempt(call)? {
            Ok(exit) => self.left(TestExecutionStatus::Succeeded, exit),
            Err(failure) => self.failed(failure),
        })
    }

    /// The state's exit or its failure.
    fn attempt(&mut self, call: &mut TaskCaller<'_>) -> Result<Evaluated<Exit>, Refused> {
        // A mock that the state cannot have is refused before anything is evaluated.
        if let Some(mock) = self.request.mock.as_ref().filter(|mock| mock.error_output.is_none()) {
            mock::result(mock, self.state, self.definition)?;
        }
        if let Err(failure) = self.inspection.before(&mut self.visit) {
            return Ok(Err(failure));
        }
        let intent = match self.intent() {
            Ok(intent) => intent,
            Err(failure) => return Ok(Err(failure)),
        };
        let result = match intent {
            Some(Intent::Exit(exit)) => {
                self.inspection.after(&mut self.visit, None);
                return Ok(Ok(exit));
            }
            Some(Intent::Wait(_)) => return Ok(data::leave_wait(&mut self.visit)),
            Some(Intent::Task(plan)) => match self.mocked(Tolerated::default())? {
                Some(mocked) => mocked,
                None => self.called(&plan.arguments, call),
            },
            Some(Intent::Map(MapPlan { refused: Some(failure), .. })) => Err(failure),
            Some(Intent::Map(plan)) => self.mocked(plan.tolerated)?.unwrap_or(Ok(Value::Null)),
            Some(Intent::Parallel(_)) | None => self.mocked(Tolerated::default())?.unwrap_or(Ok(Value::Null)),
        };
        Ok(result.and_then(|result| {
            let result = Arc::new(result);
            self.inspection.after(&mut self.visit, Some(&result));
            data::leave(&mut self.visit, &result)
        }))
    }

    /// What the state wants. `None` for a Map with an ItemReader: nothing is read here, so its items are not
    /// known.
    fn intent(&mut self) -> Evaluated<Option<Intent>> {
        if self.definition.get("ItemReader").is_some() {
            let concurrency = self.definition.get("MaxConcurrency").cloned().unwrap_or_else(|| 0.into());
            self.inspection.number("maxConcurrency", concurrency);
            return Ok(None);
        }
        let intent = states::start(&mut self.visit)?;
        if let Intent::Map(plan) = &intent {
            self.inspection.map(&mut self.visit, plan);
        }
        Ok(Some(intent))
    }

    /// The result of really calling the task.
    fn called(&self, arguments: &Value, call: &mut TaskCaller<'_>) -> Evaluated<Value> {
        let Kind::Task(task) = &self.state.kind else { return Err(map::too_many_failures()) };
        call(&task.resource, arguments).map_err(|(error, cause)| Failure::told(Some(error), Some(cause)))
    }

    /// The result or the failure that the mock gives, if there is a mock.
    fn mocked(&mut self, tolerated: Tolerated) -> Result<Option<Evaluated<Value>>, Refused> {
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
            // Without a tolerance, AWS takes the mocked result however many iterations are said to have
            // failed.
            if tolerated.is_set() && tolerated.exceeded(failed, iterations) {
                return Ok(Some(Err(map::too_many_failures())));
            }
        }
        Ok(Some(Ok(result)))
    }

    /// The result of leaving the state.
    fn left(&self, status: TestExecutionStatus, exit: Exit) -> TestResult {
        let next_state = match exit.next {
            Next::To(place) => self.targets.get(place).cloned(),
            Next::End => None,
        };
        TestResult { output: Some(exit.output.to_string()), next_state, ..TestResult::of(status) }
    }

    /// The result of a failure: a retrier comes before a catcher.
    fn failed(&mut self, failure: Failure) -> TestResult {
        let from_task = self.state.kind.retries();
        let error = failure.error_name();
        let cause = failure.cause.clone();
        let state = self.state;
        let retrier =
            state.retry.iter().enumerate().find(|(_, r)| failure.matches(&r.error_equals, from_task));
        if let Some((index, retrier)) = retrier {
            let used = self.request.configuration.retrier_retry_count;
            let delay = (used < retrier.max_attempts).then(|| retrier.delay_seconds(used));
            self.inspection.retry(index, delay);
            if delay.is_some() {
                return TestResult { error, cause, ..TestResult::of(TestExecutionStatus::Retriable) };
            }
        }
        let catcher =
            state.catch.iter().enumerate().find(|(_, c)| failure.matches(&c.error_equals, from_task));
        if let Some((index, catcher)) = catcher {
            self.inspection.caught(index);
            return match data::caught(&mut self.visit, index, catcher, &failure) {
                Ok(exit) => TestResult { error, cause, ..self.left(TestExecutionStatus::CaughtError, exit) },
                Err(second) => TestResult {
                    error: second.error_name(),
                    cause: second.cause,
                    ..TestResult::of(TestExecutionStatus::Failed)
                },
            };
        }
        TestResult { error, cause, ..TestResult::of(TestExecutionStatus::Failed) }
    }
}
