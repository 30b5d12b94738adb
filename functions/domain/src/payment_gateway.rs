//! The payment gateway, as the shop sees one: whatever holds, takes and gives back money.
//!
//! ```text
//!   open ──► the customer confirms, or authorise ──► capture ──► refund
//!                                              └──► refund: what was held is let go, and none can be taken
//! ```

use std::error::Error;
use std::fmt;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::order::OrderId;

/// What a call to the payment gateway is about: the money of one order.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    /// The order, which is the idempotency key of every call together with the call's purpose.
    pub order: &'a OrderId,
    /// The price of the order.
    pub amount: Money,
    /// The payment method; `None` when the order names none.
    pub method: Option<&'a str>,
    /// The id that the provider gave the payment; `None` until it was opened there, and always for gateways
    /// that give no ids.
    pub payment: Option<&'a str>,
}

/// Holds the money of orders, takes it and gives it back. However often a call is repeated, money moves once.
pub trait PaymentGateway: Send + Sync {
    /// Makes the payment known to the provider, so that the customer can confirm it there. No money moves.
    /// A payment that is open already stays as it is. `None` for a gateway at which there is nothing to open.
    fn open<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<Option<Opened>, OpenError>>;

    /// Has the customer's bank hold the money by the charge's method, and gives the method by which it does.
    /// A charge without a method is held if the customer has confirmed it already.
    fn authorise<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<Option<String>, AuthoriseError>>;

    /// Takes the money of an order, by its payment method.
    fn capture<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<(), CaptureError>>;

    /// Gives the money of an order back, lets go what is held of it, and takes none from then on. The answer
    /// tells whether any had been taken.
    fn refund<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<bool, RefundError>>;

    /// Gives a part of the money back that was taken, and never more than is left of it. The purpose names what it is
    /// given back for and belongs to the idempotency key, so that however often a call is repeated this part is
    /// given back once.
    fn refund_part<'a>(
        &'a self,
        charge: Charge<'a>,
        part: Money,
        purpose: &'a str,
    ) -> BoxFuture<'a, Result<(), RefundError>>;

    /// Makes sure that the money of an order is not taken from then on, unless it has been taken before: then
    /// nothing changes. The answer says where the money is.
    fn void<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>>;

    /// Says where the money of an order is. Nothing changes by it.
    fn report<'a>(&'a self, charge: Charge<'a>) -> BoxFuture<'a, Result<PaymentReport, Silent>>;

    /// The order that a payment of the provider belongs to, and where its money is; `None` for a payment that
    /// belongs to no order.
    fn find<'a>(
        &'a self,
        payment: &'a str,
    ) -> BoxFuture<'a, Result<Option<(OrderId, PaymentReport)>, Silent>>;
}

/// Where the money of an order is, as the gateway knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoneyAt {
    /// None was taken, and none is held.
    Customer,
    /// The customer's bank holds it for the shop, which can take it.
    Held,
    /// It was taken.
    Shop,
    /// It was taken and all of it given back.
    Returned,
}

/// What the gateway says of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentReport {
    /// Where the money is.
    pub money: MoneyAt,
    /// The method that the customer confirmed last.
    pub method: Option<String>,
    /// What was given back so far; `None` when nothing was.
    pub returned: Option<Money>,
    /// Whether the customer or their bank disputes the payment, and how that stands.
    pub dispute: Option<Dispute>,
    /// Why the customer's last attempt failed.
    pub declined: Option<Decline>,
    /// Whether the payment was cancelled, so that it can't be confirmed or taken any more.
    pub cancelled: bool,
}

impl PaymentReport {
    /// The report of a payment of which nothing is known but where the money is.
    pub const fn of(money: MoneyAt) -> Self {
        Self { money, method: None, returned: None, dispute: None, declined: None, cancelled: false }
    }
}

/// How a dispute about a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Dispute {
    /// The bank asks, or has taken the money back until it is decided.
    Open,
    /// The shop keeps the money.
    Won,
    /// The customer keeps the money.
    Lost,
}

/// Why a payment was declined, as far as a customer may know: a bank's suspicion of fraud is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decline {
    /// The bank doesn't say, or says what isn't for the customer.
    Refused,
    /// There is not enough money.
    InsufficientFunds,
    /// The card is too old.
    CardExpired,
    /// A number or code of the card is wrong.
    WrongDetails,
    /// The customer did not prove that the card is theirs.
    NotAuthenticated,
    /// The bank held the money for as long as it does, and it was not taken.
    HoldExpired,
    /// Something was wrong at the bank; the same method may work later.
    TryAgain,
}

impl Decline {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::Refused,
        Self::InsufficientFunds,
        Self::CardExpired,
        Self::WrongDetails,
        Self::NotAuthenticated,
        Self::HoldExpired,
        Self::TryAgain,
    ];
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the bank declined the payment",
            Self::InsufficientFunds => "the bank declined the payment: there is not enough money",
            Self::CardExpired => "the bank declined the payment: the card has expired",
            Self::WrongDetails => "the bank declined the payment: a number of the card is wrong",
            Self::NotAuthenticated => "the bank declined the payment: the customer was not authenticated",
            Self::HoldExpired => "the bank no longer holds the money",
            Self::TryAgain => "the bank declined the payment: something went wrong there",
        })
    }
}

/// The secret with which the customer's page confirms one payment. It must reach nobody but that page.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(String);

impl ClientSecret {
    /// Takes this text for a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the answer to the customer.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// What a customer's page needs to confirm a payment at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The id that the provider gave the payment.
    pub payment: String,
    /// The secret of this payment.
    pub client_secret: ClientSecret,
    /// The provider's key for pages, which is no secret.
    pub publishable_key: String,
    /// The amount in the units that the provider counts in.
    pub units: u64,
}

/// The gateway doesn't say where the money is; a repeated call may succeed.
#[derive(Debug, thiserror::Error)]
#[error("the payment gateway can't be reached")]
pub struct Silent(#[source] pub Box<dyn Error + Send + Sync>);

/// Why a payment could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The provider can't take this amount, for this reason.
    #[error("the payment provider does not take this amount: {0}")]
    Amount(String),
    /// The payment was cancelled at the provider and can't be confirmed any more.
    #[error("the payment was cancelled")]
    Cancelled,
    /// The adapter itself failed; a repeated call may succeed.
    #[error("the payment gateway can't be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the bank does not hold the money of an order.
#[derive(Debug, thiserror::Error)]
pub enum AuthoriseError {
    /// The bank refused. The customer may try again, also by another method.
    #[error("{0}")]
    Declined(Decline),
    /// The customer has to prove something to their bank first, on a page that has this.
    #[error("the customer must authenticate")]
    ActionRequired(Opened),
    /// The customer has not confirmed the payment, and named no method.
    #[error("the payment is not confirmed")]
    Unconfirmed,
    /// The provider doesn't know the method, or doesn't take it.
    #[error("the payment provider does not take this method: {0}")]
    BadMethod(String),
    /// The payment was cancelled, so that it can't be confirmed any more.
    #[error("the payment was cancelled")]
    Cancelled,
    /// There was no answer in time, or the bank is still at it. Only the gateway knows whether money is held.
    #[error("the payment gateway did not answer in time")]
    Timeout,
    /// The adapter itself failed; a repeated call may succeed.
    #[error("the payment gateway can't be reached")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the money of an order could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The bank refused.
    #[error("{0}")]
    Declined(Decline),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_secret_is_not_printed() {
        let opened = Opened {
            payment: "pi_1".to_owned(),
            client_secret: ClientSecret::new("pi_1_secret_x"),
            publishable_key: "pk_1".to_owned(),
            units: 1,
        };
        let printed = format!("{opened:?} {:?}", AuthoriseError::ActionRequired(opened.clone()));
        assert!(!printed.contains("secret_x"), "{printed}");
        assert_eq!(opened.client_secret.reveal(), "pi_1_secret_x");
    }
}
