//! `refund-return`, a step of a return's workflow: gives the money back for the goods that came.

use std::sync::Arc;

use omniflow_domain::{Order, PaymentGateway};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, ReturnEvent};

use crate::refund::Error;

/// The function `refund-return`.
pub struct RefundReturn {
    activity: Activity,
    gateway: Arc<dyn PaymentGateway>,
}

impl Function for RefundReturn {
    const NAME: &'static str = "refund-return";
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

    type Event = ReturnEvent;
    type Answer = Done;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            gateway: crate::provider::gateway(services, environment)?,
        })
    }

    async fn call(&self, ReturnEvent { order_id, number }: ReturnEvent) -> Result<Done, Error> {
        let Self { activity, gateway } = self;
        let order = activity.orders.get(&order_id).await?;
        let due = order.return_refund_due(number).map_err(store::Error::from)?;
        if let Some(part) = due {
            // The number is the return's part of the idempotency key: whichever execution calls, it is one refund.
            gateway.refund_part(order.charge(), part, &format!("return-{number}")).await?;
        }
        let now = activity.now();
        let note = |order: &mut Order| order.note_return_refunded(number, now).map_err(store::Error::from);
        let (order, ()) = activity.orders.update(&order_id, note).await?;
        activity.announce_returns_or_leave(&order).await;
        Ok((&order).into())
    }
}
