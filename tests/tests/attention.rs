//! That a workflow failed reaches its order whenever the process is killed: the event about it is written before the
//! failure is committed, and delivered after.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use omniflow_e2e::{Runtime, Settings, UNSHIPPABLE};
use serde_json::{Value, json};

/// How long the orders run before the process is killed: from their first steps to past their ends.
const MOMENTS: [u64; 8] = [0, 15, 30, 50, 80, 120, 200, 400];

fn order_that_fails() -> Value {
    json!({
        "customer_id": "customer-001",
        "items": [{ "product_id": UNSHIPPABLE, "quantity": 1, "price": 10 }],
        "payment": { "method": "pm_refund_fails" },
    })
}

#[tokio::test]
async fn every_workflow_that_fails_leaves_its_order_to_a_person_whenever_the_process_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().data(data.path()).payment_window(600);
    let mut placed = Vec::new();
    for moment in MOMENTS {
        let Some(runtime) = Runtime::own(&settings) else { return };
        let shop = runtime.shop();
        for _ in 0..4 {
            placed.push(shop.place(&order_that_fails()).await);
        }
        tokio::time::sleep(Duration::from_millis(moment)).await;
        runtime.kill();
    }
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    for id in &placed {
        let order = shop.reaches(id, "NEEDS_ATTENTION").await;
        let times = order.states().iter().filter(|state| **state == "NEEDS_ATTENTION").count();
        assert_eq!((times, order.money()), (1, "CAPTURED"), "{order:?}");
        let attention = &order.0["attention"];
        assert_eq!(
            (&attention["failed_state"], &attention["error"]),
            (&json!("RefundPayment"), &json!("RefundFailed"))
        );
    }
}
