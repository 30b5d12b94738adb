//! A function's settings.

use std::collections::BTreeMap;

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
