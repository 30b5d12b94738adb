//! The function `payment-api`: the calls of the API that the payment provider must be asked for, where that is
//! not the simulated one. The routes in the template lead here then, and `api` needs neither the provider's
//! keys nor the code that speaks to it.

use std::sync::Arc;

use omniflow_links::Links;
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store::LowStock;
use omniflow_stripe::{Stripe, StripeGateway};
use serde_json::Value;

use crate::payment_method::Provider;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::routes::{ApiCall, admit, answered, elsewhere};
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
        let gateway = Arc::new(StripeGateway::new(Arc::new(Stripe::new(services, environment)?)));
        Ok(Self {
            decisions: Decisions::new(services, environment, gateway, Provider::Stripe)?,
            links: Links::new(services, environment)?,
            low_stock: LowStock::new(services, environment)?,
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        Ok(answered(&self.decisions.doorkeeper, &event, |request| self.dispatch(request)).await)
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
