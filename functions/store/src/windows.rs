//! The executions that wait for the end of an order's time to be paid.

use std::sync::Arc;

use aws_sdk_sfn::operation::start_execution::StartExecutionInput;
use chrono::{DateTime, Utc};
use omniflow_domain::Order;
use omniflow_services::{ConfigError, Environment, ServiceError, Services, StepFunctions};
use serde_json::json;

/// The state machine of payment windows in Step Functions.
#[derive(Clone)]
pub struct PaymentWindows {
    states: Arc<dyn StepFunctions>,
    state_machine: String,
}

impl PaymentWindows {
    /// The windows with the state machine that the environment names.
    ///
    /// # Errors
    /// [`ConfigError`], when it names none.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let state_machine = environment.require("PAYMENT_WINDOW_STATE_MACHINE")?.to_owned();
        Ok(Self { states: services.step_functions(), state_machine })
    }

    /// Starts the execution that closes the window at the order's deadline. It is named after the order.
    ///
    /// # Errors
    /// A failure of Step Functions.
    pub async fn start(&self, order: &Order) -> Result<(), ServiceError> {
        self.start_named(order.id().as_str(), order).await
    }

    /// Starts another execution for an order that still waits although its deadline has passed, which asks the payment
    /// provider and closes the window at once: the first one has ended while the order needed attention, or has failed. There
    /// is one for each status that the order has come to since, and for each day.
    ///
    /// # Errors
    /// A failure of Step Functions.
    pub async fn start_again(&self, order: &Order, now: DateTime<Utc>) -> Result<(), ServiceError> {
        let days = order.deadline().map_or(0, |deadline| (now - deadline).num_days());
        let name = format!("{}-{}-{days}", order.id(), order.timeline().len());
        self.start_named(&name, order).await
    }

    /// Starting an execution of the same name with the same input twice starts one (AWS Step Functions API Reference,
    /// "StartExecution").
    async fn start_named(&self, name: &str, order: &Order) -> Result<(), ServiceError> {
        let input = json!({ "order_id": order.id().as_str(), "deadline": order.deadline() }).to_string();
        let start =
            StartExecutionInput::builder().state_machine_arn(&self.state_machine).name(name).input(input);
        match self.states.start_execution(start).await {
            Err(error) if error.code.as_deref() != Some("ExecutionAlreadyExists") => Err(error),
            _ => Ok(()),
        }
    }
}
