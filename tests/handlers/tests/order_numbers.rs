//! The short numbers of orders: each is one order's alone, however many are made at once and whatever fails.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use futures::future::join_all;
use omniflow_testing::Shop;
use serde_json::{Value, json};

async fn made(shop: &Shop) -> Value {
    let answer = shop.http("POST", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.body
}

fn counter(shop: &Shop, taken: u64) {
    let item = json!({ "entry": { "S": "order-numbers" }, "subject": { "S": "-" }, "taken": { "N": taken.to_string() } });
    shop.put("RegisterTable", item);
}

#[tokio::test]
async fn orders_made_at_once_have_numbers_of_their_own() {
    for seed in 0..4 {
        let shop = Shop::shuffled(&[("ring", "wh-east", 500)], seed);
        let made = join_all((0..60).map(|_| made(&shop))).await;
        let numbers: BTreeSet<_> = made.iter().map(|order| order["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (10_001..10_061).collect(), "seed {seed}: one process leaves no gaps");
    }
}

#[tokio::test]
async fn processes_take_numbers_from_blocks_of_their_own() {
    let shop = Shop::stocked(&[("ring", "wh-east", 500)]);
    let other = shop.another_process();
    let mut numbers = Vec::new();
    for _ in 0..25 {
        let both = join_all([made(&shop), made(&other)]).await;
        numbers.extend(both.iter().map(|order| order["number"].as_u64().unwrap()));
    }
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 50);
}

#[tokio::test]
async fn everybody_who_asks_for_the_order_is_told_its_number() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let answer = shop.http_once("k", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    let again = shop.http_once("k", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    assert_eq!(answer.body["number"], 10_001);
    assert_eq!(again.body, answer.body);
    let id = answer.body["order_id"].as_str().unwrap();
    let read = shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await;
    assert_eq!(read.body["number"], 10_001);
    let other_door = shop.http("GET", &format!("/api/orders/{id}"), Value::Null).await;
    assert_eq!(other_door.body["number"], 10_001);
    let list = shop.http("GET", "/api/v1/orders", Value::Null).await;
    assert_eq!(list.body["orders"][0]["number"], 10_001);
    let file = shop.http("GET", "/api/v1/export/orders", Value::Null).await;
    assert!(file.body.as_str().unwrap().lines().nth(1).unwrap().ends_with(",10001"), "{}", file.body);
}

#[tokio::test]
async fn a_counter_that_is_behind_gives_no_number_twice_and_catches_up() {
    let shop = Shop::stocked(&[("ring", "wh-east", 500)]);
    for _ in 0..100 {
        made(&shop).await;
    }
    // As a table that was restored from a backup of the first day.
    counter(&shop, 0);
    let restarted = shop.another_process();
    let numbers = join_all((0..30).map(|_| made(&restarted))).await;
    let numbers: BTreeSet<_> = numbers.iter().map(|order| order["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers.len(), 30);
    assert!(numbers.first().is_some_and(|first| *first > 10_100), "{numbers:?}");
}

#[tokio::test]
async fn an_order_that_could_not_be_given_a_number_is_not_made() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    shop.aws.fail("UpdateItem", "InternalServerError");
    let refused = shop.http("POST", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    shop.aws.heal();
    assert!(shop.items("OrdersTable").is_empty());
    assert_eq!(made(&shop).await["number"], 10_001);
}

#[tokio::test]
async fn an_order_of_an_earlier_release_has_no_number_and_goes_on() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    let id = shop.place_one("ring", 1).await;
    shop.write_elsewhere(&id, |item| {
        let mut document: Value = serde_json::from_str(item["document"]["S"].as_str().unwrap()).unwrap();
        document.as_object_mut().unwrap().remove("number").unwrap();
        item["document"]["S"] = json!(document.to_string());
    });
    let read = async || shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await.body;
    assert_eq!(read().await["number"], Value::Null);
    assert_eq!(shop.http("POST", &format!("/api/v1/orders/{id}/cancel"), Value::Null).await.status, 200);
    assert_eq!(read().await["number"], Value::Null);
}
