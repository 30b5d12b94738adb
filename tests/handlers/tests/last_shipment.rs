//! The shipment that is the last of its order completes the order: by the same write where the warehouse answers in the
//! call, and by the step after that where it answers by a message.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use omniflow_domain::order::{Reservation, ShipmentState, Signal};
use omniflow_domain::{OrderId, Status};
use omniflow_services::Fault;
use omniflow_testing::{At, Definition, Outage, Shop, Token, Walk};
use serde_json::{Value, json};

const ONE: [(&str, &str, u32); 1] = [("ring", "wh-east", 9)];
const TWO: [(&str, &str, u32); 2] = [("ring", "wh-east", 2), ("ring", "wh-west", 2)];

async fn place(shop: &Shop, quantity: u32) -> OrderId {
    let item = json!({ "product_id": "ring", "quantity": quantity });
    shop.place(json!({ "items": [item], "payment": { "method": "pm_card" } })).await
}

/// Asks the warehouse as the state machine does.
async fn ship(shop: &Shop, id: &OrderId, warehouse: &str) -> Result<Value, Fault> {
    attempt(shop, id, warehouse, 0).await
}

/// As [`ship`], in this attempt of the step, which has a token of its own.
async fn attempt(shop: &Shop, id: &OrderId, warehouse: &str, attempt: u64) -> Result<Value, Fault> {
    let token = format!("token {attempt} of {warehouse}");
    let event = json!({
        "order_id": id, "warehouse": warehouse, "task_token": token, "attempt": attempt, "completes": true,
    });
    shop.invoke("ship-warehouse", event).await
}

fn told(shop: &Shop, warehouse: &str, attempt: u64) -> Option<Token> {
    shop.aws.answered(&format!("token {attempt} of {warehouse}"))
}

/// How often each status of the order was told.
fn events(shop: &Shop, id: &OrderId) -> BTreeMap<String, usize> {
    let mut events = BTreeMap::new();
    for event in shop.aws.events().iter().filter(|event| event["order_id"] == json!(id)) {
        *events.entry(event["state"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    events
}

async fn is_completed(shop: &Shop, id: &OrderId) {
    let order = shop.order(id).await;
    assert_eq!((order.status(), order.reservation()), (Status::Completed, Reservation::Sold));
    assert!(order.shipments().iter().all(|shipment| shipment.state.is_out()), "{:?}", order.shipments());
    let sold: u32 = shop.stock().await.iter().map(|row| row.sold).sum();
    let reserved: u32 = shop.stock().await.iter().map(|row| row.reserved).sum();
    let pieces: u32 = order.items().iter().map(|item| item.quantity).sum();
    assert_eq!((sold, reserved, shop.money(id)), (pieces, 0, (true, false)));
}

#[tokio::test]
async fn an_order_whose_warehouses_answer_at_once_enters_no_state_to_be_completed() {
    for quantity in [1, 3] {
        let shop = Shop::stocked(&TWO);
        let id = place(&shop, quantity).await;
        let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
        while walk.at == At::State("ShipWarehouses".to_owned()) || matches!(walk.at, At::Waiting(..)) {
            assert!(walk.step(&shop).await);
        }
        assert_eq!(walk.at, At::Ended(Ok(())));
        is_completed(&shop, &id).await;
        assert_eq!(shop.order(&id).await.pending_signal(), None);
        assert!(events(&shop, &id).values().all(|times| *times == 1), "{:?}", events(&shop, &id));
        assert_eq!(events(&shop, &id)["COMPLETED"], 1);
    }
}

#[tokio::test]
async fn the_last_shipment_that_fails_at_any_request_is_made_good_by_asking_again() {
    let before = async || {
        let shop = Shop::stocked(&TWO);
        let id = place(&shop, 3).await;
        Walk::until(&shop, &id, "ShipWarehouses").await;
        ship(&shop, &id, "wh-east").await.unwrap();
        assert_eq!(shop.order(&id).await.status(), Status::Shipping, "another one is to come");
        (shop, id)
    };
    let (shop, id) = before().await;
    shop.aws.outages([]);
    ship(&shop, &id, "wh-west").await.unwrap();
    is_completed(&shop, &id).await;
    let (requests, world) = (shop.aws.requests(), shop.world(&id).await);
    attempt(&shop, &id, "wh-west", 1).await.unwrap();
    attempt(&shop, &id, "wh-east", 1).await.unwrap();
    assert_eq!(shop.world(&id).await, world, "asked again, it changes nothing");
    for request in 0..requests {
        for carried_out in [false, true] {
            let (shop, id) = before().await;
            shop.aws.outages([Outage { request, carried_out }]);
            let _broken = ship(&shop, &id, "wh-west").await;
            shop.aws.heal();
            attempt(&shop, &id, "wh-west", 1).await.unwrap();
            assert_eq!(shop.world(&id).await, world, "request {request}, carried out: {carried_out}");
            assert_eq!(told(&shop, "wh-west", 1), Some(Token::Success));
            assert!(events(&shop, &id).contains_key("COMPLETED"), "request {request}");
        }
    }
}

#[tokio::test]
async fn the_last_message_of_several_leads_the_order_to_its_completion() {
    let (shop, _) = Shop::with_far_warehouses(&TWO, &["wh-east", "wh-west"]).await;
    let id = place(&shop, 3).await;
    let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    walk.step(&shop).await;
    for warehouse in ["wh-east", "wh-west"] {
        assert_eq!(shop.order(&id).await.status(), Status::Shipping);
        assert_eq!(shop.say_of_shipment(&id, warehouse, "SHIPPED").await.status, 200);
    }
    assert_eq!(shop.order(&id).await.status(), Status::Shipping, "its step completes it, not the message");
    while walk.at != At::State("CompleteOrder".to_owned()) {
        assert!(walk.step(&shop).await, "{:?}", walk.at);
    }
    walk.to_the_end(&shop).await.unwrap();
    is_completed(&shop, &id).await;
    assert_eq!(shop.order(&id).await.pending_signal(), None);
    assert_eq!(events(&shop, &id)["COMPLETED"], 1);
}

#[tokio::test]
async fn an_order_can_be_cancelled_until_its_last_shipment_is_on_its_way() {
    let (shop, _) = Shop::with_far_warehouses(&TWO, &["wh-west"]).await;
    let id = place(&shop, 3).await;
    let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    walk.step(&shop).await;
    assert_eq!(shop.order(&id).await.shipment("wh-east").unwrap().state, ShipmentState::Shipped);
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    assert_eq!(shop.say_of_shipment(&id, "wh-west", "SHIPPED").await.status, 409);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);

    let shop = Shop::stocked(&ONE);
    let id = place(&shop, 1).await;
    let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    walk.step(&shop).await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 409);
    walk.to_the_end(&shop).await.unwrap();
    is_completed(&shop, &id).await;
}

/// One warehouse says by a message that it has shipped, and its task doesn't hear of it; then the other, which is the
/// last, answers in the call.
#[tokio::test]
async fn a_task_that_has_not_heard_hears_although_the_order_is_completed() {
    let (shop, clock) = Shop::with_far_warehouses(&TWO, &["wh-east"]).await;
    let id = place(&shop, 3).await;
    Walk::until(&shop, &id, "ShipWarehouses").await;
    ship(&shop, &id, "wh-east").await.unwrap();
    assert_eq!(told(&shop, "wh-east", 0), None);
    shop.aws.fail("SendTaskSuccess", "ThrottlingException");
    assert_eq!(shop.say_of_shipment(&id, "wh-east", "SHIPPED").await.status, 200);
    // The step fails, since its own task doesn't hear either; it has completed the order all the same.
    ship(&shop, &id, "wh-west").await.unwrap_err();
    shop.aws.heal();
    is_completed(&shop, &id).await;
    assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::Shipments));
    let mut swept = Vec::new();
    while shop.order(&id).await.pending_signal().is_some() {
        clock.advance(Duration::from_secs(60));
        shop.age_signal(&id).await;
        swept.push(shop.sweep().await);
        assert!(swept.len() < 9, "{swept:?}");
    }
    assert_eq!(told(&shop, "wh-east", 0), Some(Token::Success));
    assert!(events(&shop, &id)["COMPLETED"] >= 1);
    attempt(&shop, &id, "wh-west", 1).await.unwrap();
    assert_eq!(told(&shop, "wh-west", 1), Some(Token::Success));
}

/// A warehouse may say by a message that it has shipped, and then once more by its answer to the call, between which
/// another one has completed the order.
#[tokio::test]
async fn what_comes_too_late_for_a_completed_order_fails_nothing() {
    for status in [200, 202, 422] {
        let (shop, _) = Shop::with_far_warehouses(&TWO, &["wh-east"]).await;
        let shop = std::sync::Arc::new(shop);
        let id = place(&shop, 3).await;
        Walk::until(&shop, &id, "ShipWarehouses").await;
        shop.servers.answer(status, json!({}));
        // The request to the warehouse comes after the write that notes it.
        let noted = shop.aws.hold("PutItem");
        let (eastern, of) = (std::sync::Arc::clone(&shop), id.clone());
        let asking = tokio::spawn(async move { ship(&eastern, &of, "wh-east").await });
        noted.arrived().await;
        assert_eq!(shop.say_of_shipment(&id, "wh-east", "SHIPPED").await.status, 200);
        ship(&shop, &id, "wh-west").await.unwrap();
        is_completed(&shop, &id).await;
        let world = shop.world(&id).await;
        noted.release();
        asking.await.unwrap().unwrap();
        assert_eq!(told(&shop, "wh-east", 0), Some(Token::Success), "{status}");
        assert_eq!(shop.world(&id).await, world, "{status}");
    }
}

#[tokio::test]
async fn what_shipped_before_it_was_asked_for_completes_the_order_without_being_asked() {
    let (shop, _) = Shop::with_far_warehouses(&ONE, &["wh-east"]).await;
    let id = place(&shop, 1).await;
    let mut walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    assert_eq!(shop.say_of_shipment(&id, "wh-east", "SHIPPED").await.status, 200);
    walk.step(&shop).await;
    assert_eq!(shop.servers.received(), []);
    is_completed(&shop, &id).await;
    walk.to_the_end(&shop).await.unwrap();
}

/// While an update is under way, or after code was rolled back, the functions of before may run by the definition that
/// leaves completing the order to them. What they leave behind is found, and completed by another execution.
#[tokio::test]
async fn an_order_that_earlier_functions_left_shipped_is_completed_without_a_person() {
    let (shop, clock) = Shop::timed(&ONE);
    let id = place(&shop, 1).await;
    Walk::by(Definition::PresentWithEarlierFunctions, &id).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Shipping);
    shop.aws.succeed_execution(id.as_str());
    for _ in 0..3 {
        clock.advance(Duration::from_secs(6 * 60));
        shop.invoke("reconcile-orders", json!({})).await.unwrap();
        shop.age_signal(&id).await;
        shop.sweep().await;
    }
    let next = format!("{id}-2");
    assert_eq!(shop.order(&id).await.execution_name(), next);
    Walk::of_execution(&id, &next).to_the_end(&shop).await.unwrap();
    is_completed(&shop, &id).await;
}
