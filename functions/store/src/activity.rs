//! What the activities of the workflow share: their events, the parts that they use, and the names of their
//! errors.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use ambient::Clock;
use omniflow_domain::ErrorName;
use omniflow_domain::order::returns::ReturnRefusal;
use omniflow_domain::order::{Failed, Order, OrderId, Refusal, Token};
use omniflow_domain::status::{Reason, Status};
use omniflow_services::{ConfigError, Environment, Fault, Services};

use crate::cause::readable;
use crate::publisher::{Publisher, Unpublished};
use crate::{self as store, Orders};

/// The event of a step that goes forward.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct StepEvent {
    pub order_id: OrderId,
}

/// The event of a step that waits until its token is answered.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TokenEvent {
    pub order_id: OrderId,
    pub task_token: String,
    /// How often the execution was redriven before. Executions that began under an earlier release don't say
    /// it.
    #[serde(default)]
    pub redrive: Option<u64>,
    /// The number of attempts that the task made before, which is 0 for the first.
    #[serde(default)]
    pub attempt: u64,
}

impl TokenEvent {
    /// The token with the attempt that it was given to.
    pub fn token(&self) -> Token {
        Token {
            token: self.task_token.clone(),
            redrive: self.redrive.unwrap_or_default(),
            attempt: self.attempt,
        }
    }
}

/// The event of a step of a return's workflow.
#[derive(Debug, Clone, Deserialize)]
pub struct ReturnEvent {
    /// The order.
    pub order_id: OrderId,
    /// The number of the return.
    #[serde(rename = "return")]
    pub number: u32,
}

/// The event of a step of a return's workflow that waits until its token is answered.
#[derive(Debug, Clone, Deserialize)]
pub struct ReturnTokenEvent {
    /// The number of the return.
    #[serde(rename = "return")]
    pub number: u32,
    /// The order, and the token.
    #[serde(flatten)]
    pub token: TokenEvent,
}

/// The event of a compensation.
#[derive(Debug, Clone, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CompensationEvent {
    pub order_id: OrderId,
    /// The failure that the workflow caught.
    #[serde(default)]
    pub failure: Failure,
}

/// A failure that a `Catch` caught: the error output of a state (AWS Step Functions Developer Guide,
/// "Handling errors").
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Failure {
    /// The name of the error.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// A text for people, or the error of a function as Lambda writes it; empty when there is none.
    #[serde(rename = "Cause", default, deserialize_with = "text_or_null")]
    pub cause: String,
}

/// The error of a task that has run for longer than it may (AWS Step Functions Developer Guide, "Handling
/// errors in Step Functions workflows").
const TIMED_OUT: &str = "States.Timeout";

/// The error output of a failure without a cause, such as `States.Timeout`, has null in its place.
fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Failure {
    /// The reason that an order gets which is undone because of this failure, unless it has one already. An
    /// order whose payment was waited for until the step itself timed out was not paid in time, though its
    /// window could not be closed.
    pub fn reason(&self, status: Status) -> Reason {
        if self.error == TIMED_OUT && status == Status::AwaitingPayment {
            return Reason::PaymentTimeout;
        }
        ErrorName::parse(&self.error).and_then(ErrorName::reason).unwrap_or(Reason::InternalError)
    }

    /// The failure as people read it.
    pub fn text(&self) -> String {
        Failed::from(self.clone()).text()
    }

    /// The message in the cause, if the cause is the error of a function; else the cause.
    fn message(&self) -> Option<String> {
        Some(readable(&self.cause)).filter(|message| !message.is_empty())
    }
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        let cause = failure.message();
        Self { state: None, error: Some(failure.error), cause }
    }
}

/// The answer of an activity that has nothing to add.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Done {
    pub order_id: OrderId,
    pub state: Status,
}

impl From<&Order> for Done {
    fn from(order: &Order) -> Self {
        Self { order_id: order.id().clone(), state: order.status() }
    }
}

/// The parts that every activity uses.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Activity {
    pub orders: Orders,
    pub events: Publisher,
    pub clock: Arc<dyn Clock>,
}

impl Activity {
    /// Makes the parts, with the table that `ORDERS_TABLE` names and the bus that `EVENT_BUS` names.
    ///
    /// # Errors
    /// [`ConfigError`], when one is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: Orders::new(services, environment)?,
            events: Publisher::new(services.event_bridge(), environment.require("EVENT_BUS")?),
            clock: services.clock(),
        })
    }

    /// The present instant, in whole milliseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now_in_milliseconds()
    }

    /// Publishes what the order has to announce, and tells whether all of it is out. A bus that fails fails
    /// no step: what it didn't take is noted on the order, and the next step publishes it with its own, or
    /// `sweep-orders`, whichever comes first.
    ///
    /// # Errors
    /// When the events could not be published and the order could not be written: then only running the step
    /// again makes sure that they will be.
    pub async fn publish(&self, order: &Order) -> Result<bool, store::Error> {
        let Err(error) = self.events.publish(order).await else { return Ok(true) };
        tracing::warn!(order_id = %order.id(), %error, "what the order has to announce is left to others");
        let now = self.now();
        let leave = |order: &mut Order| {
            order.leave_announcements(now);
            Ok::<_, store::Error>(())
        };
        self.orders.update(order.id(), leave).await?;
        Ok(false)
    }

    /// Publishes what the order has to announce, and notes that it is out: for decisions that no step of the
    /// workflow announces, whose order has [`Signal::Announce`](omniflow_domain::order::Signal::Announce).
    ///
    /// # Errors
    /// When the events could not be published, or that could not be noted. The signal stays then, and
    /// `sweep-orders` does it later.
    pub async fn announce(&self, order: &Order) -> Result<(), Unannounced> {
        self.events.publish(order).await?;
        let settle = |now: &mut Order| {
            now.settle_announcements(order);
            Ok::<_, store::Error>(())
        };
        self.orders.update(order.id(), settle).await?;
        Ok(())
    }

    /// Announces as [`Activity::announce`]. What can't be announced now stays noted on the order, and
    /// `sweep-orders` announces it later.
    pub async fn announce_or_leave(&self, order: &Order) {
        if let Err(error) = self.announce(order).await {
            tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
        }
    }

    /// Publishes what became of the order's returns, and notes that it is out. What can't be published now stays noted
    /// on the order, and `sweep-orders` publishes it.
    pub async fn announce_returns_or_leave(&self, order: &Order) {
        if let Err(error) = self.announce_returns(order).await {
            tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
        }
    }

    /// Publishes as [`Activity::announce_returns_or_leave`], and gives the order as it is then.
    ///
    /// # Errors
    /// When the events could not be published, or that could not be noted.
    pub async fn announce_returns(&self, order: &Order) -> Result<Order, Unannounced> {
        self.events.publish_returns(order).await?;
        let now = self.now();
        let settle = |current: &mut Order| {
            current.settle_return_announcements(order, now);
            Ok::<_, store::Error>(())
        };
        Ok(self.orders.update(order.id(), settle).await?.0)
    }

    /// Begins to undo the order, unless that has begun. An order that is closed stays as it is, and one that
    /// needed attention is taken up again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn undo(&self, event: &CompensationEvent) -> Result<Order, store::Error> {
        let now = self.now();
        let (order, ()) = self
            .orders
            .update(&event.order_id, |order| {
                if order.status().is_final() {
                    return Ok(());
                }
                order.take_up(now);
                let reason = event.failure.reason(order.status());
                let failure = Some(event.failure.text()).filter(|_| reason != Reason::Customer);
                order.begin_compensation(reason, failure, now).map_err(store::Error::from)
            })
            .await?;
        Ok(order)
    }
}

/// Why an order's changes were not announced; see [`Activity::announce`].
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unannounced {
    #[error(transparent)]
    Published(#[from] Unpublished),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        let name = match &error {
            store::Error::Refused(Refusal::Undone(_)) => ErrorName::OrderCancelled,
            store::Error::Refused(Refusal::Return(ReturnRefusal::Rejected(_))) => ErrorName::ReturnRejected,
            store::Error::Refused(_) | store::Error::NoOrder(_) => ErrorName::WrongState,
            store::Error::Conflict | store::Error::Contention => ErrorName::TransactionConflict,
            store::Error::TooLarge(_) => ErrorName::OrderTooLarge,
            store::Error::Unreadable(_) => ErrorName::OrderUnreadable,
            store::Error::Item(_)
            | store::Error::Document(_)
            | store::Error::Throttled { .. }
            | store::Error::Service(_) => ErrorName::StoreUnavailable,
        };
        Self::new(name, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_failure_may_have_a_cause_a_null_or_nothing_in_its_place() {
        let read = |failure: Value| {
            let event = json!({ "order_id": "ORD-1", "failure": failure });
            let event: CompensationEvent = serde_json::from_value(event).unwrap();
            (event.failure.reason(Status::Shipping), event.failure.text())
        };
        let timeout = (Reason::InternalError, "States.Timeout".to_owned());
        assert_eq!(read(json!({ "Error": "States.Timeout", "Cause": null })), timeout);
        assert_eq!(read(json!({ "Error": "States.Timeout" })), timeout);
        let declined = json!({ "Error": "PaymentDeclined", "Cause": "{\"errorMessage\": \"no money\"}" });
        assert_eq!(read(declined), (Reason::PaymentFailed, "PaymentDeclined: no money".to_owned()));
    }
}
