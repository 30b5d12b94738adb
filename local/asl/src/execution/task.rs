//! Task: a call is scheduled, and the host reports what became of it.

use std::sync::Arc;

use super::branch::{Active, Phase, ScheduledCall, TaskRun};
use super::events;
use super::runner::{Runner, too_large};
use super::stimulus::{Action, Report};
use crate::api::{Invocation, TaskId};
use crate::error::{Evaluated, Failure, names};
use crate::graph::{Kind, State, Task};
use crate::history::{Details, Scheduled};
use crate::resource::{Pattern, Resource};
use crate::scope::Scope;
use crate::size;
use crate::states::{self, Intent};
use crate::time::{self, Timestamp};
use chrono::TimeDelta;

/// The name of a task's event; `what` is the name without the task's type before it.
fn event(task: &Task, what: &str) -> &'static str {
    events::of_task(task.resource_type.is_some(), what)
}

/// The `resourceType` and `resource` of a task's events; absent for a Lambda function named by its ARN.
fn service(task: &Task) -> Option<(Arc<str>, Arc<str>)> {
    task.resource_type.as_ref().map(|t| (Arc::clone(t), Arc::clone(&task.resource_name)))
}

fn waits_for_token(task: &Task) -> bool {
    matches!(&task.resource, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
}

impl Runner<'_> {
    /// Schedules the call of a Task.
    pub(super) fn start_task(
        &mut self,
        state: &State,
        task: &Task,
        active: &mut Active,
        previous: &mut u64,
        scope: Scope<'_>,
    ) -> Evaluated<Action> {
        *self.tasks += 1;
        let id = TaskId(*self.tasks);
        let token = waits_for_token(task).then(|| self.ambient.task_token(id));
        let input = active.raw_input(self.identity);
        let plan = match self.visit(state, active, &input, scope, token.as_deref(), states::start)? {
            Intent::Task(plan) => plan,
            _ => return Ok(Action::Suspend),
        };
        if !Arc::ptr_eq(&plan.arguments, &input) && size::is_too_large(&plan.arguments) {
            return Err(too_large(&state.name));
        }
        let scheduled = Scheduled {
            resource_type: task.resource_type.clone(),
            resource: Arc::clone(&task.resource_name),
            region: task.resource_type.is_some().then(|| self.region()),
            parameters: Arc::clone(&plan.arguments),
            timeout: plan.timeout,
            heartbeat: plan.heartbeat,
        };
        *previous =
            self.record(*previous, event(task, "Scheduled"), Some(Details::Scheduled(Box::new(scheduled))));
        let started =
            service(task).map(|(resource_type, resource)| Details::TaskStarted { resource_type, resource });
        *previous = self.record(*previous, event(task, "Started"), started);
        let run = TaskRun {
            id,
            token,
            call: Some(Box::new(ScheduledCall {
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

    /// The region of the state machine, from its ARN.
    fn region(&self) -> String {
        self.identity.state_machine_arn.split(':').nth(3).unwrap_or("us-east-1").to_owned()
    }

    /// Takes what a host reports on the active state's task.
    pub(super) fn report(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: Scope<'_>,
        report: Report,
    ) -> Evaluated<Action> {
        let (Kind::Task(task), Phase::Task(run)) = (&state.kind, &mut active.phase) else {
            return Ok(Action::Suspend);
        };
        match report {
            Report::Heartbeat => {
                run.beat_by = run.heartbeat.and_then(|seconds| later(self.now, seconds));
                Ok(Action::Suspend)
            }
            Report::Submitted(output) if size::is_too_large(&output) => {
                let failure = too_large(&state.name);
                self.end_task(task, active, previous, "Failed", failure)
            }
            Report::Submitted(output) => {
                run.call = None;
                let details = Details::Output { service: service(task), output };
                *previous = self.record(*previous, "TaskSubmitted", Some(details));
                Ok(Action::Suspend)
            }
            Report::Succeeded(output) if size::is_too_large(&output) => {
                let failure = too_large(match &task.resource {
                    Resource::LambdaFunction { arn } => arn,
                    _ => &state.name,
                });
                self.end_task(task, active, previous, "Failed", failure)
            }
            Report::Succeeded(output) => {
                let token = run.token.take();
                let details = Details::Output { service: service(task), output: Arc::clone(&output) };
                *previous = self.record(*previous, event(task, "Succeeded"), Some(details));
                self.leave_with_result(state, active, scope, token.as_deref(), &output)
            }
            Report::Failed { event, error, cause } => {
                self.end_task(task, active, previous, event, Failure::told(error, cause))
            }
        }
    }

    /// Ends the active state's task because its time is up.
    pub(super) fn time_out(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
    ) -> Evaluated<Action> {
        let (Kind::Task(task), Phase::Task(run)) = (&state.kind, &active.phase) else {
            return Ok(Action::Suspend);
        };
        let heartbeat = run.beat_by.is_some_and(|beat_by| run.deadline.is_none_or(|end| beat_by < end));
        // A heartbeat that didn't come is recorded under the same name as any other timeout.
        let failure = Failure { heartbeat, ..Failure::told(Some(names::TIMEOUT.to_owned()), None) };
        self.end_task(task, active, previous, "TimedOut", failure)
    }

    /// Records that a task has ended without a result, and fails the state.
    fn end_task(
        &mut self,
        task: &Task,
        active: &mut Active,
        previous: &mut u64,
        what: &str,
        failure: Failure,
    ) -> Evaluated<Action> {
        active.phase = Phase::Idle;
        let details = Details::Failure {
            service: service(task),
            error: failure.error_name(),
            cause: failure.cause.clone(),
        };
        *previous = self.record(*previous, event(task, what), Some(details));
        Err(failure)
    }
}

/// The instant that is so many seconds after now; `None` when the calendar ends before.
fn later(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    now.checked_add_signed(TimeDelta::try_seconds(i64::try_from(seconds).ok()?)?).map(time::floor)
}

/// The call of a task; `None` once it has been submitted.
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
