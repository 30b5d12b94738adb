//! What every function is, and the AWS services as the functions see them: a trait a service, a method a
//! request.
//!
//! On Lambda the SDK's clients answer. The local runtime answers most requests itself: there is no network in
//! it for whose sake a request would have to be written as JSON, addressed, signed and read again.

#[cfg(feature = "https")]
mod aws_json;
#[cfg(feature = "https")]
pub mod cloudwatch;
mod environment;
mod function;
pub mod invocation;
mod memory;
#[cfg(feature = "https")]
pub mod metrics;
#[cfg(feature = "sdk")]
mod sdk;
mod secret;
mod services;

#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "eventbridge")]
mod eventbridge;
#[cfg(feature = "https")]
mod secrets_manager;
#[cfg(feature = "sfn")]
mod step_functions;
mod web;

#[cfg(feature = "dynamodb")]
pub use dynamodb::DynamoDb;
#[cfg(feature = "eventbridge")]
pub use eventbridge::EventBridge;
#[cfg(feature = "sfn")]
pub use step_functions::StepFunctions;

pub use environment::{ConfigError, Environment};
pub use function::{BAD_EVENT, Fault, Function, Handler, handler};
pub use memory::Memory;
#[cfg(feature = "sdk")]
pub use sdk::Sdk;
pub use secret::{Secret, Secrets};
pub use services::Services;
#[cfg(feature = "https")]
pub use web::Https;
pub use web::{Unanswered, Web, WebAnswer, WebRequest};

#[cfg(feature = "sdk")]
use std::error::Error;
#[cfg(feature = "sdk")]
use std::fmt::Debug;

#[cfg(feature = "sdk")]
use aws_smithy_runtime_api::client::result::SdkError;
#[cfg(feature = "sdk")]
use aws_smithy_types::error::display::DisplayErrorContext;
#[cfg(feature = "sdk")]
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures::future::BoxFuture;

/// The answer to a request to a service, as a future.
pub type ServiceFuture<'a, T> = BoxFuture<'a, Result<T, ServiceError>>;

/// A request that failed: it was refused, or nobody knows whether it was carried out.
#[derive(Debug, Clone, Default, PartialEq, thiserror::Error)]
#[error("{}: {message}", code.as_deref().unwrap_or("no answer"))]
pub struct ServiceError {
    /// The service's name for the error, such as `ConditionalCheckFailedException`; `None` when no service
    /// answered.
    pub code: Option<String>,
    /// The message of the error.
    pub message: String,
    /// Why a write of DynamoDB was not made: for a transaction that was cancelled one reason for each of its
    /// writes, and for a single write whose condition failed that one. Empty for all other errors.
    #[cfg(feature = "dynamodb")]
    pub reasons: Vec<Reason>,
}

/// An item of DynamoDB: values by the names of their attributes.
#[cfg(feature = "dynamodb")]
pub type Item = std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>;

/// Why one write was not made (Amazon DynamoDB API Reference, "CancellationReason").
#[cfg(feature = "dynamodb")]
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reason {
    /// [`Reason::CONDITION`], another code of DynamoDB's, or the text `None` for a write that only shared its
    /// transaction with one that failed.
    pub code: String,
    /// The item as it was found when the condition failed, if the write asked for it
    /// (`ReturnValuesOnConditionCheckFailure`) and there was one.
    pub item: Option<Item>,
}

#[cfg(feature = "dynamodb")]
impl Reason {
    /// The code for a condition that failed.
    pub const CONDITION: &str = "ConditionalCheckFailed";

    /// The item that was in the way of this write, if its condition failed and it asked for the item.
    pub fn found(&self) -> Option<&Item> {
        self.item.as_ref().filter(|_| self.code == Self::CONDITION)
    }
}

impl ServiceError {
    /// The error of a service, with this code and message.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: Some(code.into()), message: message.into(), ..Self::default() }
    }

    /// The error of a request that reached no service.
    pub fn unsendable(problem: impl ToString) -> Self {
        Self { message: problem.to_string(), ..Self::default() }
    }
}

#[cfg(feature = "sdk")]
impl<E: ProvideErrorMetadata + Error + 'static, R: Debug> From<SdkError<E, R>> for ServiceError {
    fn from(error: SdkError<E, R>) -> Self {
        match error.as_service_error() {
            Some(refused) => Self {
                code: refused.code().map(str::to_owned),
                message: refused.message().unwrap_or_default().to_owned(),
                ..Self::default()
            },
            None => Self::unsendable(DisplayErrorContext(&error)),
        }
    }
}
