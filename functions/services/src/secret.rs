//! Secrets: texts that are shown to nobody, and where functions get them.

use std::fmt;

use serde::{Deserialize, Deserializer};

use crate::ServiceError;

/// A text that must not appear in logs, errors, histories or stored data. It can't be printed or serialized;
/// whoever sends it to where it belongs asks for it by [`Secret::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes this text for a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Where secrets are kept: AWS Secrets Manager, or the environment of the local runtime.
pub trait Secrets: Send + Sync {
    /// The secret of this id, as it is at this moment.
    fn get<'a>(&'a self, id: &'a str) -> futures::future::BoxFuture<'a, Result<Secret, ServiceError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed_whatever_holds_it() {
        #[derive(Debug, Deserialize)]
        struct Holder {
            key: Secret,
            more: Vec<Secret>,
        }
        let holder: Holder = serde_json::from_str(r#"{"key":"sk_live_1","more":["whsec_1"]}"#).unwrap();
        let printed = format!("{holder:?} {holder:#?}");
        assert!(!printed.contains("sk_live") && !printed.contains("whsec"), "{printed}");
        assert_eq!((holder.key.reveal(), holder.more[0].reveal()), ("sk_live_1", "whsec_1"));
    }
}
