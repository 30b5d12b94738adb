//! The function `admin`: what those who run the shop do with products, stock, files and people's data, finding out what
//! stands still, and settling by hand what can't go on.

pub(crate) mod buckets;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod movements;
pub(crate) mod people;
pub(crate) mod products;
pub(crate) mod returns;
pub(crate) mod stock;

use std::ops::Deref;

use ambient::Randomness;
use chrono::TimeDelta;
use omniflow_domain::order::returns::ReturnTerms;
use omniflow_domain::{Currency, Money, OrderId};
use omniflow_links::Links;
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store::movements::Movements;
use omniflow_store::reconcile::Reconciler;
use omniflow_store::returns::ReturnWorkflow;
use omniflow_store::windows::PaymentWindows;
use omniflow_store::{LowStock, Products, Register};
use serde_json::Value;

use crate::Decisions;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::routes;

/// The function `admin`, with what its calls use.
pub struct Admin {
    decisions: Decisions,
    pub(crate) links: Links,
    pub(crate) products: Products,
    pub(crate) movements: Movements,
    pub(crate) low_stock: LowStock,
    pub(crate) register: Register,
    pub(crate) reconciler: Reconciler,
    pub(crate) returns: ReturnWorkflow,
    pub(crate) terms: ReturnTerms,
    pub(crate) currency: Currency,
    pub(crate) audit_threshold: Money,
    pub(crate) randomness: Randomness,
}

impl Deref for Admin {
    type Target = Decisions;

    fn deref(&self) -> &Decisions {
        &self.decisions
    }
}

impl Function for Admin {
    const NAME: &'static str = "admin";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "PRODUCTS_TABLE",
        "MOVEMENTS_TABLE",
        "IDEMPOTENCY_TABLE",
        "REGISTER_TABLE",
        "LEDGER_TABLE",
        "WAREHOUSES_TABLE",
        "ALLOW_PRIVATE_WAREHOUSES",
        "AUDIT_THRESHOLD",
        "CURRENCY",
        "EVENT_BUS",
        "OPEN_ACCESS",
        "OPERATOR_CLAIM",
        "OPERATOR_SCOPE",
        "OPERATOR_VALUE",
        "ORDER_STATE_MACHINE",
        "PAYMENT_PROVIDER",
        "PAYMENT_WINDOW_SECONDS",
        "PAYMENT_WINDOW_STATE_MACHINE",
        "PUBLIC_URL",
        "RETURN_DAYS",
        "RETURN_REVIEW_THRESHOLD",
        "RETURN_STATE_MACHINE",
        "SIMULATED_LATENCY_MILLIS",
        "WAREHOUSE_SECRET",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "states:DescribeExecution",
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
        let decisions = Decisions::simulated(services, environment)?;
        let window = TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?);
        let returns =
            ReturnWorkflow::new(services.step_functions(), environment.require("RETURN_STATE_MACHINE")?);
        let terms = ReturnTerms {
            within: TimeDelta::days(environment.parse::<u32>("RETURN_DAYS")?.into()),
            review_over: crate::money(environment, "RETURN_REVIEW_THRESHOLD", currency)?,
        };
        Ok(Self {
            reconciler: Reconciler::new(
                decisions.orders.clone(),
                decisions.stock.clone(),
                decisions.workflow.clone(),
                returns.clone(),
                PaymentWindows::new(services, environment)?,
                services.clock(),
                window,
            ),
            returns,
            terms,
            register: Register::new(services, environment)?,
            links: Links::new(services, environment)?,
            products: Products::new(services, environment.require("PRODUCTS_TABLE")?),
            low_stock: LowStock::new(services, environment)?,
            movements: Movements::new(
                services.dynamodb(),
                environment.require("MOVEMENTS_TABLE")?,
                decisions.stock.clone(),
            ),
            currency,
            audit_threshold: crate::threshold(environment, currency)?,
            randomness: services.randomness(),
            decisions,
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        Ok(routes::answered(&self.doorkeeper, &event, |request| routes::dispatch_to_admin(self, request))
            .await)
    }
}

/// The `limit` of a list, which is at most `most` and that much unless the request says otherwise.
pub(crate) fn limit(request: &Request, most: usize) -> Result<usize, Problem> {
    let Some(text) = request.query("limit") else { return Ok(most) };
    text.parse().ok().filter(|limit| (1..=most).contains(limit)).ok_or_else(|| {
        let detail = format!("'limit' must be a whole number from 1 to {most}, not '{text}'.");
        Problem::new(Kind::BadRequest, detail)
    })
}

/// The order after which the page of orders begins that a request asks for.
pub(crate) fn order_after(request: &Request) -> Result<Option<OrderId>, Problem> {
    let parse = |next: &str| OrderId::parse(next).map_err(|_| bad_next(next));
    request.query("next").map(parse).transpose()
}

/// The problem of a `next` that no page gave.
pub(crate) fn bad_next(next: &str) -> Problem {
    let detail = format!("'next' must be what the page before gave as 'next', not '{next}'.");
    Problem::new(Kind::BadRequest, detail)
}

/// The parameter of this name in the path.
pub(crate) fn of_path<'a>(request: &'a Request, name: &str) -> &'a str {
    request.parameters.get(name).map_or("", String::as_str)
}

/// The product that the path names by its id or name.
pub(crate) async fn product_of_path(
    admin: &Admin,
    request: &Request,
) -> Result<omniflow_domain::catalogue::Product, Problem> {
    let wanted = of_path(request, "product");
    let found = admin.products.find(&[wanted]).await.map_err(|error| crate::unavailable(&error))?;
    found.get(wanted).cloned().ok_or_else(|| unknown_product(wanted))
}

pub(crate) fn unknown_product(wanted: &str) -> Problem {
    let detail = format!("'{wanted}' is not in the catalogue. GET /api/v1/products lists what is.");
    Problem::new(Kind::ProductNotFound, detail)
}
