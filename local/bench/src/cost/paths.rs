//! The paths that an order can take, and what its customer does for it to take them.

use serde_json::{Value, json};

/// One path of an order.
pub(crate) struct Path {
    /// What happens on it, in a few words.
    pub name: &'static str,
    /// The body of the request that creates the order.
    pub order: Value,
    /// What people do after that.
    pub steps: Vec<PathStep>,
    /// The state in which the order ends; `None` when no order is created.
    pub ends: Option<&'static str>,
    /// Whether the run must wait for the payment window to end by itself, because nothing stops it when the
    /// order is cancelled.
    pub short_window: bool,
}

/// A call that a customer or a reviewer makes.
pub(crate) struct PathStep {
    /// The state of the order in which the call is made.
    pub when: &'static str,
    /// The end of the path of the call, such as `pay`.
    pub call: &'static str,
    /// The body of the call; `Null` when it has none.
    pub body: Value,
}

/// The path that is measured against the budget.
pub(crate) const HAPPY: &str = "completed, one warehouse";

const ONE: &[&str] = &["macbook-air"];
const TWO: &[&str] = &["macbook-air", "magic-mouse"];
const UNPAID: &str = "AWAITING_PAYMENT";
const UNREVIEWED: &str = "AWAITING_AUDIT";

fn order(products: &[&str]) -> Value {
    let items = products.iter().map(|product| json!({ "product_id": product, "quantity": 1 }));
    json!({ "customer_id": "customer-001", "items": items.collect::<Value>() })
}

fn large() -> Value {
    json!({ "customer_id": "customer-001", "items": ["mac-pro"], "amount": 20_000 })
}

fn prepaid(products: &[&str], method: &str) -> Value {
    let mut order = order(products);
    order["payment"] = json!({ "method": method });
    order
}

fn step(when: &'static str, call: &'static str, body: Value) -> PathStep {
    PathStep { when, call, body }
}

fn pay(method: &str) -> PathStep {
    step(UNPAID, "pay", json!({ "method": method }))
}

fn path(name: &'static str, order: Value, steps: impl Into<Vec<PathStep>>, ends: &'static str) -> Path {
    Path { name, order, steps: steps.into(), ends: Some(ends), short_window: false }
}

/// All paths that are measured.
pub(crate) fn all() -> Vec<Path> {
    let audit = |action: &str| step(UNREVIEWED, "audit", json!({ "action": action }));
    let cancel = step(UNPAID, "cancel", Value::Null);
    vec![
        path(HAPPY, order(ONE), [pay("pm_card")], "COMPLETED"),
        path("completed, two warehouses", order(TWO), [pay("pm_card")], "COMPLETED"),
        path("completed, payment came with the order", prepaid(ONE, "pm_card"), [], "COMPLETED"),
        path("completed, review approved", large(), [audit("APPROVE"), pay("pm_card")], "COMPLETED"),
        path("completed, gateway timed out twice", order(ONE), [pay("pm_timeout_twice")], "COMPLETED"),
        path("completed, shipment failed twice", order(&["fragile-lamp"]), [pay("pm_card")], "COMPLETED"),
        path("review rejected", large(), [audit("REJECT")], "CANCELLED"),
        Path { short_window: true, ..path("not paid in time", order(ONE), [], "CANCELLED") },
        Path { short_window: true, ..path("cancelled while unpaid", order(ONE), [cancel], "CANCELLED") },
        path("card declined", order(ONE), [pay("pm_declined")], "CANCELLED"),
        path("shipment failed for good", order(&["fragile-vase"]), [pay("pm_card")], "CANCELLED"),
        path(
            "out of stock",
            json!({ "customer_id": "customer-001", "items": [{ "product_id": "macbook-air", "quantity": 100_000 }] }),
            [],
            "REJECTED",
        ),
        path(
            "refund refused, needs attention",
            order(&["fragile-vase"]),
            [pay("pm_refund_fails")],
            "NEEDS_ATTENTION",
        ),
        path(
            "goods not called back, needs attention",
            order(&["fragile-vase", "stuck-crate"]),
            [pay("pm_card")],
            "NEEDS_ATTENTION",
        ),
        Path { ends: None, ..path("refused at the door", order(&["nothing-we-sell"]), [], "") },
    ]
}
