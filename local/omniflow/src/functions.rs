//! The handlers of the template's functions, found by the name of the binary that holds each on Lambda.

use std::sync::Arc;

use ambient::{Clock, Randomness, Surroundings};
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use omniflow_http_client::{Client, Http};
use omniflow_services::cloudwatch::{CloudWatch, MetricPage, MetricQuestion};
use omniflow_services::metrics::{CloudWatchMetrics, Metrics};
use omniflow_services::{
    ConfigError, DynamoDb, Environment, EventBridge, Function, Handler, Https, Memory, Secrets, ServiceError,
    ServiceFuture, Services, StepFunctions, Web, handler,
};
use omniflow_tables::InProcess;

use crate::StartError;
use crate::keys::KeysOfEnvironment;
use crate::lambda::Hosted;
use template::{Place, System};

/// The clients that handlers get.
#[allow(missing_docs, reason = "the names say it")]
pub struct Clients {
    pub dynamodb: Arc<dyn DynamoDb>,
    /// Step Functions, to start and stop executions and to answer task tokens.
    pub states: Arc<dyn StepFunctions>,
    /// Step Functions, to read executions.
    pub executions: aws_sdk_sfn::Client,
    pub events: Arc<dyn EventBridge>,
    pub email: aws_sdk_sesv2::Client,
    /// CloudWatch, where it has the metrics.
    pub cloudwatch: Arc<dyn CloudWatch>,
    /// The metrics, where this process itself has counted them.
    pub counted: Option<Arc<dyn Metrics>>,
    /// HTTPS to the payment provider.
    pub web: Arc<dyn Web>,
    /// Requests to warehouses' servers.
    pub http: Arc<dyn Http>,
    /// The provider's keys, and the warehouses' secrets.
    pub secrets: Arc<dyn Secrets>,
    /// The memory that the functions of this process share: where on Lambda each keeps its own, here all
    /// have one.
    pub memory: Memory,
    pub surroundings: Surroundings,
}

/// Builds a client of the SDK. Timeouts and stalled-stream protection guard against a network; these requests
/// never leave the process, so both are off.
macro_rules! client {
    ($service:ident, $http:expr, $place:expr, $retries:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .region(Region::new($place.region.clone()))
                .endpoint_url("http://localhost")
                .http_client($http.clone())
                .allow_no_auth()
                .retry_config($retries.clone())
                .timeout_config(TimeoutConfig::disabled())
                .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
                .build(),
        )
    };
}

impl Clients {
    /// The clients of the AWS SDK, whose requests `http` answers. They don't sign their requests, and don't
    /// send them again: in one process no answer is lost.
    pub fn by_sdk(http: &InProcess, place: &Place, surroundings: Surroundings) -> Self {
        Self::of_sdk(http, place, surroundings, &RetryConfig::disabled())
    }

    /// As [`Clients::by_sdk`], but they send requests again as those of a function on Lambda do.
    pub fn by_retrying_sdk(http: &InProcess, place: &Place, surroundings: Surroundings) -> Self {
        Self::of_sdk(http, place, surroundings, &RetryConfig::standard())
    }

    fn of_sdk(http: &InProcess, place: &Place, surroundings: Surroundings, retries: &RetryConfig) -> Self {
        let states = client!(aws_sdk_sfn, http, place, retries);
        Self {
            dynamodb: Arc::new(client!(aws_sdk_dynamodb, http, place, retries)),
            states: Arc::new(states.clone()),
            executions: states,
            events: Arc::new(client!(aws_sdk_eventbridge, http, place, retries)),
            email: client!(aws_sdk_sesv2, http, place, retries),
            cloudwatch: Arc::new(NoCloudWatch),
            counted: None,
            web: Arc::new(Https::default()),
            http: Arc::new(Client::default()),
            secrets: Arc::new(KeysOfEnvironment::of_process()),
            memory: Memory::default(),
            surroundings,
        }
    }
}

/// Stands where there is no CloudWatch, since this process itself has counted.
struct NoCloudWatch;

impl CloudWatch for NoCloudWatch {
    fn get_metric_data<'a>(&'a self, _: &'a MetricQuestion) -> ServiceFuture<'a, MetricPage> {
        Box::pin(async { Err(ServiceError::unsendable("there is no CloudWatch here")) })
    }
}

impl Services for Clients {
    fn dynamodb(&self) -> Arc<dyn DynamoDb> {
        Arc::clone(&self.dynamodb)
    }

    fn event_bridge(&self) -> Arc<dyn EventBridge> {
        Arc::clone(&self.events)
    }

    fn step_functions(&self) -> Arc<dyn StepFunctions> {
        Arc::clone(&self.states)
    }

    fn executions(&self) -> aws_sdk_sfn::Client {
        self.executions.clone()
    }

    fn ses(&self) -> aws_sdk_sesv2::Client {
        self.email.clone()
    }

    fn metrics(&self, environment: &Environment) -> Result<Arc<dyn Metrics>, ConfigError> {
        match &self.counted {
            Some(counted) => Ok(Arc::clone(counted)),
            None => {
                let cloudwatch = Arc::clone(&self.cloudwatch);
                Ok(Arc::new(CloudWatchMetrics::new(cloudwatch, environment, self.clock())?))
            }
        }
    }

    fn web(&self) -> Arc<dyn Web> {
        Arc::clone(&self.web)
    }

    fn http(&self) -> Arc<dyn Http> {
        Arc::clone(&self.http)
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::clone(&self.secrets)
    }

    fn memory(&self) -> Memory {
        self.memory.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.surroundings.clock)
    }

    fn randomness(&self) -> Randomness {
        self.surroundings.randomness.clone()
    }
}

/// Finds the handler of every function of the template.
pub(crate) fn host(system: &System, clients: &Clients) -> Result<Vec<Hosted>, StartError> {
    if system.parameters.get("PaymentProvider").is_some_and(|provider| provider == "stripe") {
        KeysOfEnvironment::of_process().check()?;
    }
    let hosted = system.functions.values().map(|function| {
        let refused = |problem: String| StartError::Function { function: function.name.clone(), problem };
        let environment = Environment::from_pairs(function.environment.clone());
        let handler = handler_of(&function.binary, clients, &environment)
            .ok_or_else(|| refused(format!("there is no handler for the binary '{}'", function.binary)))?;
        let handler = handler.map_err(|error| refused(error.to_string()))?;
        Ok(Hosted { function: function.clone(), handler })
    });
    hosted.collect()
}

/// Makes the handler of a function from the clients and its environment variables.
type Make = fn(&Clients, &Environment) -> Result<Box<dyn Handler>, ConfigError>;

/// A function that can be hosted, and what it declares of itself.
pub struct Declared {
    /// The name of its binary on Lambda.
    pub name: &'static str,
    /// The environment variables that it can't start without.
    pub variables: &'static [&'static str],
    /// The IAM actions that its role must allow.
    pub actions: &'static [&'static str],
    make: Make,
}

const fn declared<F: Function>() -> Declared {
    Declared { name: F::NAME, variables: F::VARIABLES, actions: F::ACTIONS, make: handler::<F> }
}

/// All functions that this program holds.
pub const ALL: &[Declared] = &[
    declared::<omniflow_api::Admin>(),
    declared::<omniflow_api::Api>(),
    declared::<omniflow_returns::AwaitReturnReview>(),
    declared::<omniflow_returns::AwaitReturnedGoods>(),
    declared::<omniflow_shipping::CancelShipments>(),
    declared::<omniflow_payment::CapturePayment>(),
    declared::<omniflow_order::CloseOrder>(),
    declared::<omniflow_payment::ClosePaymentWindow>(),
    declared::<omniflow_returns::CloseReturn>(),
    declared::<omniflow_order::CompleteOrder>(),
    declared::<omniflow_order::MarkNeedsAttention>(),
    declared::<omniflow_notify::NotifyCustomer>(),
    declared::<omniflow_payment::OpenPaymentWindow>(),
    declared::<omniflow_api::PaymentApi>(),
    declared::<omniflow_payment::ReceivePaymentEvent>(),
    declared::<omniflow_api::ReadMetrics>(),
    declared::<omniflow_order::ReconcileOrders>(),
    declared::<omniflow_payment::RefundPayment>(),
    declared::<omniflow_payment::RefundReturn>(),
    declared::<omniflow_stock::ReleaseStock>(),
    declared::<omniflow_audit::RequestAudit>(),
    declared::<omniflow_stock::ReserveStock>(),
    declared::<omniflow_stock::SeedStock>(),
    declared::<omniflow_shipping::ShipWarehouse>(),
    declared::<omniflow_order::SweepOrders>(),
    declared::<omniflow_api::WarehouseApi>(),
];

/// The handler of the function whose binary has this name; `None` when there is no such function.
pub fn handler_of(
    binary: &str,
    clients: &Clients,
    environment: &Environment,
) -> Option<Result<Box<dyn Handler>, ConfigError>> {
    let function = ALL.iter().find(|function| function.name == binary)?;
    Some((function.make)(clients, environment))
}
