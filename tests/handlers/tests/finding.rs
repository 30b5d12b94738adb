//! Orders are found by each filter and by all of them together, by what people type, and at a bounded cost.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use omniflow_domain::OrderId;
use omniflow_testing::{HttpAnswer, Shop, Walk, customer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Parameters with their values.
type Query<'a> = Vec<(&'a str, &'a str)>;

async fn asked(shop: &Shop, query: &[(&str, &str)]) -> HttpAnswer {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    shop.http("GET", &format!("/api/v1/orders?{}", query.join("&")), Value::Null).await
}

/// The ids of all orders that are found, page by page.
async fn found(shop: &Shop, query: &[(&str, &str)]) -> Vec<String> {
    let (mut ids, mut next) = (Vec::new(), None::<String>);
    loop {
        let mut query = query.to_vec();
        query.extend(next.as_deref().map(|next| ("next", next)));
        let answer = asked(shop, &query).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let orders = answer.body["orders"].as_array().unwrap();
        ids.extend(orders.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()));
        match answer.body["next"].as_str() {
            Some(following) => next = Some(following.to_owned()),
            None => return ids,
        }
    }
}

/// A shop with four orders: a ring of ann, two lamps of bob, a ring for a lot of money, and a cancelled one of ann.
async fn stocked() -> (Shop, [OrderId; 4]) {
    stocked_with("false").await
}

/// The same shop, whose orders have sharded keys or not.
async fn stocked_with(sharded: &str) -> (Shop, [OrderId; 4]) {
    let rows = [("ring", "wh-east", 9), ("lamp", "wh-west", 9)];
    let (shop, clock) = Shop::set_up_and_timed(&rows, &[("SHARDED_KEYS", sharded)]);
    let place = async |order: Value| {
        clock.advance(Duration::from_secs(1));
        shop.place(order).await
    };
    let ring =
        place(json!({ "items": ["ring"], "customer_id": "ann", "email": "Ann@Example.com", "payment": { "method": "pm_card" } }))
        .await;
    let lamps = json!([{ "product_id": "lamp", "quantity": 2 }]);
    let lamp = place(json!({ "items": lamps, "customer_id": "bob", "email": "bob@example.com" })).await;
    let large = place(json!({ "items": ["ring"], "amount": 20_000 })).await;
    let cancelled =
        place(json!({ "items": ["lamp"], "customer_id": "ann", "email": "ann@example.com" })).await;
    Walk::of(&ring).to_the_end(&shop).await.unwrap();
    Walk::until(&shop, &lamp, "AwaitPayment").await.step(&shop).await;
    Walk::until(&shop, &large, "AwaitAudit").await.step(&shop).await;
    assert_eq!(shop.decide(&cancelled, "cancel").await.status, 200);
    (shop, [ring, lamp, large, cancelled])
}

#[tokio::test]
async fn orders_are_found_by_each_filter_and_by_several() {
    is_found_by_each_filter(stocked().await).await;
}

#[tokio::test]
async fn orders_are_found_under_sharded_keys_and_under_those_of_before() {
    is_found_by_each_filter(stocked_with("true").await).await;
    let (shop, orders) = stocked_with("true").await;
    for id in orders.iter().step_by(2) {
        shop.write_elsewhere(id, |item| {
            let key = item["status"]["S"].as_str().unwrap().to_owned();
            let (plain, _) = key.split_once('#').unwrap();
            item["status"]["S"] = json!(plain);
        });
    }
    is_found_by_each_filter((shop, orders)).await;
}

async fn is_found_by_each_filter((shop, [ring, lamp, large, cancelled]): (Shop, [OrderId; 4])) {
    let tracking = shop.order(&ring).await.shipments()[0].tracking.clone().unwrap();
    let (number, digits) = (shop.order(&lamp).await.number().unwrap(), lamp.number().to_owned());
    let all = [&cancelled, &large, &lamp, &ring];
    let cases: Vec<(Query<'_>, Vec<&OrderId>)> = vec![
        (vec![], all.to_vec()),
        (vec![("state", "AWAITING_AUDIT")], vec![&large]),
        (vec![("reason", "CUSTOMER")], vec![&cancelled]),
        (vec![("customer", "ann")], vec![&cancelled, &ring]),
        (vec![("email", "ann@EXAMPLE.com")], vec![&cancelled, &ring]),
        (vec![("email", "nobody@example.com")], vec![]),
        (vec![("product", "Ring!")], vec![&large, &ring]),
        (vec![("warehouse", "wh-west")], vec![&lamp]),
        (vec![("tracking", &tracking)], vec![&ring]),
        (vec![("number", "10002")], vec![&lamp]),
        (vec![("number", "#10002"), ("customer", "bob")], vec![&lamp]),
        (vec![("number", "10002"), ("customer", "ann")], vec![]),
        (vec![("number", "99999")], vec![]),
        (vec![("min_amount", "20")], vec![&large, &lamp]),
        (vec![("max_amount", "10.00")], vec![&cancelled, &ring]),
        (vec![("min_amount", "11"), ("max_amount", "100")], vec![&lamp]),
        (vec![("from", "2020-01-01"), ("to", "2199-12-31")], all.to_vec()),
        (vec![("to", "2020-01-01")], vec![]),
        (vec![("from", "2199-01-01T00:00:00Z")], vec![]),
        (
            vec![
                ("email", "ann@example.com"),
                ("reason", "CUSTOMER"),
                ("product", "lamp"),
                ("max_amount", "10"),
            ],
            vec![&cancelled],
        ),
        (
            vec![("customer", "ann"), ("product", "ring"), ("warehouse", "wh-east"), ("state", "COMPLETED")],
            vec![&ring],
        ),
        (vec![("search", "#10002")], vec![&lamp]),
        (vec![("search", "10002")], vec![&lamp]),
        (vec![("search", &digits)], vec![&lamp]),
        (vec![("search", &digits[..12])], found_by_prefix(&all, &digits[..12])),
        (vec![("search", &tracking)], vec![&ring]),
        (vec![("search", "20000")], vec![&large]),
    ];
    assert_eq!(number.get(), 10_002);
    for limit in ["1", "2", "100"] {
        for (query, wanted) in &cases {
            let mut query = query.clone();
            query.push(("limit", limit));
            let wanted: Vec<_> = wanted.iter().map(|id| id.to_string()).collect();
            assert_eq!(found(&shop, &query).await, wanted, "{query:?}");
        }
    }
}

fn found_by_prefix<'a>(ids: &[&'a OrderId], digits: &str) -> Vec<&'a OrderId> {
    ids.iter().copied().filter(|id| id.number().starts_with(digits)).collect()
}

#[tokio::test]
async fn dates_keep_out_what_was_made_before_and_after() {
    let (shop, clock) = Shop::set_up_and_timed(&[("ring", "wh-east", 90)], &[("SHARDED_KEYS", "true")]);
    let mut made = Vec::new();
    for _ in 0..6 {
        made.push(shop.place_one("ring", 1).await);
        clock.advance(Duration::from_secs(3600));
    }
    let at = |index: usize| made[index].made_at().unwrap().to_rfc3339();
    let newest_first =
        |range: std::ops::Range<usize>| made[range].iter().rev().map(ToString::to_string).collect::<Vec<_>>();
    for limit in ["1", "3", "100"] {
        for more in [None, Some(("product", "ring"))] {
            let ask = async |query: &[(&str, &str)]| {
                let mut query = query.to_vec();
                query.push(("limit", limit));
                query.extend(more);
                found(&shop, &query).await
            };
            assert_eq!(ask(&[("from", &at(2))]).await, newest_first(2..6));
            assert_eq!(
                ask(&[("to", &at(2))]).await,
                newest_first(0..2),
                "the moment itself is not before it"
            );
            assert_eq!(ask(&[("from", &at(1)), ("to", &at(5))]).await, newest_first(1..5));
            assert_eq!(
                ask(&[("from", &at(1)), ("to", &at(5)), ("state", "RECEIVED")]).await,
                newest_first(1..5)
            );
            assert_eq!(ask(&[("state", "COMPLETED"), ("from", &at(0))]).await, newest_first(0..0));
        }
    }
}

#[tokio::test]
async fn what_is_no_parameter_or_has_no_such_value_is_refused_in_the_callers_language() {
    let shop = Shop::stocked(&[]);
    let long = "0".repeat(201);
    for (name, value, says) in [
        ("customer_id", "ann", "warehouse"),
        ("State", "COMPLETED", "warehouse"),
        ("state", "DONE", "AWAITING_AUDIT"),
        ("reason", "WHIM", "OUT_OF_STOCK"),
        ("email", "ann", "ann@example.com"),
        ("product", "", "200"),
        ("number", "17", "10042"),
        ("min_amount", "-1", "min_amount"),
        ("min_amount", &long, "200"),
        ("max_amount", "1.234", "max_amount"),
        ("from", "yesterday", "2026-11-26"),
        ("to", "9999-01-01", "2199"),
        ("next", "17", "next"),
        ("limit", "0", "100"),
    ] {
        let refused = asked(&shop, &[(name, value)]).await;
        assert_eq!(refused.status, 400, "{name}={value}");
        let said = refused.body["detail"].as_str().unwrap();
        assert!(said.contains(name) && said.contains(says), "{said}");
        let path = format!("/api/v1/orders?{name}={value}");
        let russian = shop.http_in("ru", "GET", &path, Value::Null).await;
        assert_eq!((russian.status, russian.body["type"].clone()), (400, refused.body["type"].clone()));
        let is_translated = !["next", "limit"].contains(&name);
        assert_eq!(russian.body["detail"] != refused.body["detail"], is_translated, "{name}={value}");
    }
    for query in ["min_amount=2&max_amount=1", "from=2026-11-26&to=2026-11-25"] {
        assert_eq!(
            shop.http("GET", &format!("/api/v1/orders?{query}"), Value::Null).await.status,
            400,
            "{query}"
        );
    }
}

#[tokio::test]
async fn customers_find_their_own_orders_and_no_others() {
    let (shop, [ring, ..]) = stocked().await;
    let tracking = shop.order(&ring).await.shipments()[0].tracking.clone().unwrap();
    let digits = ring.number();
    let queries = [
        "number=10001",
        "search=10001",
        "search=%2310001",
        &format!("search={digits}"),
        &format!("tracking={tracking}"),
        "email=ann%40example.com&state=COMPLETED",
    ];
    for query in queries {
        let of = async |subject: &str| {
            let answer = shop
                .http_as(&customer(subject), "GET", &format!("/api/v1/orders?{query}"), Value::Null)
                .await;
            assert_eq!(answer.status, 200);
            answer.body["orders"]
                .as_array()
                .unwrap()
                .iter()
                .map(|order| order["order_id"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("ann").await, [json!(ring)], "{query}");
        assert!(of("bob").await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn an_answer_looks_at_five_hundred_orders_at_most_and_the_next_goes_on() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let oldest = shop.place(json!({ "items": ["ring"], "customer_id": "ann" })).await;
    for _ in 0..520 {
        shop.place(json!({ "items": ["ring"] })).await;
    }
    let first = asked(&shop, &[("min_amount", "10"), ("search", "ann")]).await.body;
    assert_eq!((first["orders"].as_array().map(Vec::len), first["next"].is_null()), (Some(0), false));
    assert_eq!(found(&shop, &[("min_amount", "10"), ("search", "ann")]).await, [oldest.to_string()]);
}

#[tokio::test]
async fn a_forgotten_customer_is_found_by_no_address() {
    let (shop, [ring, lamp, _, cancelled]) = stocked().await;
    // Somebody else with the same address, and an order that was registered and never written.
    let other =
        shop.place(json!({ "items": ["ring"], "customer_id": "eve", "email": "ann@example.com" })).await;
    shop.put(
        "RegisterTable",
        json!({ "entry": { "S": "email ann@example.com" }, "subject": { "S": "ORD-1" } }),
    );
    Walk::of(&cancelled).to_the_end(&shop).await.unwrap();
    let forgotten = shop.http("DELETE", "/api/v1/customers/ann", Value::Null).await;
    assert_eq!(forgotten.status, 200, "{}", forgotten.body);
    assert_eq!(found(&shop, &[("email", "ann@example.com")]).await, [other.to_string()]);
    let left = shop.items("RegisterTable");
    let left = left.iter().filter(|item| item["entry"]["S"] == "email ann@example.com");
    assert_eq!(left.map(|item| item["subject"]["S"].clone()).collect::<Vec<_>>(), [json!(other)]);
    assert_eq!(found(&shop, &[("number", "10001")]).await, [ring.to_string()], "the books keep the number");
    assert_eq!(found(&shop, &[("email", "bob@example.com")]).await, [lamp.to_string()]);
}

#[tokio::test]
async fn an_approved_order_is_shown_as_no_longer_in_review() {
    let (shop, [_, _, large, _]) = stocked().await;
    let approved = shop.audit(&large, "APPROVE").await;
    assert_eq!((approved.status, &approved.body["state"]), (200, &json!("RESERVED")));
    let read = shop.http("GET", &format!("/api/v1/orders/{large}"), Value::Null).await;
    assert_eq!(read.body["state"], "RESERVED");
    assert!(
        found(&shop, &[("state", "AWAITING_AUDIT")]).await.is_empty(),
        "no reviewer has to look at it again"
    );
    let again = shop.audit(&large, "APPROVE").await;
    assert_eq!((again.status, &again.body["state"]), (409, &json!("RESERVED")));
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains("approved") && !detail.contains("AWAITING_AUDIT"), "{detail}");
    Walk::until(&shop, &large, "AwaitPayment").await.step(&shop).await;
    let read = shop.http("GET", &format!("/api/v1/orders/{large}"), Value::Null).await;
    assert_eq!(read.body["state"], "AWAITING_PAYMENT");
}
