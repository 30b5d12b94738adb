//! The payment methods that a customer may name.

use omniflow_simulated::METHODS;

use crate::problem::{Kind, Problem};

/// The payment method when the request names none.
pub(crate) const DEFAULT_METHOD: &str = "pm_card";

/// Checks a payment method against those that the gateway knows.
pub(crate) fn check_method(method: &str) -> Result<String, Problem> {
    if METHODS.contains(&method) {
        return Ok(method.to_owned());
    }
    let known = METHODS.join(", ");
    Err(Problem::new(Kind::BadRequest, format!("'{method}' is not a payment method; there are: {known}.")))
}
