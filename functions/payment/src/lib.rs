//! The payment: its window, the capture, and the refund.

mod capture;
mod refund;
mod window;

pub use capture::{GATEWAY_TIMEOUT, PAYMENT_DECLINED, capture_payment};
pub use refund::{REFUND_FAILED, refund_payment};
pub use window::{PAYMENT_WINDOW_NOT_STARTED, close_payment_window, open_payment_window};

use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::services::DynamoDb;
use omniflow_domain::simulated::{Gateway, Ledger};
use omniflow_domain::{ConfigError, Environment};

fn gateway(dynamodb: &Arc<dyn DynamoDb>, environment: &Environment) -> Result<Gateway, ConfigError> {
    let latency = Duration::from_millis(environment.parse("SIMULATED_LATENCY_MILLIS")?);
    Ok(Gateway::new(Ledger::new(dynamodb.clone(), environment.require("LEDGER_TABLE")?, latency)))
}
