//! The payment gateway, as the shop sees one: whatever takes and gives back money.

use std::error::Error;

use futures::future::BoxFuture;

use crate::money::Money;
use crate::order::OrderId;

/// Takes the money of orders and gives it back. The order is the idempotency key of every call: however often
/// a call is repeated, money moves once.
pub trait PaymentGateway: Send + Sync {
    /// Takes the money of an order, by this payment method.
    fn capture<'a>(
        &'a self,
        order: &'a OrderId,
        method: &'a str,
        amount: Money,
    ) -> BoxFuture<'a, Result<(), CaptureError>>;

    /// Gives the money of an order back, and takes none from then on. The answer tells whether any had been
    /// taken.
    fn refund<'a>(
        &'a self,
        order: &'a OrderId,
        method: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, RefundError>>;

    /// Makes sure that the money of an order is not taken from then on, unless it has been taken before: then
    /// nothing changes. The answer says where the money is.
    fn void<'a>(&'a self, order: &'a OrderId) -> BoxFuture<'a, Result<MoneyAt, Silent>>;

    /// Says where the money of an order is. Nothing changes by it.
    fn state<'a>(&'a self, order: &'a OrderId) -> BoxFuture<'a, Result<MoneyAt, Silent>>;
}

/// Where the money of an order is, as the gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyAt {
    /// None was taken.
    Customer,
    /// It was taken.
    Shop,
    /// It was taken and given back.
    Returned,
}

/// The gateway doesn't say where the money is; a repeated call may succeed.
#[derive(Debug, thiserror::Error)]
#[error("the payment gateway can't be reached")]
pub struct Silent(#[source] pub Box<dyn Error + Send + Sync>);

/// Why the money of an order could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bank refused.
    #[error("the bank declined the payment")]
    Declined,
    /// There was no answer in time. Only the gateway knows whether money moved.
    #[error("the payment gateway did not answer in time")]
    Timeout,
    /// The payment was voided before, so it can't be taken any more.
    #[error("the payment was voided")]
    Voided,
    /// The adapter itself failed; a repeated call may succeed.
    #[error("the payment gateway can't be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the money of an order could not be given back.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// The gateway refused.
    #[error("the payment gateway refused the refund")]
    Refused,
    /// There was no answer in time; whether money moved, only the gateway knows.
    #[error("the payment gateway did not answer in time")]
    Timeout,
    /// The adapter itself failed; a repeated call may succeed.
    #[error("the payment gateway can't be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}
