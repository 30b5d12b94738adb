//! The function `payment-api`: the calls of the API that the payment provider must be asked for, where that is
//! not the simulated one. The routes in the template lead here then, and `api` needs neither the provider's
//! keys nor the code that speaks to it.

use std::sync::Arc;

use omniflow_links::Links;
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store::workflow::Workflow;
use omniflow_store::{Idempotency, LowStock, Orders, Stock};
use omniflow_stripe::{Stripe, StripeGateway};
use serde_json::Value;

use crate::caller::Doorkeeper;
use crate::keep::Answers;
use crate::payment_method::Provider;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::routes::{ApiCall, admit, elsewhere};
use crate::{Decisions, at_provider, attention, decide};

/// The function `payment-api`.
pub struct PaymentApi {
    decisions: Decisions,
    links: Links,
    low_stock: LowStock,
}

impl Function for PaymentApi {
    const NAME: &'static str = "payment-api";
    const VARIABLES: &'static [&'static str] = &[
        "ORDERS_TABLE",
        "STOCK_TABLE",
        "PRODUCTS_TABLE",
        "IDEMPOTENCY_TABLE",
        "REGISTER_TABLE",
        "LEDGER_TABLE",
        "WAREHOUSES_TABLE",
        "ALLOW_PRIVATE_WAREHOUSES",
        "EVENT_BUS",
        "OPEN_ACCESS",
        "OPERATOR_CLAIM",
        "OPERATOR_SCOPE",
        "OPERATOR_VALUE",
        "ORDER_STATE_MACHINE",
        "PUBLIC_URL",
        "SIMULATED_LATENCY_MILLIS",
        "STRIPE_SECRET",
        "STRIPE_URL",
        "WAREHOUSE_SECRET",
    ];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "secretsmanager:GetSecretValue",
        "states:SendTaskSuccess",
    ];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let dynamodb = services.dynamodb();
        let machine = environment.require("ORDER_STATE_MACHINE")?;
        let stripe = Arc::new(Stripe::new(services, environment)?);
        let orders = Orders::new(services, environment)?.for_people();
        Ok(Self {
            decisions: Decisions {
                stock: Stock::new(dynamodb.clone(), environment.require("STOCK_TABLE")?),
                answers: Answers {
                    idempotency: Idempotency::new(dynamodb, environment.require("IDEMPOTENCY_TABLE")?),
                    orders: orders.clone(),
                    clock: services.clock(),
                },
                orders,
                workflow: Workflow::new(services.step_functions(), machine),
                gateway: Arc::new(StripeGateway::new(stripe)),
                provider: Provider::Stripe,
                doorkeeper: Doorkeeper::new(environment)?,
                clock: services.clock(),
            },
            links: Links::new(services, environment)?,
            low_stock: LowStock::new(services, environment)?,
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        let answered = match Request::read(&event, self.decisions.doorkeeper.recognise(&event)) {
            Ok(request) => self.dispatch(request).await,
            Err(problem) => Err(problem),
        };
        Ok(answered.unwrap_or_else(|problem| Response::problem(&problem)).into_event())
    }
}

impl PaymentApi {
    async fn dispatch(&self, request: Request) -> Result<Response, Problem> {
        let (call, request) = admit(request)?;
        let request = &request;
        match call {
            ApiCall::PayOrder => decide::pay_order(&self.decisions, request).await,
            ApiCall::OpenPayment => at_provider::open_payment(&self.decisions, request).await,
            ApiCall::ResolveOrder => {
                attention::resolve_order(&self.decisions, &self.links, &self.low_stock, request).await
            }
            _ => Err(elsewhere(&request.path, call.function())),
        }
    }
}
