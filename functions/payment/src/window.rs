//! `open-payment-window` and `close-payment-window`: the time in which the customer may pay.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sfn::operation::start_execution::StartExecutionInput;
use chrono::TimeDelta;
use clock::{Clock as _, SystemClock};
use omniflow_domain::order::Awaits;
use omniflow_domain::{ErrorName, Order, Refusal, Status};
use omniflow_services::{
    ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, ServiceError, StepFunctions, typed,
};
use omniflow_store as store;
use omniflow_store::Orders;
use omniflow_store::activity::{Activity, Done, Step, TokenStep};
use omniflow_store::workflow::{Unsent, Workflow};
use serde_json::json;

#[derive(Debug, thiserror::Error)]
enum Error {
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

#[derive(Clone)]
struct Window {
    states: Arc<dyn StepFunctions>,
    state_machine: String,
    length: TimeDelta,
}

/// The function `open-payment-window`: sets the deadline, keeps the token that payment or timeout answers, and starts
/// the machine that waits for the deadline. An order that must be reviewed first is turned away, and one that brought its
/// payment goes on at once.
///
/// # Errors
/// When the environment lacks a setting.
pub fn open_payment_window(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    states: &Arc<dyn StepFunctions>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let workflow = Workflow::new(states.clone(), "");
    let window = Window {
        states: states.clone(),
        state_machine: environment.require("PAYMENT_WINDOW_STATE_MACHINE")?.to_owned(),
        length: TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
    };
    Ok(Box::new(typed(move |step: TokenStep| {
        let (activity, workflow, window) = (activity.clone(), workflow.clone(), window.clone());
        async move { open(&activity, &workflow, &window, step).await }
    })))
}

async fn open(
    activity: &Activity,
    workflow: &Workflow,
    window: &Window,
    step: TokenStep,
) -> Result<Done, Error> {
    let now = activity.now();
    let (order, awaits) = activity
        .orders
        .update(&step.order_id, |order| {
            let token = step.token();
            order.open_window(token, now + window.length, now).map_err(store::Error::from)
        })
        .await?;
    // Of the last two nothing is stored that the sweeper could send: what can't be sent is tried again with the step.
    match awaits {
        Awaits::Payment => await_payment(activity, workflow, window, &order).await?,
        Awaits::Review => drop(workflow.turn_away(&step.task_token).await?),
        Awaits::Nothing => drop(workflow.go_on(&order, &step.task_token).await?),
    }
    Ok((&order).into())
}

async fn await_payment(
    activity: &Activity,
    workflow: &Workflow,
    window: &Window,
    order: &Order,
) -> Result<(), Error> {
    activity.events.publish(order, &[Status::AwaitingPayment]).await;
    if order.status == Status::AwaitingPayment {
        start(window, order).await?;
    }
    tell(workflow, order).await;
    Ok(())
}

/// Named after the order and always with the same input, so that starting it twice is starting it once.
async fn start(window: &Window, order: &Order) -> Result<(), Error> {
    let input = json!({ "order_id": order.order_id.as_str(), "deadline": order.deadline() }).to_string();
    let start = StartExecutionInput::builder()
        .state_machine_arn(&window.state_machine)
        .name(order.order_id.as_str())
        .input(input);
    match window.states.start_execution(start).await {
        Err(error) if error.code.as_deref() != Some("ExecutionAlreadyExists") => {
            Err(Error::NotStarted(error))
        }
        _ => Ok(()),
    }
}

/// What the workflow should hear already, it hears; what can't be sent now is the sweeper's.
async fn tell(workflow: &Workflow, order: &Order) {
    if let Err(error) = workflow.tell(order).await {
        tracing::warn!(order_id = %order.order_id, %error, "left to the sweeper");
    }
}

/// The function `close-payment-window`: cancels the order that was not paid in time. An order that was paid stays as it
/// is; its workflow is told again, in case it hasn't heard.
///
/// # Errors
/// When the environment lacks a setting.
pub fn close_payment_window(
    dynamodb: &Arc<dyn DynamoDb>,
    states: &Arc<dyn StepFunctions>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let orders = Orders::new(dynamodb.clone(), environment.require("ORDERS_TABLE")?);
    let workflow = Workflow::new(states.clone(), "");
    Ok(Box::new(typed(move |step: Step| {
        let (orders, workflow) = (orders.clone(), workflow.clone());
        async move { close(&orders, &workflow, step).await.map_err(Fault::from) }
    })))
}

async fn close(orders: &Orders, workflow: &Workflow, step: Step) -> Result<Done, store::Error> {
    loop {
        let now = SystemClock.now();
        let expired =
            orders.update(&step.order_id, |order| order.expire(now).map_err(store::Error::from)).await;
        let order = match expired {
            Ok((order, ())) => order,
            // A clock a little behind the one that waited.
            Err(store::Error::Refused(Refusal::TooEarly(deadline))) => {
                let left = (deadline - now).to_std().unwrap_or_default();
                tokio::time::sleep(left.min(Duration::from_secs(5))).await;
                continue;
            }
            Err(store::Error::Refused(_)) => orders.get(&step.order_id).await?,
            Err(error) => return Err(error),
        };
        tell(workflow, &order).await;
        return Ok((&order).into());
    }
}
