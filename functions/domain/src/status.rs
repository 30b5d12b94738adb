//! The statuses of an order, and the one table of transitions between them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// The order is accepted, and its workflow begins.
    Received,
    /// The stock is set aside.
    Reserved,
    /// A person must approve the order before it can be paid.
    AwaitingAudit,
    /// The customer must pay before a deadline.
    AwaitingPayment,
    /// The customer named the payment method; the money is not captured yet.
    PaymentReceived,
    /// The money is captured.
    Paid,
    /// The warehouses ship the goods.
    Shipping,
    /// All goods are on their way, and the order is closed.
    Completed,
    /// What was done for the order is being undone.
    Compensating,
    /// All is undone, and the order is closed; its reason says why.
    Cancelled,
    /// There was not enough stock, and the order is closed.
    Rejected,
    /// The workflow failed for good, and the order is left to a person.
    NeedsAttention,
}

/// Why an order was not fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Nobody paid before the deadline.
    PaymentTimeout,
    /// The reviewer rejected the order.
    AuditRejected,
    /// The customer cancelled.
    Customer,
    /// The money could not be captured.
    PaymentFailed,
    /// A warehouse could not ship.
    ShipmentFailed,
    /// There was not enough stock.
    OutOfStock,
    /// A step failed for good for a technical reason.
    InternalError,
}

/// A change that the table of transitions does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} can't become {to}")]
#[allow(missing_docs, reason = "the names say it")]
pub struct IllegalTransition {
    pub from: Status,
    pub to: Status,
}

impl Status {
    /// All statuses; those of an order that all goes well with come first.
    pub const ALL: [Self; 12] = [
        Self::Received,
        Self::Reserved,
        Self::AwaitingAudit,
        Self::AwaitingPayment,
        Self::PaymentReceived,
        Self::Paid,
        Self::Shipping,
        Self::Completed,
        Self::Compensating,
        Self::Cancelled,
        Self::Rejected,
        Self::NeedsAttention,
    ];

    /// The table of transitions: the statuses that may follow this one.
    pub const fn next(self) -> &'static [Self] {
        use Status::{
            AwaitingAudit, AwaitingPayment, Cancelled, Compensating, Completed, NeedsAttention, Paid,
            PaymentReceived, Received, Rejected, Reserved, Shipping,
        };
        match self {
            Received => &[Reserved, Compensating, NeedsAttention],
            Reserved => &[AwaitingAudit, AwaitingPayment, PaymentReceived, Compensating, NeedsAttention],
            AwaitingAudit => &[AwaitingPayment, PaymentReceived, Compensating, NeedsAttention],
            AwaitingPayment => &[PaymentReceived, Compensating, NeedsAttention],
            PaymentReceived => &[Paid, Compensating, NeedsAttention],
            Paid => &[Shipping, Compensating, NeedsAttention],
            Shipping => &[Completed, Compensating, NeedsAttention],
            Compensating => &[Cancelled, Rejected, NeedsAttention],
            // A retry leads back to the status before, a resolution to the end.
            NeedsAttention => &[
                Received,
                Reserved,
                AwaitingAudit,
                AwaitingPayment,
                PaymentReceived,
                Paid,
                Shipping,
                Compensating,
                Completed,
                Cancelled,
            ],
            Completed | Cancelled | Rejected => &[],
        }
    }

    /// Checks a change against the table.
    ///
    /// # Errors
    /// [`IllegalTransition`], which names both statuses.
    pub fn check(self, to: Self) -> Result<(), IllegalTransition> {
        if self.next().contains(&to) { Ok(()) } else { Err(IllegalTransition { from: self, to }) }
    }

    /// Whether no other status follows.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// Whether the customer or a reviewer has to act before the order goes on.
    pub const fn awaits_person(self) -> bool {
        matches!(self, Self::AwaitingAudit | Self::AwaitingPayment)
    }

    /// Whether the order is being undone, or has been.
    pub const fn is_undone(self) -> bool {
        matches!(self, Self::Compensating | Self::Cancelled | Self::Rejected)
    }

    /// The name that programs use: `state` in the API, and the attribute in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "RECEIVED",
            Self::Reserved => "RESERVED",
            Self::AwaitingAudit => "AWAITING_AUDIT",
            Self::AwaitingPayment => "AWAITING_PAYMENT",
            Self::PaymentReceived => "PAYMENT_RECEIVED",
            Self::Paid => "PAID",
            Self::Shipping => "SHIPPING",
            Self::Completed => "COMPLETED",
            Self::Compensating => "COMPENSATING",
            Self::Cancelled => "CANCELLED",
            Self::Rejected => "REJECTED",
            Self::NeedsAttention => "NEEDS_ATTENTION",
        }
    }

    /// The status of this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 7] = [
        Self::PaymentTimeout,
        Self::AuditRejected,
        Self::Customer,
        Self::PaymentFailed,
        Self::ShipmentFailed,
        Self::OutOfStock,
        Self::InternalError,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_but_the_first_can_be_reached_and_every_path_ends() {
        for status in Status::ALL.into_iter().skip(1) {
            assert!(Status::ALL.iter().any(|from| from.next().contains(&status)), "{status}");
        }
        for status in Status::ALL {
            assert_eq!(serde_json::to_value(status).unwrap(), status.name());
            assert_eq!(Status::parse(status.name()), Some(status));
        }
    }

    #[test]
    fn an_illegal_change_names_both_ends() {
        let error = Status::Completed.check(Status::Compensating).unwrap_err();
        assert_eq!(error.to_string(), "an order that is COMPLETED can't become COMPENSATING");
        assert!(Status::Shipping.check(Status::Compensating).is_ok());
        assert!(Status::Cancelled.check(Status::Paid).is_err());
    }
}
