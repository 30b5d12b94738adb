//! What others hear: each change of an order once in meaning, under an id that repeats with the repeat; and a bus that
//! fails never fails an order.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use omniflow_domain::Language;
use omniflow_domain::event::{DETAIL_TYPE, SOURCE};
use omniflow_domain::{Currency, Money, Order, OrderId, Reason, Status};
use omniflow_testing::{At, SENDER, Shop, Walk, system};
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
    order.timeline().iter().map(|change| change.status.name().to_owned()).collect()
}

/// Every step twice, from where the walk is to its end.
async fn walk_twice(shop: &Shop, mut walk: Walk) {
    while !matches!(walk.at, At::Ended(_)) {
        let before = walk.clone();
        if matches!(&walk.at, At::State(name) if name != "ShipWarehouses") {
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
    assert_eq!(order.status(), Status::Completed);
    assert!(shop.aws.events().len() > by_id(&shop).len(), "there were repeats");
}

#[tokio::test]
async fn every_status_of_an_undone_order_is_told_and_the_repeats_are_the_same() {
    for state in ["AwaitPayment", "AwaitAudit", "CapturePayment", "ShipWarehouses", "CompleteOrder"] {
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

/// Lets the walk come to its end once its order is decided against, the payment and the review not being in its favour.
async fn end(shop: &Shop, mut walk: Walk) -> Order {
    while !matches!(walk.at, At::Ended(_)) {
        assert!(walk.step(shop).await, "it waits: {:?}", walk.at);
    }
    shop.order(&walk.order_id).await
}

/// Every path that the others don't take: what it is, its order, the state before which something happens, and what.
#[tokio::test]
async fn every_status_of_every_path_is_told() {
    let products = [("ring", "wh-east", 9), ("fragile-vase", "wh-west", 9), ("stuck-crate", "wh-north", 9)];
    let paid = |items: Value, method: &str| json!({ "items": items, "payment": { "method": method } });
    for (body, end_status, reason) in [
        (paid(json!(["ring"]), "pm_card"), Status::Completed, None),
        (paid(json!(["ring"]), "pm_declined"), Status::Cancelled, Some("PAYMENT_FAILED")),
        (paid(json!(["ring"]), "pm_timeout_always"), Status::Cancelled, Some("PAYMENT_FAILED")),
        (paid(json!(["fragile-vase"]), "pm_card"), Status::Cancelled, Some("SHIPMENT_FAILED")),
        (paid(json!(["fragile-vase"]), "pm_refund_fails"), Status::NeedsAttention, Some("SHIPMENT_FAILED")),
        (
            paid(json!(["fragile-vase", "stuck-crate"]), "pm_card"),
            Status::NeedsAttention,
            Some("SHIPMENT_FAILED"),
        ),
    ] {
        let shop = Shop::stocked(&products);
        let id = shop.place(body.clone()).await;
        let order = end(&shop, Walk::of(&id)).await;
        assert_eq!((order.status(), states(&shop, &id)), (end_status, lived(&order)), "{body}");
        assert_eq!(
            by_id(&shop)[&format!("{id}:{end_status}")].get("reason"),
            reason.map(Value::from).as_ref(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn every_status_of_an_order_that_nobody_pays_or_approves_is_told() {
    let shop = Shop::stocked(&STOCK);
    let unpaid = shop.place_one("ring", 1).await;
    let walk = waiting(&shop, &unpaid).await;
    shop.pass_deadline(&unpaid).await;
    shop.forward("close-payment-window", &unpaid).await.unwrap();
    let order = end(&shop, walk).await;
    assert_eq!(states(&shop, &unpaid), lived(&order));
    assert_eq!(by_id(&shop)[&format!("{unpaid}:CANCELLED")]["reason"], "PAYMENT_TIMEOUT");

    let rejected = place(&shop).await;
    let walk = waiting(&shop, &rejected).await;
    assert_eq!(shop.audit(&rejected, "REJECT").await.status, 200);
    let order = end(&shop, walk).await;
    assert_eq!(states(&shop, &rejected), lived(&order));
    assert_eq!(by_id(&shop)[&format!("{rejected}:CANCELLED")]["reason"], "AUDIT_REJECTED");
}

/// The walk of this order, where it waits for somebody.
async fn waiting(shop: &Shop, id: &OrderId) -> Walk {
    let mut walk = Walk::of(id);
    while walk.step(shop).await {}
    assert!(matches!(walk.at, At::Waiting(..)), "{:?}", walk.at);
    walk
}

#[tokio::test]
async fn events_have_the_shape_that_their_schema_describes() {
    const SCHEMA: &str = include_str!("../../../functions/domain/events/order-status-changed.schema.json");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("event.json", schema.clone()).unwrap();
    let compiled = compiler.compile("event.json", &mut schemas).unwrap();

    let shop = Shop::stocked(&STOCK);
    let order = json!({ "items": ["ring"], "customer_id": "c1", "email": "ann@example.com" });
    let done = shop.place(order).await;
    Walk::of(&done).to_the_end(&shop).await.unwrap();
    let rejected = shop.place_one("ring", 5).await;
    end(&shop, Walk::of(&rejected)).await;
    let events = shop.aws.events();
    assert!(events.len() >= 9);
    for event in &events {
        schemas.validate(event, compiled).unwrap_or_else(|error| panic!("{event:#}: {error}"));
        for member in event.as_object().unwrap().keys() {
            assert!(schema["properties"][member].is_object(), "the schema doesn't know {member}");
        }
    }
    let mut broken = events[0].clone();
    broken["state"] = json!("LOST");
    assert!(schemas.validate(&broken, compiled).is_err(), "the schema refuses nothing");
    for status in Status::ALL {
        assert!(
            schema["properties"]["state"]["enum"].as_array().unwrap().contains(&json!(status)),
            "{status}"
        );
    }
    for reason in Reason::ALL {
        assert!(
            schema["properties"]["reason"]["enum"].as_array().unwrap().contains(&json!(reason)),
            "{reason:?}"
        );
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
async fn customers_are_told_of_the_statuses_that_the_rule_lets_through_in_their_language() {
    let pattern = &system().rules[0].pattern["detail"]["state"];
    for status in Status::ALL {
        let told = pattern.as_array().unwrap().contains(&json!(status));
        let mut texts = BTreeMap::new();
        for language in Language::ALL {
            let amount = Money::parse("1250.50", Currency::USD).unwrap();
            let message = omniflow_notify::message("ORD-1", status, Some(Reason::Customer), amount, language);
            assert_eq!(message.is_some(), told, "{status} {language:?}");
            assert!(message.as_ref().is_none_or(|message| message.text.contains(&amount.in_words(language))));
            texts.extend(message.map(|message| (message.text, language)));
        }
        assert_eq!(
            texts.len(),
            if told { Language::ALL.len() } else { 0 },
            "{status}: a text for each language"
        );
    }

    let shop = Shop::stocked(&STOCK);
    for (customer, email) in [
        (json!({ "email": "ann@example.com" }), "ann@example.com"),
        (json!({ "customer_id": "bob@example.com" }), "bob@example.com"),
    ] {
        let mut order = customer;
        order["items"] = json!(["ring"]);
        let id = shop.place(order).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        let event = by_id(&shop)[&format!("{id}:COMPLETED")].clone();
        let sent = shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
        assert_eq!(sent["message_id"], "1");
        let call = shop.aws.calls("SendEmail").pop().unwrap().body;
        assert_eq!(call["Destination"]["ToAddresses"], json!([email]));
        assert_eq!(call["FromEmailAddress"], SENDER);
        let subject = &call["Content"]["Simple"]["Subject"]["Data"];
        assert_eq!(
            subject,
            &json!(format!("订单 {id}：已完成")),
            "the order came through a door that speaks Chinese"
        );
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_is_a_failure_that_is_worth_a_retry() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place(json!({ "items": ["ring"], "email": "ann@example.com" })).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    shop.aws.fail("SendEmail", "TooManyRequestsException");
    let event = by_id(&shop)[&format!("{id}:COMPLETED")].clone();
    let fault = shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap_err();
    assert_eq!(fault.error_type, omniflow_domain::ErrorName::NotificationFailed.as_str());
    assert!(fault.message.contains("TooManyRequestsException"), "{fault:?}");
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test]
async fn without_an_address_nothing_is_sent() {
    let to_nobody = Shop::stocked(&STOCK);
    let from_nobody = Shop::set_up(&STOCK, &[("NOTIFICATION_SENDER", "")]);
    for (shop, email) in [(to_nobody, Value::Null), (from_nobody, json!("ann@example.com"))] {
        let id = shop.place(json!({ "items": ["ring"], "email": email })).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        let event = by_id(&shop)[&format!("{id}:COMPLETED")].clone();
        let answer = shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
        assert_eq!(answer.get("message_id"), None);
        assert!(shop.aws.calls("SendEmail").is_empty());
    }
}

#[tokio::test]
async fn a_bus_that_fails_never_fails_an_order() {
    let shop = Shop::stocked(&STOCK);
    shop.aws.fail("PutEvents", "InternalFailure");
    let id = place(&shop).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
    let undone = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &undone, "ShipWarehouses").await;
    walk.fail_into("CancelShipments", "ShipmentFailed");
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&undone).await.status(), Status::Cancelled);
    assert!(shop.aws.events().is_empty());
}
