//! What every function is: an event in, a result or a fault out. Where it runs it doesn't know.

use std::collections::BTreeMap;
use std::future::Future;

use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

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

/// A function.
pub trait Handler: Send + Sync {
    /// Handles one event.
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>>;
}

/// The error type of an event that is not what the function takes.
pub const BAD_EVENT: &str = "BadEvent";

/// Makes a handler of an async function over a typed event.
pub struct Typed<F, E> {
    work: F,
    event: std::marker::PhantomData<fn(E)>,
}

/// See [`Typed`]. The function gets the event and gives what can be written as JSON, or an error that is a [`Fault`].
pub fn typed<F, E, R, T, X>(work: F) -> Typed<F, E>
where
    F: Fn(E) -> R + Send + Sync,
    R: Future<Output = Result<T, X>> + Send,
{
    Typed { work, event: std::marker::PhantomData }
}

impl<F, E, R, T, X> Handler for Typed<F, E>
where
    F: Fn(E) -> R + Send + Sync,
    E: DeserializeOwned + Send,
    R: Future<Output = Result<T, X>> + Send,
    T: Serialize,
    X: Into<Fault>,
{
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>> {
        let bad =
            |error: serde_json::Error| Fault { error_type: BAD_EVENT.to_owned(), message: error.to_string() };
        Box::pin(async move {
            let event = serde_json::from_value(event).map_err(bad)?;
            let output = (self.work)(event).await.map_err(Into::into)?;
            serde_json::to_value(output).map_err(bad)
        })
    }
}

/// A function's environment variables.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// A setting that is missing or can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not set.
    #[error("the environment variable {0} is not set")]
    Missing(String),
    /// Set to what it can't be.
    #[error("the environment variable {name}={value} is not valid")]
    Invalid {
        /// Which one.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Environment {
    /// That of this process.
    pub fn process() -> Self {
        Self(std::env::vars().collect())
    }

    /// One made of these pairs.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The variable, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variable.
    ///
    /// # Errors
    /// When it isn't set.
    pub fn require(&self, name: &str) -> Result<&str, ConfigError> {
        self.get(name).ok_or_else(|| ConfigError::Missing(name.to_owned()))
    }

    /// The variable, read as another type.
    ///
    /// # Errors
    /// When it isn't set or can't be read.
    pub fn parse<T: std::str::FromStr>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self.require(name)?;
        value.parse().map_err(|_| ConfigError::Invalid { name: name.to_owned(), value: value.to_owned() })
    }
}
