//! The ways that an order can go, and how its customer makes it go there.

use serde_json::{Value, json};

/// One way.
pub(crate) struct Path {
    /// What happens.
    pub name: &'static str,
    /// What is ordered.
    pub order: Value,
    /// What is done then.
    pub steps: Vec<PathStep>,
    /// The state in which it ends; `None` where no order comes of it.
    pub ends: Option<&'static str>,
    /// Whether the payment window must end by itself while one watches: nothing stops it when the order is cancelled.
    pub short_window: bool,
}

/// What a person does.
pub(crate) struct PathStep {
    /// As soon as the order is in this state …
    pub when: &'static str,
    /// … this is called …
    pub call: &'static str,
    /// … with this body.
    pub body: Value,
}

/// The way that is measured against the budget.
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

/// All of them.
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
        path("gateway timed out for good", order(ONE), [pay("pm_timeout_always")], "CANCELLED"),
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
