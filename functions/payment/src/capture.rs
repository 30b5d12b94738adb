//! `capture-payment`: takes the money, and stops the payment window, which nobody needs any more.

use std::sync::Arc;

use aws_sdk_sfn::operation::stop_execution::StopExecutionInput;
use futures::future::join;
use omniflow_domain::order::PaymentState;
use omniflow_domain::payment_gateway::CaptureError;
use omniflow_domain::{ErrorName, Order, PaymentGateway, Status};
use omniflow_services::{
    ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, StepFunctions, typed,
};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, Step};
use omniflow_store::metrics;

const DEFAULT_METHOD: &str = "pm_card";
const PUBLISHES: &[Status] = &[Status::PaymentReceived, Status::Paid, Status::Shipping];

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Capture(CaptureError::Declined) => ErrorName::PaymentDeclined,
            Error::Capture(CaptureError::Timeout) => ErrorName::GatewayTimeout,
            // Only a refund voids a payment, and only an order that is undone is refunded.
            Error::Capture(CaptureError::Voided) => ErrorName::OrderCancelled,
            Error::Capture(CaptureError::Unavailable(_)) => ErrorName::StoreUnavailable,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}

/// The payment-window machine of an order, as far as it must be stopped.
#[derive(Clone)]
struct Window {
    states: Arc<dyn StepFunctions>,
    state_machine: String,
}

/// The function `capture-payment`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn capture_payment(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    states: &Arc<dyn StepFunctions>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let gateway = crate::gateway(dynamodb, environment)?;
    let window = Window {
        states: states.clone(),
        state_machine: environment.require("PAYMENT_WINDOW_STATE_MACHINE")?.to_owned(),
    };
    Ok(Box::new(typed(move |step: Step| {
        let (activity, gateway, window) = (activity.clone(), gateway.clone(), window.clone());
        async move { capture(&activity, &*gateway, &window, step).await }
    })))
}

async fn capture(
    activity: &Activity,
    gateway: &dyn PaymentGateway,
    window: &Window,
    step: Step,
) -> Result<Done, Error> {
    let payable = |order: &Order| order.clone().capture(activity.now()).is_ok();
    let order = activity.orders.recall(&step.order_id, payable).await?;
    order.check_wanted().map_err(store::Error::from)?;
    if order.payment.state == PaymentState::Captured {
        activity.events.publish(&order, PUBLISHES).await;
        return Ok((&order).into());
    }
    // A window that goes on does no harm: nothing waits until it is stopped.
    let (captured, ()) = join(take(activity, gateway, &order), window.stop(&order)).await;
    let order = captured?;
    metrics::phase("SecondsToPay", &order, Status::AwaitingPayment, Status::PaymentReceived);
    activity.events.publish(&order, PUBLISHES).await;
    Ok((&order).into())
}

async fn take(activity: &Activity, gateway: &dyn PaymentGateway, order: &Order) -> Result<Order, Error> {
    let method = order.payment.method.as_deref().unwrap_or(DEFAULT_METHOD);
    gateway.capture(&order.order_id, method, order.amount).await?;
    let now = activity.now();
    let (order, ()) = activity
        .orders
        .update(&order.order_id, |order| match order.payment.state {
            // An attempt that was given up got there first.
            PaymentState::Captured => Ok(()),
            _ => order.capture(now).map_err(store::Error::from),
        })
        .await?;
    Ok(order)
}

impl Window {
    /// A window that goes on finds the order paid and leaves it alone.
    async fn stop(&self, order: &Order) {
        if order.deadline().is_none() {
            return;
        }
        let machine = self.state_machine.replacen(":stateMachine:", ":execution:", 1);
        let execution = format!("{machine}:{}", order.order_id);
        let stop = StopExecutionInput::builder().execution_arn(execution).cause("the order was paid");
        if let Err(error) = self.states.stop_execution(stop).await {
            tracing::debug!(order_id = %order.order_id, %error, "the payment window was not stopped");
        }
    }
}
