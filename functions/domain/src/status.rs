//! The statuses of an order, and which change is allowed: one table, in one place.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Accepted; its workflow begins.
    Received,
    /// Its stock is set aside.
    Reserved,
    /// A person must approve it first.
    AwaitingAudit,
    /// The customer must pay before a deadline.
    AwaitingPayment,
    /// The customer paid; the money is not captured yet.
    PaymentReceived,
    /// The money is captured.
    Paid,
    /// Its shipments are on their way out of the warehouses.
    Shipping,
    /// All is shipped.
    Completed,
    /// What was done is being undone.
    Compensating,
    /// Undone; the reason says why.
    Cancelled,
    /// There was not enough stock.
    Rejected,
    /// A compensation failed for good; a person must look.
    NeedsAttention,
}

/// Why an order was not fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Nobody paid before the deadline.
    PaymentTimeout,
    /// The reviewer said no.
    AuditRejected,
    /// The customer cancelled.
    Customer,
    /// The money could not be captured.
    PaymentFailed,
    /// A warehouse could not ship.
    ShipmentFailed,
    /// There was not enough stock.
    OutOfStock,
    /// Something that is nobody's decision went wrong for good.
    InternalError,
}

/// A change that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} can't become {to}")]
pub struct IllegalTransition {
    /// What it is.
    pub from: Status,
    /// What it was to become.
    pub to: Status,
}

impl Status {
    /// All of them, in the order of the happy path first.
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

    /// The statuses that may follow this one. THE table.
    pub const fn next(self) -> &'static [Self] {
        use Status::{
            AwaitingAudit, AwaitingPayment, Cancelled, Compensating, Completed, NeedsAttention, Paid,
            PaymentReceived, Received, Rejected, Reserved, Shipping,
        };
        match self {
            Received => &[Reserved, Compensating],
            Reserved => &[AwaitingAudit, AwaitingPayment, PaymentReceived, Compensating],
            AwaitingAudit => &[AwaitingPayment, PaymentReceived, Compensating],
            AwaitingPayment => &[PaymentReceived, Compensating],
            PaymentReceived => &[Paid, Compensating],
            Paid => &[Shipping, Compensating],
            Shipping => &[Completed, Compensating],
            Compensating => &[Cancelled, Rejected, NeedsAttention],
            Completed | Cancelled | Rejected | NeedsAttention => &[],
        }
    }

    /// Checks a change against the table.
    ///
    /// # Errors
    /// [`IllegalTransition`], which names both.
    pub fn check(self, to: Self) -> Result<(), IllegalTransition> {
        if self.next().contains(&to) { Ok(()) } else { Err(IllegalTransition { from: self, to }) }
    }

    /// Whether nothing will change any more.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// Whether a person has to do something before it goes on.
    pub const fn awaits_person(self) -> bool {
        matches!(self, Self::AwaitingAudit | Self::AwaitingPayment)
    }

    /// Whether what was promised can't be fulfilled any more.
    pub const fn is_undone(self) -> bool {
        matches!(self, Self::Compensating | Self::Cancelled | Self::Rejected | Self::NeedsAttention)
    }

    /// The machine name, as in `state` and in the database.
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

    /// Reads a machine name.
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
    /// All of them.
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
