//! What every function is: it gets an event, and gives an answer or a fault. It doesn't know where it runs.

use std::future::Future;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ConfigError, Environment, Services};

/// A failure as Lambda reports it (AWS Lambda Developer Guide, "Lambda function errors").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Lambda's `errorType`, exactly as `ErrorEquals` in `Retry` and `Catch` of a state machine spells it.
    pub error_type: String,
    /// Lambda's `errorMessage`.
    pub message: String,
}

impl Fault {
    /// A failure of this name, with this message.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

/// The name of the error for an event that is not what the function takes.
pub const BAD_EVENT: &str = "BadEvent";

/// A function of the system: on Lambda a binary of its own, in the local runtime one of the functions that it
/// hosts.
///
/// It declares what it needs. `template.yaml` has to give it that and nothing more; tests compare the two.
pub trait Function: Send + Sync + Sized + 'static {
    /// The name of the binary, as `template.yaml` has it in `Metadata.BuildProperties.Binary`.
    const NAME: &'static str;
    /// The names of the environment variables that the function can't start without.
    const VARIABLES: &'static [&'static str];
    /// The actions that the role of the function must allow, as the AWS Service Authorization Reference
    /// spells them.
    const ACTIONS: &'static [&'static str];

    /// The event that invokes the function.
    type Event: DeserializeOwned + Send;
    /// The answer when all goes well.
    type Answer: Serialize;
    /// The reason of a failure.
    type Error: Into<Fault>;

    /// Makes the function of the services that it calls and the variables that it reads.
    ///
    /// # Errors
    /// [`ConfigError`], when a variable is missing or can't be used.
    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError>;

    /// Answers one event.
    fn call(&self, event: Self::Event) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;
}

/// A function whose event and answer are JSON: the form in which hosts run every function.
pub trait Handler: Send + Sync {
    /// Handles one event, and gives the answer or the failure.
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>>;
}

/// Makes a function and the handler around it.
///
/// # Errors
/// As [`Function::new`].
pub fn handler<F: Function>(
    services: &impl Services,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    Ok(Box::new(OverJson(F::new(services, environment)?)))
}

/// The handler around a function: it reads the event from JSON and writes the answer as JSON.
struct OverJson<F>(F);

impl<F: Function> Handler for OverJson<F> {
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>> {
        let bad = |error: serde_json::Error| Fault::new(BAD_EVENT, error.to_string());
        Box::pin(async move {
            let event = serde_json::from_value(event).map_err(bad)?;
            let answer = self.0.call(event).await.map_err(Into::into)?;
            serde_json::to_value(answer).map_err(bad)
        })
    }
}
