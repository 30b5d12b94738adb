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
    /// The kind of shop in which it is measured.
    pub place: Place,
}

/// The kinds of shops that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// One as the template sets it up.
    Usual,
    /// Its payment windows end soon by themselves: nothing stops that of an order that is cancelled.
    ShortWindow,
    /// It writes e-mails to its customers.
    WithMails,
    /// Its warehouses have servers of their own, which answer by a message.
    FarWarehouses,
    /// Its customers pay at Stripe.
    Stripe,
}

impl Place {
    pub(crate) const ALL: [Self; 5] =
        [Self::Usual, Self::ShortWindow, Self::WithMails, Self::FarWarehouses, Self::Stripe];
}

/// A call that a customer or a reviewer makes.
pub(crate) struct PathStep {
    /// The state of the order, or of its shipment, in which the call is made.
    pub when: &'static str,
    /// The end of the path of the call, such as `pay`.
    pub call: &'static str,
    /// The body of the call; `Null` when it has none.
    pub body: Value,
}

/// The path that is measured against the budget.
pub(crate) const HAPPY: &str = "completed, one warehouse";

/// The same from three warehouses.
pub(crate) const THREE_WAREHOUSES: &str = "completed, three warehouses";
/// The same from a warehouse that says later, by a message, that the goods are on their way.
pub(crate) const MESSAGE: &str = "completed, its warehouse sends a message";
/// The same, and its customer gets an e-mail about each change.
pub(crate) const MAILED: &str = "completed, its customer is written to";

const ONE: &[&str] = &["macbook-air"];
const TWO: &[&str] = &["macbook-air", "magic-mouse"];
const THREE: &[&str] = &["macbook-air", "magic-mouse", "stuck-crate"];
const UNPAID: &str = "AWAITING_PAYMENT";
/// The state of a shipment whose warehouse was asked and has not answered.
pub(crate) const DISPATCHED: &str = "DISPATCHED";
const UNREVIEWED: &str = "AWAITING_AUDIT";

fn order(products: &[&str]) -> Value {
    let items = products.iter().map(|product| json!({ "product_id": product, "quantity": 1 }));
    json!({ "customer_id": "customer-001", "items": items.collect::<Value>() })
}

fn large() -> Value {
    json!({ "customer_id": "customer-001", "items": ["mac-pro"], "amount": 20_000 })
}

fn mailed() -> Value {
    let mut order = order(ONE);
    order["email"] = json!("ann@example.com");
    order
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
    Path { name, order, steps: steps.into(), ends: Some(ends), place: Place::Usual }
}

/// All paths that are measured.
pub(crate) fn all() -> Vec<Path> {
    let audit = |action: &str| step(UNREVIEWED, "audit", json!({ "action": action }));
    let cancel = step(UNPAID, "cancel", Value::Null);
    vec![
        path(HAPPY, order(ONE), [pay("pm_card")], "COMPLETED"),
        path("completed, two warehouses", order(TWO), [pay("pm_card")], "COMPLETED"),
        path(THREE_WAREHOUSES, order(THREE), [pay("pm_card")], "COMPLETED"),
        path("completed, payment came with the order", prepaid(ONE, "pm_card"), [], "COMPLETED"),
        path("completed, review approved", large(), [audit("APPROVE"), pay("pm_card")], "COMPLETED"),
        path("completed, gateway timed out twice", order(ONE), [pay("pm_timeout_twice")], "COMPLETED"),
        path("completed, shipment failed twice", order(&["fragile-lamp"]), [pay("pm_card")], "COMPLETED"),
        Path {
            place: Place::FarWarehouses,
            ..path(
                MESSAGE,
                order(ONE),
                [pay("pm_card"), step(DISPATCHED, "shipments/wh-east/events", json!({ "event": "SHIPPED" }))],
                "COMPLETED",
            )
        },
        Path {
            place: Place::Stripe,
            ..path("completed, paid at Stripe", order(ONE), [pay("pm_card_visa")], "COMPLETED")
        },
        Path { place: Place::WithMails, ..path(MAILED, mailed(), [pay("pm_card")], "COMPLETED") },
        path("review rejected", large(), [audit("REJECT")], "CANCELLED"),
        Path { place: Place::ShortWindow, ..path("not paid in time", order(ONE), [], "CANCELLED") },
        Path {
            place: Place::ShortWindow,
            ..path("cancelled while unpaid", order(ONE), [cancel], "CANCELLED")
        },
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
