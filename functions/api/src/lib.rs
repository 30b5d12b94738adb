//! The HTTP API: two functions behind API Gateway's HTTP API or function URLs (payload format 2.0). What customers and
//! the console ask for all the time is the function `api`, which starts quickly because it is small; what those who run
//! the shop do now and then is the function `admin`.
//!
//! ```text
//!   event ──► request ──► routes ──► create, read, finding, decide, summary, workflow ──► view ──► response
//!                            ├────► web: the console's files, the description of all this (openapi)
//!                            ├────► warehouse, in a function of its own
//!                            ├────► metrics, in a function of its own
//!                            └────► admin, in a function of its own: products, stock, files, people, what stands still
//! ```

mod admin;
mod at_provider;
mod attention;
mod backlog;
mod caller;
mod create;
pub mod csv_file;
mod decide;
mod description;
mod finding;
mod keep;
mod limits;
mod metrics;
#[cfg(test)]
mod openapi;
mod operators;
mod patience;
mod payment_api;
mod payment_method;
mod payment_view;
mod preconditions;
mod prices;
pub mod problem;
mod read;
mod refusals;
mod request;
mod response;
mod return_view;
mod routes;
mod shared;
mod sign_in;
mod summary;
mod view;
mod warehouse;
mod web;
mod whole;
mod workflow;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock, Randomness};
use chrono::{DateTime, Utc};
use omniflow_domain::{Currency, Money, Order, PaymentGateway};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_simulated::{Ledger, SimulatedGateway};
use omniflow_store as store;
use omniflow_store::workflow::Workflow;
use omniflow_store::{Backlog, Idempotency, Orders, Products, Register, Stock, Unreadable};
use serde_json::Value;

pub use admin::Admin;
pub use admin::import::{LINE as LINE_COLUMN, MOST_ROWS as ROWS_IN_A_REQUEST};
pub use caller::Access;
use caller::{Caller, Doorkeeper};
use keep::{Answers, Key};
use limits::Limits;
pub use metrics::ReadMetrics;
pub use operators::Operators;
use patience::Patience;
pub use payment_api::PaymentApi;
use payment_method::Provider;
use response::Response;
pub use routes::{ROUTES, function_of};
pub use warehouse::WarehouseApi;
use workflow::{Executions, Machines};

use crate::problem::{Kind, Problem};

/// The function `api`: the HTTP API, with what its calls use.
pub struct Api {
    decisions: Decisions,
    products: Products,
    register: Register,
    limits: Limits,
    backlog: Backlog,
    executions: Executions,
    site: web::Site,
    currency: Currency,
    audit_threshold: Money,
    patience: Patience,
    randomness: Randomness,
}

/// What calls use that decide about an order which exists.
pub struct Decisions {
    orders: Orders,
    stock: Stock,
    answers: Answers,
    workflow: Workflow,
    gateway: Arc<dyn PaymentGateway>,
    provider: Provider,
    doorkeeper: Doorkeeper,
    clock: Arc<dyn Clock>,
}

impl Deref for Api {
    type Target = Decisions;

    fn deref(&self) -> &Decisions {
        &self.decisions
    }
}

impl Function for Api {
    const NAME: &'static str = "api";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "PRODUCTS_TABLE",
        "IDEMPOTENCY_TABLE",
        "REGISTER_TABLE",
        "LEDGER_TABLE",
        "AUDIT_THRESHOLD",
        "BACKLOG_SECONDS",
        "CONSOLE_CLIENT_ID",
        "CONSOLE_RESOURCE",
        "CONSOLE_SCOPES",
        "CURRENCY",
        "ISSUER_ORIGINS",
        "JWT_ISSUER",
        "LONGEST_WAIT_SECONDS",
        "MOST_UNPAID_ORDERS",
        "MOST_UNPAID_PIECES",
        "OPEN_ACCESS",
        "OPERATOR_CLAIM",
        "OPERATOR_SCOPE",
        "OPERATOR_VALUE",
        "ORDER_STATE_MACHINE",
        "PAYMENT_PROVIDER",
        "PAYMENT_WINDOW_SECONDS",
        "PAYMENT_WINDOW_STATE_MACHINE",
        "RETURN_STATE_MACHINE",
        "SIMULATED_LATENCY_MILLIS",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        "states:DescribeExecution",
        "states:DescribeStateMachineForExecution",
        "states:GetExecutionHistory",
        "states:RedriveExecution",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let currency = environment.parse("CURRENCY")?;
        let machines = Machines {
            order: environment.require("ORDER_STATE_MACHINE")?,
            payment_window: environment.require("PAYMENT_WINDOW_STATE_MACHINE")?,
            returns: environment.require("RETURN_STATE_MACHINE")?,
        };
        let decisions = Decisions::simulated(services, environment)?;
        Ok(Self {
            backlog: backlog::new(&decisions.orders, services, environment)?,
            products: Products::new(services, environment.require("PRODUCTS_TABLE")?),
            register: Register::new(services, environment)?,
            limits: Limits::new(environment)?,
            executions: Executions::new(services.executions(), &machines),
            site: web::Site::new(environment, currency, decisions.provider)?,
            currency,
            audit_threshold: threshold(environment, currency)?,
            patience: Patience::new(environment)?,
            randomness: services.randomness(),
            decisions,
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        Ok(routes::answered(&self.doorkeeper, &event, |request| routes::dispatch(self, request)).await)
    }
}

fn threshold(environment: &Environment, currency: Currency) -> Result<Money, ConfigError> {
    money(environment, "AUDIT_THRESHOLD", currency)
}

/// The amount that this variable holds.
fn money(environment: &Environment, name: &str, currency: Currency) -> Result<Money, ConfigError> {
    let text = environment.require(name)?;
    Money::parse(text, currency)
        .map_err(|_| ConfigError::Invalid { name: name.to_owned(), value: text.to_owned() })
}

impl Decisions {
    /// What decisions are made with where this is the payment gateway, that of the provider.
    fn new(
        services: &impl Services,
        environment: &Environment,
        gateway: Arc<dyn PaymentGateway>,
        provider: Provider,
    ) -> Result<Self, ConfigError> {
        let dynamodb = services.dynamodb();
        let orders = Orders::new(services, environment)?.for_people();
        Ok(Self {
            stock: Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?),
            answers: Answers {
                idempotency: Idempotency::new(dynamodb, environment.require("IDEMPOTENCY_TABLE")?),
                orders: orders.clone(),
                clock: services.clock(),
            },
            orders,
            workflow: Workflow::new(services.step_functions(), environment.require("ORDER_STATE_MACHINE")?),
            gateway,
            provider,
            doorkeeper: Doorkeeper::new(environment)?,
            clock: services.clock(),
        })
    }

    /// The same with the simulated gateway, which is asked only where `PAYMENT_PROVIDER` names that provider.
    fn simulated(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
        let ledger = Ledger::new(services, environment.require("LEDGER_TABLE")?, latency);
        let gateway = Arc::new(SimulatedGateway::new(ledger));
        Self::new(services, environment, gateway, environment.parse("PAYMENT_PROVIDER")?)
    }

    /// Tells the workflow of what was decided. What can't be sent now stays stored with the order, and
    /// `sweep-orders` sends it later.
    async fn tell(&self, order: &Order) {
        if let Err(error) = self.workflow.tell_for_certain(&self.orders, order, self.now()).await {
            tracing::warn!(order_id = %order.id(), %error, "left to the sweeper");
        }
    }

    /// The answer that is kept for this key, if there is one.
    async fn kept(&self, key: &Key) -> Result<Option<Response>, Problem> {
        self.answers.kept(key).await
    }

    /// The present instant, in whole milliseconds.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now_in_milliseconds()
    }
}

/// A failure of the store about an order that the caller asked for, in their words. A caller who doesn't see
/// the order is told that there is none.
fn refused(error: store::Error, caller: &Caller) -> Problem {
    match error {
        store::Error::Unreadable(order) if !caller.sees(order.customer_id.as_deref()) => {
            unavailable(&store::Error::NoOrder(order.order_id))
        }
        error => unavailable(&error),
    }
}

/// Why an order can't be read, and what to do about it.
fn unreadable(order: &Unreadable) -> String {
    let id = &order.order_id;
    let (what, remedy) = if order.is_of_a_later_release() {
        (
            "was written by a later release than the one that answers",
            "that release, or a later one, has to run everywhere",
        )
    } else {
        ("is damaged", "its item in the orders' table has to be repaired or restored")
    };
    format!(
        "The record of order {id} {what}, and asking again does not help. Tell whoever runs this system: {remedy}."
    )
}

/// A failure of the store in a caller's words; those of the store are for the log.
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
            Problem::new(Kind::OrderUnreadable, unreadable(order)).with("order_id", order.order_id.as_str())
        }
        other => {
            tracing::error!(error = %other, "the store failed");
            Problem::new(Kind::Unavailable, "The order store does not answer. Send the request again.")
        }
    }
}
