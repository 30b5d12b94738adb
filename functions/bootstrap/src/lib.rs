//! What every Lambda `main` shares: logs, clients, and the loop of the Lambda runtime.
//!
//! On Lambda, credentials, region and (for emulators) endpoints are environment variables. Nothing else is
//! looked for, which keeps the start short and the binary small.

pub mod logs;
mod metrics;
pub mod timeouts;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use omniflow_http_client::SdkHttpClient;
use omniflow_services::invocation::logged;
use omniflow_services::{ConfigError, Environment, Fault, Function, Sdk, Services as _, handler};
use serde_json::Value;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use logs::subscriber;

/// Why a function could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An environment variable is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operating system gave no resources for the async runtime.
    #[error("no runtime: {0}")]
    Threads(#[source] std::io::Error),
    /// The Lambda runtime failed.
    #[error("the Lambda runtime: {0}")]
    Runtime(lambda_runtime::Error),
}

/// Runs one function on Lambda for as long as the process lives. It is the whole of a binary's `main`.
///
/// # Errors
/// [`Error`], which says why the function could not start.
pub fn run<F: Function>() -> Result<(), Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Threads)?;
    runtime.block_on(serve::<F>())
}

async fn serve<F: Function>() -> Result<(), Error> {
    let environment = Environment::process();
    let filter = logs::filter(environment.get("RUST_LOG").unwrap_or_default());
    let services = Sdk::new(sdk_config(&environment)?);
    let stack = environment.get("STACK").unwrap_or("omniflow");
    subscriber(filter, stack, services.clock(), std::io::stdout).init();
    let handler = handler::<F>(&services, &environment)?;
    let (handler, function) = (&*handler, environment.get("AWS_LAMBDA_FUNCTION_NAME").unwrap_or(F::NAME));
    let clock = &services.clock();
    let serve = |event: LambdaEvent<Value>| async move {
        let invocation = logged(handler, function, event.payload);
        let now = clock.now().timestamp_millis();
        timeouts::within(event.context.deadline, now, invocation).await.map_err(diagnostic)
    };
    lambda_runtime::run(service_fn(serve)).await.map_err(Error::Runtime)
}

/// The failure as the Lambda runtime takes it; `error_type` is the name that state machines match.
fn diagnostic(fault: Fault) -> Diagnostic {
    Diagnostic { error_type: fault.error_type, error_message: fault.message }
}

fn sdk_config(environment: &Environment) -> Result<SdkConfig, ConfigError> {
    let credentials = Credentials::new(
        environment.require("AWS_ACCESS_KEY_ID")?,
        environment.require("AWS_SECRET_ACCESS_KEY")?,
        environment.get("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    );
    let http = SdkHttpClient::default();
    // A function has more of a CPU while it starts than later.
    http.read_certificates();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(environment.require("AWS_REGION")?.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(timeouts::retries())
        .timeout_config(timeouts::of_calls())
        .sleep_impl(aws_smithy_async::rt::sleep::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ));
    if let Some(endpoint) = environment.get("AWS_ENDPOINT_URL") {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}
