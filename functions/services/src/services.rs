//! The services that a function is made of.

use std::sync::Arc;

use ambient::{Clock, Randomness};

#[cfg(feature = "dynamodb")]
use crate::DynamoDb;
#[cfg(feature = "eventbridge")]
use crate::EventBridge;
use crate::Memory;
#[cfg(feature = "sfn")]
use crate::StepFunctions;
#[cfg(feature = "https")]
use crate::metrics::Metrics;
#[cfg(feature = "https")]
use crate::{ConfigError, Environment, Secrets, Web};

/// Where a function gets what it calls. A function asks for what it needs and for nothing else, so that its
/// binary holds no client that it doesn't use.
pub trait Services {
    /// The client of Amazon DynamoDB.
    #[cfg(feature = "dynamodb")]
    fn dynamodb(&self) -> Arc<dyn DynamoDb>;

    /// The client of Amazon EventBridge.
    #[cfg(feature = "eventbridge")]
    fn event_bridge(&self) -> Arc<dyn EventBridge>;

    /// The client of AWS Step Functions that starts and stops executions and answers their tasks.
    #[cfg(feature = "sfn")]
    fn step_functions(&self) -> Arc<dyn StepFunctions>;

    /// The client of AWS Step Functions that reads executions and their histories.
    #[cfg(feature = "sfn")]
    fn executions(&self) -> aws_sdk_sfn::Client;

    /// The client of Amazon SES, which sends e-mail.
    #[cfg(feature = "ses")]
    fn ses(&self) -> aws_sdk_sesv2::Client;

    /// HTTPS to others than AWS.
    #[cfg(feature = "https")]
    fn web(&self) -> Arc<dyn Web>;

    /// What was counted of this system, which has its names in these variables.
    ///
    /// # Errors
    /// [`ConfigError`], when a variable is missing.
    #[cfg(feature = "https")]
    fn metrics(&self, environment: &Environment) -> Result<Arc<dyn Metrics>, ConfigError>;

    /// The secrets that such calls take.
    #[cfg(feature = "https")]
    fn secrets(&self) -> Arc<dyn Secrets>;

    /// Requests to other people's servers, whose addresses somebody has set.
    #[cfg(feature = "http-client")]
    fn http(&self) -> Arc<dyn omniflow_http_client::Http>;

    /// The memory that the functions of this process share.
    fn memory(&self) -> Memory;

    /// The clock that tells the function the time.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The source of the function's random numbers.
    fn randomness(&self) -> Randomness;
}
