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

/// Where a function gets what it calls. A function asks for what it needs and for nothing else, so that its binary holds
/// no client that it doesn't use.
pub trait Services {
    /// Amazon DynamoDB.
    #[cfg(feature = "dynamodb")]
    fn dynamodb(&self) -> Arc<dyn DynamoDb>;

    /// Amazon EventBridge.
    #[cfg(feature = "eventbridge")]
    fn event_bridge(&self) -> Arc<dyn EventBridge>;

    /// AWS Step Functions, to move executions.
    #[cfg(feature = "sfn")]
    fn step_functions(&self) -> Arc<dyn StepFunctions>;

    /// AWS Step Functions, to look at executions.
    #[cfg(feature = "sfn")]
    fn executions(&self) -> aws_sdk_sfn::Client;

    /// Amazon SES.
    #[cfg(feature = "ses")]
    fn ses(&self) -> aws_sdk_sesv2::Client;

    /// What the functions of this process remember together.
    fn memory(&self) -> Memory;

    /// The time.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Randomness.
    fn randomness(&self) -> Randomness;
}
