//! What the activities of the workflow share: the event they get, the parts they use, and how their errors are named.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use ambient::Clock;
use omniflow_domain::ErrorName;
use omniflow_domain::order::{Order, OrderId, Refusal, Token};
use omniflow_domain::status::{Reason, Status};
use omniflow_services::{ConfigError, Environment, Fault, Services};

use crate::publisher::Publisher;
use crate::{self as store, Orders};

/// The event of a step that goes forward.
#[derive(Debug, Clone, Deserialize)]
pub struct Step {
    /// Which order.
    pub order_id: OrderId,
}

/// The event of a step that waits for a token.
#[derive(Debug, Clone, Deserialize)]
pub struct TokenStep {
    /// Which order.
    pub order_id: OrderId,
    /// The token that ends the wait.
    pub task_token: String,
    /// Which attempt of the task this is, from 0.
    #[serde(default)]
    pub attempt: u64,
}

impl TokenStep {
    /// The token with its attempt.
    pub fn token(&self) -> Token {
        Token { token: self.task_token.clone(), attempt: self.attempt }
    }
}

/// The event of a compensation.
#[derive(Debug, Clone, Deserialize)]
pub struct Compensation {
    /// Which order.
    pub order_id: OrderId,
    /// What the workflow caught.
    #[serde(default)]
    pub failure: Failure,
}

/// What a `Catch` caught.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Failure {
    /// The error's name.
    #[serde(rename = "Error", default)]
    pub error: String,
    /// A text, or the error as Lambda writes it.
    #[serde(rename = "Cause", default)]
    pub cause: String,
}

impl Failure {
    /// The reason that the order gets, unless it has one.
    pub fn reason(&self) -> Reason {
        ErrorName::parse(&self.error).and_then(ErrorName::reason).unwrap_or(Reason::InternalError)
    }

    /// What went wrong, for people.
    pub fn text(&self) -> String {
        let message = serde_json::from_str::<Value>(&self.cause)
            .ok()
            .and_then(|cause| cause["errorMessage"].as_str().map(str::to_owned));
        match message.unwrap_or_else(|| self.cause.clone()) {
            empty if empty.is_empty() => self.error.clone(),
            message => format!("{}: {message}", self.error),
        }
    }
}

/// What an activity that has nothing to add answers.
#[derive(Debug, Clone, Serialize)]
pub struct Done {
    /// Which order.
    pub order_id: OrderId,
    /// Where it is now.
    pub state: Status,
}

impl From<&Order> for Done {
    fn from(order: &Order) -> Self {
        Self { order_id: order.id().clone(), state: order.status() }
    }
}

/// The parts that every activity uses.
#[derive(Clone)]
pub struct Activity {
    /// The orders.
    pub orders: Orders,
    /// Who hears of changes.
    pub events: Publisher,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Activity {
    /// With the table `ORDERS_TABLE` and the bus `EVENT_BUS`.
    ///
    /// # Errors
    /// When one is not set.
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

    /// Turns the order to its compensation, unless it is there already.
    ///
    /// # Errors
    /// When it is closed, or the store fails.
    pub async fn undo(&self, event: &Compensation) -> Result<Order, store::Error> {
        let now = self.now();
        let (order, ()) = self
            .orders
            .update(&event.order_id, |order| {
                if order.status().is_final() {
                    return Ok(());
                }
                let failure =
                    Some(event.failure.text()).filter(|_| event.failure.reason() != Reason::Customer);
                order.begin_compensation(event.failure.reason(), failure, now).map_err(store::Error::from)
            })
            .await?;
        Ok(order)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        let name = match &error {
            store::Error::Refused(Refusal::Undone(_)) => ErrorName::OrderCancelled,
            store::Error::Refused(_) | store::Error::NoOrder(_) => ErrorName::WrongState,
            store::Error::Conflict | store::Error::Contention => ErrorName::TransactionConflict,
            store::Error::TooLarge(_) => ErrorName::OrderTooLarge,
            store::Error::Unreadable(_) => ErrorName::OrderUnreadable,
            store::Error::Item(_) | store::Error::Document(_) | store::Error::Service(_) => {
                ErrorName::StoreUnavailable
            }
        };
        Self::new(name, error.to_string())
    }
}
