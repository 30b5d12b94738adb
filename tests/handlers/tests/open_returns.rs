//! The list of open returns: nothing that waits is missing, nothing is there twice, whatever has the same moment and
//! however the keys are written.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use omniflow_domain::OrderId;
use omniflow_testing::{At, Shop, Walk, customer};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 99)];
const MINUTE: Duration = Duration::from_secs(60);

/// A completed order of two rings.
async fn sold(shop: &Shop, method: &str) -> OrderId {
    let items = json!([{ "product_id": "ring", "quantity": 2 }]);
    let id =
        shop.place(json!({ "items": items, "customer_id": "ann", "payment": { "method": method } })).await;
    shop.complete(&id).await;
    id
}

async fn page(shop: &Shop, query: &str) -> Value {
    let answer = shop.http_in("en", "GET", &format!("/api/v1/returns{query}"), Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The open returns as the pages of this size have them one after the other, such as `ORD-1/1`.
async fn listed(shop: &Shop, limit: usize, more: &str) -> Vec<String> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = page(shop, &format!("?limit={limit}{more}{next}")).await;
        let returns = page["returns"].as_array().unwrap();
        assert!(returns.len() <= limit, "{page}");
        all.extend(returns.iter().map(|it| format!("{}/{}", it["order_id"].as_str().unwrap(), it["return"])));
        match page["next"].as_str() {
            Some(text) => next = format!("&next={text}"),
            None => return all,
        }
    }
}

async fn count(shop: &Shop) -> Value {
    shop.http("GET", "/api/v1/summary", Value::Null).await.body["open_returns"].clone()
}

#[tokio::test]
async fn open_returns_are_listed_longest_waiting_first_whatever_the_pages_and_the_keys() {
    for keys in ["false", "read", "true"] {
        let (shop, clock) = Shop::set_up_and_timed(&STOCK, &[("SHARDED_KEYS", keys)]);
        assert_eq!(page(&shop, "").await, json!({ "returns": [], "next": null, "unreadable": 0 }));
        let mut asked = Vec::new();
        for number in 0..6 {
            let id = sold(&shop, "pm_card").await;
            shop.ask_back(&id, &[("ring", 1)]).await;
            asked.push(format!("{id}/1"));
            if number % 2 == 0 {
                shop.ask_back(&id, &[("ring", 1)]).await;
                asked.push(format!("{id}/2"));
            }
            clock.advance(MINUTE);
        }
        for limit in [1, 4, 100] {
            assert_eq!(listed(&shop, limit, "").await, asked, "{keys}, by {limit}");
        }
        // Now all have been told of in one millisecond, and the index has an order of its own for them.
        shop.sweep().await;
        for limit in [1, 4, 100] {
            assert_eq!(listed(&shop, limit, "").await, asked, "{keys}, by {limit}, at the same moment");
        }
        // One that still has to be told comes behind those that rest.
        clock.advance(MINUTE);
        let id = sold(&shop, "pm_card").await;
        shop.ask_back(&id, &[("ring", 1)]).await;
        asked.push(format!("{id}/1"));
        assert_eq!(listed(&shop, 3, "").await, asked, "{keys}");
        assert_eq!(count(&shop).await, json!({ "count": 7, "more": false }), "{keys}");
    }
}

#[tokio::test]
async fn each_says_what_it_waits_for_and_what_is_closed_is_gone() {
    let (shop, clock) = Shop::set_up_and_timed(&STOCK, &[("RETURN_REVIEW_THRESHOLD", "15")]);
    let [reviewed, rejected, refunded] =
        [sold(&shop, "pm_card").await, sold(&shop, "pm_card").await, sold(&shop, "pm_card").await];
    let failed = sold(&shop, "pm_refund_fails").await;
    clock.advance(MINUTE);
    shop.ask_back(&reviewed, &[("ring", 2)]).await;
    for id in [&rejected, &refunded, &failed] {
        clock.advance(MINUTE);
        shop.ask_back(id, &[("ring", 1)]).await;
    }
    let waiting = page(&shop, "").await;
    let first = &waiting["returns"][0];
    assert_eq!(first["order_id"], reviewed.as_str());
    assert_eq!(first["number"], json!(shop.order(&reviewed).await.number()));
    assert_eq!(
        (&first["state"], &first["status"]),
        (&json!("AWAITING_REVIEW"), &json!("Return under review"))
    );
    assert_eq!((&first["customer_id"], &first["value"]), (&json!("ann"), &json!(20)));
    assert_eq!(first["items"], json!([{ "product_id": "ring", "name": "ring", "quantity": 2 }]));
    assert_eq!((first.get("refund"), first.get("failure")), (None, None));
    let asked = shop.order(&reviewed).await.returns()[0].history.last().unwrap().at;
    assert_eq!(first["since"], json!(asked));
    assert_eq!(listed(&shop, 1, "&state=AWAITING_REVIEW").await, [format!("{reviewed}/1")]);
    assert_eq!(listed(&shop, 2, "&state=AWAITING_GOODS").await.len(), 3);

    assert_eq!(shop.on_return(&rejected, 1, "audit", json!({ "action": "REJECT" })).await.status, 200);
    Walk::of_return(&refunded, 1).to_the_end(&shop).await.unwrap();
    assert!(Walk::of_return(&failed, 1).to_the_end(&shop).await.is_err());
    assert_eq!(listed(&shop, 9, "&state=NEEDS_ATTENTION").await, [format!("{failed}/1")]);
    let left = page(&shop, "").await;
    assert_eq!(left["returns"].as_array().unwrap().len(), 2, "{left}");
    assert!(left["returns"][1]["failure"].as_str().unwrap().contains("RefundFailed"), "{left}");
    assert_eq!(left["returns"][1]["refund"], json!(10));
    // That the goods have come is no end.
    let received = sold(&shop, "pm_card").await;
    shop.ask_back(&received, &[("ring", 1)]).await;
    let mut walk = Walk::of_return(&received, 1);
    while !matches!(&walk.at, At::Waiting(state, _) if state == "AwaitReturnedGoods") {
        assert!(walk.step(&shop).await, "{:?}", walk.at);
    }
    let came = json!({ "items": [{ "product_id": "ring", "restock": 1 }] });
    assert_eq!(shop.on_return(&received, 1, "received", came).await.status, 200);
    assert_eq!(listed(&shop, 9, "&state=RECEIVED").await, [format!("{received}/1")]);
}

#[tokio::test]
async fn what_is_wrong_with_the_question_is_said_and_customers_may_not_ask() {
    let shop = Shop::set_up(&STOCK, &[("OPEN_ACCESS", "false")]);
    let operator = json!({ "jwt": { "claims": { "sub": "bob", "scope": "omniflow/operate" } } });
    for (query, word) in [
        ("state=REFUNDED", "AWAITING_REVIEW, AWAITING_GOODS, RECEIVED, NEEDS_ATTENTION"),
        ("state=awaiting_review", "not a state of an open return"),
        ("state=", "not a state of an open return"),
        ("status=AWAITING_REVIEW", "'status' is no parameter of this list; there are: state, limit, next"),
        ("limit=0", "'limit'"),
        ("limit=101", "'limit'"),
        ("limit=many", "'limit'"),
        ("next=", "'next'"),
        ("next=ORD-1", "'next'"),
        ("next=-1/ORD-1/0", "'next'"),
        ("next=1/ORD-1", "'next'"),
        ("next=1/ORD-1/x", "'next'"),
        ("next=1/ORD-1/0/0", "'next'"),
        ("next=99999999999999999999/ORD-1/0", "'next'"),
    ] {
        let path = format!("/api/v1/returns?{query}");
        let answer = shop.http_as(&operator, "GET", &path, Value::Null).await;
        assert_eq!((answer.status, &answer.body["type"]), (400, &json!("urn:omniflow:problem:bad-request")));
        assert!(answer.body["detail"].as_str().unwrap().contains(word), "{query}: {}", answer.body);
    }
    let path = "/api/v1/returns?state=OPEN";
    let russian = shop.http_with(&[("accept-language", "ru")], &operator, "GET", path, Value::Null).await;
    assert!(russian.body["detail"].as_str().unwrap().contains("не состояние"), "{}", russian.body);
    let far = "/api/v1/returns?next=9223372036854775807/ORD-1/4294967295";
    assert_eq!(shop.http_as(&operator, "GET", far, Value::Null).await.body["returns"], json!([]));
    assert_eq!(shop.http_as(&customer("ann"), "GET", "/api/v1/returns", Value::Null).await.status, 403);
}

#[tokio::test]
async fn an_order_that_cannot_be_read_is_counted_and_hides_no_other() {
    let shop = Shop::stocked(&STOCK);
    let (spoilt, sound) = (sold(&shop, "pm_card").await, sold(&shop, "pm_card").await);
    for id in [&spoilt, &sound] {
        shop.ask_back(id, &[("ring", 1)]).await;
    }
    shop.spoil(&spoilt);
    let page = page(&shop, "?limit=2").await;
    assert_eq!((page["returns"].as_array().unwrap().len(), &page["unreadable"]), (1, &json!(1)), "{page}");
    assert_eq!(page["returns"][0]["order_id"], sound.as_str());
}
