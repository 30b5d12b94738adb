//! An order whose record is damaged stands in the way of no other: lists show that it is there, and only who asks for it
//! alone is refused, in a way that says that asking again doesn't help.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use omniflow_domain::{OrderId, Status};
use omniflow_testing::{HttpAnswer, Shop, Walk, asked_back, customer};
use serde_json::{Value, json};

const ORDERS: &str = "/api/v1/orders";
const UNREADABLE: &str = "urn:omniflow:problem:order-unreadable";

fn shop() -> Shop {
    Shop::stocked(&[("ring", "wh-east", 99)])
}

async fn ring_of(shop: &Shop, subject: &str) -> OrderId {
    let made = shop.http_as(&customer(subject), "POST", ORDERS, json!({ "items": ["ring"] })).await;
    OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap()
}

async fn get(shop: &Shop, path: &str) -> HttpAnswer {
    shop.http("GET", path, Value::Null).await
}

fn ids(answer: &HttpAnswer) -> Vec<&str> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let orders = answer.body["orders"].as_array().unwrap();
    orders.iter().map(|order| order["order_id"].as_str().unwrap()).collect()
}

fn find<'a>(answer: &'a HttpAnswer, id: &OrderId) -> &'a Value {
    let orders = answer.body["orders"].as_array().unwrap();
    orders.iter().find(|order| order["order_id"] == id.as_str()).unwrap()
}

#[tokio::test]
async fn a_list_has_it_in_its_place_with_the_fields_of_an_order() {
    let shop = shop();
    let (older, damaged, newer) =
        (ring_of(&shop, "ann").await, ring_of(&shop, "ann").await, ring_of(&shop, "ann").await);
    shop.spoil(&damaged);
    for (who, path) in [
        (Value::Null, ORDERS),
        (Value::Null, "/api/v1/orders?state=RECEIVED"),
        (Value::Null, "/api/v1/orders?search=ORD-"),
        (Value::Null, "/api/v1/orders?search=ann"),
        (customer("ann"), ORDERS),
        (customer("ann"), "/api/v1/orders?state=RECEIVED"),
    ] {
        let listed = shop.http_as(&who, "GET", path, Value::Null).await;
        let mut expected = vec![older.as_str(), damaged.as_str(), newer.as_str()];
        expected.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!((ids(&listed), &listed.body["unreadable"]), (expected, &json!(1)), "{path}");
        let (good, bad) = (find(&listed, &older), find(&listed, &damaged));
        assert_eq!((&good["state"], &bad["state"]), (&json!("RECEIVED"), &json!("UNREADABLE")));
        assert_eq!(bad["customer_id"], "ann");
        assert_eq!(bad["created_at"], json!(damaged.made_at()));
        // Whoever reads the one reads the other: the same fields, and what is a list or an object is one.
        for (name, value) in good.as_object().unwrap() {
            let same = bad.get(name).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!((same.is_array(), same.is_object()), (value.is_array(), value.is_object()), "{name}");
        }
    }
    assert_eq!(ids(&get(&shop, "/api/v1/orders?state=COMPLETED").await), [""; 0]);
}

#[tokio::test]
async fn it_counts_for_the_length_of_a_page_and_none_is_lost_between_pages() {
    let shop = shop();
    let mut all = BTreeSet::new();
    for n in 0..7 {
        let id = ring_of(&shop, "ann").await;
        if n % 2 == 0 {
            shop.spoil(&id);
        }
        all.insert(id.to_string());
    }
    for who in [Value::Null, customer("ann")] {
        let (mut seen, mut unreadable, mut path) = (Vec::new(), 0, format!("{ORDERS}?limit=2"));
        loop {
            let page = shop.http_as(&who, "GET", &path, Value::Null).await;
            assert!(ids(&page).len() <= 2);
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            unreadable += page.body["unreadable"].as_u64().unwrap();
            match page.body["next"].as_str() {
                Some(next) => path = format!("{ORDERS}?limit=2&next={next}"),
                None => break,
            }
        }
        assert_eq!((seen.len(), unreadable), (7, 4));
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), all);
    }
}

#[tokio::test]
async fn a_search_says_how_many_it_could_not_look_into() {
    let shop = shop();
    let (good, damaged) = (ring_of(&shop, "ann").await, ring_of(&shop, "bob").await);
    shop.spoil(&damaged);
    let found = get(&shop, "/api/v1/orders?search=ring").await;
    assert_eq!((ids(&found), &found.body["unreadable"]), (vec![good.as_str()], &json!(1)));
    let found = get(&shop, "/api/v1/orders?search=BOB").await;
    assert_eq!((ids(&found), &found.body["unreadable"]), (vec![damaged.as_str()], &json!(1)));
    let found = get(&shop, &format!("/api/v1/orders?search={damaged}")).await;
    assert_eq!(ids(&found), [damaged.as_str()]);
}

#[tokio::test]
async fn the_summary_counts_it_for_the_state_that_it_was_in() {
    let shop = shop();
    ring_of(&shop, "ann").await;
    shop.spoil(&ring_of(&shop, "ann").await);
    let summary = get(&shop, "/api/v1/summary").await;
    assert_eq!(summary.status, 200);
    let states = summary.body["states"].as_array().unwrap();
    let received = states.iter().find(|count| count["state"] == "RECEIVED").unwrap();
    assert_eq!(received["count"], 2);
}

#[tokio::test]
async fn asked_for_alone_it_is_a_problem_that_no_repeat_mends() {
    let shop = shop();
    let id = ring_of(&shop, "ann").await;
    shop.spoil(&id);
    let paths = [
        format!("{ORDERS}/{id}"),
        format!("/api/orders/{id}"),
        format!("/api/orders/status?workflow_id={id}"),
        format!("/api/orders/state?workflow_id={id}"),
        format!("{ORDERS}/{id}/returns"),
        format!("{ORDERS}/{id}/returns/1"),
    ];
    for path in paths {
        for who in [Value::Null, customer("ann")] {
            let answer = shop.http_as(&who, "GET", &path, Value::Null).await;
            assert_eq!((answer.status, &answer.body["type"]), (500, &json!(UNREADABLE)), "{path}");
            assert_eq!(answer.body["order_id"], id.as_str());
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.contains(id.as_str()) && !detail.contains("again."), "{detail}");
        }
        // To others it doesn't exist, damaged or not.
        let answer = shop.http_as(&customer("bob"), "GET", &path, Value::Null).await;
        assert_eq!(
            (answer.status, &answer.body["type"]),
            (404, &json!("urn:omniflow:problem:order-not-found"))
        );
    }
    let waited = shop.http_preferring("wait=1", &Value::Null, &format!("{ORDERS}/{id}")).await;
    assert_eq!((waited.status, &waited.body["type"]), (500, &json!(UNREADABLE)));
    for (call, body) in [
        ("pay", json!({})),
        ("audit", json!({ "action": "APPROVE" })),
        ("returns", asked_back(&[("ring", 1)])),
    ] {
        let answer = shop.http("POST", &format!("{ORDERS}/{id}/{call}"), body).await;
        assert_eq!((answer.status, &answer.body["type"]), (500, &json!(UNREADABLE)), "{call}");
    }
}

#[tokio::test]
async fn others_go_on_beside_it() {
    let shop = shop();
    shop.spoil(&ring_of(&shop, "ann").await);
    let made = json!({ "items": ["ring"], "payment": { "method": "pm_card" } });
    let id = shop.place(made).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}
