//! The handlers of the template's functions, by the binary that holds each on Lambda.

use std::sync::Arc;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use omniflow_services::{ConfigError, DynamoDb, Environment, EventBridge, Handler, StepFunctions};
use omniflow_tables::InProcess;

use crate::lambda::Hosted;
use crate::runtime::StartError;
use template::{Place, System};

/// What handlers get.
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: Arc<dyn DynamoDb>,
    /// Step Functions, to move executions.
    pub states: Arc<dyn StepFunctions>,
    /// Step Functions, to look at executions.
    pub executions: aws_sdk_sfn::Client,
    /// EventBridge.
    pub events: Arc<dyn EventBridge>,
    /// Amazon SES.
    pub email: aws_sdk_sesv2::Client,
}

/// What guards a request against the network has nothing to do in a process, and is left out.
macro_rules! client {
    ($service:ident, $http:expr, $place:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new($place.region.clone()))
                .endpoint_url("http://localhost")
                .http_client($http.clone())
                .allow_no_auth()
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::disabled())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        )
    };
}

impl Clients {
    /// The SDK's clients, whose requests `http` answers. They don't sign.
    pub fn by_sdk(http: &InProcess, place: &Place) -> Self {
        let states = client!(aws_sdk_sfn, http, place);
        Self {
            dynamodb: Arc::new(client!(aws_sdk_dynamodb, http, place)),
            states: Arc::new(states.clone()),
            executions: states,
            events: Arc::new(client!(aws_sdk_eventbridge, http, place)),
            email: client!(aws_sdk_sesv2, http, place),
        }
    }
}

/// Finds the handler of every function of the template.
pub(crate) fn host(system: &System, clients: &Clients) -> Result<Vec<Hosted>, StartError> {
    let hosted = system.functions.values().map(|function| {
        let refused = |problem: String| StartError::Function { function: function.name.clone(), problem };
        let environment = Environment::from_pairs(function.environment.clone());
        let handler = handler(&function.binary, clients, &environment)
            .ok_or_else(|| refused(format!("there is no handler for the binary '{}'", function.binary)))?;
        let handler = handler.map_err(|error| refused(error.to_string()))?;
        Ok(Hosted { function: function.clone(), handler })
    });
    hosted.collect()
}

/// The handler that a binary holds; `None` when there is no such binary.
pub fn handler(
    binary: &str,
    Clients { dynamodb, states, executions, events, email }: &Clients,
    environment: &Environment,
) -> Option<Result<Box<dyn Handler>, ConfigError>> {
    Some(match binary {
        "api" => omniflow_api::api(dynamodb, states, executions, environment),
        "cancel-shipments" => omniflow_shipping::cancel_shipments(dynamodb, events, environment),
        "capture-payment" => omniflow_payment::capture_payment(dynamodb, events, states, environment),
        "close-order" => omniflow_order::close_order(dynamodb, events, environment),
        "close-payment-window" => omniflow_payment::close_payment_window(dynamodb, states, environment),
        "complete-order" => omniflow_order::complete_order(dynamodb, events, environment),
        "mark-needs-attention" => omniflow_order::mark_needs_attention(dynamodb, events, environment),
        "notify-customer" => omniflow_notify::notify_customer(email, environment),
        "open-payment-window" => omniflow_payment::open_payment_window(dynamodb, events, states, environment),
        "refund-payment" => omniflow_payment::refund_payment(dynamodb, events, environment),
        "release-stock" => omniflow_stock::release_stock(dynamodb, events, environment),
        "request-audit" => omniflow_audit::request_audit(dynamodb, events, states, environment),
        "reserve-stock" => omniflow_stock::reserve_stock(dynamodb, events, environment),
        "seed-stock" => omniflow_stock::seed_stock(dynamodb, environment),
        "ship-warehouse" => omniflow_shipping::ship_warehouse(dynamodb, environment),
        "sweep-orders" => omniflow_order::sweep_orders(dynamodb, states, environment),
        _ => return None,
    })
}
