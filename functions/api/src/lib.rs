//! The HTTP API: one function behind API Gateway's HTTP API or a function URL (payload format 2.0).
//!
//! ```text
//!   event ──► request ──► routes ──► create, read, decide, stock, summary, workflow ──► view ──► response
//!                            └────► web: the console's files, the description of all this (openapi)
//! ```

mod caller;
mod catalogue;
mod create;
mod decide;
mod keep;
#[cfg(test)]
mod openapi;
mod patience;
pub mod problem;
mod read;
mod request;
mod response;
mod routes;
mod stock;
mod summary;
mod view;
mod web;
mod workflow;

use std::sync::Arc;

use aws_sdk_sfn::Client as Sfn;
use clock::{Clock, SystemClock};
use omniflow_domain::{Money, Order};
use omniflow_services::{ConfigError, DynamoDb, Environment, Fault, Handler, StepFunctions, typed};
use omniflow_store as store;
use omniflow_store::workflow::Workflow;
use omniflow_store::{Idempotency, Orders, Stock};
use serde_json::Value;

pub use caller::Access;
use caller::{Caller, Doorkeeper};
use catalogue::Catalogue;
use patience::Patience;
use request::Request;
use response::Response;
pub use routes::ROUTES;
use workflow::Executions;

use crate::problem::{Kind, Problem};

/// What the operations use.
struct Api {
    orders: Orders,
    stock: Stock,
    catalogue: Catalogue,
    idempotency: Idempotency,
    workflow: Workflow,
    executions: Executions,
    doorkeeper: Doorkeeper,
    audit_threshold: Money,
    patience: Patience,
    clock: Arc<dyn Clock>,
}

/// The function `api`. It moves executions with `states` and looks at them with `executions`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn api(
    dynamodb: &Arc<dyn DynamoDb>,
    states: &Arc<dyn StepFunctions>,
    executions: &Sfn,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let api = Arc::new(Api {
        orders: Orders::new(dynamodb.clone(), environment.require("ORDERS_TABLE")?),
        stock: Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?),
        catalogue: Catalogue::new(dynamodb.clone(), environment.require("PRODUCTS_TABLE")?),
        idempotency: Idempotency::new(dynamodb.clone(), environment.require("IDEMPOTENCY_TABLE")?),
        workflow: Workflow::new(states.clone(), environment.require("ORDER_STATE_MACHINE")?),
        executions: Executions::new(
            executions.clone(),
            environment.require("ORDER_STATE_MACHINE")?,
            environment.require("PAYMENT_WINDOW_STATE_MACHINE")?,
        ),
        doorkeeper: Doorkeeper::new(environment)?,
        audit_threshold: threshold(environment)?,
        patience: Patience::new(environment)?,
        clock: Arc::new(SystemClock),
    });
    Ok(Box::new(typed(move |event: Value| {
        let api = Arc::clone(&api);
        async move { Ok::<_, Fault>(api.answer(&event).await.into_event()) }
    })))
}

fn threshold(environment: &Environment) -> Result<Money, ConfigError> {
    let text = environment.require("AUDIT_THRESHOLD")?;
    Money::parse(text)
        .map_err(|_| ConfigError::Invalid { name: "AUDIT_THRESHOLD".to_owned(), value: text.to_owned() })
}

impl Api {
    async fn answer(&self, event: &Value) -> Response {
        let answered = match Request::read(event, self.doorkeeper.recognise(event)) {
            Ok(request) => routes::dispatch(self, &request).await,
            Err(problem) => Err(problem),
        };
        answered.unwrap_or_else(|problem| Response::problem(&problem))
    }

    /// Tells the workflow what was decided. What can't be sent now is stored with the order, and the sweeper's.
    async fn tell(&self, order: &Order) {
        if let Err(error) = self.workflow.tell(order).await {
            tracing::warn!(order_id = %order.order_id, %error, "left to the sweeper");
        }
    }
}

/// As [`unavailable`], of an order that the caller asked for: who doesn't see it is told that there is none.
fn refused(error: store::Error, caller: &Caller) -> Problem {
    match error {
        store::Error::Unreadable(order) if !caller.sees(order.customer_id.as_deref()) => {
            unavailable(&store::Error::NoOrder(order.order_id))
        }
        error => unavailable(&error),
    }
}

/// A failure of the store in a caller's words; its own words are for the log.
fn unavailable(error: &store::Error) -> Problem {
    match error {
        store::Error::NoOrder(id) => Problem::new(
            Kind::OrderNotFound,
            format!("There is no order {id}. Use the order_id that POST /api/v1/orders answered."),
        ),
        store::Error::Conflict | store::Error::Contention => Problem::new(
            Kind::Unavailable,
            "Too many requests for this order at once. Send the request again.",
        ),
        store::Error::Unreadable(order) => {
            tracing::error!(order_id = %order.order_id, error = %order, "an order can't be read");
            let detail = format!(
                "The record of order {} is damaged, and asking again does not help. Tell whoever runs this system: its item in the orders' table has to be repaired or restored.",
                order.order_id
            );
            Problem::new(Kind::OrderUnreadable, detail).with("order_id", order.order_id.as_str())
        }
        other => {
            tracing::error!(error = %other, "the store failed");
            Problem::new(Kind::Unavailable, "The order store does not answer. Send the request again.")
        }
    }
}
