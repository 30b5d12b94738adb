//! A function's settings.

use std::collections::BTreeMap;

/// A function's environment variables.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Why a function can't be started with the environment variables it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable of this name is not set.
    #[error("the environment variable {0} is not set")]
    Missing(String),
    /// The variable is set to a text that can't be read as what it has to be.
    #[error("the environment variable {name}={value} is not valid")]
    #[allow(missing_docs, reason = "the names say it")]
    Invalid { name: String, value: String },
}

impl Environment {
    /// The environment of this process.
    pub fn process() -> Self {
        Self(std::env::vars().collect())
    }

    /// An environment of these names and values.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The value of a variable, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that must be set.
    ///
    /// # Errors
    /// [`ConfigError::Missing`].
    pub fn require(&self, name: &str) -> Result<&str, ConfigError> {
        self.get(name).ok_or_else(|| ConfigError::Missing(name.to_owned()))
    }

    /// The value of a variable that must be set, read as another type.
    ///
    /// # Errors
    /// [`ConfigError`], when it isn't set or can't be read.
    pub fn parse<T: std::str::FromStr>(&self, name: &str) -> Result<T, ConfigError> {
        let value = self.require(name)?;
        value.parse().map_err(|_| ConfigError::Invalid { name: name.to_owned(), value: value.to_owned() })
    }
}
