//! The names of the errors that end a step of the workflow, as `Retry` and `Catch` of the state machines
//! spell them.

use std::fmt;

use crate::status::Reason;

macro_rules! error_names {
    ($($(#[$doc:meta])* $name:ident => $reason:expr,)+) => {
        /// An error that a function raises, or that a task token is answered with. Its name in a state
        /// machine is the variant's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorName {
            $($(#[$doc])* $name,)+
        }

        impl ErrorName {
            /// All names, in the order of the alphabet.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name as a state machine spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// The reason that an order gets which is undone because of this error, unless it has one
            /// already. `None` for failures that say nothing about the order: of the store, of the network,
            /// of the code.
            pub const fn reason(self) -> Option<Reason> {
                match self {
                    $(Self::$name => $reason,)+
                }
            }
        }
    };
}

error_names! {
    /// All goods are on their way, and the order is still to be completed: no failure, but the way there.
    AllShipped => None,
    /// The reviewer rejected the order.
    AuditRejected => Some(Reason::AuditRejected),
    /// A person must approve the order before it can be paid.
    AuditRequired => None,
    /// The event is not what the function takes.
    BadEvent => None,
    /// The payment gateway did not answer in time; a retry may succeed.
    GatewayTimeout => Some(Reason::PaymentFailed),
    /// A message to a customer could not be handed over; a retry may succeed.
    NotificationFailed => None,
    /// The order was cancelled: whoever works on it stops, and it is undone.
    OrderCancelled => Some(Reason::Customer),
    /// The order takes more places of stock than one transaction can hold.
    OrderTooLarge => None,
    /// The order's item is damaged, or a later release wrote it.
    OrderUnreadable => None,
    /// There is less in stock than the order wants.
    OutOfStock => Some(Reason::OutOfStock),
    /// The bank declined the payment.
    PaymentDeclined => Some(Reason::PaymentFailed),
    /// Nobody paid in time.
    PaymentTimeout => Some(Reason::PaymentTimeout),
    /// The payment-window machine could not be started, or not be passed by; a retry may succeed.
    PaymentWindowNotStarted => None,
    /// The payment gateway refused to give the money back.
    RefundFailed => None,
    /// The return was rejected: its workflow has nothing more to wait for.
    ReturnRejected => None,
    /// No warehouse will ever ship this.
    ShipmentFailed => Some(Reason::ShipmentFailed),
    /// A shipment is gone and can't be called back.
    ShipmentNotCancellable => None,
    /// A warehouse does not ship what it was asked to; a retry gives it to another one, or finds that none has it.
    ShipmentRejected => Some(Reason::ShipmentFailed),
    /// DynamoDB failed; a retry may succeed.
    StoreUnavailable => None,
    /// Others wrote at the same moment, again and again; a retry may succeed.
    TransactionConflict => None,
    /// A warehouse does not answer; a retry may succeed.
    WarehouseUnavailable => Some(Reason::ShipmentFailed),
    /// The order is not where this step belongs: a mistake of whoever wrote the state machine.
    WrongState => None,
}

impl ErrorName {
    /// The error of this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|error| error.as_str() == name)
    }

    /// Whether the same step may succeed when it is tried again with the same event. Of the other errors the
    /// state machines say that they are never retried: the decision stands, or the program is wrong.
    pub const fn is_worth_a_retry(self) -> bool {
        match self {
            Self::GatewayTimeout
            | Self::NotificationFailed
            | Self::PaymentWindowNotStarted
            | Self::ShipmentRejected
            | Self::StoreUnavailable
            | Self::TransactionConflict
            | Self::WarehouseUnavailable => true,
            Self::AllShipped
            | Self::AuditRejected
            | Self::AuditRequired
            | Self::BadEvent
            | Self::OrderCancelled
            | Self::OrderTooLarge
            | Self::OrderUnreadable
            | Self::OutOfStock
            | Self::PaymentDeclined
            | Self::PaymentTimeout
            | Self::RefundFailed
            | Self::ReturnRejected
            | Self::ShipmentFailed
            | Self::ShipmentNotCancellable
            | Self::WrongState => false,
        }
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<ErrorName> for String {
    fn from(name: ErrorName) -> Self {
        name.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_name() {
        assert!(ErrorName::ALL.is_sorted_by_key(|name| name.as_str()));
        for name in ErrorName::ALL {
            assert_eq!(ErrorName::parse(name.as_str()), Some(*name));
        }
        assert_eq!(ErrorName::parse("States.Timeout"), None);
    }
}
