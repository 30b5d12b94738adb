//! The contract of the first system, word for word: its paths, bodies and exact texts, as its
//! users' `curl` commands send and read them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chrono::{DateTime, Utc};
use omniflow_e2e::{COUNTED, Runtime, Settings, Stock, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// What `curl -d` says when nobody tells it otherwise.
const CURL: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

/// The seconds in `待支付 (超时倒计时: 30s)`.
fn seconds_left(status: &str) -> i64 {
    let number = status.strip_prefix("待支付 (超时倒计时: ").and_then(|rest| rest.strip_suffix("s)"));
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("not the contract's text: '{status}'"))
}

fn phone() -> Value {
    json!({ "amount": 500, "items": ["iPhone 15"] })
}

#[tokio::test]
async fn an_order_is_created_by_curl_without_a_json_content_type() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let body = r#"{"amount": 500, "items": ["iPhone 15"]}"#.to_owned();
    let answer = shop.send(Method::POST, "/api/v1/orders", &CURL, Some(body)).await;
    let order = answer.success();
    assert!(answer.header("content-type").starts_with("application/json"), "{answer:?}");
    assert!(order["order_id"].as_str().unwrap().starts_with("ORD-"), "{order:#}");
    shop.reaches(order["order_id"].as_str().unwrap(), "AWAITING_PAYMENT").await;
}

#[tokio::test]
async fn an_order_is_created_with_any_content_type_or_none() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let types: [&[(&str, &str)]; 4] = [
        &[],
        &[("content-type", "application/json")],
        &[("content-type", "application/json; charset=utf-8")],
        &[("content-type", "text/plain")],
    ];
    for headers in types {
        let answer = shop.send(Method::POST, "/api/v1/orders", headers, Some(phone().to_string())).await;
        assert!(
            answer.success()["order_id"].as_str().unwrap().starts_with("ORD-"),
            "{headers:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn scenario_a_an_order_is_paid_and_completed() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&phone()).await;
    let waiting = shop.read(&id).await;
    assert!(seconds_left(waiting.status()) > 0, "{waiting:?}");

    let paid = shop.send(Method::POST, &format!("/api/v1/orders/{id}/pay"), &CURL, None).await;
    assert_eq!(paid.success()["order_id"], id.as_str());
    let completed = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(completed.status(), "已完成");
}

#[tokio::test]
async fn scenario_b_an_unpaid_order_is_cancelled_and_the_stock_is_back() {
    let Some(runtime) = Runtime::with_payment_window(2) else { return };
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let id = shop.place_unpaid(&json!({ "amount": 500, "items": [COUNTED] })).await;
    let deadline = shop.read(&id).await.deadline();
    let reserved = shop.stock(COUNTED).await;
    assert_eq!(reserved.available(), before.available() - 1);
    assert_eq!(reserved.reserved(), before.reserved() + 1);

    let cancelled = shop.reaches(&id, "CANCELLED").await;
    assert_eq!(cancelled.status(), "已取消 (超时)");
    assert_eq!(cancelled.reason(), Some("PAYMENT_TIMEOUT"));
    assert!(cancelled.since("COMPENSATING") >= deadline, "cancelled before its time: {cancelled:?}");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn scenario_c_a_large_order_waits_for_its_audit_and_goes_on_when_approved() {
    let Some(runtime) = Runtime::with_payment_window(3) else { return };
    let shop = runtime.shop();
    let id = shop.place(&json!({ "amount": 20000, "items": ["Mac Pro"] })).await;
    let waiting = shop.reaches(&id, "AWAITING_AUDIT").await;
    assert_eq!(waiting.status(), "⚠️ 待风控审核 (大额订单)");

    // It waits without limit: the payment window neither runs nor ends it.
    let audited_later = waiting.since("AWAITING_AUDIT") + chrono::TimeDelta::seconds(4);
    let still = eventually("four seconds later", async || {
        let order = shop.read(&id).await;
        if Utc::now() > audited_later { Ok(order) } else { Err(order) }
    })
    .await;
    assert_eq!(still.state(), "AWAITING_AUDIT");

    let (path, verdict) = (format!("/api/v1/orders/{id}/audit"), r#"{"action": "APPROVE"}"#.to_owned());
    shop.send(Method::POST, &path, &CURL, Some(verdict)).await.success();
    let payable = shop.reaches(&id, "AWAITING_PAYMENT").await;
    assert!(seconds_left(payable.status()) > 0, "the window begins with the approval: {payable:?}");
    shop.pay(&id).await.success();
    let completed = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(completed.status(), "已完成");
}

#[tokio::test]
async fn scenario_c_a_rejected_order_is_rolled_back() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock("MacPro").await;
    let id = shop.place(&json!({ "amount": 20000, "items": ["MacPro"] })).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    shop.audit(&id, "REJECT").await.success();
    let cancelled = shop.reaches(&id, "CANCELLED").await;
    assert_eq!(cancelled.reason(), Some("AUDIT_REJECTED"));
    assert!(cancelled.status().starts_with("已取消"), "{cancelled:?}");
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn only_an_amount_over_ten_thousand_is_audited() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for amount in [json!(10000), json!(10000.00)] {
        let id = shop.place(&json!({ "amount": amount, "items": ["iPhone 15"] })).await;
        shop.reaches(&id, "AWAITING_PAYMENT").await;
    }
    let id = shop.place(&json!({ "amount": 10000.01, "items": ["iPhone 15"] })).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
}

#[tokio::test]
async fn the_countdown_counts_down_to_the_deadline() {
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let shop = runtime.shop();
    let id = shop.place_unpaid(&phone()).await;
    let first = shop.read(&id).await;
    let first_left = seconds_left(first.status());
    assert!((25..=30).contains(&first_left), "the local window is 30 s: {first:?}");
    let second_left = eventually("the countdown moves", async || {
        let order = shop.read(&id).await;
        let left = seconds_left(order.status());
        let exact = (order.deadline() - Utc::now()).num_milliseconds();
        assert!((left * 1000 - exact).abs() <= 1500, "{left} s shown, {exact} ms left");
        if left < first_left { Ok(left) } else { Err(left) }
    })
    .await;
    assert!(first_left - second_left <= 2, "from {first_left} to {second_left}");
    assert_eq!(shop.read(&id).await.deadline(), first.deadline(), "the deadline moved");
}

#[tokio::test]
async fn shipping_shows_as_a_state_of_its_own() {
    let Some(runtime) = Runtime::own(&Settings::default().parameter("SimulatedLatencyMillis", 600)) else {
        return;
    };
    let shop = runtime.shop();
    let id = shop.place_unpaid(&phone()).await;
    shop.pay(&id).await.success();
    let shipping = shop.reaches(&id, "SHIPPING").await;
    assert_eq!(shipping.status(), "发货中");
    shop.reaches(&id, "COMPLETED").await;
}

#[tokio::test]
async fn a_failed_payment_gives_the_stock_back_by_itself() {
    let runtime = Runtime::alone();
    let shop = runtime.shop();
    let before = shop.stock(COUNTED).await;
    let body =
        json!({ "customer_id": "c", "items": [{ "product_id": COUNTED, "quantity": 2, "price": 10 }] });
    let id = shop.place_unpaid(&body).await;
    shop.pay_with(&id, "pm_declined").await.success();
    let cancelled = shop.reaches(&id, "CANCELLED").await;
    assert_eq!(cancelled.reason(), Some("PAYMENT_FAILED"));
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn an_order_tells_everything_about_itself() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&phone()).await;
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    let order = shop.read(&id).await;
    let body = &order.0;
    assert_eq!(body["order_id"], id.as_str());
    assert_eq!(body["state"], "COMPLETED");
    assert_eq!(body["amount"], 500);
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
    assert_eq!(body["reason"], Value::Null);
    assert!(body["workflow_id"].as_str().is_some_and(|workflow| workflow.contains(&id)), "{body:#}");
    assert!(body["payment"]["deadline"].is_string(), "{body:#}");
    assert_eq!(order.shipments().len(), 1);
    let path =
        ["RECEIVED", "RESERVED", "AWAITING_PAYMENT", "PAYMENT_RECEIVED", "PAID", "SHIPPING", "COMPLETED"];
    assert_eq!(order.states(), path);
    let times: Vec<DateTime<Utc>> = path.iter().map(|state| order.since(state)).collect();
    assert!(times.is_sorted(), "time runs backwards: {order:?}");
}

#[tokio::test]
async fn texts_are_chinese_unless_another_language_is_asked_for() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&phone()).await;
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    let path = format!("/api/v1/orders/{id}");
    let mut texts = Vec::new();
    for language in ["en", "ru", "en-GB,en;q=0.9,zh;q=0.1"] {
        let headers = [("accept-language", language)];
        let order = shop.send(Method::GET, &path, &headers, None).await.success();
        assert_eq!(order["state"], "COMPLETED");
        texts.push(order["status"].as_str().unwrap().to_owned());
    }
    assert!(texts[0].is_ascii() && !texts[0].is_empty(), "{texts:?}");
    assert!(texts[1].chars().any(|letter| ('а'..='я').contains(&letter)), "{texts:?}");
    assert_eq!(texts[2], texts[0]);
    for language in ["zh", "zh-CN", "*", "tlh", "", ";;;q=x"] {
        let headers = [("accept-language", language)];
        let order = shop.send(Method::GET, &path, &headers, None).await.success();
        assert_eq!(order["status"], "已完成", "for '{language}'");
    }
}

#[tokio::test]
async fn orders_are_listed_newest_first_page_by_page() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let mut placed = Vec::new();
    for _ in 0..7 {
        placed.push(shop.place(&phone()).await);
    }
    placed.reverse();

    let (mut seen, mut next) = (Vec::new(), None::<String>);
    for _ in 0..50 {
        let token = next.map(|next| format!("&next={next}")).unwrap_or_default();
        let page = shop.get(&format!("/api/v1/orders?limit=3{token}")).await.success();
        let orders = page["orders"].as_array().unwrap();
        assert!(orders.len() <= 3, "{page:#}");
        seen.extend(orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(str::to_owned);
        if next.is_none() || placed.iter().all(|id| seen.contains(id)) {
            break;
        }
    }
    // Other tests place orders, too: ours must be there in this order, each once.
    let ours: Vec<_> = seen.iter().filter(|id| placed.contains(id)).cloned().collect();
    assert_eq!(ours, placed);
}

#[tokio::test]
async fn orders_are_listed_by_their_state() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let audited = shop.place(&json!({ "amount": 20000, "items": ["iPhone 15"] })).await;
    shop.reaches(&audited, "AWAITING_AUDIT").await;
    let unpaid = shop.place_unpaid(&phone()).await;
    let page = shop.get("/api/v1/orders?state=AWAITING_AUDIT&limit=100").await.success();
    let orders = page["orders"].as_array().unwrap();
    assert!(orders.iter().all(|order| order["state"] == "AWAITING_AUDIT"), "{page:#}");
    assert!(orders.iter().any(|order| order["order_id"] == audited.as_str()), "{page:#}");
    assert!(!orders.iter().any(|order| order["order_id"] == unpaid.as_str()), "{page:#}");
}

#[tokio::test]
async fn stock_is_told_per_warehouse_and_under_the_names_of_the_product() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let all = shop.get("/api/v1/stock").await.success();
    let products = all["products"].as_array().unwrap_or_else(|| panic!("{all:#}"));
    assert!(products.len() > 3, "{all:#}");
    assert!(products.iter().any(|product| product["product_id"] == "prod-001"), "{all:#}");
    for product in products {
        Stock::read(product);
    }
    for name in ["MacPro", "Mac%20Pro", "macpro"] {
        let stock = shop.stock(name).await;
        assert!(!stock.places.is_empty(), "{stock:?}");
    }
}

#[tokio::test]
async fn health_is_told_to_everyone() {
    let runtime = Runtime::shared();
    let health = runtime.shop().get("/health").await.success();
    assert!(health["status"].is_string(), "{health:#}");
}
