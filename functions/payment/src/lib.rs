//! The payment: its window, the capture, and the refund.

mod capture;
mod refund;
mod window;

pub use capture::capture_payment;
pub use refund::refund_payment;
pub use window::{close_payment_window, open_payment_window};

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::PaymentGateway;
use omniflow_services::{ConfigError, DynamoDb, Environment};
use omniflow_simulated::{Ledger, SimulatedGateway};

fn gateway(
    dynamodb: &Arc<dyn DynamoDb>,
    environment: &Environment,
) -> Result<Arc<dyn PaymentGateway>, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    let ledger = Ledger::new(dynamodb.clone(), environment.require("LEDGER_TABLE")?, latency);
    Ok(Arc::new(SimulatedGateway::new(ledger)))
}
