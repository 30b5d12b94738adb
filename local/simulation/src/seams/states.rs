//! Step Functions as the functions call it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_sfn::operation::describe_execution::builders::DescribeExecutionInputBuilder;
use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionInput, DescribeExecutionOutput};
use aws_sdk_sfn::operation::redrive_execution::builders::RedriveExecutionInputBuilder;
use aws_sdk_sfn::operation::send_task_failure::builders::SendTaskFailureInputBuilder;
use aws_sdk_sfn::operation::send_task_success::builders::SendTaskSuccessInputBuilder;
use aws_sdk_sfn::operation::start_execution::builders::StartExecutionInputBuilder;
use aws_sdk_sfn::operation::stop_execution::builders::StopExecutionInputBuilder;
use futures::future::BoxFuture;
use omniflow_domain::order::returns::Return;
use omniflow_domain::{Order, OrderId};
use omniflow_services::{ServiceError, ServiceFuture, StepFunctions};
use tokio::time::Instant;

use super::retries::{self, ATTEMPTS, Fate};
use crate::books::Books;
use crate::fault::Fault;
use crate::invariant::Invariant;
use crate::planted::Planted;
use crate::world::World;

/// The seam.
#[derive(Clone)]
pub struct States {
    world: Arc<World>,
    behind: Arc<dyn StepFunctions>,
    /// The executions that were redriven, by their ARNs: until when, and as what, one may still be described.
    before: Arc<Mutex<BTreeMap<String, (Instant, DescribeExecutionOutput)>>>,
}

/// How long a description may be out of date.
const DESCRIBED_LATE_BY: Duration = Duration::from_secs(2);

type Perform<Request, T> = fn(States, Request) -> BoxFuture<'static, Result<T, ServiceError>>;

impl States {
    /// The seam before this Step Functions.
    pub fn new(world: Arc<World>, behind: Arc<dyn StepFunctions>) -> Self {
        Self { world, behind, before: Arc::default() }
    }

    /// Those of which it is not too late yet.
    fn before(&self) -> MutexGuard<'_, BTreeMap<String, (Instant, DescribeExecutionOutput)>> {
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        before.retain(|_, (until, _)| Instant::now() < *until);
        before
    }

    fn fate(&self, what: &str) -> Fate {
        let world = &self.world;
        if let Some(refusal) = world.capacity.as_ref().and_then(|account| account.call(what)) {
            return Fate::Refused(refusal, true);
        }
        if world.faults.is_out(Fault::StatesOut) {
            return Fate::Unanswered;
        }
        if world.happens(Fault::StatesThrottled) {
            return Fate::Refused(ServiceError::new("ThrottlingException", "Rate exceeded"), true);
        }
        if world.happens(Fault::StatesAnswerLost) { Fate::AnswerLost } else { Fate::Done }
    }

    async fn call<Request: Clone + Send + 'static, T: Send + 'static>(
        &self,
        what: &str,
        request: Request,
        perform: Perform<Request, T>,
    ) -> Result<T, ServiceError> {
        let perform = |request| -> BoxFuture<'static, _> {
            let (seam, what) = (self.clone(), what.to_owned());
            Box::pin(async move {
                let answer = perform(seam.clone(), request).await;
                if answer.is_ok() {
                    seam.world.note_here(format_args!("{what}: done"));
                }
                answer
            })
        };
        // Of what Step Functions is asked for, nothing is done late.
        retries::call(&self.world, what, ATTEMPTS, request, || self.fate(what), perform, |_, _| ()).await
    }
}

impl StepFunctions for States {
    fn start_execution(&self, request: StartExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            let name = request.get_name().clone().unwrap_or_default();
            let of_window =
                request.get_state_machine_arn().as_ref().is_some_and(|arn| arn.contains("Window"));
            if self.world.has(Planted::StartedTwice) && !of_window {
                let again = request.clone().name(format!("{name}-again"));
                // It fails when it has been started before.
                let _ = self.behind.start_execution(again).await;
            }
            // Every execution is named after its order.
            let order = OrderId::of_execution(&name);
            let is_known = |books: &mut Books| {
                let order = order.as_ref().and_then(|order| books.order(order.as_str()));
                order.is_some_and(|entry| of_window || is_one_of(&entry.order, &name))
            };
            if !self.world.books(is_known) {
                let found =
                    format!("an execution is started for {name}, and there is no such order or return");
                self.world.violated(Invariant::ExecutionMatches, None, found);
            }
            let what = if of_window { "StartExecution of the window" } else { "StartExecution" };
            self.call(what, request, |seam, request| {
                Box::pin(async move {
                    let machine = request.get_state_machine_arn().clone().unwrap_or_default();
                    seam.behind.start_execution(request).await?;
                    if let Some(account) = &seam.world.capacity {
                        account.begins(&machine);
                    }
                    Ok(())
                })
            })
            .await
        })
    }

    fn stop_execution(&self, request: StopExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            self.call("StopExecution", request, |seam, request| {
                Box::pin(async move { seam.behind.stop_execution(request).await })
            })
            .await
        })
    }

    fn send_task_success(&self, request: SendTaskSuccessInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            if self.world.has(Planted::TokenAnswerLost) {
                return Ok(());
            }
            self.call("SendTaskSuccess", request, |seam, request| {
                Box::pin(async move { seam.behind.send_task_success(request).await })
            })
            .await
        })
    }

    fn send_task_failure(&self, request: SendTaskFailureInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            self.call("SendTaskFailure", request, |seam, request| {
                Box::pin(async move { seam.behind.send_task_failure(request).await })
            })
            .await
        })
    }

    fn redrive_execution(&self, request: RedriveExecutionInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(self.call("RedriveExecution", request, |seam, request| {
            Box::pin(async move {
                let arn = request.get_execution_arn().clone().unwrap_or_default();
                let describe = DescribeExecutionInput::builder().execution_arn(&arn);
                let before = seam.behind.describe_execution(describe).await;
                seam.behind.redrive_execution(request).await?;
                if let Ok(before) = before {
                    seam.before().insert(arn, (Instant::now() + DESCRIBED_LATE_BY, before));
                }
                Ok(())
            })
        }))
    }

    fn describe_execution(
        &self,
        request: DescribeExecutionInputBuilder,
    ) -> ServiceFuture<'_, DescribeExecutionOutput> {
        Box::pin(self.call("DescribeExecution", request, |seam, request| {
            Box::pin(async move {
                let arn = request.get_execution_arn().clone().unwrap_or_default();
                let late = seam.before().get(&arn).cloned();
                if let Some((_, before)) = late
                    && seam.world.happens(Fault::DescribedLate)
                {
                    return Ok(before);
                }
                seam.behind.describe_execution(request).await
            })
        }))
    }

    fn last_state<'a>(&'a self, execution_arn: &'a str) -> ServiceFuture<'a, Option<String>> {
        Box::pin(self.call("GetExecutionHistory", execution_arn.to_owned(), |seam, execution| {
            Box::pin(async move { seam.behind.last_state(&execution).await })
        }))
    }
}

/// Whether an order has, or has had, an execution of this name, of its own or for a return. Whoever's execution can't go on
/// gets another one, of the next number.
fn is_one_of(order: &Order, name: &str) -> bool {
    let own = (1..=order.record().execution.max(1)).any(|number| order.id().execution_name(number) == name);
    let is_of = |it: &Return| {
        let mut executions = (1..=it.execution).map(|execution| Return { execution, ..it.clone() });
        executions.any(|it| it.execution_name(order.id()) == name)
    };
    own || order.returns().iter().any(is_of)
}
