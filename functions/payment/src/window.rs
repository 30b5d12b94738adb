//! `open-payment-window` and `close-payment-window`: the time in which the customer may pay.

use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use aws_sdk_sfn::operation::start_execution::StartExecutionInput;
use chrono::TimeDelta;
use omniflow_domain::order::Awaits;
use omniflow_domain::{ErrorName, Order, Refusal, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, ServiceError, Services, StepFunctions};
use omniflow_store as store;
use omniflow_store::Orders;
use omniflow_store::activity::{Activity, Done, StepEvent, TokenEvent};
use omniflow_store::workflow::{Tasks, Unsent};
use serde_json::json;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the payment window could not be started: {0}")]
    NotStarted(ServiceError),
    #[error("the payment window could not be passed by: {0}")]
    NotPassed(#[from] Unsent),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotStarted(_) | Error::NotPassed(_) => {
                Self::new(ErrorName::PaymentWindowNotStarted, message)
            }
            Error::Store(error) => error.into(),
        }
    }
}

/// The function `open-payment-window`: sets the deadline, keeps the token that payment or timeout answers,
/// and starts the state machine that waits for the deadline. An order that must be reviewed first is turned
/// away, and one that brought its payment goes on at once.
pub struct OpenPaymentWindow {
    activity: Activity,
    tasks: Tasks,
    states: Arc<dyn StepFunctions>,
    window_machine: String,
    length: TimeDelta,
}

impl Function for OpenPaymentWindow {
    const NAME: &'static str = "open-payment-window";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "EVENT_BUS", "PAYMENT_WINDOW_SECONDS", "PAYMENT_WINDOW_STATE_MACHINE"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = TokenEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            states: services.step_functions(),
            window_machine: environment.require("PAYMENT_WINDOW_STATE_MACHINE")?.to_owned(),
            length: TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
        })
    }

    async fn call(&self, step: TokenEvent) -> Result<Done, Error> {
        let now = self.activity.now();
        let (order, awaits) = self
            .activity
            .orders
            .update(&step.order_id, |order| {
                let token = step.token();
                order.take_up(now);
                order.open_window(token, now + self.length, now).map_err(store::Error::from)
            })
            .await?;
        // For the last two no signal is stored that the sweeper could send, so that a failure to send fails
        // the step, which is tried again.
        match awaits {
            Awaits::Payment => self.await_payment(&order).await?,
            Awaits::Review => drop(self.tasks.turn_away(&step.task_token).await?),
            Awaits::Nothing => drop(self.tasks.go_on(&order, &step.task_token).await?),
        }
        Ok((&order).into())
    }
}

impl OpenPaymentWindow {
    async fn await_payment(&self, order: &Order) -> Result<(), Error> {
        // Whoever finds the window's execution takes this for published, so that it is started after that.
        self.activity.publish(order).await?;
        if order.status() == Status::AwaitingPayment {
            self.start_window(order).await?;
        }
        self.tasks.answer_or_leave(order).await;
        Ok(())
    }

    /// The execution is named after the order and has the same input always, so that starting it twice starts
    /// one (AWS Step Functions API Reference, "StartExecution").
    async fn start_window(&self, order: &Order) -> Result<(), Error> {
        let input = json!({ "order_id": order.id().as_str(), "deadline": order.deadline() }).to_string();
        let start = StartExecutionInput::builder()
            .state_machine_arn(&self.window_machine)
            .name(order.id().as_str())
            .input(input);
        match self.states.start_execution(start).await {
            Err(error) if error.code.as_deref() != Some("ExecutionAlreadyExists") => {
                Err(Error::NotStarted(error))
            }
            _ => Ok(()),
        }
    }
}

/// The function `close-payment-window`: cancels the order that was not paid in time. An order that was paid
/// stays as it is; its workflow is told again, in case it hasn't heard.
pub struct ClosePaymentWindow {
    orders: Orders,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
}

impl Function for ClosePaymentWindow {
    const NAME: &'static str = "close-payment-window";
    const VARIABLES: &'static [&'static str] = &["ORDERS_TABLE"];
    const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "states:SendTaskFailure", "states:SendTaskSuccess"];

    type Event = StepEvent;
    type Answer = Done;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: Orders::new(services, environment)?,
            tasks: Tasks::new(services.step_functions()),
            clock: services.clock(),
        })
    }

    async fn call(&self, step: StepEvent) -> Result<Done, store::Error> {
        loop {
            let now = self.clock.now_in_milliseconds();
            let expire = |order: &mut Order| order.expire(now).map_err(store::Error::from);
            let order = match self.orders.update(&step.order_id, expire).await {
                Ok((order, ())) => order,
                // The clock here is behind the one that waited for the deadline.
                Err(store::Error::Refused(Refusal::TooEarly(deadline))) => {
                    let left = (deadline - now).to_std().unwrap_or_default();
                    tokio::time::sleep(left.min(Duration::from_secs(5))).await;
                    continue;
                }
                Err(store::Error::Refused(_)) => self.orders.get(&step.order_id).await?,
                Err(error) => return Err(error),
            };
            self.tasks.answer_or_leave(&order).await;
            return Ok((&order).into());
        }
    }
}
