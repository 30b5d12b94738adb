//! That stock is low is told once when it becomes so, by whatever makes it so, and again only after it was not.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use futures::future::join_all;
use omniflow_domain::OrderId;
use omniflow_testing::{Shop, Walk};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../functions/domain/events/stock-low.schema.json");

/// A shop with pieces of a ring in two warehouses, of which 5 or fewer are few.
async fn shop(pieces: (u32, u32), seed: Option<u64>) -> Shop {
    let rows = [("ring", "wh-east", pieces.0), ("ring", "wh-west", pieces.1), ("lamp", "wh-east", 3)];
    let shop = match seed {
        Some(seed) => Shop::shuffled(&rows, seed),
        None => Shop::stocked(&rows),
    };
    let ring = json!({ "name": "Ring", "price": 10, "low_stock": 5 });
    assert_eq!(shop.http("PUT", "/api/v1/products/ring", ring).await.status, 200);
    shop
}

/// What was told of stock, in order.
fn told(shop: &Shop) -> Vec<Value> {
    shop.aws.events().into_iter().filter(|event| event["product_id"].is_string()).collect()
}

fn ids(shop: &Shop) -> Vec<String> {
    told(shop).iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

async fn reserve(shop: &Shop, quantity: u32) {
    let id = shop.place_one("ring", quantity).await;
    shop.forward("reserve-stock", &id).await.unwrap();
}

/// An order of three rings that brings its payment.
async fn three_paid(shop: &Shop) -> OrderId {
    let items = json!([{ "product_id": "ring", "quantity": 3 }]);
    shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await
}

async fn moved(shop: &Shop, movement: Value) {
    let answer = shop.http("POST", "/api/v1/stock/ring/wh-west/movements", movement).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

async fn is_marked(shop: &Shop) -> bool {
    shop.http("GET", "/api/v1/stock/ring", Value::Null).await.body["low"].as_bool().unwrap()
}

#[tokio::test]
async fn it_is_told_when_orders_bring_it_to_the_threshold_and_not_again_below() {
    let shop = shop((4, 4), None).await;
    reserve(&shop, 2).await;
    assert!(told(&shop).is_empty() && !is_marked(&shop).await, "six are enough");
    reserve(&shop, 1).await;
    assert!(is_marked(&shop).await);
    let event = told(&shop).pop().unwrap();
    assert_eq!(event["event_id"], "ring:LOW:1");
    assert_eq!(
        (&event["available"], &event["low_stock"], &event["name"]),
        (&json!(5), &json!(5), &json!("Ring"))
    );
    reserve(&shop, 1).await;
    moved(&shop, json!({ "kind": "adjust", "quantity": -1, "reason": "broken" })).await;
    moved(&shop, json!({ "kind": "receive", "quantity": 1, "reason": "found" })).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("event.json", schema).unwrap();
    let compiled = compiler.compile("event.json", &mut schemas).unwrap();
    schemas.validate(&event, compiled).unwrap_or_else(|error| panic!("{event:#}: {error}"));
}

#[tokio::test]
async fn it_is_told_again_after_a_delivery_a_release_or_a_file_brought_more() {
    let shop = shop((0, 6), None).await;
    let id = shop.place_one("ring", 1).await;
    shop.forward("reserve-stock", &id).await.unwrap();
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    // The order is undone, and the piece is back.
    shop.undo("release-stock", &id, "PaymentTimeout").await.unwrap();
    assert!(!is_marked(&shop).await);
    moved(&shop, json!({ "kind": "count", "quantity": 2, "reason": "counted" })).await;
    assert_eq!(ids(&shop).last().unwrap(), "ring:LOW:2");
    moved(&shop, json!({ "kind": "receive", "quantity": 90, "reason": "delivery" })).await;
    let file = "product_id,warehouse,on_hand\nring,wh-west,1\n";
    let answer = shop.post_text("/api/v1/import/stock", file).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(ids(&shop), ["ring:LOW:1", "ring:LOW:2", "ring:LOW:3"]);
}

#[tokio::test]
async fn it_is_told_again_after_goods_came_back_from_a_customer() {
    let shop = shop((0, 6), None).await;
    let id = three_paid(&shop).await;
    shop.complete(&id).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    shop.ask_back(&id, &[("ring", 3)]).await;
    let came = json!({ "items": [{ "product_id": "ring", "restock": 3 }] });
    assert_eq!(shop.on_return(&id, 1, "received", came).await.status, 200);
    assert!(!is_marked(&shop).await, "six are enough");
    reserve(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1", "ring:LOW:2"]);
}

#[tokio::test]
async fn it_is_told_again_after_a_person_has_given_back_what_an_order_held() {
    let shop = shop((0, 6), None).await;
    let id = three_paid(&shop).await;
    Walk::until(&shop, &id, "ShipWarehouses").await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    shop.aws.end_execution(id.as_str(), "Stopped", None);
    shop.execution_failed(id.as_str()).await;
    let resolution = json!({ "money": "REFUNDED", "stock": "RELEASED", "note": "by hand" });
    let resolved = shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), resolution).await;
    assert_eq!(resolved.status, 200, "{}", resolved.body);
    assert!(!is_marked(&shop).await, "six are enough");
    reserve(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1", "ring:LOW:2"]);
}

#[tokio::test]
async fn what_a_customer_sent_back_and_nobody_can_sell_is_no_reason_to_tell_anything_again() {
    let shop = shop((0, 6), None).await;
    let id = three_paid(&shop).await;
    shop.complete(&id).await;
    shop.ask_back(&id, &[("ring", 3)]).await;
    let came = json!({ "items": [{ "product_id": "ring", "write_off": 3 }] });
    assert_eq!(shop.on_return(&id, 1, "received", came).await.status, 200);
    reserve(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
}

async fn split(shop: &Shop, buckets: u8) {
    let put = shop.http("PUT", "/api/v1/stock/ring/wh-west/buckets", json!({ "buckets": buckets })).await;
    assert_eq!(put.status, 200, "{}", put.body);
}

#[tokio::test]
async fn split_stock_is_low_when_all_its_buckets_together_are() {
    let shop = shop((1, 9), None).await;
    split(&shop, 4).await;
    reserve(&shop, 4).await;
    assert!(told(&shop).is_empty(), "no bucket has six, and together they have");
    reserve(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    moved(&shop, json!({ "kind": "receive", "quantity": 3, "reason": "delivery" })).await;
    split(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"], "splitting and putting together changes no sum");
    reserve(&shop, 4).await;
    assert_eq!(ids(&shop), ["ring:LOW:1", "ring:LOW:2"]);
}

#[tokio::test]
async fn of_split_stock_nothing_is_told_while_there_is_enough_whatever_is_moved_at_once() {
    for seed in 0..8 {
        let shop = shop((0, 40), Some(seed)).await;
        split(&shop, 8).await;
        let mut orders = Vec::new();
        for _ in 0..16 {
            orders.push(shop.place_one("ring", 1).await);
        }
        let reserved = join_all(orders.iter().map(|id| shop.forward("reserve-stock", id))).await;
        assert!(reserved.iter().all(Result::is_ok), "seed {seed}");
        assert!(told(&shop).is_empty(), "seed {seed}: {:?}", told(&shop));
    }
}

#[tokio::test]
async fn a_transfer_between_warehouses_makes_nothing_low() {
    let shop = shop((0, 8), None).await;
    moved(&shop, json!({ "kind": "transfer", "quantity": 8, "reason": "moved", "to": "wh-east" })).await;
    assert!(told(&shop).is_empty());
}

#[tokio::test]
async fn nothing_is_told_of_products_without_a_threshold() {
    let shop = shop((9, 0), None).await;
    let id = shop.place_one("lamp", 3).await;
    shop.forward("reserve-stock", &id).await.unwrap();
    assert!(told(&shop).is_empty());
    let register = shop.items("RegisterTable");
    assert!(register.iter().all(|item| !item["entry"]["S"].as_str().unwrap().starts_with("low-stock")));
}

#[tokio::test]
async fn of_many_that_take_the_last_pieces_at_once_it_is_told_as_one_event() {
    for seed in 0..8 {
        let shop = shop((9, 9), Some(seed)).await;
        let mut orders = Vec::new();
        for _ in 0..16 {
            orders.push(shop.place_one("ring", 1).await);
        }
        let counts = async {
            moved(&shop, json!({ "kind": "adjust", "quantity": -1, "reason": "broken" })).await;
        };
        let reserved = join_all(orders.iter().map(|id| shop.forward("reserve-stock", id)));
        let (reserved, ()) = futures::join!(reserved, counts);
        assert!(reserved.iter().all(Result::is_ok), "seed {seed}");
        let ids: BTreeSet<_> = ids(&shop).into_iter().collect();
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["ring:LOW:1"], "seed {seed}");
        assert!(is_marked(&shop).await);
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_told_after_the_next_change_and_no_order_waits_for_it() {
    let shop = shop((0, 6), None).await;
    shop.aws.fail("PutEvents", "InternalException");
    reserve(&shop, 1).await;
    assert!(told(&shop).is_empty());
    shop.aws.heal();
    reserve(&shop, 1).await;
    assert_eq!(ids(&shop), ["ring:LOW:1"]);
    shop.aws.fail("UpdateItem", "InternalServerError");
    moved(&shop, json!({ "kind": "receive", "quantity": 9, "reason": "delivery" })).await;
    shop.aws.heal();
    moved(&shop, json!({ "kind": "receive", "quantity": 1, "reason": "delivery" })).await;
    moved(&shop, json!({ "kind": "count", "quantity": 4, "reason": "counted" })).await;
    assert_eq!(ids(&shop), ["ring:LOW:1", "ring:LOW:2"]);
}
