//! How the workflow is told of decisions: the signal that is stored with the decision is sent to Step
//! Functions.
//!
//! Sending may be repeated. Step Functions refuses to start a workflow and to answer a token a second time;
//! that is taken for success.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sfn::operation::describe_execution::{DescribeExecutionInput, DescribeExecutionOutput};
use aws_sdk_sfn::operation::redrive_execution::RedriveExecutionInput;
use aws_sdk_sfn::operation::send_task_failure::SendTaskFailureInput;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessInput;
use aws_sdk_sfn::operation::start_execution::StartExecutionInput;
use aws_sdk_sfn::types::{ExecutionRedriveStatus, ExecutionStatus};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use omniflow_domain::ErrorName;
use omniflow_domain::order::{Failed, Order, ShipmentSignal, Signal};
use omniflow_services::{Fault, ServiceError, StepFunctions};

use crate::Orders;
use crate::cause::readable;

/// The workflow of orders in Step Functions: it starts executions, and answers those that wait.
#[derive(Clone)]
pub struct Workflow {
    pub(crate) tasks: Tasks,
    state_machine: String,
}

/// The tasks that wait for their token to be answered, of all executions.
#[derive(Clone)]
pub struct Tasks {
    states: Arc<dyn StepFunctions>,
}

/// How the execution of an order's workflow is, as Step Functions tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionState {
    /// It was never started, or ended more than 90 days ago.
    Unknown,
    /// It runs.
    Running,
    /// It has succeeded.
    Succeeded,
    /// It failed, timed out or was stopped.
    Failed(Failed),
}

/// The length of the longest cause that is kept of a failure, in characters: an order's item is billed by its
/// length.
const LONGEST_CAUSE: usize = 500;

/// The time after which DescribeExecution is taken to know what was done before.
const CONSISTENT_AFTER: Duration = Duration::from_secs(3);

/// What became of a signal that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The workflow has been told now.
    Now,
    /// The workflow does not wait for the signal: it was told before, or of something else.
    NoMore,
    /// The execution that failed can't go on: it is too old or gone. Another one has to begin.
    Impossible,
}

/// Why a workflow could not be made to go on.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Step Functions failed.
    #[error(transparent)]
    Unsent(#[from] Unsent),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::Error),
}

/// A signal that could not be sent; it stays pending and the sweeper tries again.
#[derive(Debug, thiserror::Error)]
#[error("Step Functions: {0}")]
pub struct Unsent(#[from] ServiceError);

impl Workflow {
    /// The workflow with this state machine, by its ARN.
    pub fn new(states: Arc<dyn StepFunctions>, state_machine: &str) -> Self {
        Self { tasks: Tasks::new(states), state_machine: state_machine.to_owned() }
    }

    /// Sends the order's pending signal, if there is one.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn tell(&self, order: &Order) -> Result<Heard, Unsent> {
        match order.pending_signal() {
            Some(Signal::Start) => self.start(order).await,
            Some(Signal::Retry) => self.redrive(order).await,
            _ => self.tasks.answer(order).await,
        }
    }

    /// Sends as [`Workflow::tell`]. What can't be sent now stays stored with the order, and `sweep-orders`
    /// sends it later.
    pub async fn tell_or_leave(&self, order: &Order) {
        or_leave(order, self.tell(order).await);
    }

    /// Sends as [`Workflow::tell`], and has another execution begin when the one that failed can't go on.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn tell_for_certain(
        &self,
        orders: &Orders,
        order: &Order,
        now: DateTime<Utc>,
    ) -> Result<(Order, Heard), NotSent> {
        match self.tell(order).await? {
            Heard::Impossible => {
                let restart = |order: &mut Order| {
                    order.restart(now);
                    Ok::<_, crate::Error>(())
                };
                let (order, ()) = orders.update(order.id(), restart).await?;
                let heard = self.tell(&order).await?;
                Ok((order, heard))
            }
            heard => Ok((order.clone(), heard)),
        }
    }

    async fn start(&self, order: &Order) -> Result<Heard, Unsent> {
        let input = json!({ "order_id": order.id().as_str() });
        self.start_named(&order.execution_name(), &input).await
    }

    async fn redrive(&self, order: &Order) -> Result<Heard, Unsent> {
        self.redrive_named(&order.execution_name()).await
    }

    /// The ARN of the order's execution.
    pub fn execution_arn(&self, order: &Order) -> String {
        self.arn_of(&order.execution_name())
    }

    /// How the order's execution is.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn execution(&self, order: &Order) -> Result<ExecutionState, Unsent> {
        self.execution_named(&order.execution_name()).await
    }

    pub(crate) async fn start_named(&self, name: &str, input: &Value) -> Result<Heard, Unsent> {
        let start = StartExecutionInput::builder()
            .state_machine_arn(&self.state_machine)
            .name(name)
            .input(input.to_string());
        heard(self.tasks.states.start_execution(start).await)
    }

    /// Redrives the execution of this name. Step Functions does that for 14 days after its end (AWS Step Functions
    /// Developer Guide, "Restarting state machine executions with redrive").
    pub(crate) async fn redrive_named(&self, name: &str) -> Result<Heard, Unsent> {
        let redrive = RedriveExecutionInput::builder().execution_arn(self.arn_of(name));
        let Err(error) = self.tasks.states.redrive_execution(redrive).await else { return Ok(Heard::Now) };
        match error.code.as_deref() {
            Some("ExecutionDoesNotExist") => Ok(Heard::Impossible),
            // Emulators of Step Functions may know no redrives (AWS Query Protocol, "Common Error Types").
            Some("InvalidAction" | "UnknownOperationException") => Ok(Heard::Impossible),
            // Perhaps it runs because it was redriven before.
            Some("ExecutionNotRedrivable") => match self.describe_for_certain(name).await? {
                Some(described) if !has_ended(&described.status) => Ok(Heard::NoMore),
                // One that has succeeded left an order behind that is not closed, or has closed it since: the
                // order says which, before another execution begins.
                Some(_) | None => Ok(Heard::Impossible),
            },
            _ => Err(Unsent(error)),
        }
    }

    /// The execution that was not redriven. A description that says it could be may be older than that refusal (AWS Step
    /// Functions API Reference, "DescribeExecution": it is eventually consistent), and another execution beside one that runs
    /// would take its place. So it is described once more, some time later.
    async fn describe_for_certain(&self, name: &str) -> Result<Option<DescribeExecutionOutput>, Unsent> {
        let described = self.describe(name).await?;
        let seems_redrivable = |described: &DescribeExecutionOutput| {
            described.redrive_status == Some(ExecutionRedriveStatus::Redrivable)
        };
        if !described.as_ref().is_some_and(seems_redrivable) {
            return Ok(described);
        }
        tokio::time::sleep(CONSISTENT_AFTER).await;
        self.describe(name).await
    }

    fn arn_of(&self, name: &str) -> String {
        let machine = self.state_machine.replacen(":stateMachine:", ":execution:", 1);
        format!("{machine}:{name}")
    }

    pub(crate) async fn execution_named(&self, name: &str) -> Result<ExecutionState, Unsent> {
        let Some(described) = self.describe(name).await? else { return Ok(ExecutionState::Unknown) };
        Ok(match described.status {
            ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                // Where it stood is good to know, and nothing depends on it.
                let state = self.tasks.states.last_state(&self.arn_of(name)).await.unwrap_or_default();
                ExecutionState::Failed(failed(state, described))
            }
            ExecutionStatus::Succeeded => ExecutionState::Succeeded,
            _ => ExecutionState::Running,
        })
    }

    /// The execution of this name; `None` when there is none.
    async fn describe(&self, name: &str) -> Result<Option<DescribeExecutionOutput>, Unsent> {
        let describe = DescribeExecutionInput::builder().execution_arn(self.arn_of(name));
        match self.tasks.states.describe_execution(describe).await {
            Ok(described) => Ok(Some(described)),
            Err(error) if error.code.as_deref() == Some("ExecutionDoesNotExist") => Ok(None),
            Err(error) => Err(Unsent(error)),
        }
    }
}

impl Tasks {
    /// The tasks of all executions. A token says by itself which task it is of.
    pub fn new(states: Arc<dyn StepFunctions>) -> Self {
        Self { states }
    }

    /// Answers the order's task that waits with what was decided, if both exist.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn answer(&self, order: &Order) -> Result<Heard, Unsent> {
        let Some(signal) = order.pending_signal() else { return Ok(Heard::NoMore) };
        let (error, cause) = match signal {
            Signal::Start | Signal::Retry | Signal::Announce | Signal::Returns | Signal::ReturnsOpen => {
                return Ok(Heard::NoMore);
            }
            Signal::Shipments => return self.answer_shipments(order).await,
            Signal::Paid | Signal::Approved => {
                return match order.task_token() {
                    Some(token) => self.go_on(order, token).await,
                    // No task waits yet: one that begins to wait later is answered at once.
                    None => Ok(Heard::NoMore),
                };
            }
            Signal::Rejected => (ErrorName::AuditRejected, "the reviewer rejected it"),
            Signal::TimedOut => (ErrorName::PaymentTimeout, "nobody paid in time"),
            Signal::Cancelled => (ErrorName::OrderCancelled, "the customer cancelled"),
        };
        // Of an order that is cancelled while it is shipped there are several, and the first ends them all.
        let mut heard = Heard::NoMore;
        for token in order.waiting_tokens() {
            if self.fail(token, error, cause).await? == Heard::Now {
                heard = Heard::Now;
            }
        }
        Ok(heard)
    }

    /// Answers the tasks that wait for warehouses with what these said.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn answer_shipments(&self, order: &Order) -> Result<Heard, Unsent> {
        let mut heard = Heard::NoMore;
        for (token, signal) in order.pending_shipments() {
            let answered = match signal {
                // The step that waits completes no order by itself: it has to be led to the one that does.
                ShipmentSignal::Shipped if order.is_all_shipped() => {
                    self.fail(token, ErrorName::AllShipped, "all shipments are on their way").await?
                }
                ShipmentSignal::Shipped => self.go_on(order, token).await?,
                ShipmentSignal::Rejected => {
                    self.fail(token, ErrorName::ShipmentRejected, "the warehouse does not ship").await?
                }
            };
            if answered == Heard::Now {
                heard = Heard::Now;
            }
        }
        Ok(heard)
    }

    /// Sends as [`Tasks::answer`]. What can't be sent now stays stored with the order, and `sweep-orders`
    /// sends it later.
    pub async fn answer_or_leave(&self, order: &Order) {
        or_leave(order, self.answer(order).await);
    }

    /// Answers this token with success.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn go_on(&self, order: &Order, token: &str) -> Result<Heard, Unsent> {
        let output = json!({ "order_id": order.id().as_str() }).to_string();
        let success = SendTaskSuccessInput::builder().task_token(token).output(output);
        heard(self.states.send_task_success(success).await)
    }

    /// Answers this token with the failure that leads the order to its review, after which it comes back.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn turn_away(&self, token: &str) -> Result<Heard, Unsent> {
        self.fail(token, ErrorName::AuditRequired, "a person must approve it first").await
    }

    /// Answers this token with the failure of the function that got it.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn report(&self, token: &str, fault: &Fault) -> Result<Heard, Unsent> {
        let cause: String = fault.message.chars().take(LONGEST_CAUSE).collect();
        let failure = SendTaskFailureInput::builder().task_token(token).error(&fault.error_type).cause(cause);
        heard(self.states.send_task_failure(failure).await)
    }

    pub(crate) async fn fail(&self, token: &str, error: ErrorName, cause: &str) -> Result<Heard, Unsent> {
        let failure = SendTaskFailureInput::builder().task_token(token).error(error.as_str()).cause(cause);
        heard(self.states.send_task_failure(failure).await)
    }
}

fn has_ended(status: &ExecutionStatus) -> bool {
    matches!(
        status,
        ExecutionStatus::Failed
            | ExecutionStatus::TimedOut
            | ExecutionStatus::Aborted
            | ExecutionStatus::Succeeded
    )
}

fn failed(state: Option<String>, described: DescribeExecutionOutput) -> Failed {
    let cause: Option<String> =
        described.cause.map(|cause| readable(&cause).chars().take(LONGEST_CAUSE).collect());
    if described.status == ExecutionStatus::Aborted {
        // Somebody has stopped it, which is a decision, whatever error they name with it.
        let said: Vec<_> = described.error.into_iter().chain(cause).collect();
        let cause = Some(said.join(": ")).filter(|said| !said.is_empty());
        return Failed { state, error: None, cause };
    }
    // Step Functions names no error when an execution outlived its time.
    let error = described
        .error
        .or_else(|| (described.status == ExecutionStatus::TimedOut).then(|| "States.Timeout".to_owned()));
    Failed { state, error, cause }
}

fn or_leave(order: &Order, told: Result<Heard, Unsent>) {
    if let Err(error) = told {
        tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
    }
}

fn heard(sent: Result<(), ServiceError>) -> Result<Heard, Unsent> {
    let Err(error) = sent else { return Ok(Heard::Now) };
    match error.code.as_deref() {
        Some("TaskTimedOut" | "TaskDoesNotExist" | "InvalidToken" | "ExecutionAlreadyExists") => {
            Ok(Heard::NoMore)
        }
        _ => Err(Unsent(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(status: ExecutionStatus, error: &str) -> DescribeExecutionOutput {
        let described = DescribeExecutionOutput::builder()
            .execution_arn("arn")
            .state_machine_arn("arn")
            .status(status)
            .start_date(aws_sdk_sfn::primitives::DateTime::from_secs(0))
            .error(error)
            .cause("the shop moves");
        described.build().unwrap()
    }

    #[test]
    fn what_somebody_stopped_has_no_error_that_could_pass_whatever_they_name() {
        for named in ["Stopped", "StoreUnavailable", "States.Timeout"] {
            let stopped = failed(None, described(ExecutionStatus::Aborted, named));
            assert_eq!(stopped.error, None);
            assert_eq!(stopped.text(), format!("the workflow was stopped: {named}: the shop moves"));
            let error = failed(None, described(ExecutionStatus::Failed, named)).error;
            assert_eq!(error.as_deref(), Some(named));
        }
    }
}
