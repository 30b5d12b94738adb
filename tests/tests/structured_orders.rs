//! Structured orders: items with quantities and prices, idempotency keys, orders split over warehouses, and money that
//! is never off by a cent.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures::future::join_all;
use omniflow_e2e::{
    Answer, COUNTED, EAST, EVERYWHERE, FRAGILE, Order, PHONE, Runtime, Settings, Shipment, Shop, Stock, WEST,
    eventually,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

fn order() -> Value {
    json!({
        "customer_id": "customer-001",
        "items": [{ "product_id": "prod-001", "name": "iPhone 15 Pro", "quantity": 1, "price": 999.99 }],
    })
}

async fn with_key(shop: &Shop, path: &str, key: &str, body: Option<&Value>) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    shop.send(Method::POST, path, &headers, body.map(Value::to_string)).await
}

#[tokio::test]
async fn the_amount_is_the_sum_of_the_prices_to_the_cent() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let body = json!({
        "customer_id": "customer-001",
        "items": [
            { "product_id": "prod-001", "quantity": 3, "price": 0.10 },
            { "product_id": "prod-002", "quantity": 1, "price": 19.99 },
        ],
    });
    let id = shop.place_unpaid(&body).await;
    let order = shop.read(&id).await;
    // Ten cents three times is not 30 cents in binary fractions.
    assert_eq!(order.0["amount"].to_string(), "20.29", "{order:?}");
    assert_eq!(order.0["customer_id"], "customer-001");
    let items = order.0["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{order:?}");
    assert_eq!((&items[0]["product_id"], &items[0]["quantity"]), (&json!("prod-001"), &json!(3)));

    let mut same = body;
    same["amount"] = json!(20.29);
    shop.order(&same).await.success();
}

#[tokio::test]
async fn whoever_waits_for_the_answer_need_not_ask_twice() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    let waited = async |id: &str| {
        let path = format!("/api/v1/orders/{id}");
        let answer = shop.send(Method::GET, &path, &[("prefer", "wait=8")], None).await;
        assert_eq!(answer.header("preference-applied"), "wait=8", "{answer:?}");
        Order(answer.success())
    };
    let id = shop.place(&order()).await;
    assert_eq!(waited(&id).await.state(), "AWAITING_PAYMENT");
    shop.pay(&id).await.success();
    let completed = waited(&id).await;
    assert_eq!(completed.state(), "COMPLETED");
    assert_eq!(completed, shop.read(&id).await);
}

#[tokio::test]
async fn an_order_with_a_payment_method_needs_no_second_call() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let mut body = order();
    body["payment"] = json!({ "method": "pm_card" });
    let id = shop.place(&body).await;
    let completed = shop.reaches(&id, "COMPLETED").await;
    assert!(!completed.states().contains(&"AWAITING_PAYMENT"), "{completed:?}");
    assert!(completed.states().contains(&"PAID"), "{completed:?}");
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_one_order() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let key = Uuid::new_v4().to_string();
    let first = with_key(&shop, "/api/v1/orders", &key, Some(&order())).await;
    let again = with_key(&shop, "/api/v1/orders", &key, Some(&order())).await;
    assert_eq!(first.success(), again.success());
    assert_eq!(first.status, again.status);

    let other = with_key(&shop, "/api/v1/orders", &Uuid::new_v4().to_string(), Some(&order())).await;
    assert_ne!(first.success()["order_id"], other.success()["order_id"]);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let key = Uuid::new_v4().to_string();
    with_key(&shop, "/api/v1/orders", &key, Some(&order())).await.success();
    let mut other = order();
    other["items"][0]["quantity"] = json!(2);
    with_key(&shop, "/api/v1/orders", &key, Some(&other)).await.problem(422);
}

#[tokio::test]
async fn one_key_sent_many_times_at_once_makes_one_order() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let body = order();
    for _ in 0..5 {
        let key = Uuid::new_v4().to_string();
        let answers = join_all((0..20).map(|_| with_key(&shop, "/api/v1/orders", &key, Some(&body)))).await;
        let mut ids: Vec<_> = answers
            .iter()
            .filter(|answer| answer.is_success())
            .map(|answer| answer.json()["order_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 1, "{answers:?}");
        // Whoever came while the first was still being answered may be told to come again; nothing else.
        for answer in answers.iter().filter(|answer| !answer.is_success()) {
            answer.problem(409);
        }
    }
}

#[tokio::test]
async fn a_refused_order_does_not_use_up_its_key() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let key = Uuid::new_v4().to_string();
    let mut wrong = order();
    wrong["items"][0]["quantity"] = json!(-1);
    with_key(&shop, "/api/v1/orders", &key, Some(&wrong)).await.problem(400);
    with_key(&shop, "/api/v1/orders", &key, Some(&order())).await.success();
}

#[tokio::test]
async fn paying_twice_with_one_key_pays_once_and_answers_alike() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&order()).await;
    let (path, key) = (format!("/api/v1/orders/{id}/pay"), Uuid::new_v4().to_string());
    let first = with_key(&shop, &path, &key, None).await;
    let again = with_key(&shop, &path, &key, None).await;
    assert_eq!(first.success(), again.success());
    shop.reaches(&id, "COMPLETED").await;
    let later = with_key(&shop, &path, &key, None).await;
    assert_eq!(first.success(), later.success(), "the first answer is repeated, even when all is over");
    with_key(&shop, &path, &key, Some(&json!({ "method": "pm_declined" }))).await.problem(422);
}

#[tokio::test]
async fn a_kept_answer_survives_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().data(data.path());
    let Some(runtime) = Runtime::own(&settings) else { return };
    let key = Uuid::new_v4().to_string();
    let first = with_key(&runtime.shop(), "/api/v1/orders", &key, Some(&order())).await.success();
    runtime.kill();
    let runtime = Runtime::own(&settings).unwrap();
    let again = with_key(&runtime.shop(), "/api/v1/orders", &key, Some(&order())).await.success();
    assert_eq!(first, again);
}

#[tokio::test]
async fn an_order_that_fits_into_one_warehouse_is_not_split() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    // Each product is in several warehouses; only one has all that is wanted.
    let most = |product: &Stock| product.places.iter().max_by_key(|place| place.available).cloned().unwrap();
    let fullest = most(&shop.stock(EVERYWHERE).await);
    let body = json!({ "customer_id": "c", "items": [
        { "product_id": EVERYWHERE, "quantity": fullest.available, "price": 0.01 },
        { "product_id": PHONE, "quantity": 1, "price": 0.01 },
        { "product_id": COUNTED, "quantity": 1, "price": 0.01 },
    ] });
    let id = shop.place_unpaid(&body).await;
    let order = shop.read(&id).await;
    let expected = Shipment { warehouse: fullest.warehouse, state: "PENDING".to_owned() };
    assert_eq!(order.shipments(), [expected], "{order:?}");
}

#[tokio::test]
async fn an_order_for_more_than_one_warehouse_holds_is_split_over_the_fewest() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let mut places = before.places.clone();
    places.sort_by_key(|place| -place.available);
    assert_eq!(places.len(), 3, "{before:?}");
    let two = places[0].available + 1;
    assert!(two <= places[0].available + places[1].available);
    let three = places[0].available + places[1].available + 1;

    let one_item = |quantity: i64| json!({ "customer_id": "c", "items": [{ "product_id": EVERYWHERE, "quantity": quantity, "price": 0.01 }] });
    let id = shop.place_unpaid(&one_item(two)).await;
    let order = shop.read(&id).await;
    assert_eq!(order.shipments().len(), 2, "{order:?}");
    shop.cancel(&id).await.success();
    shop.reaches(&id, "CANCELLED").await;
    shop.stock_is_back(&before).await;

    let id = shop.place_unpaid(&one_item(three)).await;
    assert_eq!(shop.read(&id).await.shipments().len(), 3);
    shop.pay(&id).await.success();
    let order = shop.reaches(&id, "COMPLETED").await;
    assert!(order.shipments().iter().all(|shipment| shipment.state == "SHIPPED"), "{order:?}");
    shop.stock(EVERYWHERE).await.is_after_selling(three, &before);
    let shipped: i64 = order.0["shipments"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|shipment| shipment["items"].as_array().unwrap())
        .map(|line| line["quantity"].as_i64().unwrap())
        .sum();
    assert_eq!(shipped, three, "{order:?}");
}

#[tokio::test]
async fn each_shipment_shows_its_own_state_while_they_ship_in_parallel() {
    let slow = Settings::default().parameter("SimulatedLatencyMillis", 700);
    let Some(runtime) = Runtime::own(&slow) else { return };
    let shop = runtime.shop();
    let body = json!({ "customer_id": "c", "items": [
        { "product_id": EAST, "quantity": 1, "price": 1 },
        { "product_id": WEST, "quantity": 1, "price": 1 },
        { "product_id": FRAGILE, "quantity": 1, "price": 1 },
    ] });
    let id = shop.place_unpaid(&body).await;
    let states =
        |order: &Order| order.shipments().into_iter().map(|shipment| shipment.state).collect::<Vec<_>>();
    assert_eq!(
        states(&shop.read(&id).await),
        ["PENDING", "PENDING"],
        "lamp and laptop leave from one warehouse"
    );
    shop.pay(&id).await.success();
    // The lamp fails twice, so its shipment is still under way when the other has left.
    let halfway = eventually("one shipment has left, one has not", async || {
        let order = shop.read(&id).await;
        if states(&order) == ["PENDING", "SHIPPED"] { Ok(order) } else { Err(order) }
    })
    .await;
    assert_eq!(halfway.state(), "SHIPPING");
    let order = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(states(&order), ["SHIPPED", "SHIPPED"]);
    for shipment in order.0["shipments"].as_array().unwrap() {
        assert!(shipment["tracking"].is_string(), "{order:?}");
    }
}

#[tokio::test]
async fn the_same_product_twice_in_one_order_is_reserved_twice() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let item = json!({ "product_id": COUNTED, "quantity": 2, "price": 1 });
    let id = shop.place_unpaid(&json!({ "customer_id": "c", "items": [item, item] })).await;
    assert_eq!(shop.stock(COUNTED).await.reserved(), before.reserved() + 4);
    shop.cancel(&id).await.success();
    shop.reaches(&id, "CANCELLED").await;
    shop.stock_is_back(&before).await;
}
