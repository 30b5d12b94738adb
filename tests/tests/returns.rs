//! Returns: what a customer and those who run the shop see of them, also when the process is killed in between.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{Order, Runtime, Settings, Shop, eventually};
use serde_json::{Value, json};

const PRODUCT: &str = "magic-mouse";

/// A completed order of so many pieces, paid in this way.
async fn sold(shop: &Shop, pieces: u32, method: &str) -> String {
    let items = json!([{ "product_id": PRODUCT, "quantity": pieces }]);
    let id = shop.place(&json!({ "items": items, "payment": { "method": method } })).await;
    shop.reaches(&id, "COMPLETED").await;
    id
}

fn returns_of(id: &str) -> String {
    format!("/api/v1/orders/{id}/returns")
}

fn asked(pieces: u32) -> Value {
    json!({ "items": [{ "product_id": PRODUCT, "quantity": pieces }], "reason": "it squeaks" })
}

fn came(restock: u32, write_off: u32) -> Value {
    json!({ "items": [{ "product_id": PRODUCT, "restock": restock, "write_off": write_off }] })
}

/// Waits until the order's latest return is in this state.
async fn return_reaches(shop: &Shop, id: &str, state: &str) -> Value {
    eventually(&format!("the return of {id} is {state}"), async || {
        let Order(order) = shop.read(id).await;
        let last = order["returns"].as_array().and_then(|returns| returns.last().cloned());
        match last {
            Some(last) if last["state"] == state => Ok(last),
            other => Err(other),
        }
    })
    .await
}

#[tokio::test]
async fn a_part_of_an_order_comes_back_and_its_price_is_given_back() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = sold(&shop, 3, "pm_card").await;
    let made = shop.post(&returns_of(&id), &asked(2)).await;
    assert_eq!((made.status, &made.json()["return"]), (201, &json!(1)), "{made:?}");
    let received = shop.post(&format!("{}/1/received", returns_of(&id)), &came(1, 1)).await;
    assert_eq!(received.success()["state"], "RECEIVED", "{received:?}");
    let done = return_reaches(&shop, &id, "REFUNDED").await;
    let price = shop.read(&id).await.0["amount"].as_f64().unwrap() / 3.0;
    assert!((done["refund"].as_f64().unwrap() - 2.0 * price).abs() < 0.01, "{done}");
    let list = shop.get(&returns_of(&id)).await.success();
    assert_eq!(list["returnable"], json!([{ "product_id": PRODUCT, "quantity": 1 }]));
    let too_many = shop.post(&returns_of(&id), &asked(2)).await;
    assert_eq!(too_many.status, 409, "{too_many:?}");
}

#[tokio::test]
async fn a_return_that_is_rejected_ends_and_its_goods_can_be_asked_back_again() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = sold(&shop, 1, "pm_card").await;
    shop.post(&returns_of(&id), &asked(1)).await.success();
    let audit = format!("{}/1/audit", returns_of(&id));
    shop.post(&audit, &json!({ "action": "REJECT", "note": "it is worn" })).await.success();
    let rejected = return_reaches(&shop, &id, "REJECTED").await;
    assert_eq!(rejected["history"].as_array().unwrap().last().unwrap()["note"], "it is worn");
    assert_eq!(shop.post(&returns_of(&id), &asked(1)).await.success()["return"], 2);
}

#[tokio::test]
async fn a_refund_that_is_refused_needs_attention_and_is_settled_by_hand() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = sold(&shop, 1, "pm_refund_fails").await;
    shop.post(&returns_of(&id), &asked(1)).await.success();
    shop.post(&format!("{}/1/received", returns_of(&id)), &came(1, 0)).await.success();
    let failed = return_reaches(&shop, &id, "NEEDS_ATTENTION").await;
    assert!(failed["failure"].as_str().unwrap().contains("RefundFailed"), "{failed}");
    assert_eq!(shop.read(&id).await.state(), "COMPLETED");
    let resolve = format!("{}/1/resolve", returns_of(&id));
    shop.post(&resolve, &json!({ "note": "by bank transfer" })).await.success();
    return_reaches(&shop, &id, "REFUNDED").await;
}

#[tokio::test]
async fn returns_go_on_where_they_were_when_the_process_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().data(data.path()).payment_window(600);
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    let (waiting, moving) = (sold(&shop, 2, "pm_card").await, sold(&shop, 2, "pm_card").await);
    for id in [&waiting, &moving] {
        shop.post(&returns_of(id), &asked(1)).await.success();
    }
    shop.post(&format!("{}/1/received", returns_of(&moving)), &came(1, 0)).await.success();
    runtime.kill();
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    return_reaches(&shop, &moving, "REFUNDED").await;
    shop.post(&format!("{}/1/received", returns_of(&waiting)), &came(0, 1)).await.success();
    return_reaches(&shop, &waiting, "REFUNDED").await;
}
