//! Tells customers what became of their orders. A failure here leaves the order as it is.

mod message;

use aws_sdk_sesv2::Client as Ses;
use aws_sdk_sesv2::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as EmailMessage};
use omniflow_domain::{Currency, Email, ErrorName, Language, Money, Reason, Status};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use serde::{Deserialize, Serialize};

pub use message::{Message, message};

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
    state: Status,
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
/// It keeps no record of what was sent: an event that comes twice, which takes a crash at the wrong moment,
/// is told twice.
pub struct NotifyCustomer(Option<Sender>);

impl Function for NotifyCustomer {
    const NAME: &'static str = "notify-customer";
    const VARIABLES: &'static [&'static str] = &["NOTIFICATION_SENDER"];
    const ACTIONS: &'static [&'static str] = &["ses:SendEmail"];

    type Event = OrderEvent;
    type Answer = Notified;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self(match environment.require("NOTIFICATION_SENDER")? {
            "" => None,
            _ => Some(Sender { ses: services.ses(), from: environment.parse("NOTIFICATION_SENDER")? }),
        }))
    }

    async fn call(&self, event: OrderEvent) -> Result<Notified, Fault> {
        let Detail { event_id, order_id, state, reason, email, language, amount, currency } = event.detail;
        let amount = Money::parse(&amount, currency)
            .map_err(|error| Fault::new(ErrorName::NotificationFailed, error.to_string()))?;
        let message = message(&order_id, state, reason, amount, language);
        let message_id = match (&self.0, &email, message) {
            (Some(sender), Some(email), Some(message)) => sender.send(email, message).await?,
            _ => None,
        };
        // The customer is not named: logs are read by more people than orders are.
        tracing::info!(event_id, order_id, %state, sent = message_id.is_some(), "customer notified");
        Ok(Notified { event_id, message_id })
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
