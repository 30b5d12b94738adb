//! Which payment gateway it is: the one place that knows them all.

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::PaymentGateway;
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_simulated::{Ledger, SimulatedGateway};
use omniflow_stripe::{Stripe, StripeGateway};

/// The gateway that `PAYMENT_PROVIDER` names.
pub(crate) fn gateway(
    services: &impl Services,
    environment: &Environment,
) -> Result<Arc<dyn PaymentGateway>, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    let ledger = environment.require("LEDGER_TABLE")?;
    Ok(match stripe(services, environment)? {
        Some(stripe) => Arc::new(StripeGateway::new(stripe)),
        None => Arc::new(SimulatedGateway::new(Ledger::new(services, ledger, latency))),
    })
}

/// Stripe, if `PAYMENT_PROVIDER` names it: the only gateway at which customers pay without this system's
/// doing.
pub(crate) fn stripe(
    services: &impl Services,
    environment: &Environment,
) -> Result<Option<Arc<Stripe>>, ConfigError> {
    let stripe = Stripe::new(services, environment)?;
    match environment.require("PAYMENT_PROVIDER")? {
        "stripe" => Ok(Some(Arc::new(stripe))),
        "simulated" => Ok(None),
        other => Err(ConfigError::Invalid { name: "PAYMENT_PROVIDER".to_owned(), value: other.to_owned() }),
    }
}
