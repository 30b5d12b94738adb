//! How the workflow hears of what was decided: the signal that is stored with the decision, sent to Step Functions.
//!
//! Sending may be repeated: a workflow that was started, and a token that was answered, say so, and that is success.

use std::sync::Arc;

use aws_sdk_sfn::operation::send_task_failure::SendTaskFailureInput;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessInput;
use aws_sdk_sfn::operation::start_execution::StartExecutionInput;
use serde_json::json;

use omniflow_domain::ErrorName;
use omniflow_domain::order::{Order, Signal};
use omniflow_services::{ServiceError, StepFunctions};

/// The order's workflow in Step Functions: starts executions, and tells those that wait.
#[derive(Clone)]
pub struct Workflow {
    tasks: Tasks,
    state_machine: String,
}

/// The tasks of executions that wait for a token to be answered.
#[derive(Clone)]
pub struct Tasks {
    states: Arc<dyn StepFunctions>,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The workflow has it now.
    Now,
    /// The workflow waits for it no more: it has heard it before, or something else.
    NoMore,
}

/// A signal that could not be sent; it stays pending and the sweeper tries again.
#[derive(Debug, thiserror::Error)]
#[error("Step Functions: {0}")]
pub struct Unsent(#[from] ServiceError);

impl Workflow {
    /// The workflow that this state machine is.
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
            _ => self.tasks.answer(order).await,
        }
    }

    /// As [`Workflow::tell`]; what can't be sent now stays stored with the order, and the sweeper sends it.
    pub async fn tell_or_leave(&self, order: &Order) {
        or_leave(order, self.tell(order).await);
    }

    async fn start(&self, order: &Order) -> Result<Heard, Unsent> {
        let id = order.id().as_str();
        let input = json!({ "order_id": id }).to_string();
        let start =
            StartExecutionInput::builder().state_machine_arn(&self.state_machine).name(id).input(input);
        heard(self.tasks.states.start_execution(start).await)
    }
}

impl Tasks {
    /// The tasks of all executions: a token says by itself which it is of.
    pub fn new(states: Arc<dyn StepFunctions>) -> Self {
        Self { states }
    }

    /// Answers the task that the order's token is of with what was decided, if something was.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn answer(&self, order: &Order) -> Result<Heard, Unsent> {
        let (Some(signal), Some(token)) = (order.pending_signal(), order.task_token()) else {
            // Nothing is decided, or it was before the workflow came to wait: then it finds out when it does.
            return Ok(Heard::NoMore);
        };
        match signal {
            Signal::Start => Ok(Heard::NoMore),
            Signal::Paid | Signal::Approved => self.go_on(order, token).await,
            Signal::Rejected => self.fail(token, ErrorName::AuditRejected, "the reviewer rejected it").await,
            Signal::TimedOut => self.fail(token, ErrorName::PaymentTimeout, "nobody paid in time").await,
            Signal::Cancelled => self.fail(token, ErrorName::OrderCancelled, "the customer cancelled").await,
        }
    }

    /// As [`Tasks::answer`]; what can't be sent now stays stored with the order, and the sweeper sends it.
    pub async fn answer_or_leave(&self, order: &Order) {
        or_leave(order, self.answer(order).await);
    }

    /// Ends the wait of this token.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn go_on(&self, order: &Order, token: &str) -> Result<Heard, Unsent> {
        let output = json!({ "order_id": order.id().as_str() }).to_string();
        let success = SendTaskSuccessInput::builder().task_token(token).output(output);
        heard(self.states.send_task_success(success).await)
    }

    /// Ends the wait of this token, which the order must come back to after its review.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn turn_away(&self, token: &str) -> Result<Heard, Unsent> {
        self.fail(token, ErrorName::AuditRequired, "a person must approve it first").await
    }

    async fn fail(&self, token: &str, error: ErrorName, cause: &str) -> Result<Heard, Unsent> {
        let failure = SendTaskFailureInput::builder().task_token(token).error(error.as_str()).cause(cause);
        heard(self.states.send_task_failure(failure).await)
    }
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
