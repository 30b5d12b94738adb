//! `capture-payment`: takes the money, and stops the execution of the payment window, which is of no use any
//! more.

use std::sync::Arc;

use aws_sdk_sfn::operation::stop_execution::StopExecutionInput;
use futures::future::join;
use omniflow_domain::order::PaymentState;
use omniflow_domain::payment_gateway::{CaptureError, Decline, OpenError};
use omniflow_domain::{ErrorName, Order, PaymentGateway, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services, StepFunctions};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, StepEvent};
use omniflow_store::metrics;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Capture(CaptureError::Declined(_))
            | Error::Open(OpenError::Amount(_) | OpenError::Cancelled) => ErrorName::PaymentDeclined,
            Error::Capture(CaptureError::Timeout) => ErrorName::GatewayTimeout,
            // Only a refund voids a payment, and only an order that is undone is refunded.
            Error::Capture(CaptureError::Voided) => ErrorName::OrderCancelled,
            Error::Capture(CaptureError::Unavailable(_)) | Error::Open(OpenError::Unavailable(_)) => {
                ErrorName::StoreUnavailable
            }
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}

/// The function `capture-payment`.
pub struct CapturePayment {
    activity: Activity,
    gateway: Arc<dyn PaymentGateway>,
    states: Arc<dyn StepFunctions>,
    window_machine: String,
}

impl Function for CapturePayment {
    const NAME: &'static str = "capture-payment";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "LEDGER_TABLE",
        "EVENT_BUS",
        "SIMULATED_LATENCY_MILLIS",
        "PAYMENT_PROVIDER",
        "PAYMENT_WINDOW_STATE_MACHINE",
        "STRIPE_SECRET",
        "STRIPE_URL",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "secretsmanager:GetSecretValue",
        "states:StopExecution",
    ];

    type Event = StepEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            gateway: crate::provider::gateway(services, environment)?,
            states: services.step_functions(),
            window_machine: environment.require("PAYMENT_WINDOW_STATE_MACHINE")?.to_owned(),
        })
    }

    async fn call(&self, step: StepEvent) -> Result<Done, Error> {
        let payable = |order: &Order| order.clone().capture(self.activity.now()).is_ok();
        let order = self.activity.orders.recall(&step.order_id, payable).await?;
        order.check_not_undone().map_err(store::Error::from)?;
        if order.payment().state == PaymentState::Captured {
            self.activity.publish(&order).await?;
            return Ok((&order).into());
        }
        let order = self.opened(order).await?;
        let order = self.take(&order).await?;
        metrics::phase("SecondsToPay", &order, Status::AwaitingPayment, Status::PaymentReceived);
        self.activity.publish(&order).await?;
        Ok((&order).into())
    }
}

impl CapturePayment {
    /// The order, whose payment is known to the provider. One that brought its payment method comes here
    /// without that. Its id is noted before any money can move, so that whoever undoes the order finds it.
    async fn opened(&self, order: Order) -> Result<Order, Error> {
        if order.payment().provider_id.is_some() {
            return Ok(order);
        }
        let Some(opened) = self.gateway.open(order.charge()).await? else { return Ok(order) };
        let note = |order: &mut Order| {
            order.take_up(self.activity.now());
            order.note_payment(&opened.payment).map_err(store::Error::from)
        };
        Ok(self.activity.orders.update(order.id(), note).await?.0)
    }

    async fn take(&self, order: &Order) -> Result<Order, Error> {
        let taking = self.gateway.capture(order.charge());
        let (taken, window_was_started) = join(taking, self.stop_window(order)).await;
        if matches!(taken, Err(CaptureError::Voided)) {
            // Either the order has been undone, or somebody has cancelled the payment at the provider.
            self.activity.orders.get(order.id()).await?.check_not_undone().map_err(store::Error::from)?;
            return Err(CaptureError::Declined(Decline::HoldExpired).into());
        }
        taken?;
        let now = self.activity.now();
        let (order, ()) = self
            .activity
            .orders
            .update(order.id(), |order| match order.payment().state {
                // An attempt that was given up got there first.
                PaymentState::Captured => {
                    order.take_up(now);
                    Ok(())
                }
                _ => {
                    order.take_up(now);
                    if window_was_started {
                        order.note_window_started();
                    }
                    order.capture(now).map_err(store::Error::from)
                }
            })
            .await?;
        Ok(order)
    }

    /// Stops the execution of the payment window, and tells whether there was one. A window that goes on
    /// finds the order paid and leaves it alone.
    async fn stop_window(&self, order: &Order) -> bool {
        if order.deadline().is_none() {
            return false;
        }
        let machine = self.window_machine.replacen(":stateMachine:", ":execution:", 1);
        let execution = format!("{machine}:{}", order.id());
        let stop = StopExecutionInput::builder().execution_arn(execution).cause("the order was paid");
        let stopped = self.states.stop_execution(stop).await.inspect_err(|error| {
            tracing::debug!(order_id = %order.id(), %error, "the payment window was not stopped");
        });
        stopped.is_ok()
    }
}
