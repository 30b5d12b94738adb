//! Orders that the tests of the decisions begin with.

use chrono::{DateTime, Duration, Utc};

use crate::currency::Currency;
use crate::language::Language;
use crate::money::Money;
use crate::order::{Item, NewOrder, Order, OrderId, Token};

/// The moment at which all these orders were made.
pub(super) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

pub(super) fn token(token: &str, attempt: u64) -> Token {
    Token { token: token.to_owned(), redrive: 0, attempt }
}

/// A new order for nothing, with this payment method.
pub(super) fn received(method: Option<&str>, needs_audit: bool) -> Order {
    let new = NewOrder { method: method.map(str::to_owned), needs_audit, ..new(Money::zero(Currency::USD)) };
    Order::receive(OrderId::new(now(), 7), new, now())
}

/// A new order of these items, which brings its payment.
pub(super) fn received_items(items: Vec<Item>, amount: Money) -> Order {
    let new = NewOrder { items, method: Some("pm_card".to_owned()), ..new(amount) };
    Order::receive(OrderId::new(now(), 7), new, now())
}

fn new(amount: Money) -> NewOrder {
    NewOrder {
        customer_id: None,
        email: None,
        language: Language::default(),
        address: None,
        items: Vec::new(),
        amount,
        method: None,
        needs_audit: false,
    }
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
