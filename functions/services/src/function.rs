//! What every function is: an event in, an answer or a fault out. Where it runs it doesn't know.

use std::future::Future;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{ConfigError, Environment, Services};

/// A failure as Lambda reports it: `error_type` is what `Retry` and `Catch` of a state machine match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Lambda's `errorType`, exactly as the state machine's `ErrorEquals` spells it.
    pub error_type: String,
    /// Lambda's `errorMessage`.
    pub message: String,
}

impl Fault {
    /// A failure of this name.
    pub fn new(error_type: impl Into<String>, message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), message: message.into() }
    }
}

/// The error type of an event that is not what the function takes.
pub const BAD_EVENT: &str = "BadEvent";

/// A function of the system: on Lambda a binary of its own, in the local runtime one of the functions that it hosts.
///
/// What it needs is declared with it. `template.yaml` has to give it just that; tests hold the two against each other.
pub trait Function: Send + Sync + Sized + 'static {
    /// The name of its binary, which is how `template.yaml` names it (`Metadata.BuildProperties.Binary`).
    const NAME: &'static str;
    /// The environment variables that it can't start without.
    const VARIABLES: &'static [&'static str];
    /// The actions that its role must allow, as the Service Authorization Reference spells them.
    const ACTIONS: &'static [&'static str];

    /// What it is invoked with.
    type Event: DeserializeOwned + Send;
    /// What it answers.
    type Answer: Serialize;
    /// Why it failed.
    type Error: Into<Fault>;

    /// Makes it of the services that it calls and the variables that it reads.
    ///
    /// # Errors
    /// When a variable is missing or can't be used.
    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError>;

    /// Answers one event.
    fn call(&self, event: Self::Event) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;
}

/// A function whose event and answer are JSON: what hosts run, whichever function it is.
pub trait Handler: Send + Sync {
    /// Handles one event.
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>>;
}

/// The handler that a function is.
///
/// # Errors
/// As [`Function::new`].
pub fn handler<F: Function>(
    services: &impl Services,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    Ok(Box::new(OverJson(F::new(services, environment)?)))
}

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
