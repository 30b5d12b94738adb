//! The doors for those who come from other systems: their paths and bodies, the same orders behind them.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_e2e::{Answer, EVERYWHERE, Runtime, Shop, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// As in the contract, but for the price, which the shop's own catalogue has.
fn phone_for(customer: &str) -> Value {
    json!({ "customer_id": customer, "items": [
        { "product_id": "prod-001", "name": "iPhone 15 Pro", "quantity": 1, "price": 999.99 } ] })
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer:#}"))
}

async fn ends(shop: &Shop, path: &str, state: &str) -> Value {
    eventually(&format!("{path} is {state}"), async || {
        let order = shop.get(path).await.success();
        if order["state"] == state { Ok(order) } else { Err(order) }
    })
    .await
}

fn problem(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["type"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn order_flow_processes_an_order_at_once_and_knows_it_by_its_workflow_id() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let made = shop.post("/api/orders", &phone_for("customer-001")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.success();
    let workflow_id = text(&made, "workflow_id").to_owned();
    assert!(workflow_id.starts_with("order-processing-customer-001-"), "{workflow_id}");
    let status = format!("/api/orders/status?workflow_id={workflow_id}");
    let order = ends(&shop, &status, "COMPLETED").await;
    assert_eq!((text(&order, "status"), &order["amount"]), ("Выполнен", &json!(999.99)));
    assert_eq!(text(&order, "workflow_id"), workflow_id);

    let state = eventually("its workflow has ended", async || {
        let state = shop.get(&format!("/api/orders/state?workflow_id={workflow_id}")).await.success();
        if state["status"] == "SUCCEEDED" { Ok(state) } else { Err(state) }
    })
    .await;
    assert_eq!((text(&state, "workflow_id"), text(&state, "state")), (workflow_id.as_str(), "COMPLETED"));
    assert_eq!(state["order_id"], made["order_id"]);
    assert_eq!(shop.get("/health").await.status, 200);
}

#[tokio::test]
async fn order_flow_cancels_an_order_that_waits_and_the_stock_is_back() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let body = json!({ "customer_id": "customer-002", "items": [{ "product_id": "prod-001", "quantity": 20, "price": 999.99 }] });
    let made = shop.post("/api/orders", &body).await.success();
    let workflow_id = text(&made, "workflow_id");
    let status = format!("/api/orders/status?workflow_id={workflow_id}");
    ends(&shop, &status, "AWAITING_AUDIT").await;
    let running = shop.get(&format!("/api/orders/state?workflow_id={workflow_id}")).await.success();
    assert_eq!(text(&running, "status"), "RUNNING");
    assert_eq!(shop.post_nothing(&format!("/api/orders/cancel?workflow_id={workflow_id}")).await.status, 200);
    let order = ends(&shop, &status, "CANCELLED").await;
    assert_eq!(order["reason"], "CUSTOMER");
    let again = shop.post_nothing(&format!("/api/orders/cancel?workflow_id={workflow_id}")).await;
    assert_eq!(problem(&again), (409, "urn:omniflow:problem:wrong-state".to_owned()));
}

#[tokio::test]
async fn too_little_stock_and_a_declined_payment_cancel_an_order_of_any_door() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let much = json!({ "items": [{ "product_id": EVERYWHERE, "quantity": 1_000_000, "price": 0.001 }] });
    let refused = shop.post("/api/orders", &much).await;
    assert_eq!(refused.status, 400, "a tenth of a cent is no price: {refused:?}");
    let much = json!({ "amount": 10, "items": [{ "product_id": EVERYWHERE, "quantity": 1_000_000 }] });
    let declined = json!({ "items": [{ "product_id": EVERYWHERE, "quantity": 1 }], "payment": { "method": "pm_declined" } });
    for (path, body, end, reason) in [
        ("/api/orders", much.clone(), "REJECTED", "OUT_OF_STOCK"),
        ("/api/orders/create", much, "REJECTED", "OUT_OF_STOCK"),
        ("/api/orders", declined.clone(), "CANCELLED", "PAYMENT_FAILED"),
        ("/api/orders/create", declined, "CANCELLED", "PAYMENT_FAILED"),
    ] {
        let made = shop.post(path, &body).await.success();
        let order = ends(&shop, &format!("/api/orders/{}", text(&made, "orderId")), end).await;
        assert_eq!(order["reason"], reason, "{path} {order:#}");
    }
}

#[tokio::test]
async fn the_page_creates_looks_and_cancels() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let made = shop.post("/api/orders/create", &phone_for("customer-003")).await;
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.success();
    let (order, workflow) = (text(&made, "orderId").to_owned(), text(&made, "workflowId").to_owned());
    ends(&shop, &format!("/api/orders/{order}"), "COMPLETED").await;
    eventually("its workflow has ended", async || {
        let state = shop.get(&format!("/api/workflows/{workflow}/status")).await.success();
        if state["status"] == "SUCCEEDED" { Ok(()) } else { Err(state) }
    })
    .await;
    let late = shop.post_nothing(&format!("/api/orders/{order}/cancel")).await;
    assert_eq!(problem(&late), (409, "urn:omniflow:problem:wrong-state".to_owned()));

    let large = json!({ "amount": 20_000, "items": [EVERYWHERE] });
    let made = shop.post("/api/orders/create", &large).await.success();
    let path = format!("/api/orders/{}", text(&made, "orderId"));
    ends(&shop, &path, "AWAITING_AUDIT").await;
    assert_eq!(shop.post_nothing(&format!("{path}/cancel")).await.status, 200);
    ends(&shop, &path, "CANCELLED").await;
}

#[tokio::test]
async fn an_order_of_one_door_is_seen_through_the_others_by_any_of_its_ids() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let made = shop.post("/api/orders", &phone_for("customer-004")).await.success();
    let (id, workflow_id) = (text(&made, "order_id"), text(&made, "workflow_id"));
    for name in [id, workflow_id] {
        for path in [
            format!("/api/v1/orders/{name}"),
            format!("/api/orders/{name}"),
            format!("/api/orders/status?workflow_id={name}"),
            format!("/api/orders/state?workflow_id={name}"),
            format!("/api/workflows/{name}/status"),
        ] {
            let answer = shop.get(&path).await;
            assert_eq!((answer.status, &answer.json()["order_id"]), (200, &json!(id)), "{path}");
        }
    }
    let v1 = shop.place(&json!({ "amount": 500, "items": ["iPhone 15"] })).await;
    assert_eq!(shop.get(&format!("/api/orders/status?workflow_id={v1}")).await.status, 200);
    assert_eq!(shop.get(&format!("/api/orders/{v1}")).await.status, 200);
}

#[tokio::test]
async fn each_door_speaks_its_language_unless_another_is_asked_for() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place(&json!({ "amount": 20_000, "items": [EVERYWHERE] })).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    let review = [
        "⚠️ 待风控审核 (大额订单)",
        "⚠️ Ожидает проверки (крупный заказ)",
        "⚠️ Awaiting review (large order)",
    ];
    let [zh, ru, en] = review;
    for (path, language, status) in [
        (format!("/api/v1/orders/{id}"), "", zh),
        (format!("/api/orders/{id}"), "", ru),
        (format!("/api/orders/status?workflow_id={id}"), "", ru),
        (format!("/api/v1/orders/{id}"), "ru", ru),
        (format!("/api/orders/{id}"), "zh-CN, en;q=0.5", zh),
        (format!("/api/orders/{id}"), "fr, en;q=0.5", en),
    ] {
        let answer = shop.send(Method::GET, &path, &[("accept-language", language)], None).await;
        assert_eq!(answer.json()["status"], status, "{path} {language}");
    }
    shop.audit(&id, "REJECT").await.success();
}

#[tokio::test]
async fn what_the_doors_do_not_find_they_say_so() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for (path, status) in [
        ("/api/orders/status", 400),
        ("/api/orders/state", 400),
        ("/api/orders/status?workflow_id=order-processing-customer-001-1", 404),
        ("/api/orders/state?workflow_id=nonsense", 404),
        ("/api/orders/ORD-1", 404),
        ("/api/workflows/order-processing-x/status", 404),
    ] {
        assert_eq!(shop.get(path).await.status, status, "{path}");
    }
    assert_eq!(shop.post_nothing("/api/orders/cancel").await.status, 400);
    assert_eq!(shop.post("/api/orders", &json!({ "customer_id": "customer-001" })).await.status, 400);
    assert_eq!(shop.send(Method::DELETE, "/api/orders", &[], None).await.status, 405);
}
