//! What the description of the API forbids is refused, however it comes.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_testing::Shop;
use serde_json::{Value, json};

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
async fn a_whole_number_is_one_however_it_is_written() {
    let shop = shop();
    for (quantity, status) in [("2.0", 201), ("2e0", 201), ("2.5", 400), ("0.0", 400), ("1e300", 400)] {
        let quantity: Value = serde_json::from_str(quantity).unwrap();
        let body = json!({ "items": [{ "product_id": "ring", "quantity": quantity }] });
        let answer = shop.http("POST", "/api/v1/orders", body).await;
        assert_eq!(answer.status, status, "{quantity}");
    }
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
