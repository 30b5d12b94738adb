//! What a client has already is not sent again, and the countdown alone is no change.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_testing::{Shop, asked_back};
use serde_json::{Value, json};

async fn etag(shop: &Shop, path: &str) -> String {
    let answer = shop.http("GET", path, Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.headers["etag"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again_until_it_changes() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let id = shop.place(json!({ "items": ["ring"], "customer_id": "ann" })).await;
    let order = format!("/api/v1/orders/{id}");
    let paths = [order.as_str(), "/api/v1/orders", "/api/v1/summary"];
    let mut before = Vec::new();
    for path in paths {
        let etag = etag(&shop, path).await;
        assert!(etag.starts_with("W/"), "{etag}");
        let again = shop.http_knowing(&etag, path).await;
        assert_eq!((again.status, &again.headers["etag"]), (304, &json!(etag)), "{path}");
        before.push(etag);
    }
    let cancelled = shop.http("POST", &format!("{order}/cancel"), Value::Null).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    for (path, etag) in paths.into_iter().zip(&before) {
        assert_eq!(shop.http_knowing(etag, path).await.status, 200, "{path}");
    }
    // What another order is, or the same in another language, has another name.
    let chinese = shop.http_in("zh", "GET", &order, Value::Null).await.headers["etag"].clone();
    let english = shop.http_in("en", "GET", &order, Value::Null).await.headers["etag"].clone();
    assert_ne!(chinese, english);
}

#[tokio::test]
async fn the_catalogue_the_stock_the_people_and_the_returns_are_not_sent_again_until_they_change() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let id = shop.place(json!({ "items": ["ring"], "customer_id": "ann" })).await;
    let movements = "/api/v1/stock/ring/wh-east/movements";
    let sold = shop.place(json!({ "items": ["ring"], "payment": { "method": "pm_card" } })).await;
    shop.complete(&sold).await;
    let returns = format!("/api/v1/orders/{sold}/returns");
    let (cancel, nothing) = (format!("/api/v1/orders/{id}/cancel"), Value::Null);
    let delivery = json!({ "kind": "receive", "quantity": 1, "reason": "delivery" });
    // What is read, and what changes it.
    let cases = [
        ("/api/v1/stock", "POST", movements, &delivery),
        ("/api/v1/stock/ring", "POST", movements, &delivery),
        (movements, "POST", movements, &delivery),
        ("/api/v1/products", "PUT", "/api/v1/products/chain", &json!({ "name": "Chain", "price": 5 })),
        (
            "/api/v1/warehouses",
            "PUT",
            "/api/v1/warehouses/wh-west",
            &json!({ "name": "West", "link": "simulated" }),
        ),
        ("/api/v1/customers/ann/orders", "POST", &cancel, &nothing),
        ("/api/v1/returns", "POST", &returns, &asked_back(&[("ring", 1)])),
    ];
    for (path, method, change, body) in cases {
        let before = etag(&shop, path).await;
        let again = shop.http_knowing(&before, path).await;
        assert_eq!((again.status, &again.headers["etag"]), (304, &json!(before)), "{path}");
        let changed = shop.http(method, change, body.clone()).await;
        assert!((200..300).contains(&changed.status), "{change}: {}", changed.body);
        assert_eq!(shop.http_knowing(&before, path).await.status, 200, "{path}");
    }
}
