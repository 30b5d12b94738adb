//! What others hear: each change of an order once in meaning, under an id that repeats with the repeat; and a bus that
//! fails never fails an order.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use omniflow_domain::Language;
use omniflow_domain::event::{DETAIL_TYPE, SOURCE};
use omniflow_domain::order::{Change, Signal};
use omniflow_domain::{Currency, Money, Order, OrderId, Reason, Status};
use omniflow_testing::{At, Outage, SENDER, Shop, Walk, system};
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
        (paid(json!(["ring"]), "pm_timeout_always"), Status::NeedsAttention, None),
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

/// The rule that says of which statuses customers are told.
fn notifying_rule() -> &'static template::Rule {
    system().rules.iter().find(|rule| rule.function == "NotifyCustomerFunction").unwrap()
}

#[tokio::test]
async fn the_notifier_takes_every_event_that_its_rule_lets_through() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let rule = notifying_rule();
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
    let pattern = &notifying_rule().pattern["detail"]["state"];
    for status in Status::ALL {
        let told = pattern.as_array().unwrap().contains(&json!(status));
        let mut texts = BTreeMap::new();
        for language in Language::ALL {
            let amount = Money::parse("1250.50", Currency::USD).unwrap();
            let named = omniflow_notify::Named { order_id: "ORD-1", number: None };
            let message = omniflow_notify::message(named, status, Some(Reason::Customer), amount, language);
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
            &json!(format!(
                "订单 {}：已完成",
                event["number"].as_u64().map(|number| format!("#{number}")).unwrap()
            )),
            "the order came through a door that speaks Chinese"
        );
        let text = call["Content"]["Simple"]["Body"]["Text"]["Data"].as_str().unwrap();
        assert!(text.contains(id.as_str()), "who writes back may name either: {text}");
    }
}

#[tokio::test]
async fn events_and_messages_about_returns_name_the_order_by_its_number() {
    const SCHEMA: &str = include_str!("../../../functions/domain/events/order-return-changed.schema.json");
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("event.json", schema.clone()).unwrap();
    let compiled = compiler.compile("event.json", &mut schemas).unwrap();
    let shop = Shop::stocked(&STOCK);
    let order = json!({ "items": ["ring"], "email": "ann@example.com", "payment": { "method": "pm_card" } });
    let id = shop.place(order).await;
    shop.complete(&id).await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    Walk::of_return(&id, 1).to_the_end(&shop).await.unwrap();
    let number = shop.order(&id).await.number().unwrap();
    let events: Vec<_> = by_id(&shop).into_values().filter(|event| event["return"].is_number()).collect();
    assert_eq!(events.len(), 4);
    for event in &events {
        schemas.validate(event, compiled).unwrap_or_else(|error| panic!("{event:#}: {error}"));
        for member in event.as_object().unwrap().keys() {
            assert!(schema["properties"][member].is_object(), "the schema doesn't know {member}");
        }
        assert_eq!((&event["number"], &event["return"]), (&json!(number), &json!(1)));
    }
    let refunded = events.into_iter().find(|event| event["return_state"] == "REFUNDED").unwrap();
    for language in Language::ALL {
        let mut event = refunded.clone();
        event["language"] = json!(language);
        event["event_id"] = json!(format!("{}-{language:?}", event["event_id"].as_str().unwrap()));
        shop.invoke("notify-customer", json!({ "detail": event })).await.unwrap();
        let call = shop.aws.calls("SendEmail").pop().unwrap().body;
        let content = &call["Content"]["Simple"];
        let subject = content["Subject"]["Data"].as_str().unwrap();
        assert!(subject.contains(&number.to_string()) && !subject.contains(id.as_str()), "{subject}");
        let text = content["Body"]["Text"]["Data"].as_str().unwrap();
        assert!(text.contains(&format!("{number} ({id})")), "{text}");
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

/// An order of Ann's that is completed, and the event that says so.
async fn completed(shop: &Shop) -> Value {
    let id = shop.place(json!({ "items": ["ring"], "email": "ann@example.com" })).await;
    Walk::of(&id).to_the_end(shop).await.unwrap();
    json!({ "detail": by_id(shop)[&format!("{id}:COMPLETED")] })
}

#[tokio::test]
async fn an_event_that_comes_twice_is_told_once() {
    let shop = Shop::stocked(&STOCK);
    let event = completed(&shop).await;
    let first = shop.invoke("notify-customer", event.clone()).await.unwrap();
    let second = shop.invoke("notify-customer", event.clone()).await.unwrap();
    assert_eq!((&first["message_id"], second.get("message_id")), (&json!("1"), None));
    assert_eq!(shop.aws.calls("SendEmail").len(), 1);
    let other = completed(&shop).await;
    shop.invoke("notify-customer", other).await.unwrap();
    assert_eq!(shop.aws.calls("SendEmail").len(), 2, "another order's");
}

#[tokio::test]
async fn an_event_that_comes_twice_at_once_is_told_once_and_tried_again() {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let event = completed(&shop).await;
    let sends = shop.aws.hold("SendEmail");
    let (teller, told) = (Arc::clone(&shop), event.clone());
    let first = tokio::spawn(async move { teller.invoke("notify-customer", told).await });
    sends.arrived().await;
    let second = shop.invoke("notify-customer", event.clone()).await.unwrap_err();
    assert_eq!(second.error_type, "NotificationFailed", "should the first one die, Lambda tries this again");
    sends.release();
    first.await.unwrap().unwrap();
    shop.invoke("notify-customer", event).await.unwrap();
    assert_eq!(shop.aws.calls("SendEmail").len(), 1);
}

/// What was sent before the function died may be sent again, and what was not is.
#[tokio::test]
async fn an_event_whose_telling_failed_at_any_request_is_told_when_it_is_tried_again() {
    for request in 0..3 {
        for carried_out in [false, true] {
            let shop = Shop::stocked(&STOCK);
            let event = completed(&shop).await;
            shop.aws.outages([Outage { request, carried_out }]);
            let failed = shop.invoke("notify-customer", event.clone()).await.is_err();
            shop.aws.heal();
            assert_eq!(failed, request < 2, "{request}: what is sent and not noted is no failure");
            // The claim of the invocation that died has run out when Lambda tries again, a minute later.
            for mut note in shop.items("IdempotencyTable") {
                if note.get("claimed_until").is_some() {
                    note["claimed_until"] = json!({ "N": "1" });
                    shop.put("IdempotencyTable", note);
                }
            }
            shop.invoke("notify-customer", event).await.unwrap();
            let sent = shop.aws.calls("SendEmail").len();
            let twice = (request == 1 && carried_out) || (request == 2 && !carried_out);
            assert_eq!(sent, if twice { 2 } else { 1 }, "request {request}, carried out: {carried_out}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_is_lost_is_ones_own() {
    let shop = Shop::retrying(&STOCK);
    let event = completed(&shop).await;
    shop.aws.outages([Outage { request: 0, carried_out: true }]);
    let told = shop.invoke("notify-customer", event).await.unwrap();
    assert_eq!(told["message_id"], "1");
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

/// The statuses in the order in which others heard of each for the first time.
fn told(shop: &Shop, id: &OrderId) -> Vec<String> {
    let mut told = Vec::new();
    for event in shop.aws.events().into_iter().filter(|event| event["order_id"] == id.as_str()) {
        let state = event["state"].as_str().unwrap().to_owned();
        if !told.contains(&state) {
            told.push(state);
        }
    }
    told
}

/// Sweeps until nothing is left of the order to announce.
async fn swept(shop: &Shop, id: &OrderId) {
    shop.age_signal(id).await;
    shop.sweep().await;
    assert_eq!(shop.order(id).await.pending_signal(), None);
}

#[tokio::test]
async fn an_order_that_goes_well_tells_of_each_status_once() {
    let paid = json!({ "items": ["ring"] });
    let prepaid = json!({ "items": ["ring"], "payment": { "method": "pm_card" } });
    for body in [paid, prepaid] {
        let shop = Shop::stocked(&STOCK);
        let id = shop.place(body).await;
        Walk::of(&id).to_the_end(&shop).await.unwrap();
        assert_eq!(shop.aws.events().len(), lived(&shop.order(&id).await).len());
    }
    let shop = Shop::stocked(&STOCK);
    let unpaid = shop.place_one("ring", 1).await;
    let walk = waiting(&shop, &unpaid).await;
    shop.pass_deadline(&unpaid).await;
    shop.forward("close-payment-window", &unpaid).await.unwrap();
    let order = end(&shop, walk).await;
    assert_eq!((shop.aws.events().len(), told(&shop, &unpaid)), (lived(&order).len(), lived(&order)));
}

#[tokio::test]
async fn a_bus_that_fails_never_fails_an_order_and_hears_all_of_it_afterwards() {
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
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await.2, 1, "still failing");
    shop.aws.heal();
    for id in [&id, &undone] {
        swept(&shop, id).await;
        assert_eq!(told(&shop, id), lived(&shop.order(id).await));
    }
    let heard = shop.aws.events().len();
    assert_eq!((shop.sweep().await, shop.aws.events().len()), ((0, 0, 0), heard), "nothing is told for ever");
}

#[tokio::test]
async fn a_bus_that_recovers_in_the_middle_of_an_order_hears_all_of_it_in_order() {
    for state in ["AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"] {
        let shop = Shop::stocked(&STOCK);
        shop.aws.fail("PutEvents", "InternalFailure");
        let id = place(&shop).await;
        let walk = Walk::until(&shop, &id, state).await;
        shop.aws.heal();
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(told(&shop, &id), lived(&shop.order(&id).await), "before {state}");
    }
}

#[tokio::test]
async fn a_customer_who_is_waited_for_hears_of_it_when_the_bus_recovers() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    shop.aws.fail("PutEvents", "InternalFailure");
    walk.step(&shop).await;
    assert!(shop.order(&id).await.rests());
    shop.aws.heal();
    swept(&shop, &id).await;
    assert_eq!(told(&shop, &id), ["RECEIVED", "RESERVED", "AWAITING_PAYMENT"]);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(told(&shop, &id), lived(&shop.order(&id).await));
}

/// EventBridge may take some of the entries of a request and refuse others. Whatever others heard too early by that, they
/// hear again in its place.
#[tokio::test(start_paused = true)]
async fn events_that_are_refused_are_sent_again_in_order() {
    for index in 0..3 {
        for times in [1, 2, 3, 8] {
            let shop = Shop::stocked(&STOCK);
            let id = place(&shop).await;
            shop.aws.refuse_events(index, times);
            Walk::of(&id).to_the_end(&shop).await.unwrap();
            let order = shop.order(&id).await;
            if order.pending_signal().is_some() {
                swept(&shop, &id).await;
            }
            let heard: Vec<_> = shop.aws.events().iter().map(|event| event["state"].clone()).collect();
            let mut rest = heard.iter();
            for state in lived(&order) {
                assert!(rest.any(|heard| *heard == state), "{index} refused {times} times: {heard:?}");
            }
        }
    }
}

/// The process dies between the write and its event, or neither the bus nor the table can be reached any more.
#[tokio::test]
async fn a_step_that_dies_before_it_told_tells_when_it_runs_again() {
    let states =
        ["ReserveStock", "AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"];
    for state in states.into_iter().chain(["CancelShipments", "ReleaseStock", "CloseOrder"]) {
        let undone = ["CancelShipments", "ReleaseStock", "CloseOrder"].contains(&state);
        let before = async || {
            let shop = Shop::stocked(&STOCK);
            let id = place(&shop).await;
            let mut walk = Walk::until(&shop, &id, if undone { "CompleteOrder" } else { state }).await;
            if undone {
                assert_eq!(shop.decide(&id, "cancel").await.status, 200);
                walk.go_on(&shop, state).await;
            }
            (shop, walk)
        };
        let (shop, walk) = before().await;
        shop.aws.outages([]);
        walk.invoke(&shop).await.unwrap();
        for request in 0..shop.aws.requests() {
            let (shop, walk) = before().await;
            // From this request on, nothing is carried out.
            shop.aws.outages((request..request + 9).map(|request| Outage { request, carried_out: false }));
            let _it_dies = walk.invoke(&shop).await;
            shop.aws.heal();
            let id = walk.order_id.clone();
            walk.to_the_end(&shop).await.unwrap();
            let order = shop.order(&id).await;
            assert_eq!(told(&shop, &id), lived(&order), "{state} died at request {request}");
        }
    }
}

/// The customer pays as soon as the order can be paid, and the workflow goes on, while the step that made it so has still to
/// tell that.
#[tokio::test]
async fn events_come_in_order_also_when_two_steps_run_at_once() {
    for lost in [false, true] {
        let shop = Arc::new(Shop::stocked(&STOCK));
        let id = shop.place_one("ring", 1).await;
        let walk = Walk::until(&shop, &id, "AwaitPayment").await;
        let held = shop.aws.hold("PutEvents");
        let (runner, mut waits) = (Arc::clone(&shop), walk.clone());
        let step = tokio::spawn(async move { waits.step(&runner).await });
        held.arrived().await;
        assert_eq!(shop.pay(&id, "pm_card").await.status, 200);
        shop.forward("capture-payment", &id).await.unwrap();
        let before = told(&shop, &id);
        assert_eq!(before, lived(&shop.order(&id).await), "the step that is held up has told nothing");
        if lost {
            step.abort();
        } else {
            held.release();
            step.await.unwrap();
        }
        assert_eq!(told(&shop, &id), before);
        by_id(&shop);
    }
}

#[tokio::test]
async fn a_decision_that_no_step_announces_is_announced_by_its_signal() {
    let shop = Shop::stocked(&STOCK);
    let id = shop.place_one("ring", 1).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    let before = shop.aws.events().len();
    shop.tamper(&id, |order| {
        order.timeline.push(Change::to(Status::Completed, order.timeline[0].at));
        order.announcements.from = order.timeline.len() - 1;
        (order.pending_signal, order.pending_since) = (Some(Signal::Announce), Some(0));
    })
    .await;
    assert_eq!(shop.sweep().await, (1, 0, 0));
    let events = shop.aws.events().split_off(before);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["event_id"], format!("{id}:COMPLETED:2"), "it came to that status again");
    assert_eq!((shop.order(&id).await.pending_signal(), shop.sweep().await), (None, (0, 0, 0)));
}
