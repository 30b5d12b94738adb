//! `refund-payment`, a compensation: gives the money back if it was taken, and makes sure that it can't be any more.

use std::sync::Arc;

use omniflow_domain::order::PaymentState;
use omniflow_domain::payment_gateway::RefundError;
use omniflow_domain::{ErrorName, PaymentGateway, Status};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, typed};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Compensation, Done};

#[derive(Debug, thiserror::Error)]
enum Error {
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
///
/// # Errors
/// When the environment lacks a setting.
pub fn refund_payment(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    let gateway = crate::gateway(dynamodb, environment)?;
    Ok(Box::new(typed(move |event: Compensation| {
        let (activity, gateway) = (activity.clone(), gateway.clone());
        async move { refund(&activity, &*gateway, event).await }
    })))
}

async fn refund(
    activity: &Activity,
    gateway: &dyn PaymentGateway,
    event: Compensation,
) -> Result<Done, Error> {
    let order = activity.undo(&event).await?;
    if order.status.is_final() || matches!(order.payment.state, PaymentState::Refunded | PaymentState::Void) {
        return Ok((&order).into());
    }
    let money_moved = gateway.refund(&order.order_id, order.payment.method.as_deref()).await?;
    let (order, ()) = activity
        .orders
        .update(&order.order_id, |order| {
            order.refund(money_moved);
            Ok::<_, store::Error>(())
        })
        .await?;
    activity.events.publish(&order, &[Status::Compensating]).await;
    Ok((&order).into())
}
