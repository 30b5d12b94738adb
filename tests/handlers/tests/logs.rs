//! What the functions log while orders go all their ways, at every level that can be set: nothing of the customers.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use ambient::SystemClock;
use omniflow_bootstrap::logs;
use omniflow_domain::OrderId;
use omniflow_testing::{At, Shop, Walk, customer};
use serde_json::{Value, json};
use tracing_subscriber::util::SubscriberInitExt as _;

/// What a customer tells of themselves, in places where nothing of it may be logged.
const CUSTOMER: &str = "customer-Grace-Hopper";
const EMAIL: &str = "grace.hopper@example.com";
const NOTE: &str = "Call-her-at-555-0199";
const PERSONAL: [&str; 3] = ["grace", "hopper", "555-0199"];

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn order(shop: &Shop, items: Value, more: Value) -> OrderId {
    let mut body = json!({ "items": items, "email": EMAIL });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = shop.http_as(&customer(CUSTOMER), "POST", "/api/v1/orders", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap()
}

/// Walks to the end; who is waited for decides with a note.
async fn walk(shop: &Shop, id: &OrderId, verdict: &str) {
    let mut walk = Walk::of(id);
    while !matches!(walk.at, At::Ended(_)) {
        if let At::Waiting(state, token) = walk.at.clone()
            && shop.aws.answered(&token).is_none()
        {
            let (call, body) = match state.as_str() {
                "AwaitAudit" => ("audit", json!({ "action": verdict, "note": NOTE })),
                _ => ("pay", json!({ "method": "pm_card" })),
            };
            shop.http("POST", &format!("/api/v1/orders/{id}/{call}"), body).await;
        }
        walk.step(shop).await;
    }
}

/// Orders that go well, are rejected, declined, and that no one can undo; calls that are refused; services that fail.
async fn everything() {
    let stock = [("ring", "wh-east", 9000), ("fragile-vase", "wh-west", 9), ("stuck-crate", "wh-north", 9)];
    let shop = Shop::set_up(&stock, &[("MOST_UNPAID_PIECES", "9000")]);
    // It costs so much that somebody has to review it.
    let large = json!([{ "product_id": "ring", "quantity": 1001 }]);
    for (items, more, verdict) in [
        (json!(["ring"]), json!({}), ""),
        (large.clone(), json!({}), "APPROVE"),
        (large, json!({}), "REJECT"),
        (json!(["ring"]), json!({ "payment": { "method": "pm_declined" } }), ""),
        (json!(["stuck-crate", "fragile-vase"]), json!({ "payment": { "method": "pm_card" } }), ""),
    ] {
        let id = order(&shop, items, more).await;
        walk(&shop, &id, verdict).await;
        let resolution = json!({ "money": "REFUNDED", "stock": "LOST", "note": NOTE });
        shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), resolution).await;
    }
    let disturbed = order(&shop, json!(["ring"]), json!({})).await;
    for operation in ["GetItem", "PutItem", "TransactWriteItems", "Query", "PutEvents"] {
        shop.aws.fail(operation, "ThrottlingException");
        shop.http_as(&customer(CUSTOMER), "GET", &format!("/api/v1/orders/{disturbed}"), Value::Null).await;
        shop.http("POST", &format!("/api/v1/orders/{disturbed}/cancel"), json!({ "note": NOTE })).await;
        // It fails, and says so in the log.
        let _ = shop.forward("reserve-stock", &disturbed).await;
        shop.aws.heal();
    }
    shop.spoil(&disturbed);
    for path in [
        format!("/api/v1/orders/{disturbed}"),
        format!("/api/orders/status?workflow_id=order-processing-{CUSTOMER}-17"),
        format!("/api/workflows/order-processing-{CUSTOMER}-17/status"),
        format!("/api/v1/orders?customer={CUSTOMER}&search={EMAIL}"),
        format!("/api/v1/stock/{EMAIL}"),
        format!("/{EMAIL}"),
    ] {
        shop.http("GET", &path, Value::Null).await;
    }
    shop.post_text("/api/v1/orders", &format!("{{\"email\": \"{EMAIL}\", not json")).await;
    shop.http("POST", "/api/v1/orders", json!({ "items": [EMAIL], "customer_id": CUSTOMER, "email": 7 }))
        .await;
    for mut event in shop.aws.events() {
        for email in [EMAIL, "bounce@simulator.amazonses.com"] {
            event["email"] = json!(email);
            // Some of these messages bounce, which is logged.
            let _ = shop.invoke("notify-customer", json!({ "detail": event })).await;
        }
    }
    let untold = order(&shop, json!(["ring"]), json!({})).await;
    shop.age_signal(&untold).await;
    shop.sweep().await;
    shop.invoke("reconcile-orders", json!({ "check_stock": true })).await.unwrap();
}

#[tokio::test]
async fn no_line_names_a_customer_at_any_level() {
    let written = Written::default();
    let writer = written.clone();
    // Levels are compared for the lowest of them, which has the lines of all others.
    logs::subscriber(logs::filter("trace"), "shop", Arc::new(SystemClock), move || writer.clone()).init();
    everything().await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let told: Vec<_> =
        text.lines().filter(|line| PERSONAL.iter().any(|part| line.to_lowercase().contains(part))).collect();
    assert!(told.is_empty(), "customers are named:\n{}", told.join("\n"));
    let has = |part: &str| text.lines().any(|line| line.contains(part));
    for part in
        ["\"message\":\"done\"", "StoreUnavailable", "OrdersNeedingAttention", "OldestSignalSeconds", "ORD-"]
    {
        assert!(has(part), "the suite logs nothing of {part}");
    }
}
