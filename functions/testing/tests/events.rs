//! What others hear: each change of an order once in meaning, under an id that repeats with the repeat; and a bus that
//! fails never fails an order.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use omniflow_domain::event::{DETAIL_TYPE, SOURCE};
use omniflow_domain::{Order, OrderId, Status};
use omniflow_testing::{At, Shop, Walk, system};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 2] = [("ring", "wh-east", 2), ("ring", "wh-west", 2)];

async fn place(shop: &Shop) -> OrderId {
    let order =
        json!({ "items": [{ "product_id": "ring", "quantity": 3, "price": 5000 }], "customer_id": "c1" });
    shop.place(order).await
}

/// The events by id; those with the same id must be the same.
fn by_id(shop: &Shop) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::new();
    for event in shop.aws.events() {
        let id = event["event_id"].as_str().unwrap().to_owned();
        let known = events.entry(id).or_insert_with(|| event.clone());
        assert_eq!(*known, event, "two events under one id");
    }
    events
}

fn states(shop: &Shop, id: &OrderId) -> Vec<String> {
    let published = by_id(shop);
    let of = |status: &Status| published.contains_key(&format!("{id}:{status}"));
    Status::ALL.iter().filter(|status| of(status)).map(|status| status.name().to_owned()).collect()
}

fn lived(order: &Order) -> Vec<String> {
    order.timeline.iter().map(|change| change.status.name().to_owned()).collect()
}

/// Every step twice, from where the walk is to its end.
async fn walk_twice(shop: &Shop, mut walk: Walk) {
    while !matches!(walk.at, At::Ended(_)) {
        let before = walk.clone();
        if matches!(&walk.at, At::State(name) if name != "NeedsAudit?" && name != "IsPrepaid?" && name != "ShipWarehouses")
        {
            let _its_answer_is_lost = walk.invoke(shop).await;
        }
        if !walk.step(shop).await {
            match &before.at {
                At::Waiting(state, _) if state == "AwaitAudit" => shop.audit(&walk.order_id, "APPROVE").await,
                _ => shop.pay(&walk.order_id, "pm_card").await,
            };
        }
    }
}

#[tokio::test]
async fn every_status_of_a_completed_order_is_told_and_the_repeats_are_the_same() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    walk_twice(&shop, Walk::of(&id)).await;
    let told = states(&shop, &id);
    let order = shop.order(&id).await;
    assert_eq!(told, lived(&order));
    assert_eq!(order.status, Status::Completed);
    assert!(shop.aws.events().len() > by_id(&shop).len(), "there were repeats");
}

#[tokio::test]
async fn every_status_of_an_undone_order_is_told_and_the_repeats_are_the_same() {
    for state in
        ["NeedsAudit?", "AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"]
    {
        let shop = Shop::stocked(&STOCK);
        let id = place(&shop).await;
        let walk = Walk::until(&shop, &id, state).await;
        assert_eq!(shop.decide(&id, "cancel").await.status, 200);
        walk_twice(&shop, walk).await;
        let order = shop.order(&id).await;
        assert_eq!(states(&shop, &id), lived(&order), "cancelled before {state}");
        let end = &by_id(&shop)[&format!("{id}:CANCELLED")];
        assert_eq!((&end["reason"], &end["customer_id"]), (&json!("CUSTOMER"), &json!("c1")));
    }
}

#[tokio::test]
async fn an_order_without_stock_is_told_as_rejected() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 5).await;
    walk_twice(&shop, Walk::of(&id)).await;
    assert_eq!(states(&shop, &id), ["RECEIVED", "COMPENSATING", "REJECTED"]);
    assert_eq!(by_id(&shop)[&format!("{id}:REJECTED")]["reason"], "OUT_OF_STOCK");
}

#[tokio::test]
async fn an_event_says_what_it_is_and_where_from() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let bus = &system().buses[0];
    for call in shop.aws.calls("PutEvents") {
        for entry in call.body["Entries"].as_array().unwrap() {
            assert_eq!((&entry["Source"], &entry["DetailType"]), (&json!(SOURCE), &json!(DETAIL_TYPE)));
            assert_eq!(entry["EventBusName"], json!(bus));
        }
    }
    for event in by_id(&shop).values() {
        assert_eq!((&event["version"], &event["order_id"]), (&json!(1), &json!(id)));
        assert_eq!(event["amount"], "15000.00");
        assert!(event["at"].is_string());
    }
}

#[tokio::test]
async fn the_notifier_takes_every_event_that_its_rule_lets_through() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let rule = &system().rules[0];
    let wanted: Vec<_> =
        rule.pattern["detail"]["state"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
    for state in &wanted {
        assert!(Status::parse(state).is_some(), "the rule waits for a status that there is not: {state}");
    }
    let mut told = 0;
    for detail in
        by_id(&shop).into_values().filter(|event| wanted.contains(&event["state"].as_str().unwrap()))
    {
        let event_id = detail["event_id"].clone();
        let answer = shop.invoke("notify-customer", json!({ "detail": detail })).await.unwrap();
        assert_eq!(answer["event_id"], event_id);
        told += 1;
    }
    assert!(told >= 4);
}

#[tokio::test]
async fn a_bus_that_fails_never_fails_an_order() {
    let shop = Shop::stocked(&STOCK);
    shop.aws.fail("PutEvents", "InternalFailure");
    let id = place(&shop).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status, Status::Completed);
    let undone = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &undone, "ShipWarehouses").await;
    walk.fail_into("CancelShipments", "ShipmentFailed");
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&undone).await.status, Status::Cancelled);
    assert!(shop.aws.events().is_empty());
}
