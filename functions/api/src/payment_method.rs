//! The payment methods that a customer may name.

use std::str::FromStr;

use omniflow_simulated::METHODS;
use serde::Serialize;

use crate::problem::{Kind, Problem};

/// The longest id of a payment method that is taken, in bytes. Those of Stripe have about 30.
const LONGEST: usize = 255;

/// Who holds and takes the customers' money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Provider {
    /// The simulated gateway, whose methods say how they behave.
    Simulated,
    /// Stripe.
    Stripe,
}

/// A name that is none of a payment provider.
#[derive(Debug)]
pub(crate) struct UnknownProvider;

impl FromStr for Provider {
    type Err = UnknownProvider;

    fn from_str(name: &str) -> Result<Self, UnknownProvider> {
        match name {
            "simulated" => Ok(Self::Simulated),
            "stripe" => Ok(Self::Stripe),
            _ => Err(UnknownProvider),
        }
    }
}

impl Provider {
    /// The payment method when the request names none; `None` where the customer has to choose one.
    pub(crate) const fn default_method(self) -> Option<&'static str> {
        match self {
            Self::Simulated => Some("pm_card"),
            Self::Stripe => None,
        }
    }

    /// Checks a payment method against those that the provider knows, as far as it can be told without asking.
    pub(crate) fn check_method(self, method: &str) -> Result<String, Problem> {
        let detail = match self {
            Self::Simulated if METHODS.contains(&method) => return Ok(method.to_owned()),
            Self::Simulated => {
                format!("'{method}' is not a payment method; there are: {}.", METHODS.join(", "))
            }
            Self::Stripe if is_of_stripe(method) => return Ok(method.to_owned()),
            Self::Stripe => {
                "'method' must be the id of a payment method of Stripe, such as pm_1NxYqT2eZvKYlo2C."
                    .to_owned()
            }
        };
        Err(Problem::new(Kind::BadRequest, detail))
    }
}

fn is_of_stripe(method: &str) -> bool {
    let id = method.strip_prefix("pm_").unwrap_or_default();
    let is_id = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    !id.is_empty() && is_id && method.len() <= LONGEST
}
