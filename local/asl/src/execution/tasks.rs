//! Tasks: scheduling a call, and what becomes of it.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;

use super::branch::{Active, Call, Phase, TaskRun};
use super::runner::{Action, Runner, raw_input, too_large};
use crate::api::{Invocation, Pattern, Resource, TaskId};
use crate::error::{Failure, names};
use crate::history::{Details, Scheduled};
use crate::machine::{Kind, State, Task};
use crate::scope::Scope;
use crate::states::{Step, data};
use crate::{Timestamp, size, time};

/// What a host says about a task.
pub(super) enum Report {
    Submitted(Value),
    Succeeded(Value),
    /// The event's name without `Task`, the error, the cause.
    Failed(&'static str, Option<String>, Option<String>),
    Heartbeat,
}

/// The events of a task: those of a Lambda function by ARN have names of their own.
fn event(task: &Task, what: &str) -> &'static str {
    match (task.resource_type.is_some(), what) {
        (true, "Scheduled") => "TaskScheduled",
        (true, "Started") => "TaskStarted",
        (true, "Succeeded") => "TaskSucceeded",
        (true, "TimedOut") => "TaskTimedOut",
        (true, "SubmitFailed") => "TaskSubmitFailed",
        (true, "StartFailed") => "TaskStartFailed",
        (true, _) => "TaskFailed",
        (false, "Scheduled") => "LambdaFunctionScheduled",
        (false, "Started") => "LambdaFunctionStarted",
        (false, "Succeeded") => "LambdaFunctionSucceeded",
        (false, "TimedOut") => "LambdaFunctionTimedOut",
        (false, "StartFailed") => "LambdaFunctionStartFailed",
        (false, _) => "LambdaFunctionFailed",
    }
}

fn service(task: &Task) -> Option<(Arc<str>, Arc<str>)> {
    task.resource_type.as_ref().map(|t| (Arc::clone(t), Arc::clone(&task.resource_name)))
}

fn waits_for_token(task: &Task) -> bool {
    matches!(&task.resource, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
}

impl Runner<'_> {
    /// Schedules a call for a Task.
    pub(super) fn start_task(
        &mut self,
        state: &State,
        task: &Task,
        active: &mut Active,
        previous: &mut u64,
        scope: Scope<'_>,
    ) -> Result<Action, Failure> {
        *self.tasks += 1;
        let id = TaskId(*self.tasks);
        let token = waits_for_token(task).then(|| self.ambient.task_token(id));
        let input = raw_input(active, self.identity);
        let plan = match self.visit(state, active, &input, scope, token.as_deref(), |visit| visit.start())? {
            Step::Task(plan) => plan,
            _ => return Ok(Action::Suspend),
        };
        if !Arc::ptr_eq(&plan.arguments, &input) && size::is_too_large(&plan.arguments) {
            return Err(too_large(&state.name));
        }
        let region = self.identity.state_machine_arn.split(':').nth(3).unwrap_or("us-east-1").to_owned();
        let scheduled = Scheduled {
            resource_type: task.resource_type.clone(),
            resource: Arc::clone(&task.resource_name),
            region: task.resource_type.is_some().then_some(region),
            parameters: Arc::clone(&plan.arguments),
            timeout: plan.timeout,
            heartbeat: plan.heartbeat,
        };
        *previous =
            self.record(*previous, event(task, "Scheduled"), Some(Details::Scheduled(Box::new(scheduled))));
        let started = task.resource_type.as_ref().map(|resource_type| Details::TaskStarted {
            resource_type: Arc::clone(resource_type),
            resource: Arc::clone(&task.resource_name),
        });
        *previous = self.record(*previous, event(task, "Started"), started);
        let run = TaskRun {
            id,
            token,
            call: Some(Box::new(Call {
                resource: task.resource.clone(),
                arguments: plan.arguments,
                state: Arc::clone(&state.name),
            })),
            timeout: plan.timeout,
            heartbeat: plan.heartbeat,
            deadline: plan.timeout.and_then(|seconds| later(self.now, seconds)),
            beat_by: plan.heartbeat.and_then(|seconds| later(self.now, seconds)),
        };
        self.effects.invocations.extend(invocation(&run));
        active.phase = Phase::Task(Box::new(run));
        Ok(Action::Suspend)
    }

    /// Takes what a host says about the active state's task.
    pub(super) fn report(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: Scope<'_>,
        report: Report,
    ) -> Result<Action, Failure> {
        let (Kind::Task(task), Phase::Task(run)) = (&state.kind, &mut active.phase) else {
            return Ok(Action::Suspend);
        };
        match report {
            Report::Heartbeat => {
                run.beat_by = run.heartbeat.and_then(|seconds| later(self.now, seconds));
                Ok(Action::Suspend)
            }
            Report::Submitted(output) => {
                run.call = None;
                let details = Details::Output { service: service(task), output: Arc::new(output) };
                *previous = self.record(*previous, "TaskSubmitted", Some(details));
                Ok(Action::Suspend)
            }
            Report::Succeeded(output) if size::is_too_large(&output) => {
                let failure = too_large(match &task.resource {
                    Resource::LambdaFunction { arn } => arn,
                    _ => &state.name,
                });
                let (error, cause) =
                    (failure.error.clone().map(std::borrow::Cow::into_owned), failure.cause.clone());
                active.phase = Phase::Idle;
                let details = Details::Failure { service: service(task), error, cause };
                *previous = self.record(*previous, event(task, "Failed"), Some(details));
                Err(failure)
            }
            Report::Succeeded(output) => {
                let token = run.token.take();
                active.phase = Phase::Idle;
                let output = Arc::new(output);
                let details = Details::Output { service: service(task), output: Arc::clone(&output) };
                *previous = self.record(*previous, event(task, "Succeeded"), Some(details));
                let input = raw_input(active, self.identity);
                self.visit(state, active, &input, scope, token.as_deref(), |visit| {
                    data::leave(visit, &output)
                })
                .map(Action::Exit)
            }
            Report::Failed(what, error, cause) => {
                active.phase = Phase::Idle;
                let details =
                    Details::Failure { service: service(task), error: error.clone(), cause: cause.clone() };
                *previous = self.record(*previous, event(task, what), Some(details));
                Err(Failure::told(error, cause))
            }
        }
    }

    /// The active state's task has run out of time.
    pub(super) fn time_out(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
    ) -> Result<Action, Failure> {
        let (Kind::Task(task), Phase::Task(run)) = (&state.kind, &active.phase) else {
            return Ok(Action::Suspend);
        };
        self.effects.cancelled.push(run.id);
        active.phase = Phase::Idle;
        // A heartbeat that didn't come is recorded and caught under the same name as any other timeout.
        let error = Some(names::TIMEOUT.to_owned());
        let details = Details::Failure { service: service(task), error: error.clone(), cause: None };
        *previous = self.record(*previous, event(task, "TimedOut"), Some(details));
        Err(Failure::told(error, None))
    }
}

fn later(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_add_signed(TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?).map(time::floor)
}

/// The call of a task, unless it has been submitted.
pub(super) fn invocation(run: &TaskRun) -> Option<Invocation> {
    let call = run.call.as_deref()?;
    Some(Invocation {
        task: run.id,
        resource: call.resource.clone(),
        arguments: Arc::clone(&call.arguments),
        token: run.token.clone(),
        timeout_seconds: run.timeout,
        heartbeat_seconds: run.heartbeat,
        state: call.state.to_string(),
    })
}
