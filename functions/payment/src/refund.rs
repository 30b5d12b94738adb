//! `refund-payment`, a compensation: gives the money back if it was taken, and makes sure that it can't be
//! taken any more.

use std::sync::Arc;

use omniflow_domain::order::PaymentState;
use omniflow_domain::payment_gateway::RefundError;
use omniflow_domain::{ErrorName, Order, PaymentGateway};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let name = match error {
            Error::Refund(RefundError::Refused) => ErrorName::RefundFailed,
            Error::Refund(RefundError::Timeout) => ErrorName::GatewayTimeout,
            Error::Refund(RefundError::Unavailable(_)) => ErrorName::StoreUnavailable,
            Error::Store(error) => return error.into(),
        };
        Self::new(name, message)
    }
}

/// The function `refund-payment`.
pub struct RefundPayment {
    activity: Activity,
    gateway: Arc<dyn PaymentGateway>,
}

impl Function for RefundPayment {
    const NAME: &'static str = "refund-payment";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "LEDGER_TABLE",
        "EVENT_BUS",
        "SIMULATED_LATENCY_MILLIS",
        "PAYMENT_PROVIDER",
        "STRIPE_SECRET",
        "STRIPE_URL",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "secretsmanager:GetSecretValue",
    ];

    type Event = CompensationEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            gateway: crate::provider::gateway(services, environment)?,
        })
    }

    async fn call(&self, event: CompensationEvent) -> Result<Done, Error> {
        let Self { activity, gateway } = self;
        let order = activity.undo(&event).await?;
        if order.status().is_final() {
            return Ok((&order).into());
        }
        let is_out = activity.publish(&order).await?;
        if matches!(order.payment().state, PaymentState::Refunded | PaymentState::Void) {
            return Ok((&order).into());
        }
        let money_moved = gateway.refund(order.charge()).await?;
        let published = is_out.then_some(&order);
        let refund = |order: &mut Order| {
            let refunded = order.change_after_announcing(published, |order| order.refund(money_moved));
            refunded.map_err(store::Error::from)
        };
        let (order, ()) = activity.orders.update(order.id(), refund).await?;
        Ok((&order).into())
    }
}
