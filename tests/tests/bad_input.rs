//! Bad input gets a clear 4xx as problem+json, and nothing is written.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{Runtime, Shop};
use reqwest::Method;
use serde_json::{Value, json};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// An order that nothing is wrong with; tests spoil one thing in it.
fn good() -> Value {
    json!({
        "customer_id": "customer-001",
        "items": [{ "product_id": "prod-001", "name": "iPhone 15 Pro", "quantity": 1, "price": 999.99 }],
        "amount": 999.99,
    })
}

fn with(path: &str, value: Value) -> Value {
    let mut body = good();
    *body.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = value;
    body
}

/// Sends an order that must be refused with this status.
async fn refused(shop: &Shop, body: &Value, status: u16) -> String {
    shop.order(body).await.problem(status).detail
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for body in ["", "{", "amount=500&items=iPhone", "null", "[]", "500", "\"text\"", "{\"amount\": 500,}"] {
        let answer = shop.send(Method::POST, "/api/v1/orders", &JSON, Some(body.to_owned())).await;
        assert_eq!(answer.problem(400).status, 400, "for '{body}'");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let runtime = Runtime::shared();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v1/orders", runtime.url());
    let response = client.post(url).body(vec![0x7B, 0xFF, 0xFE, 0x7D]).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/problem+json"));
}

#[tokio::test]
async fn a_body_nested_too_deeply_is_refused() {
    let runtime = Runtime::shared();
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let body = format!(r#"{{"amount": 1, "items": {deep}}}"#);
    runtime.shop().send(Method::POST, "/api/v1/orders", &JSON, Some(body)).await.problem(400);
}

#[tokio::test]
async fn a_body_over_256_kib_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let body = json!({ "amount": 1, "items": ["x".repeat(256 * 1024)] });
    shop.order(&body).await.problem(413);
}

#[tokio::test]
async fn an_order_without_items_or_with_too_many_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    refused(&shop, &json!({ "amount": 500 }), 400).await;
    refused(&shop, &json!({ "amount": 500, "items": [] }), 400).await;
    refused(&shop, &json!({ "amount": 500, "items": "iPhone 15" }), 400).await;
    refused(&shop, &json!({ "amount": 500, "items": vec!["iPhone 15"; 101] }), 400).await;
    let item = json!({ "product_id": "prod-001", "quantity": 1, "price": 1 });
    refused(&shop, &json!({ "customer_id": "c", "items": vec![item; 101] }), 400).await;
}

#[tokio::test]
async fn a_hundred_items_are_not_too_many() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&json!({ "amount": 500, "items": vec!["iPhone 15"; 100] })).await;
    shop.cancel(&id).await.success();
}

#[tokio::test]
async fn a_quantity_that_is_no_positive_whole_number_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for quantity in [json!(0), json!(-1), json!(1.5), json!("two"), json!(true), json!(1e30), json!(i64::MAX)]
    {
        let body =
            json!({ "customer_id": "c", "items": [{ "product_id": "prod-001", "quantity": quantity }] });
        let detail = refused(&shop, &body, 400).await;
        assert!(detail.contains("quantity") || detail.contains("items[0]"), "for {quantity}: {detail}");
    }
}

#[tokio::test]
async fn an_amount_that_is_no_money_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for amount in [json!(-1), json!(-0.01), json!(1.005), json!("much"), json!(true), json!([]), json!(1e40)]
    {
        let body = json!({ "amount": amount, "items": ["iPhone 15"] });
        let detail = refused(&shop, &body, 400).await;
        assert!(detail.contains("amount"), "for {amount}: {detail}");
    }
}

#[tokio::test]
async fn a_price_that_is_no_money_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for price in [json!(-1), json!(0.001), json!("free"), json!(1e40)] {
        let mut body = with("/items/0/price", price.clone());
        body.as_object_mut().unwrap().remove("amount");
        let detail = refused(&shop, &body, 400).await;
        assert!(detail.contains("price") || detail.contains("items[0]"), "for {price}: {detail}");
    }
}

#[tokio::test]
async fn money_is_read_exactly_or_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let order = |amount: &str| format!(r#"{{"amount": {amount}, "items": ["iPhone 15"]}}"#);
    for amount in [
        r#""1_000""#,
        r#""+5""#,
        r#""1e3""#,
        r#"".5""#,
        r#""5.""#,
        r#"" 5""#,
        r#""５""#,
        r#""5.000""#,
        "10000.0000000000000001",
        "-0",
        "100000000000000000000000000000",
    ] {
        let answer = shop.send(Method::POST, "/api/v1/orders", &JSON, Some(order(amount))).await;
        let detail = answer.problem(400).detail;
        assert!(detail.contains("'amount'"), "for {amount}: {detail}");
    }
    for (amount, read) in [("1.50", json!(1.5)), ("1E2", json!(100)), (r#""12.30""#, json!(12.3))] {
        let answer = shop.send(Method::POST, "/api/v1/orders", &JSON, Some(order(amount))).await;
        assert_eq!(answer.success()["amount"], read, "for {amount}");
    }
}

#[tokio::test]
async fn an_amount_other_than_the_sum_of_the_prices_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for amount in [json!(1), json!(999.98), json!(1000)] {
        let detail = refused(&shop, &with("/amount", amount.clone()), 422).await;
        assert!(detail.contains("999.99"), "it should name the right sum, for {amount}: {detail}");
    }
}

#[tokio::test]
async fn unknown_products_are_refused_by_name() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let detail =
        refused(&shop, &json!({ "amount": 1, "items": ["iPhone 15", "Perpetuum Mobile"] }), 422).await;
    assert!(detail.contains("Perpetuum Mobile") && !detail.contains("iPhone"), "{detail}");
    let detail = refused(&shop, &with("/items/0/product_id", json!("prod-999999")), 422).await;
    assert!(detail.contains("prod-999999"), "{detail}");
    shop.get("/api/v1/stock/prod-999999").await.problem(404);
}

#[tokio::test]
async fn an_unknown_payment_method_is_refused() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let mut body = good();
    body["payment"] = json!({ "method": "pm_seashells" });
    let detail = refused(&shop, &body, 400).await;
    assert!(detail.contains("pm_seashells"), "{detail}");

    let id = shop.place_unpaid(&good()).await;
    shop.pay_with(&id, "pm_seashells").await.problem(400);
    assert_eq!(
        shop.read(&id).await.state(),
        "AWAITING_PAYMENT",
        "a refused payment must leave the order payable"
    );
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
}

#[tokio::test]
async fn refused_orders_leave_nothing_behind() {
    let Some(runtime) = Runtime::own(&omniflow_e2e::Settings::default()) else { return };
    let shop = runtime.shop();
    let stock = shop.get("/api/v1/stock").await.success();
    let bad = [
        (400, json!({ "amount": -1, "items": ["iPhone 15"] })),
        (422, json!({ "amount": 1, "items": ["iPhone 15", "nothing that exists"] })),
        (400, with("/items/0/quantity", json!(-5))),
        (422, with("/amount", json!(1))),
        (400, json!({ "amount": 500, "items": vec!["iPhone 15"; 101] })),
    ];
    for (status, body) in bad {
        refused(&shop, &body, status).await;
    }
    assert!(shop.all_orders().await.is_empty());
    assert_eq!(shop.get("/api/v1/stock").await.success(), stock);
}

#[tokio::test]
async fn unknown_orders_are_404_whatever_is_asked() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for id in [
        "ORD-0",
        "ORD-01890a5d-ac96-774b-bcce-b302099a8057",
        "nonsense",
        "%00",
        "%F0%9F%92%A9",
        "..%2Forders",
    ] {
        shop.get(&format!("/api/v1/orders/{id}")).await.problem(404);
        shop.pay(id).await.problem(404);
        shop.audit(id, "APPROVE").await.problem(404);
        shop.cancel(id).await.problem(404);
    }
    shop.get(&format!("/api/v1/orders/ORD-{}", "9".repeat(3000))).await.problem(404);
}

#[tokio::test]
async fn unknown_paths_are_404_and_wrong_methods_405() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for path in ["/api", "/api/v1", "/api/v2/orders", "/api/v1/orders/a/b/c", "/api/v1/order"] {
        shop.get(path).await.problem(404);
    }
    for (method, path) in [
        (Method::DELETE, "/api/v1/orders"),
        (Method::PUT, "/api/v1/orders/ORD-1"),
        (Method::GET, "/api/v1/orders/ORD-1/pay"),
        (Method::GET, "/api/v1/orders/ORD-1/audit"),
        (Method::GET, "/api/v1/orders/ORD-1/cancel"),
        (Method::POST, "/api/v1/stock"),
        (Method::POST, "/health"),
    ] {
        let answer = shop.send(method.clone(), path, &[], None).await;
        answer.problem(405);
        assert!(!answer.header("allow").is_empty(), "{method} {path} doesn't say what is allowed");
    }
}

#[tokio::test]
async fn a_verdict_is_given_once_and_only_where_one_is_asked_for() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place(&json!({ "amount": 20000, "items": ["iPhone 15"] })).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;
    let note = |note: &str| json!({ "action": "APPROVE", "note": note });
    for body in [
        json!({}),
        json!({ "action": "MAYBE" }),
        json!({ "action": 1 }),
        json!([]),
        note("\0"),
        note("\u{1b}[31m"),
        note("over\rwritten"),
    ] {
        shop.post(&format!("/api/v1/orders/{id}/audit"), &body).await.problem(400);
    }
    shop.pay(&id).await.problem(409);
    assert_eq!(shop.read(&id).await.state(), "AWAITING_AUDIT", "what was refused must change nothing");

    let path = format!("/api/v1/orders/{id}/audit");
    let reviewed = shop.post(&path, &note("Called them.\n\tAll is well.")).await.success();
    assert_eq!(reviewed["audit"]["note"], "Called them.\n\tAll is well.");
    let problem = shop.audit(&id, "REJECT").await.problem(409);
    assert!(problem.body["state"].is_string(), "what is the order now? {problem:?}");
    shop.reaches(&id, "AWAITING_PAYMENT").await;
    shop.audit(&id, "APPROVE").await.problem(409);
    shop.audit(&id, "REJECT").await.problem(409);
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
}

#[tokio::test]
async fn a_small_order_takes_no_verdict() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let id = shop.place_unpaid(&good()).await;
    shop.audit(&id, "REJECT").await.problem(409);
    assert_eq!(shop.read(&id).await.state(), "AWAITING_PAYMENT");
}

#[tokio::test]
async fn what_has_ended_takes_no_payment_and_no_cancellation() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let cancelled = shop.place_unpaid(&good()).await;
    shop.cancel(&cancelled).await.success();
    shop.reaches(&cancelled, "CANCELLED").await;
    let problem = shop.pay(&cancelled).await.problem(409);
    assert_eq!(problem.body["state"], "CANCELLED", "losers hear what the order is now: {problem:?}");
    let problem = shop.cancel(&cancelled).await.problem(409);
    assert_eq!(problem.body["state"], "CANCELLED", "{problem:?}");

    let completed = shop.place_unpaid(&good()).await;
    shop.pay(&completed).await.success();
    shop.reaches(&completed, "COMPLETED").await;
    shop.pay(&completed).await.problem(409);
    shop.cancel(&completed).await.problem(409);
    shop.audit(&completed, "APPROVE").await.problem(409);
    assert_eq!(shop.read(&completed).await.state(), "COMPLETED");
}

#[tokio::test]
async fn names_that_are_too_long_for_any_key_are_names_of_nothing() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let (letters, digits) = ("x".repeat(3000), "9".repeat(3000));
    shop.get(&format!("/api/v1/stock/{letters}")).await.problem(404);
    shop.get(&format!("/api/orders/status?workflow_id=order-processing-{letters}-1")).await.problem(404);
    shop.get(&format!("/api/v1/orders?next=ORD-{digits}")).await.problem(400);
    let found = shop.get(&format!("/api/v1/orders?search=ORD-{digits}")).await.success();
    assert_eq!(found["orders"], json!([]));
    let id = shop.place_unpaid(&good()).await;
    shop.get(&format!("/api/v1/orders/{id}/workflow?next={letters}")).await.problem(404);
    shop.cancel(&id).await.success();
}

#[tokio::test]
async fn listings_refuse_what_they_cannot_read() {
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    for query in ["limit=0", "limit=-1", "limit=many", "limit=100000", "state=LOST", "next=%00garbage"] {
        shop.get(&format!("/api/v1/orders?{query}")).await.problem(400);
    }
}
