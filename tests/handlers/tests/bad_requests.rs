//! What the description of the API forbids is refused, however it comes.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use omniflow_domain::OrderId;
use omniflow_testing::{HttpAnswer, Shop, Walk, customer, starts, system};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";

fn shop() -> Shop {
    Shop::stocked(&[("ring", "wh-east", 9)])
}

#[tokio::test]
async fn an_empty_value_is_not_the_same_as_none() {
    let shop = shop();
    for query in ["state=", "limit=", "next="] {
        let answer = shop.http("GET", &format!("/api/v1/orders?{query}"), Value::Null).await;
        assert_eq!(answer.status, 400, "{query}");
    }
    assert_eq!(shop.http("GET", "/api/v1/orders?search=", Value::Null).await.status, 200);
    let id = shop.place_one("ring", 1).await;
    for (query, status) in [("execution=", 400), ("next=", 404)] {
        let answer = shop.http("GET", &format!("/api/v1/orders/{id}/workflow?{query}"), Value::Null).await;
        assert_eq!(answer.status, status, "{query}");
    }
}

#[tokio::test]
async fn an_empty_text_names_nobody() {
    let shop = shop();
    for body in [
        json!({ "items": ["ring"], "customer_id": "" }),
        json!({ "items": ["ring"], "email": "" }),
        json!({ "items": [""] }),
        json!({ "items": [{ "product_id": "" }] }),
        json!({ "items": [{ "product_id": "ring", "name": "" }] }),
    ] {
        assert_eq!(shop.http("POST", "/api/v1/orders", body.clone()).await.status, 400, "{body}");
    }
    let unknown = shop.http("POST", "/api/v1/orders", json!({ "items": ["!"] })).await;
    assert_eq!((unknown.status, &unknown.body["product"]), (422, &json!("!")));
}

#[tokio::test]
async fn a_whole_number_is_read_to_its_last_digit_however_it_is_written() {
    let shop = shop();
    let order = async |quantity: &str| {
        let body = format!(r#"{{"items": [{{"product_id": "ring", "quantity": {quantity}}}]}}"#);
        shop.post_text("/api/v1/orders", &body).await
    };
    for whole in ["2", "2.0", "2e0", "20e-1", "0.2E+1"] {
        let made = order(whole).await;
        assert_eq!(made.status, 201, "{whole}: {}", made.body);
        let id = OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap();
        assert_eq!(shop.order(&id).await.items()[0].quantity, 2, "{whole}");
    }
    let refused = ["2.5", "1.00000000000000001", "0", "0.0", "-1", "1e-1", "1000000.0000000001", "1e300"];
    for refused in refused.into_iter().chain([r#""2""#, "true"]) {
        let answer = order(refused).await;
        assert!(is_bad(&answer, "items[0].quantity"), "{refused}: {}", answer.body);
        assert!(is_bad(&answer, refused), "it says what was sent: {}", answer.body);
    }
    let moved = async |quantity: &str| {
        let body = format!(r#"{{"kind": "receive", "reason": "delivery", "quantity": {quantity}}}"#);
        shop.post_text("/api/v1/stock/ring/wh-east/movements", &body).await
    };
    assert!(is_bad(&moved("1.00000000000000001").await, "'quantity'"));
    assert_eq!(moved("1.0").await.status, 201);
}

#[tokio::test]
async fn a_sum_that_does_not_add_up_is_a_problem_of_its_own() {
    let shop = shop();
    for body in [
        json!({ "amount": 5, "items": [{ "product_id": "ring", "price": 6 }] }),
        json!({ "items": [{ "product_id": "ring", "price": 6 }, "ring"] }),
        json!({ "items": [{ "product_id": "ring", "price": 999_999_999, "quantity": 2 }] }),
    ] {
        let answer = shop.http("POST", "/api/v1/orders", body.clone()).await;
        let problem = (answer.status, answer.body["type"].as_str().unwrap());
        assert_eq!(problem, (422, "urn:omniflow:problem:amount-mismatch"), "{body}");
    }
}

fn is_bad(answer: &HttpAnswer, field: &str) -> bool {
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    answer.status == 400
        && answer.body["type"] == "urn:omniflow:problem:bad-request"
        && detail.contains(field)
}

/// What is no amount of money as JSON, as it is written there.
const NO_MONEY: [&str; 30] = [
    r#""1_000""#,
    r#""+5""#,
    r#""1e3""#,
    r#"".5""#,
    r#""5.""#,
    r#""５""#,
    r#"" 5""#,
    r#""5 ""#,
    r#""5\n""#,
    r#""5.000""#,
    r#""-5""#,
    r#""-0""#,
    r#""0""#,
    r#""""#,
    r#""NaN""#,
    r#""10000.0000000000000001""#,
    "10000.0000000000000001",
    "9.999999999999999999999",
    "1.005",
    "1e-3",
    "1e9",
    "1e30",
    "100000000000000000000000000000000000000000000000000",
    "-0",
    "-1",
    "0",
    "0.00",
    "true",
    "[1]",
    "{}",
];

#[tokio::test]
async fn what_is_not_exactly_an_amount_is_refused_wherever_money_is_given() {
    let shop = shop();
    for money in NO_MONEY {
        let amount = format!(r#"{{"items": ["ring"], "amount": {money}}}"#);
        let price =
            format!(r#"{{"items": [{{"product_id": "ring"}}, {{"product_id": "ring", "price": {money}}}]}}"#);
        for (field, body) in [("'amount'", amount), ("items[1].price", price)] {
            for door in [ORDERS, "/api/orders", "/api/orders/create"] {
                let answer = shop.post_text(door, &body).await;
                assert!(is_bad(&answer, field), "{body}: {}", answer.body);
            }
        }
    }
    assert!(shop.items("OrdersTable").is_empty());
}

#[tokio::test]
async fn what_is_exactly_an_amount_is_taken_however_the_number_is_written() {
    let shop = shop();
    for (money, amount) in [
        ("1.50", "1.50"),
        ("1.5000000000000000000000000", "1.50"),
        ("1e3", "1000.00"),
        ("1E2", "100.00"),
        ("1.2345678E7", "12345678.00"),
        ("0.01", "0.01"),
        ("999999999", "999999999.00"),
        (r#""1.5""#, "1.50"),
        (r#""12.30""#, "12.30"),
        (r#""7""#, "7.00"),
    ] {
        let body = format!(
            r#"{{"items": [{{"product_id": "ring", "name": "a \"5\" ring, 1e9", "price": {money}}}], "amount": {money}}}"#
        );
        let answer = shop.post_text(ORDERS, &body).await;
        assert_eq!(answer.status, 201, "{body}: {}", answer.body);
        let id = omniflow_domain::OrderId::parse(answer.body["order_id"].as_str().unwrap()).unwrap();
        let order = shop.order(&id).await;
        assert_eq!(
            (order.amount().to_string(), order.items()[0].price),
            (amount.to_owned(), Some(order.amount()))
        );
    }
}

#[test]
fn a_threshold_that_is_no_amount_is_refused_at_the_start() {
    let function = system().functions.values().find(|function| function.binary == "api").unwrap();
    let started = |threshold: &str| {
        let mut variables: BTreeMap<_, _> = function.environment.clone();
        variables.insert("AUDIT_THRESHOLD".to_owned(), threshold.to_owned());
        starts("api", variables)
    };
    for good in ["0", "10000", "0.5", "10000.00"] {
        started(good).unwrap();
    }
    for bad in ["", "1_000", "+5", "1e4", "-1", "10.005", " 1"] {
        let refused = started(bad).unwrap_err().to_string();
        assert!(refused.contains("AUDIT_THRESHOLD"), "{refused}");
    }
}

#[tokio::test]
async fn a_text_of_the_callers_has_no_control_characters() {
    let shop = shop();
    for character in ["\0", "\u{1b}", "\u{7}", "\u{8}", "\u{7f}", "\u{85}", "\n", "\t", "\r"] {
        let text = format!("a{character}b");
        for (field, body) in [
            ("customer_id", json!({ "items": ["ring"], "customer_id": text })),
            ("email", json!({ "items": ["ring"], "email": text })),
            ("items[0]", json!({ "items": [text] })),
            ("items[0].product_id", json!({ "items": [{ "product_id": text }] })),
            ("items[0].name", json!({ "items": [{ "product_id": "ring", "name": text }] })),
        ] {
            let answer = shop.http("POST", ORDERS, body).await;
            assert!(is_bad(&answer, field), "{character:?}: {}", answer.body);
        }
    }
    assert!(shop.items("OrdersTable").is_empty());
}

#[tokio::test]
async fn a_note_may_have_lines_and_tabs_and_no_other_control_characters() {
    let shop = shop();
    let id = shop.place(json!({ "items": ["ring"], "amount": 20_000 })).await;
    Walk::until(&shop, &id, "AwaitAudit").await.step(&shop).await;
    let path = format!("{ORDERS}/{id}/audit");
    let verdict = |note: &str| json!({ "action": "APPROVE", "note": note });
    for character in
        ["\0", "\u{1b}[2J", "\u{7}", "\u{8}", "\u{c}", "\u{7f}", "\u{9b}", "\r", "\n\r", "\r\r\n"]
    {
        let answer = shop.http("POST", &path, verdict(&format!("a{character}b"))).await;
        assert!(is_bad(&answer, "'note'"), "{character:?}: {}", answer.body);
    }
    assert!(shop.order(&id).await.audit().is_none());
    let note = "The address is\n\ta forwarder's.\r\n好 ✓";
    let answer = shop.http("POST", &path, verdict(note)).await;
    assert_eq!((answer.status, &answer.body["audit"]["note"]), (200, &json!(note)));
}

/// Longer than any key of DynamoDB, and than any page token of Step Functions.
const TOO_LONG: usize = 3000;

#[tokio::test]
async fn what_is_too_long_for_a_key_names_nothing() {
    let shop = shop();
    let id = shop.place_one("ring", 1).await;
    let (letters, digits) = ("x".repeat(TOO_LONG), "9".repeat(TOO_LONG));
    for (path, status, kind) in [
        (format!("/api/v1/stock/{letters}"), 404, "product-not-found"),
        (format!("/api/v1/stock/{}", "%C4%B0".repeat(TOO_LONG)), 404, "product-not-found"),
        (format!("{ORDERS}/{letters}"), 404, "order-not-found"),
        (format!("{ORDERS}/ORD-{digits}"), 404, "order-not-found"),
        (format!("/api/orders/order-processing-{letters}-{digits}"), 404, "order-not-found"),
        (format!("/api/orders/status?workflow_id=ORD-{digits}"), 404, "order-not-found"),
        (format!("/api/orders/status?workflow_id=order-processing-{letters}-1"), 404, "order-not-found"),
        (format!("/api/workflows/{letters}/status"), 404, "order-not-found"),
        (format!("{ORDERS}/{id}/workflow?next={letters}"), 404, "page-not-found"),
        (format!("{ORDERS}/{id}/workflow?execution=payment-window&next={letters}"), 404, "page-not-found"),
        (format!("{ORDERS}/{id}/workflow?execution={letters}"), 400, "bad-request"),
        (format!("{ORDERS}?next=ORD-{digits}"), 400, "bad-request"),
        (format!("{ORDERS}?state={letters}"), 400, "bad-request"),
    ] {
        let answer = shop.http("GET", &path, Value::Null).await;
        let problem = format!("urn:omniflow:problem:{kind}");
        assert_eq!((answer.status, &answer.body["type"]), (status, &json!(problem)), "{}", &path[..60]);
    }
    for who in [Value::Null, customer("ann")] {
        for search in [format!("ORD-{digits}"), format!("ORD-{}", "1".repeat(33))] {
            shop.aws.outages([]);
            let answer = shop.http_as(&who, "GET", &format!("{ORDERS}?search={search}"), Value::Null).await;
            assert_eq!((answer.status, &answer.body["orders"]), (200, &json!([])), "{}", &search[..20]);
            // The tables here take a longer prefix than DynamoDB would; it is not asked for one.
            assert_eq!(shop.aws.requests(), 0);
        }
    }
}

#[tokio::test]
async fn a_body_with_what_is_too_long_for_a_key_is_refused_and_nothing_is_written() {
    let shop = shop();
    let letters = "x".repeat(TOO_LONG);
    for body in [
        json!({ "items": ["ring"], "customer_id": letters }),
        json!({ "items": [letters] }),
        json!({ "items": [{ "product_id": letters }] }),
        json!({ "items": [{ "name": letters }] }),
    ] {
        assert_eq!(shop.http("POST", ORDERS, body).await.status, 400);
    }
    assert_eq!(shop.http_once(&letters, ORDERS, json!({ "items": ["ring"] })).await.status, 400);
    // 200 letters, which are three times as many when they are folded.
    let widest = shop.http("POST", ORDERS, json!({ "items": ["\u{390}".repeat(200)] })).await;
    assert_eq!(widest.status, 422, "{}", widest.body);
    assert!(shop.items("OrdersTable").is_empty());
}
