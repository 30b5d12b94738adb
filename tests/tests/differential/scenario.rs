//! What a customer and a reviewer do with one order, chosen by chance before it begins.

use omniflow_e2e::{COUNTED, EAST, FRAGILE, LARGE_ORDERS, Seed, UNSHIPPABLE, WEST};
use serde_json::{Value, json};

/// The products that take part. A crate that can't be called back doesn't: whether it left before a shipment beside it
/// failed is a matter of moments.
pub const PRODUCTS: [&str; 6] = [COUNTED, LARGE_ORDERS, EAST, WEST, FRAGILE, UNSHIPPABLE];

const METHODS: [&str; 6] =
    ["pm_card", "pm_card", "pm_declined", "pm_timeout_twice", "pm_refund_fails_twice", "pm_refund_fails"];

/// One order and what is done with it.
#[derive(Debug)]
pub struct Scenario {
    /// The body of the order.
    pub body: Value,
    /// What the reviewer does if the order is put before one.
    pub review: Review,
    /// What the customer does if the order waits for payment.
    pub payment: Payment,
}

/// What is done while an order waits for its audit.
#[derive(Debug, Clone, Copy)]
pub enum Review {
    Approve,
    Reject,
    Cancel,
}

/// What is done while an order waits for its payment.
#[derive(Debug, Clone, Copy)]
pub enum Payment {
    With(&'static str),
    Cancel,
    /// Nothing, until the window closes.
    Never,
}

impl Scenario {
    /// One by chance; `windows_close` says whether the test can wait for an order that nobody pays.
    pub fn random(seed: &mut Seed, windows_close: bool) -> Self {
        Self {
            body: order(seed),
            review: seed.choose(&[Review::Approve, Review::Approve, Review::Reject, Review::Cancel]),
            payment: match seed.below(8) {
                0 => Payment::Cancel,
                1 if windows_close => Payment::Never,
                _ => Payment::With(seed.choose(&METHODS)),
            },
        }
    }
}

fn order(seed: &mut Seed) -> Value {
    // Over 10,000 it is reviewed.
    let price = seed.choose(&["0.10", "19.99", "2500", "10000.01"]);
    let items: Vec<_> = (0..=seed.below(3)).map(|_| item(seed, price)).collect();
    let mut order = json!({ "customer_id": format!("customer-{}", seed.below(5)), "items": items });
    if seed.below(3) == 0 {
        order["payment"] = json!({ "method": seed.choose(&METHODS) });
    }
    order
}

fn item(seed: &mut Seed, price: &str) -> Value {
    let product = seed.choose(&PRODUCTS);
    let quantity = match seed.below(12) {
        0 => 5000,
        // More than any one warehouse has.
        1..=3 if product == LARGE_ORDERS => 70,
        _ => 1 + seed.below(3),
    };
    json!({ "product_id": product, "quantity": quantity, "price": price })
}
