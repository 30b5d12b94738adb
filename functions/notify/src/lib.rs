//! Tells customers what became of their orders. A failure here leaves the order as it is.

mod message;
mod told;

use aws_sdk_sesv2::Client as Ses;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as EmailMessage};
use omniflow_domain::order::PaymentNews;
use omniflow_domain::order::returns::ReturnState;
use omniflow_domain::{Currency, Email, ErrorName, Language, Money, OrderNumber, Reason, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use serde::{Deserialize, Serialize};

pub use message::{Message, Named, message, payment_message, return_message};
use told::{Teller, Told};

/// An event of the order bus, as far as this function reads it.
#[derive(Debug, Deserialize)]
pub struct OrderEvent {
    detail: Detail,
}

/// The detail of the event: what became of an order, and whom to tell.
#[derive(Debug, Deserialize)]
pub struct Detail {
    event_id: String,
    order_id: String,
    /// Left out for orders that an earlier release made.
    #[serde(default)]
    number: Option<OrderNumber>,
    /// The status that the order came to, in events about that.
    state: Option<Status>,
    /// What became known of the order's money, in events about that.
    news: Option<PaymentNews>,
    /// The state that a return of the order came to, in events about that, and the number of the return.
    return_state: Option<ReturnState>,
    r#return: Option<u32>,
    reason: Option<Reason>,
    email: Option<Email>,
    #[serde(default)]
    language: Language,
    amount: String,
    /// Left out by earlier releases, all of whose orders were in the default currency.
    #[serde(default)]
    currency: Currency,
}

/// The answer: the event that was handled.
#[derive(Debug, Serialize)]
pub struct Notified {
    event_id: String,
    /// The id that Amazon SES gave the message, if one was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
}

/// Sends messages from one address by Amazon SES.
struct Sender {
    ses: Ses,
    from: Email,
}

/// The function `notify-customer`: sends the message by Amazon SES when there is an address to send it from
/// (`NOTIFICATION_SENDER`, empty when there is none) and one to send it to, and otherwise only logs that
/// there was one.
///
/// An event that comes twice is told once, see [`told`].
pub struct NotifyCustomer {
    sender: Option<Sender>,
    told: Told,
}

impl Function for NotifyCustomer {
    const NAME: &'static str = "notify-customer";
    const VARIABLES: &'static [&'static str] = &["NOTIFICATION_SENDER", "IDEMPOTENCY_TABLE"];
    const ACTIONS: &'static [&'static str] = &["dynamodb:PutItem", "ses:SendEmail"];

    type Event = OrderEvent;
    type Answer = Notified;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let sender = match environment.require("NOTIFICATION_SENDER")? {
            "" => None,
            _ => Some(Sender { ses: services.ses(), from: environment.parse("NOTIFICATION_SENDER")? }),
        };
        Ok(Self { sender, told: Told::new(services, environment)? })
    }

    async fn call(&self, event: OrderEvent) -> Result<Notified, Fault> {
        let Detail { event_id, order_id, number, state, news, return_state, reason, .. } = event.detail;
        let Detail { r#return, email, language, amount, currency, .. } = event.detail;
        let order = Named { order_id: &order_id, number };
        let amount = Money::parse(&amount, currency)
            .map_err(|error| Fault::new(ErrorName::NotificationFailed, error.to_string()))?;
        let message = match (state, news, return_state.zip(r#return)) {
            (Some(state), _, _) => message(order, state, reason, amount, language),
            (None, Some(news), _) => payment_message(order, news, amount, language),
            (None, None, Some((state, number))) => return_message(order, number, state, amount, language),
            (None, None, None) => None,
        };
        let message_id = match (&self.sender, &email, message) {
            (Some(sender), Some(email), Some(message)) => {
                self.send_once(&event_id, sender, email, message).await?
            }
            _ => None,
        };
        // The customer is not named: logs are read by more people than orders are.
        tracing::info!(
            event_id,
            order_id,
            state = state.map(Status::name),
            sent = message_id.is_some(),
            "customer notified"
        );
        Ok(Notified { event_id, message_id })
    }
}

impl NotifyCustomer {
    /// Sends the message, unless that was done for the same event before.
    async fn send_once(
        &self,
        event_id: &str,
        sender: &Sender,
        to: &Email,
        message: Message,
    ) -> Result<Option<String>, Fault> {
        let teller = self.told.claim(event_id).await;
        match teller.map_err(|error| Fault::new(ErrorName::StoreUnavailable, format!("DynamoDB: {error}")))? {
            Teller::This => {}
            Teller::Nobody => return Ok(None),
            // If it dies, this invocation must be made again.
            Teller::Another => {
                let message = "another invocation is telling of the same event";
                return Err(Fault::new(ErrorName::NotificationFailed, message));
            }
        }
        let sent = sender.send(to, message).await?;
        // A failure here would have the message sent again, which is what is to be avoided.
        if let Err(error) = self.told.note_told(event_id).await {
            tracing::warn!(event_id, %error, "told, and not noted; a repeat will be told again");
        }
        Ok(sent)
    }
}

impl Sender {
    async fn send(&self, to: &Email, message: Message) -> Result<Option<String>, Fault> {
        let failed = |message: String| Fault::new(ErrorName::NotificationFailed, message);
        let content = content(message).map_err(|error| failed(error.to_string()))?;
        let sending = self
            .ses
            .send_email()
            .from_email_address(self.from.as_str())
            .destination(Destination::builder().to_addresses(to.as_str()).build())
            .content(content);
        match sending.send().await {
            Ok(sent) => Ok(sent.message_id),
            Err(error) => {
                let service = error.as_service_error();
                let code = service.and_then(ProvideErrorMetadata::code).unwrap_or("no answer");
                let text = service.and_then(ProvideErrorMetadata::message).unwrap_or_default();
                Err(failed(format!("Amazon SES: {code}: {text}")))
            }
        }
    }
}

fn content(Message { subject, text }: Message) -> Result<EmailContent, BuildError> {
    let utf8 = |data: String| Content::builder().data(data).charset("UTF-8").build();
    let body = Body::builder().text(utf8(text)?).build();
    let message = EmailMessage::builder().subject(utf8(subject)?).body(body).build();
    Ok(EmailContent::builder().simple(message).build())
}
