//! `Idempotency-Key`: the first answer is kept for a day and repeated, whoever asks again and however close together.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use futures::future::join_all;
use omniflow_domain::Status;
use omniflow_testing::{HttpAnswer, Outage, Shop, Walk, customer};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];
const ORDERS: &str = "/api/v1/orders";
const KEYS: &str = "IdempotencyTable";

fn order() -> Value {
    json!({ "items": ["ring", "ring"], "amount": 20 })
}

async fn orders(shop: &Shop) -> usize {
    let listed = shop.http("GET", ORDERS, Value::Null).await;
    listed.body["orders"].as_array().unwrap().len()
}

/// The one answer that is kept, as it is stored.
fn only_kept(shop: &Shop) -> Value {
    let kept = shop.items(KEYS);
    assert_eq!(kept.len(), 1);
    kept[0].clone()
}

/// Moves the one answer that is kept to where version 0.1 kept it.
fn keep_as_version_0_1(shop: &Shop, key: &str) {
    let mut kept = only_kept(shop);
    let delete = json!({ "TableName": KEYS, "Key": { "key": kept["key"] } });
    let deleted = shop.aws.tables.blocking_answer("DeleteItem", delete.to_string().as_bytes());
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    kept["key"] = json!({ "S": key });
    shop.put(KEYS, kept);
}

fn is_replayed(answer: &HttpAnswer) -> bool {
    answer.headers.get("idempotency-replayed").is_some()
}

#[tokio::test]
async fn an_order_asked_for_twice_is_made_once_and_answered_the_same() {
    let shop = Shop::stocked(&STOCK);
    let first = shop.http_once("k", ORDERS, order()).await;
    let second = shop.http_once("k", ORDERS, order()).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(second.body, first.body);
    assert_eq!(first.headers.get("idempotency-replayed"), None);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    assert_eq!(orders(&shop).await, 1);
    assert_eq!(shop.aws.calls("StartExecution").len(), 1);
}

#[tokio::test]
async fn a_repeated_answer_says_where_the_order_is_as_the_first_one_did() {
    let shop = Shop::stocked(&STOCK);
    let first = shop.http_once("k", ORDERS, order()).await;
    let second = shop.http_once("k", ORDERS, order()).await;
    assert_eq!(second.headers["location"], first.headers["location"]);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let shop = Shop::stocked(&STOCK);
    shop.http_once("k", ORDERS, order()).await;
    let other = shop.http_once("k", ORDERS, json!({ "items": ["ring"], "amount": 21 })).await;
    assert_eq!(other.status, 422, "{}", other.body);
    assert_eq!(other.body["type"], "urn:omniflow:problem:idempotency-key-reused");
    assert_eq!(orders(&shop).await, 1);
}

#[tokio::test]
async fn a_door_that_answers_otherwise_does_not_repeat_what_another_one_said() {
    let shop = Shop::stocked(&STOCK);
    let v1 = shop.http_once("k", ORDERS, order()).await;
    let other = shop.http_once("k", "/api/orders", order()).await;
    assert_eq!((v1.status, other.status), (201, 201));
    assert_ne!(v1.body["order_id"], other.body["order_id"], "one waits for its payment, the other is paid");
    assert_eq!(shop.http_once("k", "/api/orders/create", order()).await.body, other.body);
}

#[tokio::test]
async fn requests_with_one_key_at_the_same_time_make_one_order() {
    for seed in 0..30 {
        let shop = Shop::shuffled(&STOCK, seed);
        let answers = join_all((0..6).map(|_| shop.http_once("k", ORDERS, order()))).await;
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (201, &answers[0].body), "seed {seed}");
        }
        let made =
            answers.iter().filter(|answer| answer.headers.get("idempotency-replayed").is_none()).count();
        assert_eq!((made, orders(&shop).await), (1, 1), "seed {seed}");
        assert_eq!(shop.aws.calls("StartExecution").len(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn different_bodies_with_one_key_at_the_same_time_make_one_order() {
    for seed in 0..20 {
        let shop = Shop::shuffled(&STOCK, seed);
        let bodies = (0..4).map(|n| json!({ "items": ["ring"], "amount": 20 + n }));
        let answers = join_all(bodies.map(|body| shop.http_once("k", ORDERS, body))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422, 422, 422], "seed {seed}");
        assert_eq!(orders(&shop).await, 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_key_is_forgotten_when_its_day_is_over() {
    let shop = Shop::stocked(&STOCK);
    let first = shop.http_once("k", ORDERS, order()).await;
    // DynamoDB deletes expired items when it finds the time: the item is still there.
    let mut kept = only_kept(&shop);
    kept["expires_at"] = json!({ "N": "1700000000" });
    shop.put(KEYS, kept);
    let later = shop.http_once("k", ORDERS, json!({ "items": ["ring"], "amount": 30 })).await;
    assert_eq!(later.status, 201, "{}", later.body);
    assert_ne!(later.body["order_id"], first.body["order_id"]);
    let again = shop.http_once("k", ORDERS, json!({ "items": ["ring"], "amount": 30 })).await;
    assert_eq!(again.body, later.body);
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day() {
    let shop = Shop::stocked(&STOCK);
    shop.http_once("k", ORDERS, order()).await;
    let expires: i64 = only_kept(&shop)["expires_at"]["N"].as_str().unwrap().parse().unwrap();
    let hours = (expires - chrono::Utc::now().timestamp() + 60) / 3600;
    assert_eq!(hours, 24);
}

#[tokio::test]
async fn a_payment_repeated_with_its_key_is_answered_the_same() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    let path = format!("/api/v1/orders/{id}/pay");
    let body = json!({ "method": "pm_card" });
    let first = shop.http_once("k", &path, body.clone()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    walk.to_the_end(&shop).await.unwrap();
    // Long after: the order has moved on, the answer has not.
    let second = shop.http_once("k", &path, body.clone()).await;
    assert_eq!((second.status, &second.body), (200, &first.body));
    assert_eq!(shop.http_once("k", &path, json!({ "method": "pm_declined" })).await.status, 422);
    assert_eq!(shop.http_once("another", &path, body).await.status, 409, "another key is another payment");
}

#[tokio::test]
async fn payments_with_one_key_at_the_same_time_are_one_payment() {
    for seed in 0..30 {
        let shop = Shop::shuffled(&STOCK, seed);
        let id = shop.place_one("ring", 1).await;
        Walk::until(&shop, &id, "AwaitPayment").await.step(&shop).await;
        let path = format!("/api/v1/orders/{id}/pay");
        let pays = (0..5).map(|_| shop.http_once("k", &path, json!({ "method": "pm_card" })));
        for answer in join_all(pays).await {
            assert_eq!(
                (answer.status, &answer.body["state"]),
                (200, &json!("PAYMENT_RECEIVED")),
                "seed {seed}"
            );
        }
        assert_eq!(shop.aws.calls("SendTaskSuccess").len(), 1, "seed {seed}");
    }
}

#[tokio::test]
async fn one_key_for_two_orders_pays_both() {
    let shop = Shop::stocked(&STOCK);
    for _ in 0..2 {
        let id = shop.place_one("ring", 1).await;
        Walk::until(&shop, &id, "AwaitPayment").await.step(&shop).await;
        let paid = shop.http_once("k", &format!("/api/v1/orders/{id}/pay"), Value::Null).await;
        assert_eq!((paid.status, &paid.body["order_id"]), (200, &json!(id)));
    }
}

#[tokio::test]
async fn what_was_refused_is_not_kept() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    let path = format!("/api/v1/orders/{id}/pay");
    assert_eq!(shop.http_once("k", &path, Value::Null).await.status, 409, "it does not wait for payment yet");
    Walk::until(&shop, &id, "AwaitPayment").await.step(&shop).await;
    assert_eq!(shop.http_once("k", &path, Value::Null).await.status, 200);
    let unknown = json!({ "items": ["no such thing"], "amount": 1 });
    assert_eq!(shop.http_once("k", ORDERS, unknown).await.status, 422);
    assert_eq!(shop.http_once("k", ORDERS, order()).await.status, 201);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_found_by_its_key() {
    // Reading the key as it is kept now and as it was kept before, reading the product, writing the order with the key,
    // starting the workflow.
    for request in 0..5 {
        for carried_out in [false, true] {
            let shop = Shop::stocked(&STOCK);
            shop.aws.outages([Outage { request, carried_out }]);
            let first = shop.http_once("k", ORDERS, order()).await;
            assert!([201, 503].contains(&first.status), "{}", first.body);
            shop.aws.heal();
            let second = shop.http_once("k", ORDERS, order()).await;
            assert_eq!(second.status, 201, "{}", second.body);
            assert_eq!(orders(&shop).await, 1, "request {request}, carried out: {carried_out}");
            let id = omniflow_domain::OrderId::parse(second.body["order_id"].as_str().unwrap()).unwrap();
            shop.age_signal(&id).await;
            shop.sweep().await;
            Walk::of(&id).to_the_end(&shop).await.unwrap();
            assert_eq!(shop.order(&id).await.status(), Status::Completed);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_empty_or_too_long_is_refused() {
    let shop = Shop::stocked(&STOCK);
    for key in [String::new(), " ".to_owned(), "k".repeat(256), "ключ".to_owned(), "a\tb".to_owned()] {
        assert_eq!(shop.http_once(&key, ORDERS, order()).await.status, 400, "{key:?}");
    }
    assert_eq!(shop.http_once(&"k".repeat(255), ORDERS, order()).await.status, 201);
}

#[tokio::test]
async fn keys_of_different_callers_never_meet_whatever_they_hold() {
    let shop = Shop::stocked(&[("ring", "wh-east", 999)]);
    let parts = ["a", "b", "#", "a#b", "b#a", "#a", "a#", "create#a", ":", "1", "operator", "customer"];
    let whole = ["a#b#a", "a#a", "##"];
    // An operator, and customers whose subjects and keys look like parts of each other's.
    let callers = parts.iter().map(|subject| customer(subject)).chain([Value::Null]);
    let mut orders = HashSet::new();
    let mut asked = Vec::new();
    for caller in callers {
        for key in parts.iter().chain(&whole) {
            let made = shop.http_once_as(&caller, key, ORDERS, order()).await;
            assert_eq!((made.status, is_replayed(&made)), (201, false), "{caller} {key}");
            orders.insert(made.body["order_id"].as_str().unwrap().to_owned());
            asked.push((caller.clone(), *key, made.body));
        }
    }
    assert_eq!(orders.len(), asked.len());
    for (caller, key, body) in asked {
        assert_eq!(shop.http_once_as(&caller, key, ORDERS, order()).await.body, body, "{caller} {key}");
    }
}

#[tokio::test]
async fn a_key_may_be_as_long_as_it_may_whoever_sends_it() {
    let shop = Shop::stocked(&STOCK);
    let (longest_subject, longest_key) = (customer(&"s".repeat(2048)), "k".repeat(255));
    let first = shop.http_once_as(&longest_subject, &longest_key, ORDERS, order()).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let second = shop.http_once_as(&longest_subject, &longest_key, ORDERS, order()).await;
    assert_eq!((is_replayed(&second), second.body), (true, first.body));
}

#[tokio::test]
async fn an_answer_that_version_0_1_kept_is_repeated_to_whom_it_was_given() {
    let of_ann = json!({ "items": ["ring"], "customer_id": "ann" });
    for (caller, key, kept_under, body) in [
        (Value::Null, "k", "create#k", order()),
        (Value::Null, "a#k", "create#a#k", order()),
        (Value::Null, "a#k", "create#a#k", of_ann),
        (customer("a"), "k", "create#a#k", order()),
        (customer("a"), "b#k", "create#a#b#k", order()),
        (customer("a#b"), "k", "create#a#b#k", order()),
        (customer("анна"), "k", "create#анна#k", order()),
    ] {
        let shop = Shop::stocked(&STOCK);
        let first = shop.http_once_as(&caller, key, ORDERS, body.clone()).await;
        keep_as_version_0_1(&shop, kept_under);
        let second = shop.http_once_as(&caller, key, ORDERS, body).await;
        assert_eq!((is_replayed(&second), second.body), (true, first.body), "{caller} {key}");
        let other = shop.http_once_as(&caller, key, ORDERS, json!({ "items": ["ring"], "amount": 21 })).await;
        assert_eq!(other.status, 422, "{caller} {key}");
        assert_eq!(orders(&shop).await, 1);
    }
}

#[tokio::test]
async fn a_payment_that_version_0_1_answered_is_not_made_again() {
    let shop = Shop::stocked(&STOCK);
    let who = customer("a");
    let made = shop.http_as(&who, "POST", ORDERS, order()).await;
    let id = omniflow_domain::OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap();
    Walk::until(&shop, &id, "AwaitPayment").await.step(&shop).await;
    let path = format!("/api/v1/orders/{id}/pay");
    let first = shop.http_once_as(&who, "k", &path, Value::Null).await;
    assert_eq!(first.status, 200, "{}", first.body);
    keep_as_version_0_1(&shop, &format!("pay#{id}#a#k"));
    assert_eq!(shop.http_once_as(&who, "k", &path, Value::Null).await.body, first.body);
    let other = shop.http_once_as(&customer("a#b"), "k", &path, Value::Null).await;
    assert_eq!(other.status, 404, "{}", other.body);
}

#[tokio::test]
async fn an_answer_that_version_0_1_kept_is_not_given_to_others() {
    for (giver, their_key, kept_under, taker, key) in [
        (customer("a#b"), "c", "create#a#b#c", customer("a"), "b#c"),
        (customer("a"), "b#c", "create#a#b#c", customer("a#b"), "c"),
        (customer("carl"), "z", "create#carl#z", Value::Null, "carl#z"),
        (Value::Null, "carl#z", "create#carl#z", customer("carl"), "z"),
    ] {
        // With the same body, and with another one, which would tell that the key is in use.
        for body in [order(), json!({ "items": ["ring", "ring", "ring"], "amount": 30 })] {
            let shop = Shop::stocked(&STOCK);
            let first = shop.http_once_as(&giver, their_key, ORDERS, order()).await;
            keep_as_version_0_1(&shop, kept_under);
            let second = shop.http_once_as(&taker, key, ORDERS, body).await;
            assert_eq!((second.status, is_replayed(&second)), (201, false), "{taker} {key}: {second:?}");
            assert_ne!(second.body["order_id"], first.body["order_id"]);
            assert_eq!(orders(&shop).await, 2);
        }
    }
}

#[tokio::test]
async fn what_version_0_1_kept_is_forgotten_when_its_day_is_over() {
    let shop = Shop::stocked(&STOCK);
    let first = shop.http_once("k", ORDERS, order()).await;
    keep_as_version_0_1(&shop, "create#k");
    let mut kept = only_kept(&shop);
    kept["expires_at"] = json!({ "N": "1700000000" });
    shop.put(KEYS, kept);
    let later = shop.http_once("k", ORDERS, order()).await;
    assert_eq!((later.status, is_replayed(&later)), (201, false));
    assert_ne!(later.body["order_id"], first.body["order_id"]);
}
