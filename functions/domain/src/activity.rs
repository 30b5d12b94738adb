//! What the activities of the workflow share: the event they get, the parts they use, and how their errors are named.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{Clock, SystemClock};
use crate::event::Publisher;
use crate::handler::{ConfigError, Environment, Fault};
use crate::order::{Order, OrderId, Refusal, Token};
use crate::services::{DynamoDb, EventBridge};
use crate::status::{Reason, Status};
use crate::store::{self, Orders};

/// The errors that activities raise and the state machine knows by name.
pub mod names {
    /// The order was cancelled; whoever works on it stops and undoes.
    pub const ORDER_CANCELLED: &str = "OrderCancelled";
    /// The order does not fit into one transaction.
    pub const ORDER_TOO_LARGE: &str = "OrderTooLarge";
    /// DynamoDB failed; worth a retry.
    pub const STORE_UNAVAILABLE: &str = "StoreUnavailable";
    /// Others wrote at the same moment, again and again; worth a retry.
    pub const TRANSACTION_CONFLICT: &str = "TransactionConflict";
    /// The order is not where this step belongs. No retry helps.
    pub const WRONG_STATE: &str = "WrongState";
}

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
        match self.error.as_str() {
            "PaymentTimeout" => Reason::PaymentTimeout,
            "AuditRejected" => Reason::AuditRejected,
            names::ORDER_CANCELLED => Reason::Customer,
            "PaymentDeclined" | "GatewayTimeout" => Reason::PaymentFailed,
            "ShipmentFailed" | "WarehouseUnavailable" => Reason::ShipmentFailed,
            "OutOfStock" => Reason::OutOfStock,
            _ => Reason::InternalError,
        }
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
        Self { order_id: order.order_id.clone(), state: order.status }
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
    pub fn new(
        dynamodb: &Arc<dyn DynamoDb>,
        events: &Arc<dyn EventBridge>,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: Orders::new(dynamodb.clone(), environment.require("ORDERS_TABLE")?),
            events: Publisher::new(events.clone(), environment.require("EVENT_BUS")?),
            clock: Arc::new(SystemClock),
        })
    }

    /// The present instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
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
                if order.status.is_final() {
                    return Ok(());
                }
                let failure =
                    Some(event.failure.text()).filter(|_| event.failure.reason() != Reason::Customer);
                order.undo(event.failure.reason(), failure, now).map_err(store::Error::from)
            })
            .await?;
        Ok(order)
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        let error_type = match &error {
            store::Error::Refused(Refusal::Undone(_)) => names::ORDER_CANCELLED,
            store::Error::Refused(_) | store::Error::NoOrder(_) => names::WRONG_STATE,
            store::Error::Conflict | store::Error::Contention => names::TRANSACTION_CONFLICT,
            store::Error::TooLarge(_) => names::ORDER_TOO_LARGE,
            store::Error::Unreadable(_)
            | store::Error::Item(_)
            | store::Error::Document(_)
            | store::Error::Service(_) => names::STORE_UNAVAILABLE,
        };
        Self { error_type: error_type.to_owned(), message: error.to_string() }
    }
}
