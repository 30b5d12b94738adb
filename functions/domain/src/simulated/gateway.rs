//! The simulated payment gateway. The order is its idempotency key: money is taken once and given back once.

use super::Ledger;
use crate::money::Money;
use crate::order::OrderId;
use crate::store::Error as StoreError;

/// The payment methods there are.
pub const METHODS: &[&str] = &[
    "pm_card",
    "pm_declined",
    "pm_timeout_twice",
    "pm_timeout_always",
    "pm_refund_fails_twice",
    "pm_refund_fails",
];

/// The money could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// The bank says no.
    #[error("the bank declined the payment")]
    Declined,
    /// No answer in time; whether money moved, only the gateway knows.
    #[error("the payment gateway did not answer in time")]
    Timeout,
    /// The payment was voided, so it can't be taken any more.
    #[error("the payment was voided")]
    Voided,
    /// The gateway's memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The money could not be given back.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// The gateway says no.
    #[error("the payment gateway refused the refund")]
    Refused,
    /// No answer in time.
    #[error("the payment gateway did not answer in time")]
    Timeout,
    /// The gateway's memory failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The payment gateway.
#[derive(Clone)]
pub struct Gateway(Ledger);

impl Gateway {
    /// With this memory.
    pub fn new(ledger: Ledger) -> Self {
        Self(ledger)
    }

    /// Takes the money of an order, once.
    ///
    /// # Errors
    /// See [`PaymentError`].
    pub async fn capture(&self, order: &OrderId, method: &str, amount: Money) -> Result<(), PaymentError> {
        self.0.think().await;
        let entry = entry(order);
        match method {
            "pm_declined" => return Err(PaymentError::Declined),
            "pm_timeout_always" => return Err(PaymentError::Timeout),
            "pm_timeout_twice" if self.0.attempt(&entry, "capture_attempts").await? <= 2 => {
                return Err(PaymentError::Timeout);
            }
            _ => {}
        }
        match self.0.note(&entry, ("captured", &amount.to_string()), Some("voided")).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict) => Err(PaymentError::Voided),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the money of an order back, once, and takes none from then on. Whether any had been taken.
    ///
    /// # Errors
    /// See [`RefundError`].
    pub async fn refund(&self, order: &OrderId, method: Option<&str>) -> Result<bool, RefundError> {
        self.0.think().await;
        let entry = entry(order);
        let known = self.0.note(&entry, ("voided", "true"), None).await?;
        if !known.contains_key("captured") {
            return Ok(false);
        }
        match method {
            Some("pm_refund_fails") => return Err(RefundError::Refused),
            Some("pm_refund_fails_twice") if self.0.attempt(&entry, "refund_attempts").await? <= 2 => {
                return Err(RefundError::Timeout);
            }
            _ => {}
        }
        self.0.note(&entry, ("refunded", "true"), None).await?;
        Ok(true)
    }
}

fn entry(order: &OrderId) -> String {
    format!("payment#{order}")
}
