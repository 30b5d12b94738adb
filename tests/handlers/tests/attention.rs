//! Orders whose workflow failed for good: nothing of them is undone because of a disturbance, they are left to a
//! person, and they come to the end that they would have come to once they go on.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock as _, ManualClock};
use omniflow_domain::order::{PaymentState, Reservation, Role, ShipmentState, Signal};
use omniflow_domain::{OrderId, Reason, Status};
use omniflow_testing::{At, HttpAnswer, Shop, Walk, customer};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 4] = [
    ("ring", "wh-east", 2),
    ("ring", "wh-west", 2),
    ("fragile-vase", "wh-west", 2),
    ("stuck-crate", "wh-east", 2),
];

/// The steps of an order that needs a review and is paid.
const FORWARD: [&str; 6] =
    ["ReserveStock", "AwaitAudit", "AwaitPayment", "CapturePayment", "ShipWarehouses", "CompleteOrder"];
/// The steps that undo it.
const BACKWARD: [&str; 4] = ["CancelShipments", "RefundPayment", "ReleaseStock", "CloseOrder"];

async fn place(shop: &Shop) -> OrderId {
    let item = json!({ "product_id": "ring", "quantity": 3, "price": 5000 });
    shop.place(json!({ "items": [item], "customer_id": "ann" })).await
}

/// The tables fail for as long as the step before which the walk is tries: the execution fails, and the event about
/// it is delivered once the tables are back.
async fn fail_for_good(shop: &Shop, walk: &mut Walk) {
    let name = walk.order_id.to_string();
    for operation in ["PutItem", "TransactWriteItems"] {
        shop.aws.fail(operation, "ThrottlingException");
    }
    while walk.step(shop).await {}
    shop.aws.heal();
    assert_eq!(walk.at, At::Ended(Err("StoreUnavailable".to_owned())));
    shop.execution_failed(&name).await;
}

/// A walk that stands before this step, on the way forward, or on the way back after the customer cancelled an order
/// of which all is shipped.
async fn walk_before(shop: &Shop, id: &OrderId, state: &str) -> Walk {
    if FORWARD.contains(&state) {
        return Walk::until(shop, id, state).await;
    }
    let mut walk = Walk::until(shop, id, "CompleteOrder").await;
    assert_eq!(shop.decide(id, "cancel").await.status, 200);
    while walk.at != At::State(state.to_owned()) {
        assert!(walk.step(shop).await);
    }
    walk
}

async fn retry(shop: &Shop, id: &OrderId) -> HttpAnswer {
    shop.decide(id, "retry").await
}

/// What became of the order, its stock and its money.
async fn end(shop: &Shop, id: &OrderId) -> (Status, Option<Reason>, Reservation, (bool, bool), u32) {
    let order = shop.order(id).await;
    let reserved = shop.stock().await.iter().map(|row| row.reserved).sum();
    (order.status(), order.reason(), order.reservation(), shop.money(id), reserved)
}

fn expected_end(state: &str) -> (Status, Option<Reason>, Reservation, (bool, bool), u32) {
    if FORWARD.contains(&state) {
        (Status::Completed, None, Reservation::Sold, (true, false), 0)
    } else {
        (Status::Cancelled, Some(Reason::Customer), Reservation::Released, (true, true), 0)
    }
}

#[tokio::test]
async fn whichever_step_a_disturbance_stops_nothing_is_undone_and_a_retry_goes_on_there() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let shop = Shop::stocked(&STOCK);
        let id = place(&shop).await;
        let mut walk = walk_before(&shop, &id, state).await;
        let before = shop.order(&id).await;
        fail_for_good(&shop, &mut walk).await;
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.standing()), (Status::NeedsAttention, before.status()), "{state}");
        assert_eq!(order.reason(), before.reason(), "{state}");
        let failed = &order.attention().unwrap().failed;
        assert_eq!(failed.error.as_deref(), Some("StoreUnavailable"), "{state}");
        assert!(failed.cause.as_deref().unwrap().contains("Throttling"), "{state}: {failed:?}");

        let answer = retry(&shop, &id).await;
        assert_eq!((answer.status, &answer.body["state"]), (200, &json!(before.shown_status())), "{state}");
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(end(&shop, &id).await, expected_end(state), "{state}");
    }
}

#[tokio::test]
async fn an_execution_that_is_too_old_or_gone_is_followed_by_another_one_that_does_the_rest() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        for why in ["too old", "gone", "an emulator that knows no redrives"] {
            let shop = Shop::stocked(&STOCK);
            let id = place(&shop).await;
            let mut walk = walk_before(&shop, &id, state).await;
            fail_for_good(&shop, &mut walk).await;
            match why {
                "too old" => shop.aws.age_execution(id.as_str()),
                "gone" => shop.aws.forget_execution(id.as_str()),
                _ => shop.aws.fail("RedriveExecution", "InvalidAction"),
            }
            assert_eq!(retry(&shop, &id).await.status, 200);
            let next = format!("{id}-2");
            assert_eq!(shop.order(&id).await.execution_name(), next);
            Walk::of_execution(&id, &next).to_the_end(&shop).await.unwrap();
            assert_eq!(end(&shop, &id).await, expected_end(state), "{state}, {why}");
            let order = shop.order(&id).await;
            let cancelled = order.shipments().iter().all(|parcel| parcel.state == ShipmentState::Cancelled);
            assert_eq!(cancelled, BACKWARD.contains(&state), "{state}: {order:#?}");
        }
    }
}

#[tokio::test]
async fn a_customer_who_cancels_while_another_execution_catches_up_gets_everything_undone() {
    for state in ["AwaitPayment", "CapturePayment", "ShipWarehouses"] {
        let shop = Shop::stocked(&STOCK);
        let id = place(&shop).await;
        let mut walk = walk_before(&shop, &id, "CompleteOrder").await;
        fail_for_good(&shop, &mut walk).await;
        shop.aws.age_execution(id.as_str());
        assert_eq!(retry(&shop, &id).await.status, 200);
        let mut next = Walk::of_execution(&id, &format!("{id}-2"));
        next.go_on(&shop, state).await;
        assert_eq!(shop.decide(&id, "cancel").await.status, 200);
        next.to_the_end(&shop).await.unwrap();
        assert_eq!(end(&shop, &id).await, expected_end("CancelShipments"), "{state}");
    }
}

#[tokio::test]
async fn a_compensation_that_refuses_is_left_to_a_person_and_tried_again_at_their_word() {
    let shop = Shop::stocked(&STOCK);
    let body = json!({ "items": ["fragile-vase"], "payment": { "method": "pm_refund_fails" } });
    let id = shop.place(body).await;
    let mut walk = Walk::of(&id);
    while walk.step(&shop).await {}
    assert_eq!(walk.at, At::Ended(Err("RefundFailed".to_owned())));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::NeedsAttention, Some(Reason::ShipmentFailed)));
    assert!(!order.failed_by_disturbance(), "the bank has decided");
    // Another bank would give it back.
    shop.tamper(&id, |order| order.payment.method = Some("pm_card".to_owned())).await;
    assert_eq!(retry(&shop, &id).await.status, 200);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(end(&shop, &id).await.0, Status::Cancelled);
    assert_eq!(shop.money(&id), (true, true));
}

#[tokio::test]
async fn an_execution_that_step_functions_itself_redrives_takes_its_order_up_again() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let shop = Shop::stocked(&STOCK);
        let id = place(&shop).await;
        let mut walk = walk_before(&shop, &id, state).await;
        fail_for_good(&shop, &mut walk).await;
        walk.redrive(&shop);
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(end(&shop, &id).await, expected_end(state), "{state}");
        let order = shop.order(&id).await;
        let signed =
            order.timeline().iter().find_map(|change| change.by.clone().filter(|by| by.role == Role::System));
        assert!(signed.is_some(), "{state}: {:?}", order.timeline());
    }
}

#[tokio::test]
async fn an_event_that_comes_late_twice_or_of_another_execution_changes_nothing() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CompleteOrder").await;
    shop.execution_failed(id.as_str()).await;
    assert_eq!(shop.order(&id).await.status(), Status::Shipping, "it runs");
    fail_for_good(&shop, &mut walk).await;
    let marked = shop.order(&id).await;
    shop.execution_failed(id.as_str()).await;
    assert_eq!(shop.order(&id).await, marked, "it is known");
    shop.execution_failed(&format!("{id}-2")).await;
    shop.execution_failed("a-machine-of-somebody-else").await;
    assert_eq!(shop.order(&id).await, marked);
    assert_eq!(retry(&shop, &id).await.status, 200);
    shop.execution_failed(id.as_str()).await;
    assert_eq!(shop.order(&id).await.status(), Status::Shipping, "it was redriven meanwhile");
    walk.to_the_end(&shop).await.unwrap();
    shop.execution_failed(id.as_str()).await;
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test]
async fn a_retry_is_made_once_however_often_it_is_asked_for() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    let path = format!("/api/v1/orders/{id}/retry");
    let refused = retry(&shop, &id).await;
    assert_eq!((refused.status, &refused.body["state"]), (409, &json!("RECEIVED")), "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("does not need attention"), "{}", refused.body);
    let mut walk = walk_before(&shop, &id, "ShipWarehouses").await;
    fail_for_good(&shop, &mut walk).await;
    let first = shop.http_once("key", &path, json!({ "note": "the tables are back" })).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let signed = first.body["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&signed["by"]["role"], &signed["note"]), (&json!("OPERATOR"), &json!("the tables are back")));
    let again = shop.http_once("key", &path, json!({ "note": "the tables are back" })).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let order = shop.order(&id).await;
    assert_eq!(retry(&shop, &id).await.status, 200, "it goes on already");
    assert_eq!(shop.order(&id).await.timeline(), order.timeline());
    assert_eq!(shop.aws.calls("RedriveExecution").len(), 1 + 1, "the signal may be sent again");
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(retry(&shop, &id).await.status, 409);
}

/// The first answer about the execution is from before it was redriven.
#[tokio::test(start_paused = true)]
async fn an_execution_that_runs_again_gets_no_other_one_beside_it_when_that_is_not_known_yet() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CapturePayment").await;
    fail_for_good(&shop, &mut walk).await;
    shop.aws.fail("RedriveExecution", "ServiceUnavailable");
    retry(&shop, &id).await;
    assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::Retry));
    shop.aws.heal();
    // It was done, and the answer was lost.
    walk.redrive(&shop);
    shop.aws.describe_late(id.as_str());
    shop.age_signal(&id).await;
    shop.sweep().await;
    let order = shop.order(&id).await;
    assert_eq!((order.execution_name(), order.pending_signal()), (id.to_string(), None));
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

/// Between the look at the execution and the mark, another one marks the order, a person has it go on, and the step that
/// waits stores its new token.
#[tokio::test]
async fn an_execution_that_goes_on_while_somebody_looks_at_its_failure_keeps_its_token() {
    for by_event in [true, false] {
        let (shop, clock) = Shop::timed(&STOCK);
        let shop = Arc::new(shop);
        let id = place(&shop).await;
        let mut walk = Walk::until(&shop, &id, "AwaitAudit").await;
        walk.step(&shop).await;
        clock.advance(6 * MINUTE);
        shop.aws.end_execution(id.as_str(), "StoreUnavailable", None);
        let history = shop.aws.hold("GetExecutionHistory");
        let (looker, name) = (Arc::clone(&shop), id.to_string());
        let looking = tokio::spawn(async move {
            match by_event {
                true => looker.execution_failed(&name).await,
                false => drop(looker.invoke("reconcile-orders", json!({})).await.unwrap()),
            }
        });
        history.arrived().await;
        shop.execution_failed(id.as_str()).await;
        assert_eq!(retry(&shop, &id).await.status, 200);
        walk.redrive(&shop);
        walk.step(&shop).await;
        history.release();
        looking.await.unwrap();
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.waiting_tokens().count()), (Status::AwaitingAudit, 1));
        walk.to_the_end(&shop).await.unwrap();
    }
}

/// More than one run looks at, newest first, wait for a person.
#[tokio::test]
async fn an_order_that_is_older_than_very_many_others_goes_on_all_the_same() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CapturePayment").await;
    fail_for_good(&shop, &mut walk).await;
    let stuck = json!({ "items": ["fragile-vase", "stuck-crate"], "payment": { "method": "pm_card" } });
    let stuck = shop.place(stuck).await;
    let _ = Walk::of(&stuck).to_the_end(&shop).await;
    let mut item = shop.item(&stuck);
    for number in 1..=1000 {
        item["order_id"]["S"] = json!(OrderId::new(clock.now(), number));
        shop.put("OrdersTable", item.clone());
    }
    reconcile(&shop, &clock, 6 * MINUTE).await;
    assert_eq!(shop.order(&id).await.status(), Status::PaymentReceived);
}

#[tokio::test]
async fn a_doctor_who_is_told_nothing_does_not_say_that_all_is_well() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = place(&shop).await;
    walk_before(&shop, &id, "CapturePayment").await;
    clock.advance(6 * MINUTE);
    shop.sweep().await;
    let more = async || shop.http("GET", "/api/v1/doctor", Value::Null).await.body["more"] == true;
    assert!(!more().await);
    shop.aws.fail("DescribeExecution", "ThrottlingException");
    assert!(more().await);
}

#[tokio::test]
async fn a_retry_whose_word_does_not_come_through_is_sent_by_the_sweeper() {
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CompleteOrder").await;
    fail_for_good(&shop, &mut walk).await;
    shop.aws.fail("RedriveExecution", "ThrottlingException");
    assert_eq!(retry(&shop, &id).await.status, 200);
    shop.aws.heal();
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await.0, 1);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

/// An order whose two parcels, or the first of them, have left when its workflow fails for good.
async fn left_behind(shop: &Shop, out: usize) -> OrderId {
    let id = place(shop).await;
    let mut walk = walk_before(shop, &id, if out == 2 { "CompleteOrder" } else { "ShipWarehouses" }).await;
    for warehouse in ["wh-east", "wh-west"].iter().take(out % 2) {
        let event = json!({ "order_id": id, "warehouse": warehouse });
        shop.invoke("ship-warehouse", event).await.unwrap();
    }
    fail_for_good(shop, &mut walk).await;
    id
}

async fn resolve(shop: &Shop, id: &OrderId, money: &str, stock: &str) -> HttpAnswer {
    let body = json!({ "money": money, "stock": stock, "note": "settled with the bank" });
    shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), body).await
}

/// The pieces of the ring that are available, reserved, sold and lost.
async fn rings(shop: &Shop) -> (u32, u32, u32, u32) {
    let rows = shop.stock().await.into_iter().filter(|row| row.product_id == "ring");
    rows.fold((0, 0, 0, 0), |sum, row| {
        (sum.0 + row.available, sum.1 + row.reserved, sum.2 + row.sold, sum.3 + row.lost)
    })
}

#[tokio::test]
async fn what_was_done_by_hand_ends_the_order_and_moves_its_stock_in_one_write() {
    for (out, money, stock, state, moved) in [
        (0, "REFUNDED", "RELEASED", "CANCELLED", (4, 0, 0, 0)),
        (0, "REFUNDED", "LOST", "CANCELLED", (1, 0, 0, 3)),
        (1, "REFUNDED", "SOLD", "CANCELLED", (2, 0, 2, 0)),
        (1, "REFUNDED", "LOST", "CANCELLED", (2, 0, 0, 2)),
        (2, "KEPT", "SOLD", "COMPLETED", (1, 0, 3, 0)),
        (2, "KEPT", "LOST", "CANCELLED", (1, 0, 0, 3)),
    ] {
        let shop = Shop::stocked(&STOCK);
        let id = left_behind(&shop, out).await;
        let answer = resolve(&shop, &id, money, stock).await;
        assert_eq!(
            (answer.status, &answer.body["state"]),
            (200, &json!(state)),
            "{money} {stock}: {}",
            answer.body
        );
        assert_eq!(rings(&shop).await, moved, "{out} out, {money} {stock}");
        let again = resolve(&shop, &id, money, stock).await;
        assert_eq!((again.status, &again.body), (200, &answer.body), "the same again");
        assert_eq!(rings(&shop).await, moved);
        assert_eq!(resolve(&shop, &id, "NONE", "RELEASED").await.status, 409);
        assert_eq!(retry(&shop, &id).await.status, 409);
        let last = answer.body["timeline"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&last["by"]["role"], &last["note"]),
            (&json!("OPERATOR"), &json!("settled with the bank"))
        );
        shop.age_signal(&id).await;
        shop.sweep().await;
        let told = shop.aws.events().into_iter().any(|event| event["state"] == state);
        assert!(told, "nobody heard that it is {state}");
    }
}

/// Others who move pieces may leave those of an order in more buckets than one transaction can write.
#[tokio::test]
async fn an_order_whose_pieces_lie_in_very_many_buckets_is_ended_by_hand_too() {
    let (shop, items) = Shop::of_split_products(60).await;
    let id = shop.place(json!({ "items": items })).await;
    let mut walk = walk_before(&shop, &id, "ShipWarehouses").await;
    fail_for_good(&shop, &mut walk).await;
    for mut bucket in shop.items("StockTable") {
        bucket["reserved"]["N"] = json!("1");
        shop.put("StockTable", bucket);
    }
    let answer = resolve(&shop, &id, "REFUNDED", "RELEASED").await;
    assert_eq!((answer.status, &answer.body["state"]), (200, &json!("CANCELLED")), "{}", answer.body);
    assert!(shop.stock().await.iter().all(|row| (row.available, row.reserved) == (2, 0)));
}

#[tokio::test]
async fn what_contradicts_the_gateway_or_the_shipments_is_refused_with_the_facts() {
    for (out, money, stock, why) in [
        (0, "NONE", "RELEASED", "Money was taken"),
        (0, "KEPT", "SOLD", "No shipment has left"),
        (1, "REFUNDED", "RELEASED", "Shipments have left"),
        (1, "KEPT", "SOLD", "Some shipments have not left"),
    ] {
        let shop = Shop::stocked(&STOCK);
        let id = left_behind(&shop, out).await;
        let before = shop.order(&id).await;
        let refused = resolve(&shop, &id, money, stock).await;
        assert_eq!(refused.status, 409, "{money} {stock}: {}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().starts_with(why), "{}", refused.body);
        let facts = &refused.body["open"];
        assert_eq!((&facts["money_taken"], &facts["stock_held"]), (&json!(true), &json!(true)));
        assert_eq!(facts["shipments_out"].as_array().unwrap().len(), out);
        assert_eq!(shop.order(&id).await, before);
    }
    let shop = Shop::stocked(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "AwaitPayment").await;
    fail_for_good(&shop, &mut walk).await;
    assert_eq!(resolve(&shop, &id, "KEPT", "RELEASED").await.status, 409, "none was taken");
    for body in [
        json!({ "money": "SPENT", "stock": "RELEASED", "note": "n" }),
        json!({ "money": "NONE", "stock": "EATEN", "note": "n" }),
        json!({ "money": "NONE", "stock": "RELEASED" }),
    ] {
        let answer = shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    assert_eq!(resolve(&shop, &id, "NONE", "RELEASED").await.status, 200);
    assert_eq!(rings(&shop).await, (4, 0, 0, 0));
}

/// An order whose workflow fails for good before its money is taken, and the shop that it was placed in.
async fn left_unpaid() -> (Arc<Shop>, OrderId) {
    let shop = Arc::new(Shop::stocked(&STOCK));
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CapturePayment").await;
    // The gateway's ledger fails as well.
    shop.aws.fail("UpdateItem", "ThrottlingException");
    fail_for_good(&shop, &mut walk).await;
    (shop, id)
}

#[tokio::test]
async fn a_capture_under_way_when_the_order_is_ended_by_hand_takes_nothing() {
    let (shop, id) = left_unpaid().await;
    let gateway = shop.aws.hold("UpdateItem");
    let (capturer, captures) = (Arc::clone(&shop), id.clone());
    let late = tokio::spawn(async move { capturer.forward("capture-payment", &captures).await });
    gateway.arrived().await;
    assert_eq!(resolve(&shop, &id, "NONE", "RELEASED").await.status, 200);
    gateway.release();
    assert_eq!(late.await.unwrap().unwrap_err().error_type, "OrderCancelled");
    assert_eq!(shop.money(&id), (false, false));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.payment().state), (Status::Cancelled, PaymentState::Void));
}

#[tokio::test]
async fn an_order_whose_money_is_taken_meanwhile_is_not_ended_without_any() {
    let (shop, id) = left_unpaid().await;
    // The operator says that no money was taken, and the gateway is about to be told to take none.
    let gateway = shop.aws.hold("UpdateItem");
    let (operator, resolves) = (Arc::clone(&shop), id.clone());
    let ending = tokio::spawn(async move { resolve(&operator, &resolves, "NONE", "RELEASED").await });
    gateway.arrived().await;
    shop.forward("capture-payment", &id).await.unwrap();
    gateway.release();
    let refused = ending.await.unwrap();
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().starts_with("Money was taken"), "{}", refused.body);
    assert_eq!(shop.money(&id), (true, false));
    assert_eq!(shop.order(&id).await.payment().state, PaymentState::Captured);
}

#[tokio::test]
async fn a_resolution_that_is_refused_changes_nothing_at_the_gateway() {
    let (shop, id) = left_unpaid().await;
    assert_eq!(resolve(&shop, &id, "NONE", "SOLD").await.status, 409, "no shipment has left");
    assert_eq!(retry(&shop, &id).await.status, 200);
    shop.forward("capture-payment", &id).await.unwrap();
    assert_eq!(shop.money(&id), (true, false));
}

#[tokio::test]
async fn operators_are_told_what_is_open_and_customers_are_not_told_the_inside() {
    let shop = Shop::stocked(&STOCK);
    let id = left_behind(&shop, 1).await;
    let path = format!("/api/v1/orders/{id}");
    let shown = shop.http("GET", &path, Value::Null).await.body;
    let attention = &shown["attention"];
    assert_eq!(attention["was"], "SHIPPING", "{shown}");
    assert_eq!((&attention["error"], &attention["money_taken"]), (&json!("StoreUnavailable"), &json!(true)));
    assert_eq!(attention["shipments_out"], json!(["wh-east"]));
    assert_eq!(attention["open"].as_array().unwrap().len(), 3);
    let listed = shop.http("GET", "/api/v1/orders?state=NEEDS_ATTENTION", Value::Null).await.body;
    assert_eq!(listed["orders"][0]["attention"], *attention);
    let ann = shop.http_as(&customer("ann"), "GET", &path, Value::Null).await.body;
    assert_eq!(ann["state"], "NEEDS_ATTENTION");
    assert!(ann.get("attention").is_none() && ann.get("failure").is_none(), "{ann}");
    for decision in ["retry", "resolve"] {
        let answer = shop.http_as(&customer("ann"), "POST", &format!("{path}/{decision}"), json!({})).await;
        assert_eq!(answer.status, 403, "{decision}");
    }
    for decision in ["pay", "cancel"] {
        assert_eq!(shop.decide(&id, decision).await.status, 409, "{decision}");
    }
}

async fn reconcile(shop: &Shop, clock: &ManualClock, pass: Duration) {
    clock.advance(pass);
    shop.invoke("reconcile-orders", json!({})).await.unwrap();
}

const MINUTE: Duration = Duration::from_secs(60);

async fn doctor(shop: &Shop) -> Vec<(String, Value)> {
    let found = shop.http("GET", "/api/v1/doctor", Value::Null).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let found = found.body["findings"].as_array().unwrap().clone();
    found
        .into_iter()
        .map(|one| (one["trouble"].as_str().unwrap().to_owned(), one["order_id"].clone()))
        .collect()
}

#[tokio::test]
async fn what_no_event_told_of_is_found_and_what_a_disturbance_stopped_goes_on_by_itself() {
    for state in FORWARD.into_iter().chain(BACKWARD) {
        let (shop, clock) = Shop::timed(&STOCK);
        let id = place(&shop).await;
        let mut walk = walk_before(&shop, &id, state).await;
        let before = shop.order(&id).await.status();
        for operation in ["PutItem", "TransactWriteItems", "GetItem"] {
            shop.aws.fail(operation, "ThrottlingException");
        }
        while walk.step(&shop).await {}
        shop.aws.heal();
        assert_eq!(shop.order(&id).await.status(), before, "{state}: no event came");
        assert_eq!(doctor(&shop).await, [], "{state}: not for minutes yet");
        clock.advance(6 * MINUTE);
        shop.sweep().await;
        assert_eq!(doctor(&shop).await, [("WORKFLOW_FAILED".to_owned(), json!(id))], "{state}");
        reconcile(&shop, &clock, MINUTE).await;
        assert_eq!(shop.order(&id).await.status(), Status::NeedsAttention, "{state}");
        reconcile(&shop, &clock, MINUTE).await;
        assert_eq!(shop.order(&id).await.status(), Status::NeedsAttention, "{state}: it waits a little");
        reconcile(&shop, &clock, 5 * MINUTE).await;
        assert_eq!(shop.order(&id).await.status(), before, "{state}");
        walk.to_the_end(&shop).await.unwrap();
        assert_eq!(end(&shop, &id).await, expected_end(state), "{state}");
        clock.advance(10 * MINUTE);
        shop.age_signal(&id).await;
        shop.sweep().await;
        assert_eq!(doctor(&shop).await, [], "{state}");
    }
}

#[tokio::test]
async fn the_system_pauses_longer_each_time_and_leaves_it_to_a_person_after_a_day() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CompleteOrder").await;
    fail_for_good(&shop, &mut walk).await;
    let mut retries = Vec::new();
    for minutes in (5..30 * 60).step_by(5) {
        reconcile(&shop, &clock, 5 * MINUTE).await;
        if shop.order(&id).await.status() != Status::NeedsAttention {
            retries.push(minutes);
            fail_for_good(&shop, &mut walk).await;
        }
    }
    let pauses: Vec<_> = retries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.is_sorted() && pauses.last() <= Some(&125), "{pauses:?}");
    assert!(retries.len() > 10 && retries.last() <= Some(&(24 * 60)), "{retries:?}");
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.standing()), (Status::NeedsAttention, Status::Shipping));
    assert_eq!(retry(&shop, &id).await.status, 200, "a person may still have it go on");
}

#[tokio::test]
async fn what_a_decision_or_a_person_stopped_does_not_go_on_by_itself() {
    let (shop, clock) = Shop::timed(&STOCK);
    let body = json!({ "items": ["fragile-vase", "stuck-crate"], "payment": { "method": "pm_card" } });
    let id = shop.place(body).await;
    let mut walk = Walk::of(&id);
    while walk.step(&shop).await {}
    for _ in 0..5 {
        reconcile(&shop, &clock, 60 * MINUTE).await;
    }
    assert_eq!(shop.order(&id).await.status(), Status::NeedsAttention);
    assert_eq!(doctor(&shop).await, [("NEEDS_ATTENTION".to_owned(), json!(id))]);
}

#[tokio::test]
async fn a_window_that_nothing_closed_is_closed_by_the_reconciler() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = shop.place_one("ring", 1).await;
    let mut walk = Walk::until(&shop, &id, "AwaitPayment").await;
    walk.step(&shop).await;
    reconcile(&shop, &clock, 20 * MINUTE).await;
    assert_eq!(shop.order(&id).await.status(), Status::AwaitingPayment, "there is time left");
    reconcile(&shop, &clock, 20 * MINUTE).await;
    while walk.step(&shop).await {}
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::Cancelled, Some(Reason::PaymentTimeout)));
}

#[tokio::test]
async fn an_order_without_a_workflow_gets_one() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = shop.place_one("ring", 1).await;
    shop.aws.forget_execution(id.as_str());
    shop.tamper(&id, |order| (order.pending_signal, order.pending_since) = (None, None)).await;
    for _ in 0..3 {
        reconcile(&shop, &clock, 6 * MINUTE).await;
    }
    Walk::of_execution(&id, &format!("{id}-2")).to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

/// Examines, and has `meanwhile` done before each request of this operation.
async fn doctor_meanwhile(
    shop: &Shop,
    operation: &str,
    mut meanwhile: impl AsyncFnMut(),
) -> Vec<(String, Value)> {
    let mut held = shop.aws.hold(operation);
    let mut examined = std::pin::pin!(doctor(shop));
    loop {
        tokio::select! {
            biased;
            found = &mut examined => return found,
            () = held.arrived() => {
                meanwhile().await;
                let next = shop.aws.hold(operation);
                held.release();
                held = next;
            }
        }
    }
}

/// Orders are placed and earlier ones completed while the stock is compared with the
/// orders.
#[tokio::test(start_paused = true)]
async fn orders_in_motion_are_no_finding_about_the_stock() {
    // There are so many queries that a few of them do.
    for (operation, every) in [("Scan", 1), ("Query", 7), ("BatchGetItem", 1)] {
        let (shop, _clock) = Shop::timed(&[("ring", "wh-east", 1000)]);
        let standing = shop.place_one("ring", 1).await;
        Walk::until(&shop, &standing, "AwaitPayment").await;
        let mut walks = Vec::new();
        let mut times = 0;
        let move_orders = async || {
            times += 1;
            if times % every != 0 {
                return;
            }
            let id = shop.place_one("ring", 1).await;
            walks.push(Walk::until(&shop, &id, "AwaitPayment").await);
            if walks.len() > 2 {
                walks.remove(0).to_the_end(&shop).await.unwrap();
            }
        };
        assert_eq!(doctor_meanwhile(&shop, operation, move_orders).await, [], "before each {operation}");
        assert!(times >= every, "{operation} was made {times} times");
    }
}

#[tokio::test(start_paused = true)]
async fn stock_that_no_open_order_holds_is_found() {
    let (shop, _clock) = Shop::timed(&STOCK);
    let id = shop.place_one("ring", 1).await;
    Walk::until(&shop, &id, "AwaitPayment").await;
    assert_eq!(doctor(&shop).await, []);
    let mut row =
        shop.items("StockTable").into_iter().find(|row| row["product_id"]["S"] == "stuck-crate").unwrap();
    row["reserved"] = json!({ "N": "2" });
    shop.put("StockTable", row);
    assert_eq!(doctor(&shop).await, [("STOCK_UNOWNED".to_owned(), Value::Null)]);
}

#[tokio::test]
async fn a_repair_that_somebody_asks_for_does_what_the_reconciler_does() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = place(&shop).await;
    let mut walk = walk_before(&shop, &id, "CompleteOrder").await;
    fail_for_good(&shop, &mut walk).await;
    clock.advance(6 * MINUTE);
    let repaired = shop.http("POST", "/api/v1/doctor", Value::Null).await;
    assert_eq!(
        (repaired.status, &repaired.body["repair"]["repaired"]),
        (200, &json!(1)),
        "{}",
        repaired.body
    );
    assert_eq!(repaired.body["findings"][0]["trouble"], "RETRY_DUE");
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

/// Release 0.1 left an order to a person only when it could not be undone, and kept no more than the failure; its
/// executions ended in a state that fails again.
#[tokio::test]
async fn an_order_that_release_0_1_left_to_a_person_is_retried_by_another_execution_or_resolved() {
    for retried in [true, false] {
        let shop = Shop::stocked(&STOCK);
        let id = place(&shop).await;
        let mut walk = walk_before(&shop, &id, "RefundPayment").await;
        fail_for_good(&shop, &mut walk).await;
        shop.tamper(&id, |order| order.attention = None).await;
        if retried {
            assert_eq!(retry(&shop, &id).await.status, 200);
            assert!(shop.aws.calls("RedriveExecution").is_empty());
            Walk::of_execution(&id, &format!("{id}-2")).to_the_end(&shop).await.unwrap();
        } else {
            let answer = resolve(&shop, &id, "REFUNDED", "RELEASED").await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let order = shop.order(&id).await;
        assert_eq!((order.status(), order.reservation()), (Status::Cancelled, Reservation::Released));
    }
}
