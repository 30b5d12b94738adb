//! `receive-payment-event`: hears what the payment provider sends word of (`POST /webhooks/stripe`).
//!
//! ```text
//!   signed? ──► which payment? ──► ask the provider about it ──► the order learns, with the event's id, in one
//!   transaction ──► the workflow and the customer are told ──► 200
//! ```
//!
//! Word may come twice, late, in any order, or never. Nothing in it is believed but which payment it is about,
//! and the provider sends it again until it is answered with 200: so whatever fails here is answered with 500.

use std::sync::Arc;

use ambient::Clock;
use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::order::Signal;
use omniflow_domain::payment_gateway::{PaymentReport, RefundError, Silent};
use omniflow_domain::{Order, OrderId, PaymentGateway as _};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::Activity;
use omniflow_store::publisher::Unpublished;
use omniflow_store::workflow::Tasks;
use omniflow_store::{Decided, Idempotency, Kept};
use omniflow_stripe::event::Event;
use omniflow_stripe::{Stripe, StripeGateway, event, signature};
use serde_json::{Value, json};

use crate::provider::stripe;

/// The time for which the id of an event is kept that has had an effect. Stripe sends an event for three days
/// (Stripe documentation, "Receive Stripe events in your webhook endpoint": "Retries").
const KEPT_FOR: TimeDelta = TimeDelta::days(30);
/// The size of the largest body that is looked at, in bytes. Events of Stripe have a few thousand.
const MAX_BODY: usize = 256 * 1024;

/// Why an event had no effect, or not its whole effect. Sent again, it may have.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Stripe(#[from] omniflow_stripe::Error),
    #[error(transparent)]
    Silent(#[from] Silent),
    #[error("late money could not be given back: {0}")]
    NotReturned(#[from] RefundError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Unpublished(#[from] Unpublished),
}

/// The function `receive-payment-event`.
pub struct ReceivePaymentEvent {
    activity: Activity,
    idempotency: Idempotency,
    tasks: Tasks,
    clock: Arc<dyn Clock>,
    stripe: Option<(Arc<Stripe>, StripeGateway)>,
}

impl Function for ReceivePaymentEvent {
    const NAME: &'static str = "receive-payment-event";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "IDEMPOTENCY_TABLE",
        "EVENT_BUS",
        "PAYMENT_PROVIDER",
        "STRIPE_SECRET",
        "STRIPE_URL",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "secretsmanager:GetSecretValue",
        "states:SendTaskSuccess",
    ];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let stripe = stripe(services, environment)?;
        Ok(Self {
            activity: Activity::new(services, environment)?,
            idempotency: Idempotency::new(services.dynamodb(), environment.require("IDEMPOTENCY_TABLE")?),
            tasks: Tasks::new(services.step_functions()),
            clock: services.clock(),
            stripe: stripe.map(|stripe| (Arc::clone(&stripe), StripeGateway::new(stripe))),
        })
    }

    async fn call(&self, request: Value) -> Result<Value, Fault> {
        let Some((stripe, gateway)) = &self.stripe else { return Ok(answer(404)) };
        let status = match self.receive(stripe, gateway, &request).await {
            Ok(true) => 200,
            // Whoever sends what is not signed is told nothing.
            Ok(false) => 400,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "an event of the payment provider failed"
                );
                500
            }
        };
        Ok(answer(status))
    }
}

fn answer(status: u16) -> Value {
    json!({ "statusCode": status, "headers": { "cache-control": "no-store" }, "body": "" })
}

/// The body exactly as it was sent: API Gateway hands over in base64 what it doesn't take for text.
fn body(request: &Value) -> Option<Vec<u8>> {
    let text = request["body"].as_str()?;
    let body = match request["isBase64Encoded"] == true {
        true => BASE64.decode(text).ok()?,
        false => text.as_bytes().to_vec(),
    };
    (body.len() <= MAX_BODY).then_some(body)
}

/// API Gateway writes the names of headers in lower-case letters, and not everybody else does.
fn header<'a>(request: &'a Value, wanted: &str) -> Option<&'a str> {
    let headers = request["headers"].as_object()?;
    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?.1.as_str()
}

impl ReceivePaymentEvent {
    /// Takes the event, and tells whether it is one of Stripe's.
    async fn receive(
        &self,
        stripe: &Stripe,
        gateway: &StripeGateway,
        request: &Value,
    ) -> Result<bool, Error> {
        let (Some(body), Some(signature)) = (body(request), header(request, "stripe-signature")) else {
            return Ok(false);
        };
        let secrets = stripe.credentials().await?.webhook_secrets;
        if !signature::is_signed(signature, &body, &secrets, self.clock.now()) {
            return Ok(false);
        }
        match event::read(&body) {
            Ok(Some(event)) => self.apply(gateway, &event).await?,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%error, "a signed event can't be read");
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn apply(&self, gateway: &StripeGateway, event: &Event) -> Result<(), Error> {
        let Some((id, report)) = gateway.find(&event.payment).await? else { return Ok(()) };
        let now = self.clock.now_in_milliseconds();
        let decide = async |order: Order| self.decided(gateway, order, event, &report, now).await;
        let order = match self.activity.orders.update_with(&id, |_| false, decide).await {
            Ok((order, ())) => order,
            // Another system of the shop, such as one for tests, uses the same account.
            Err(Error::Store(store::Error::NoOrder(_))) => return Ok(()),
            Err(error) => return Err(error),
        };
        // Whatever else the workflow has to hear is for those to say who decided it.
        if order.pending_signal() == Some(Signal::Paid) {
            self.tasks.answer_or_leave(&order).await;
        }
        self.activity.events.publish_payment(&order, &event.id).await?;
        tracing::info!(order_id = %order.id(), event = event.id, state = %order.status(), "heard");
        Ok(())
    }

    /// The order as the event leaves it, with the write that notes the event, if it has an effect.
    async fn decided(
        &self,
        gateway: &StripeGateway,
        read: Order,
        event: &Event,
        report: &PaymentReport,
        now: DateTime<Utc>,
    ) -> Result<Decided<()>, Error> {
        let key = format!("stripe:{}", event.id);
        let unchanged = |order| Decided { order, answer: (), with: Vec::new() };
        if !self.is_its_payment(&read, event) || self.idempotency.get(&key, now).await?.is_some() {
            return Ok(unchanged(read));
        }
        let mut order = read.clone();
        if order.is_late(report) {
            let money_moved = gateway.refund(order.charge()).await?;
            order.return_late(money_moved, Some(&event.id), now);
        }
        order.learn(report, Some(&event.id), now);
        if order == read {
            return Ok(unchanged(order));
        }
        let with = vec![self.note(key, order.id(), now)?];
        Ok(Decided { order, answer: (), with })
    }

    /// Whether it is this payment that the order waits for or was paid by. Another one was opened for it when
    /// an answer was lost and never given to anybody: no money can have come by that.
    fn is_its_payment(&self, order: &Order, event: &Event) -> bool {
        let is = order.payment().provider_id.as_deref() == Some(event.payment.as_str());
        if !is {
            tracing::warn!(order_id = %order.id(), event = event.id, "an event about another payment of the order");
        }
        is
    }

    fn note(
        &self,
        key: String,
        order: &OrderId,
        now: DateTime<Utc>,
    ) -> Result<TransactWriteItem, store::Error> {
        let note = Kept {
            key,
            request: order.to_string(),
            status: 200,
            body: String::new(),
            expires_at: (now + KEPT_FOR).timestamp(),
        };
        self.idempotency.put(&note, now)
    }
}
