//! The keys of the shop's Stripe account, as they are kept in the secret store.

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_services::Secret;
use serde::Deserialize;

/// The form of the secret, for those who have stored another one.
pub const SECRET_FORM: &str = "JSON with api_key, publishable_key and webhook_secrets (a list)";

/// The time for which the keys are used before they are read again, so that new ones are taken up without a
/// deployment.
const USED_FOR: TimeDelta = TimeDelta::minutes(5);

/// The keys of a Stripe account.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    /// The secret key, `sk_…` or, restricted, `rk_…`.
    pub api_key: Secret,
    /// The key for pages, `pk_…`, which is no secret.
    pub publishable_key: String,
    /// The signing secrets of the endpoint that gets events, `whsec_…`: one, or two while one takes the place
    /// of the other.
    #[serde(default)]
    pub webhook_secrets: Vec<Secret>,
}

/// The stored secret is not in the form that it has to have. What it holds is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of Stripe is not {SECRET_FORM}")]
pub(crate) struct Malformed;

impl Credentials {
    pub(crate) fn read(secret: &Secret) -> Result<Self, Malformed> {
        // The reader's own error would quote what it has read.
        serde_json::from_str(secret.reveal()).map_err(|_| Malformed)
    }
}

/// Keys, and the moment at which they were read.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) credentials: Credentials,
    pub(crate) at: DateTime<Utc>,
}

impl Read {
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.at < USED_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_the_keys_nor_what_is_no_keys_are_printed() {
        let secret = r#"{"api_key":"sk_test_1","publishable_key":"pk_test_1","webhook_secrets":["whsec_1","whsec_2"]}"#;
        let read = Credentials::read(&Secret::new(secret)).unwrap();
        assert_eq!(read.webhook_secrets.len(), 2);
        let printed = format!("{read:?}");
        assert!(!printed.contains("sk_test") && !printed.contains("whsec"), "{printed}");
        for wrong in ["", "sk_test_1", r#"{"api_key":7}"#, r#"{"publishable_key":"pk_1"}"#] {
            let error = Credentials::read(&Secret::new(wrong)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("sk_"), "{error}");
        }
    }
}
