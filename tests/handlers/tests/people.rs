//! Who decided what, and customers who are forgotten.

#![allow(clippy::unwrap_used, reason = "tests")]

use futures::future::join_all;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{At, HttpAnswer, Shop, Walk, customer};
use serde_json::{Value, json};

fn closed() -> Shop {
    Shop::set_up(&[("ring", "wh-east", 90_000)], &[("OPEN_ACCESS", "false"), ("MOST_UNPAID_PIECES", "9000")])
}

fn operator(subject: &str) -> Value {
    let email = format!("{subject}@example.com");
    json!({ "jwt": { "claims": { "sub": subject, "email": email, "scope": "omniflow/operate" } } })
}

fn signed() -> Value {
    json!({ "iam": { "userArn": "arn:aws:iam::000000000000:role/shop" } })
}

async fn order_of(shop: &Shop, who: &Value, body: Value) -> OrderId {
    let made = shop.http_as(who, "POST", "/api/v1/orders", body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap()
}

async fn decide(shop: &Shop, who: &Value, id: &OrderId, what: &str, body: Value) -> HttpAnswer {
    shop.http_as(who, "POST", &format!("/api/v1/orders/{id}/{what}"), body).await
}

async fn seen_by(shop: &Shop, who: &Value, id: &OrderId) -> Value {
    shop.http_as(who, "GET", &format!("/api/v1/orders/{id}"), Value::Null).await.body
}

/// Brings the order to where it waits.
async fn waiting(shop: &Shop, id: &OrderId, state: &str) {
    let mut walk = Walk::until(shop, id, state).await;
    walk.step(shop).await;
    assert!(matches!(walk.at, At::Waiting(..)));
}

fn large(customer_id: Value) -> Value {
    json!({ "customer_id": customer_id, "items": [{ "product_id": "ring", "quantity": 1001 }] })
}

#[tokio::test]
async fn every_decision_says_who_made_it_to_operators_and_to_nobody_else() {
    let shop = closed();
    let (ann, bob) = (customer("ann"), operator("bob"));
    let id = order_of(&shop, &ann, json!({ "items": ["ring"] })).await;
    waiting(&shop, &id, "AwaitPayment").await;
    assert_eq!(decide(&shop, &ann, &id, "pay", Value::Null).await.status, 200);
    assert_eq!(decide(&shop, &bob, &id, "cancel", Value::Null).await.status, 200);
    let by: Vec<_> = seen_by(&shop, &bob, &id).await["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["state"].as_str().unwrap().to_owned(), entry["by"].clone()))
        .collect();
    let named = |role: &str, id: &str| json!({ "role": role, "id": id });
    let expected = [
        ("RECEIVED", named("CUSTOMER", "ann")),
        ("RESERVED", Value::Null),
        ("AWAITING_PAYMENT", Value::Null),
        ("PAYMENT_RECEIVED", named("CUSTOMER", "ann")),
        ("COMPENSATING", json!({ "role": "OPERATOR", "id": "bob", "email": "bob@example.com" })),
    ];
    assert_eq!(by, expected.map(|(state, by)| (state.to_owned(), by)));
    let hers = seen_by(&shop, &ann, &id).await;
    assert!(hers["timeline"].as_array().unwrap().iter().all(|entry| entry.get("by").is_none()), "{hers}");
}

#[tokio::test]
async fn what_the_system_decides_says_so() {
    let shop = closed();
    let id = order_of(&shop, &customer("ann"), json!({ "items": ["ring"] })).await;
    waiting(&shop, &id, "AwaitPayment").await;
    shop.pass_deadline(&id).await;
    shop.forward("close-payment-window", &id).await.unwrap();
    let seen = seen_by(&shop, &operator("bob"), &id).await;
    let last = seen["timeline"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["state"], &last["by"]), (&json!("COMPENSATING"), &json!({ "role": "SYSTEM" })));
}

#[tokio::test]
async fn a_verdict_says_who_gave_it() {
    let shop = closed();
    let id = order_of(&shop, &customer("ann"), large(Value::Null)).await;
    waiting(&shop, &id, "AwaitAudit").await;
    let verdict = decide(&shop, &operator("bob"), &id, "audit", json!({ "action": "APPROVE" })).await;
    assert_eq!(
        (verdict.status, &verdict.body["audit"]["by"]["id"]),
        (200, &json!("bob")),
        "{}",
        verdict.body
    );
    assert_eq!(seen_by(&shop, &customer("ann"), &id).await["audit"].get("by"), None);
    assert_eq!(shop.order(&id).await.audit().unwrap().by.as_ref().unwrap().id.as_deref(), Some("bob"));
}

#[tokio::test]
async fn nobody_approves_an_order_of_their_own_and_a_program_may() {
    let shop = closed();
    let approve = json!({ "action": "APPROVE" });
    for (maker, body) in [
        (customer("bob"), large(Value::Null)),
        (operator("bob"), large(json!("ann"))),
        (operator("eve"), large(json!("bob"))),
        (customer("ann"), {
            let mut body = large(Value::Null);
            body["email"] = json!("BOB@example.com");
            body
        }),
    ] {
        let id = order_of(&shop, &maker, body).await;
        waiting(&shop, &id, "AwaitAudit").await;
        let own = decide(&shop, &operator("bob"), &id, "audit", approve.clone()).await;
        assert_eq!(
            (own.status, own.body["type"].as_str()),
            (409, Some("urn:omniflow:problem:own-order")),
            "{maker}"
        );
        assert_eq!(shop.order(&id).await.audit(), None);
        assert_eq!(decide(&shop, &operator("zoe"), &id, "audit", approve.clone()).await.status, 200);
    }
    let id = order_of(&shop, &signed(), large(Value::Null)).await;
    waiting(&shop, &id, "AwaitAudit").await;
    assert_eq!(decide(&shop, &signed(), &id, "audit", approve).await.status, 200);
    let id = order_of(&shop, &customer("bob"), large(Value::Null)).await;
    waiting(&shop, &id, "AwaitAudit").await;
    assert_eq!(
        decide(&shop, &operator("bob"), &id, "audit", json!({ "action": "REJECT" })).await.status,
        200
    );
}

#[tokio::test]
async fn a_repeated_verdict_and_a_repeated_cancellation_are_the_same_answer_by_their_key() {
    let shop = Shop::shuffled(&[("ring", "wh-east", 90_000)], 5);
    for (state, call, body) in [
        ("AwaitAudit", "audit", json!({ "action": "APPROVE" })),
        ("AwaitAudit", "audit", json!({ "action": "REJECT", "note": "no" })),
        ("AwaitAudit", "cancel", Value::Null),
        ("AwaitPayment", "cancel", Value::Null),
    ] {
        let quantity = if state == "AwaitAudit" { 1001 } else { 1 };
        let id = shop.place_one("ring", quantity).await;
        waiting(&shop, &id, state).await;
        let path = format!("/api/v1/orders/{id}/{call}");
        let at_once = join_all((0..4).map(|_| shop.http_once("key", &path, body.clone()))).await;
        let again = shop.http_once("key", &path, body.clone()).await;
        for answer in at_once.iter().chain([&again]) {
            assert_eq!((answer.status, &answer.body), (200, &again.body), "{call} {state}");
        }
        assert_eq!(again.headers["idempotency-replayed"], "true");
        let other = shop.http_once("key", &path, json!({ "action": "REJECT", "note": "other" })).await;
        assert_eq!(other.status, 422, "{call}");
        assert_eq!(shop.http("POST", &path, body).await.status, 409, "without the key it is another request");
    }
}

#[tokio::test]
async fn a_refusal_says_what_happened_when_by_whom_and_what_is_possible() {
    let shop = closed();
    let (ann, bob) = (customer("ann"), operator("bob"));
    let id = order_of(&shop, &ann, json!({ "items": ["ring"] })).await;
    waiting(&shop, &id, "AwaitPayment").await;
    decide(&shop, &ann, &id, "pay", Value::Null).await;
    for (language, words) in [
        ("en", ["PAYMENT_RECEIVED", "by the customer", "UTC", "can be cancelled"]),
        ("zh", ["PAYMENT_RECEIVED", "由客户", "UTC", "可以取消"]),
        ("ru", ["PAYMENT_RECEIVED", "решил покупатель", "UTC", "отменить"]),
    ] {
        let path = format!("/api/v1/orders/{id}/pay");
        let refused =
            shop.http_with(&[("accept-language", language)], &ann, "POST", &path, Value::Null).await;
        let detail = refused.body["detail"].as_str().unwrap();
        assert_eq!(refused.status, 409);
        assert!(words.iter().all(|word| detail.contains(word)), "{detail}");
    }
    let id = order_of(&shop, &ann, large(Value::Null)).await;
    waiting(&shop, &id, "AwaitAudit").await;
    decide(&shop, &bob, &id, "audit", json!({ "action": "REJECT" })).await;
    let again = decide(&shop, &operator("zoe"), &id, "audit", json!({ "action": "APPROVE" })).await;
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains("was rejected at") && detail.contains("by the shop"), "{detail}");
}

#[tokio::test]
async fn an_operator_sees_the_orders_of_one_customer() {
    let shop = closed();
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(
            order_of(&shop, &customer("ann@example.com"), json!({ "items": ["ring"] })).await.to_string(),
        );
        order_of(&shop, &customer("bob"), json!({ "items": ["ring"] })).await;
    }
    own.sort_unstable_by(|a, b| b.cmp(a));
    let path = "/api/v1/customers/ann@example.com/orders?limit=2";
    let first = shop.http_as(&operator("zoe"), "GET", path, Value::Null).await.body;
    let next = first["next"].as_str().unwrap();
    let second =
        shop.http_as(&operator("zoe"), "GET", &format!("{path}&next={next}"), Value::Null).await.body;
    let listed = [&first, &second].map(|page| page["orders"].as_array().unwrap().clone()).concat();
    let listed: Vec<_> = listed.iter().map(|order| order["order_id"].as_str().unwrap()).collect();
    assert_eq!((listed, &second["next"]), (own.iter().map(String::as_str).collect(), &Value::Null));
}

/// A subject of a token may have a slash in it, which an HTTP API hands over decoded.
#[tokio::test]
async fn a_customer_with_a_slash_in_their_id_is_found_and_forgotten() {
    let shop = closed();
    let order = order_of(&shop, &customer("auth0/ann"), json!({ "items": ["ring"] })).await;
    let other = order_of(&shop, &customer("auth0"), json!({ "items": ["ring"] })).await;
    let call = async |method: &str, path: &str| {
        shop.http_escaped_as(&operator("zoe"), method, &format!("/api/v1/customers/{path}")).await
    };
    let found = call("GET", "auth0%2Fann/orders").await;
    assert_eq!((found.status, &found.body["orders"][0]["order_id"]), (200, &json!(order.to_string())));
    assert_eq!(found.body["orders"].as_array().unwrap().len(), 1);
    let refused = call("DELETE", "auth0%2Fann").await;
    assert_eq!(
        (refused.status, &refused.body["orders"]),
        (409, &json!([order.to_string()])),
        "{}",
        refused.body
    );
    assert_eq!(call("GET", "auth0/orders").await.body["orders"][0]["order_id"], json!(other.to_string()));
}

#[tokio::test]
async fn a_forgotten_customer_is_nowhere_and_the_books_stay() {
    let shop = closed();
    let who = customer("ann@example.com");
    let forget = async || {
        shop.http_as(&operator("zoe"), "DELETE", "/api/v1/customers/ann@example.com", Value::Null).await
    };
    let address = json!({ "name": "ann@home", "lines": ["1 Main Street"], "postcode": "10001", "city": "New York", "country": "US" });
    let body = json!({ "items": ["ring"], "payment": { "method": "pm_card" }, "email": "ann@example.com", "address": address });
    let made = shop.http_once_as(&who, "key", "/api/v1/orders", body).await;
    let paid = OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap();
    let cancelled = order_of(&shop, &who, json!({ "items": ["ring"] })).await;
    let answer =
        shop.http_once_as(&who, "key-2", &format!("/api/v1/orders/{cancelled}/cancel"), Value::Null).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.to_string().contains("ann@example.com"));
    let open = forget().await;
    assert_eq!(
        (open.status, open.body["type"].as_str()),
        (409, Some("urn:omniflow:problem:customer-has-open-orders"))
    );
    assert_eq!(open.body["orders"].as_array().unwrap().len(), 2);
    for id in [&paid, &cancelled] {
        Walk::of(id).to_the_end(&shop).await.unwrap();
    }
    let before = shop.order(&paid).await;
    assert!(before.address().is_some() && before.shipments()[0].tracking.is_some());
    let amount = before.amount();
    let done = forget().await;
    assert_eq!(
        (done.status, &done.body["orders"], &done.body["answers"]),
        (200, &json!(2), &json!(2)),
        "{}",
        done.body
    );
    for table in ["OrdersTable", "IdempotencyTable", "StockTable", "SimulatedLedgerTable"] {
        let left = format!("{:?}", shop.items(table));
        assert!(!left.contains("ann@"), "{table}: {left}");
    }
    let kept = shop.order(&paid).await;
    assert_eq!((kept.amount(), kept.status()), (amount, Status::Completed));
    let shipment = &kept.shipments()[0];
    assert_eq!((shipment.tracking.as_ref(), shipment.warehouse.as_str()), (None, "wh-east"));
    assert_eq!(forget().await.body["orders"], 0, "asked again, there is nothing left to do");
    let listed = shop.http_as(&who, "GET", "/api/v1/orders", Value::Null).await;
    assert_eq!(listed.body["orders"], json!([]));
}
