//! The keys of the payment provider and the warehouses' secrets on one machine: environment variables of the process, which the functions
//! get as they get a secret of AWS Secrets Manager elsewhere. The functions' own variables don't hold them, so
//! that nothing that shows those shows the keys.

use futures::future::BoxFuture;
use omniflow_services::{Environment, Secret, Secrets, ServiceError};
use serde_json::json;

/// The variables, each with what it holds.
const API_KEY: &str = "STRIPE_API_KEY";
const PUBLISHABLE_KEY: &str = "STRIPE_PUBLISHABLE_KEY";
const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";

/// The variable with the warehouses' secrets, by which the template's parameter `WarehouseSecret` names them here.
pub(crate) const WAREHOUSE_SECRETS: &str = "OMNIFLOW_WAREHOUSE_SECRETS";

/// A variable that Stripe's keys need and that is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "PaymentProvider=stripe takes the keys of a Stripe account: set {API_KEY} (sk_…), {PUBLISHABLE_KEY} (pk_…) and \
     {WEBHOOK_SECRET} (whsec_…, or two with a comma between while one takes the place of the other); {0} is not set"
)]
pub struct NoKey(&'static str);

/// The keys in the environment.
pub(crate) struct KeysOfEnvironment(Result<Secret, NoKey>);

impl KeysOfEnvironment {
    pub(crate) fn of_process() -> Self {
        Self(read(&Environment::process()))
    }

    /// Checks that there are keys, for a system that needs them.
    pub(crate) fn check(&self) -> Result<(), NoKey> {
        self.0.as_ref().map(drop).map_err(Clone::clone)
    }
}

fn read(environment: &Environment) -> Result<Secret, NoKey> {
    let value = |name: &'static str| {
        environment.get(name).map(str::trim).filter(|value| !value.is_empty()).ok_or(NoKey(name))
    };
    let webhook_secrets: Vec<_> = value(WEBHOOK_SECRET)?.split(',').map(str::trim).collect();
    let keys = json!({
        "api_key": value(API_KEY)?,
        "publishable_key": value(PUBLISHABLE_KEY)?,
        "webhook_secrets": webhook_secrets,
    });
    Ok(Secret::new(keys.to_string()))
}

impl Secrets for KeysOfEnvironment {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            match id {
                WAREHOUSE_SECRETS => std::env::var(id).map(Secret::new).map_err(|_| {
                    let says = format!("the environment variable {id} is not set, or is no text");
                    ServiceError::new("ResourceNotFoundException", says)
                }),
                _ => self.0.clone().map_err(ServiceError::unsendable),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Secret, NoKey> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        read(&Environment::from_pairs(pairs))
    }

    #[test]
    fn what_is_missing_is_said_and_no_key_is() {
        let keys =
            [(API_KEY, "sk_test_1"), (PUBLISHABLE_KEY, "pk_test_1"), (WEBHOOK_SECRET, "whsec_1, whsec_2")];
        let secret = of(&keys).unwrap();
        assert!(secret.reveal().contains(r#""webhook_secrets":["whsec_1","whsec_2"]"#));
        assert!(!format!("{secret:?}").contains("sk_test"));
        for missing in 0..keys.len() {
            let mut others = keys.to_vec();
            let (name, _) = others.remove(missing);
            let error = of(&others).unwrap_err();
            assert_eq!(error, NoKey(name));
            assert!(!error.to_string().contains("_test_1"), "{error}");
        }
    }
}
