//! The payment: its window, the capture, and the refund.

mod capture;
mod refund;
mod window;

pub use capture::CapturePayment;
pub use refund::RefundPayment;
pub use window::{ClosePaymentWindow, OpenPaymentWindow};

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::PaymentGateway;
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_simulated::{Ledger, SimulatedGateway};

fn gateway(
    services: &impl Services,
    environment: &Environment,
) -> Result<Arc<dyn PaymentGateway>, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    let ledger = Ledger::new(services, environment.require("LEDGER_TABLE")?, latency);
    Ok(Arc::new(SimulatedGateway::new(ledger)))
}
