//! Orders that the tests of the decisions begin with.

use chrono::{DateTime, Duration, Utc};

use crate::currency::Currency;
use crate::language::Language;
use crate::money::Money;
use crate::order::{NewOrder, Order, OrderId, Token};

/// The moment at which all these orders were made.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(super) fn token(token: &str, attempt: u64) -> Token {
    Token { token: token.to_owned(), redrive: 0, attempt }
}

/// A new order for nothing, with this payment method.
pub(super) fn received(method: Option<&str>, needs_audit: bool) -> Order {
    let new = NewOrder {
        customer_id: None,
        email: None,
        language: Language::default(),
        address: None,
        items: Vec::new(),
        amount: Money::zero(Currency::USD),
        method: method.map(str::to_owned),
        needs_audit,
    };
    Order::receive(OrderId::new(now(), 7), new, now())
}

/// The same with its stock set aside.
pub(super) fn reserved(method: Option<&str>, needs_audit: bool) -> Order {
    let mut order = received(method, needs_audit);
    order.reserve(Vec::new(), now()).unwrap();
    order
}

/// An order that may be paid for 30 seconds, and whose task waits with the token `t1`.
pub(super) fn awaiting_payment() -> Order {
    let mut order = reserved(None, false);
    order.open_window(token("t1", 0), now() + Duration::seconds(30), now()).unwrap();
    order
}
