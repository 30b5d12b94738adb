//! The errors with which the functions that state machines invoke can fail.
//!
//! For each of them the state machines must say whether a retry helps. [`Shop::invoke`](crate::Shop::invoke)
//! and [`Walk`](crate::Walk) check in every test that no function fails with another error or answers its
//! task token with one.

use std::collections::BTreeSet;

use omniflow_domain::ErrorName;
use omniflow_domain::ErrorName::{
    AllShipped, AuditRejected, AuditRequired, BadEvent, GatewayTimeout, OrderCancelled, OrderTooLarge,
    OrderUnreadable, OutOfStock, PaymentDeclined, PaymentTimeout, PaymentWindowNotStarted, RefundFailed,
    ReturnRejected, ShipmentFailed, ShipmentNotCancellable, ShipmentRejected, StoreUnavailable,
    TransactionConflict, WarehouseUnavailable, WrongState,
};

/// The errors of all these functions, because each reads an event and reads and writes an order.
const OF_ALL: [ErrorName; 5] = [BadEvent, OrderUnreadable, StoreUnavailable, TransactionConflict, WrongState];

/// The further errors of each function, by its binary. For a function that keeps a task token, they include
/// the errors with which the token is answered.
const OWN: [(&str, &[ErrorName]); 15] = [
    ("reserve-stock", &[OrderCancelled, OrderTooLarge, OutOfStock]),
    ("open-payment-window", &[AuditRequired, OrderCancelled, PaymentTimeout, PaymentWindowNotStarted]),
    ("request-audit", &[AuditRejected, OrderCancelled]),
    ("capture-payment", &[GatewayTimeout, OrderCancelled, PaymentDeclined]),
    ("ship-warehouse", &[AllShipped, OrderCancelled, ShipmentFailed, ShipmentRejected, WarehouseUnavailable]),
    ("complete-order", &[OrderCancelled]),
    ("cancel-shipments", &[ShipmentNotCancellable, WarehouseUnavailable]),
    ("refund-payment", &[GatewayTimeout, RefundFailed]),
    ("release-stock", &[]),
    ("close-order", &[]),
    ("close-payment-window", &[GatewayTimeout]),
    ("await-return-review", &[ReturnRejected]),
    ("await-returned-goods", &[ReturnRejected]),
    ("refund-return", &[GatewayTimeout, RefundFailed]),
    ("close-return", &[]),
];

/// The binaries of the functions that state machines invoke.
pub fn invoked_by_state_machines() -> BTreeSet<&'static str> {
    OWN.iter().map(|(binary, _)| *binary).collect()
}

/// The errors with which the function with this binary can fail, and with which its task token can be
/// answered if it keeps one. `None` for a function that no state machine invokes.
pub fn failures(binary: &str) -> Option<BTreeSet<ErrorName>> {
    let (_, own) = OWN.iter().find(|(listed, _)| *listed == binary)?;
    Some(OF_ALL.iter().chain(*own).copied().collect())
}

/// Panics when the error is not among the function's [`failures`].
pub(crate) fn check(binary: &str, error: &str) {
    let Some(known) = failures(binary) else { return };
    assert!(
        known.iter().any(|name| name.as_str() == error),
        "{binary} fails with {error}: list it in failures.rs, so that the state machines say whether a retry helps"
    );
}
