//! Returns: goods and money come back, whatever fails on the way.

#![allow(clippy::unwrap_used, reason = "tests")]

use omniflow_domain::OrderId;
use omniflow_domain::order::returns::{MOST_LINES, ReturnState};
use omniflow_domain::order::{OrderRecord, PaymentState};
use omniflow_testing::{At, Outage, Shop, Walk, asked_back, customer};
use serde_json::{Value, json};

const STOCK: [(&str, &str, u32); 3] =
    [("ring", "wh-east", 5), ("ring", "wh-west", 5), ("vase", "wh-west", 5)];

/// A completed order of so many rings, paid in this way.
async fn sold(shop: &Shop, rings: u32, method: &str) -> OrderId {
    let items = json!([{ "product_id": "ring", "quantity": rings }]);
    let id =
        shop.place(json!({ "items": items, "customer_id": "ann", "payment": { "method": method } })).await;
    shop.complete(&id).await;
    id
}

fn came(restock: u32, write_off: u32) -> Value {
    json!({ "items": [{ "product_id": "ring", "restock": restock, "write_off": write_off }] })
}

async fn state(shop: &Shop, id: &OrderId) -> ReturnState {
    shop.order(id).await.returns().last().unwrap().state
}

/// What was given back of the order at the simulated gateway, in cents.
fn given_back(shop: &Shop, id: &OrderId) -> u64 {
    let ledger = shop.ledger();
    let units = ledger[&format!("payment#{id}")].get("refunded_units").cloned();
    units.map_or(0, |units| units.parse().unwrap())
}

/// The pieces of all rings: available, reserved, sold, lost.
async fn pieces(shop: &Shop) -> [u32; 4] {
    let rows = shop.stock().await.into_iter().filter(|row| row.product_id == "ring");
    rows.fold([0; 4], |sum, row| {
        [sum[0] + row.available, sum[1] + row.reserved, sum[2] + row.sold, sum[3] + row.lost]
    })
}

#[tokio::test]
async fn goods_come_back_in_parts_and_their_money_goes() {
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 7, "pm_card").await;
    assert_eq!(pieces(&shop).await, [3, 0, 7, 0]);
    assert_eq!(shop.ask_back(&id, &[("ring", 2)]).await, 1);
    let mut walk = Walk::of_return(&id, 1);
    while !matches!(&walk.at, At::Waiting(state, _) if state == "AwaitReturnedGoods") {
        assert!(walk.step(&shop).await, "{:?}", walk.at);
    }
    let received = shop.on_return(&id, 1, "received", came(1, 1)).await;
    assert_eq!((received.status, &received.body["refund"]), (200, &json!(20)), "{}", received.body);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(state(&shop, &id).await, ReturnState::Refunded);
    assert_eq!((pieces(&shop).await, given_back(&shop, &id)), ([4, 0, 5, 1], 20_00));
    let movements = shop.items("MovementsTable");
    assert_eq!((movements.len(), &movements[0]["kind"]["S"]), (1, &json!("return")));
    assert_eq!(movements[0]["reference"]["S"], format!("{id}/1"));
    // The rest comes back, and with it all the money.
    assert_eq!(shop.ask_back(&id, &[("ring", 5)]).await, 2);
    Walk::of_return(&id, 2).to_the_end(&shop).await.unwrap();
    assert_eq!((pieces(&shop).await, given_back(&shop, &id)), ([9, 0, 0, 1], 70_00));
    assert_eq!(shop.order(&id).await.payment().state, PaymentState::Refunded);
    assert_eq!(shop.order(&id).await.pending_signal(), None, "nothing is left to be told");
    let events = shop.aws.events();
    let told = |number: u32| -> Vec<_> {
        let of_return = events.iter().filter(|event| event["return"] == number);
        of_return.map(|event| event["return_state"].as_str().unwrap()).collect()
    };
    for number in [1, 2] {
        assert_eq!(told(number), ["REQUESTED", "AWAITING_GOODS", "RECEIVED", "REFUNDED"]);
    }
}

#[tokio::test]
async fn what_was_sold_from_very_many_buckets_comes_back_at_once() {
    let (shop, items) = Shop::of_split_products(MOST_LINES).await;
    let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
    shop.complete(&id).await;
    let all: Vec<_> =
        items.as_array().unwrap().iter().map(|item| (item["product_id"].as_str().unwrap(), 2)).collect();
    assert_eq!(shop.ask_back(&id, &all).await, 1);
    Walk::of_return(&id, 1).to_the_end(&shop).await.unwrap();
    assert_eq!(state(&shop, &id).await, ReturnState::Refunded);
    assert!(shop.stock().await.iter().all(|row| (row.available, row.sold) == (2, 0)));
}

#[tokio::test]
async fn what_cannot_be_returned_is_refused_and_says_what_can_be_in_the_callers_language() {
    let shop = Shop::stocked(&STOCK);
    let open = shop.place_one("ring", 1).await;
    let path = |id: &OrderId| format!("/api/v1/orders/{id}/returns");
    let early = shop.http("POST", &path(&open), asked_back(&[("ring", 1)])).await;
    assert_eq!((early.status, &early.body["type"]), (409, &json!("urn:omniflow:problem:not-returnable")));
    let id = sold(&shop, 2, "pm_card").await;
    for (languages, word) in [("en", "Ask for at most 2"), ("zh", "最多可退 2 件"), ("ru", "не больше 2")]
    {
        let answer = shop.http_in(languages, "POST", &path(&id), asked_back(&[("ring", 3)])).await;
        assert_eq!(answer.status, 409);
        assert!(answer.body["detail"].as_str().unwrap().contains(word), "{}", answer.body);
        assert_eq!(answer.body["returnable"], json!([{ "product_id": "ring", "quantity": 2 }]));
    }
    for (body, word) in [
        (json!({ "items": [], "reason": "r" }), "'items'"),
        (json!({ "items": [{ "product_id": "ring", "quantity": 0 }], "reason": "r" }), "over 0"),
        (json!({ "items": [{ "product_id": "ring", "quantity": 1.5 }], "reason": "r" }), "whole number"),
        (json!({ "items": [{ "product_id": "ring", "quantity": 1 }] }), "'reason'"),
    ] {
        let answer = shop.http("POST", &path(&id), body).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body["detail"].as_str().unwrap().contains(word), "{}", answer.body);
    }
    assert_eq!(shop.order(&id).await.returns(), [], "nothing is half done");
    let none = shop.on_return(&id, 1, "audit", json!({ "action": "APPROVE" })).await;
    assert_eq!((none.status, &none.body["type"]), (404, &json!("urn:omniflow:problem:return-not-found")));
    shop.ask_back(&id, &[("ring", 2)]).await;
    let approved = shop.on_return(&id, 1, "audit", json!({ "action": "APPROVE" })).await;
    assert_eq!((approved.status, &approved.body["type"]), (409, &json!("urn:omniflow:problem:wrong-state")));
    let more = shop.on_return(&id, 1, "received", came(2, 1)).await;
    assert_eq!(more.status, 409, "{}", more.body);
    let before = pieces(&shop).await;
    assert_eq!(shop.on_return(&id, 1, "audit", json!({ "action": "REJECT" })).await.status, 200);
    assert_eq!(shop.on_return(&id, 1, "received", came(1, 0)).await.status, 409);
    Walk::of_return(&id, 1).to_the_end(&shop).await.unwrap();
    assert_eq!((state(&shop, &id).await, pieces(&shop).await), (ReturnState::Rejected, before));
}

#[tokio::test]
async fn a_return_can_be_asked_for_as_long_as_the_shop_says() {
    let (shop, clock) = Shop::timed(&STOCK);
    let id = sold(&shop, 1, "pm_card").await;
    let path = format!("/api/v1/orders/{id}/returns");
    clock.advance(std::time::Duration::from_secs(31 * 24 * 3600));
    let late = shop.http("POST", &path, asked_back(&[("ring", 1)])).await;
    assert_eq!((late.status, &late.body["type"]), (409, &json!("urn:omniflow:problem:not-returnable")));
    let list = shop.http("GET", &path, Value::Null).await;
    assert!(list.body["until"].is_string() && list.body["returns"] == json!([]), "{}", list.body);
}

#[tokio::test]
async fn a_request_that_is_repeated_with_its_key_is_made_once() {
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 3, "pm_card").await;
    let path = format!("/api/v1/orders/{id}/returns");
    let ask = || shop.http_once("k1", &path, asked_back(&[("ring", 1)]));
    let (first, again) = (ask().await, ask().await);
    assert_eq!((first.status, &first.body), (201, &again.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(shop.order(&id).await.returns().len(), 1);
    let path = format!("{path}/1/received");
    let receive = || shop.http_once("k2", &path, came(1, 0));
    let (first, again) = (receive().await, receive().await);
    assert_eq!((first.status, &first.body), (200, &again.body), "{}", again.body);
    assert_eq!(pieces(&shop).await, [8, 0, 2, 0]);
    let other = shop.http_once("k2", &path, came(0, 1)).await;
    assert_eq!(other.status, 422);
}

#[tokio::test]
async fn a_large_return_waits_for_somebody_else_and_customers_see_only_theirs() {
    let shop = Shop::set_up(&STOCK, &[("OPEN_ACCESS", "false"), ("RETURN_REVIEW_THRESHOLD", "15")]);
    let staff = |name: &str| json!({ "jwt": { "claims": { "sub": name, "scope": "omniflow/operate" } } });
    let body = json!({ "items": ["ring", "ring"], "payment": { "method": "pm_card" } });
    let made = shop.http_as(&customer("ann"), "POST", "/api/v1/orders", body).await;
    let id = OrderId::parse(made.body["order_id"].as_str().unwrap()).unwrap();
    shop.complete(&id).await;
    let path = format!("/api/v1/orders/{id}/returns");
    let asked = shop.http_as(&staff("bob"), "POST", &path, asked_back(&[("ring", 2)])).await;
    assert_eq!((asked.status, &asked.body["state"]), (201, &json!("AWAITING_REVIEW")));
    let approve = json!({ "action": "APPROVE", "note": "fine" });
    let audit = format!("{path}/1/audit");
    let own = shop.http_as(&staff("bob"), "POST", &audit, approve.clone()).await;
    assert_eq!((own.status, &own.body["type"]), (409, &json!("urn:omniflow:problem:own-order")));
    assert_eq!(shop.http_as(&customer("ann"), "POST", &audit, approve.clone()).await.status, 403);
    let approved = shop.http_as(&staff("eve"), "POST", &audit, approve).await;
    assert_eq!((approved.status, &approved.body["state"]), (200, &json!("AWAITING_GOODS")));
    let seen = shop.http_as(&customer("ann"), "GET", &format!("{path}/1"), Value::Null).await;
    assert_eq!((seen.status, &seen.body["history"][2]["note"]), (200, &json!("fine")));
    assert_eq!(seen.body["history"][2].get("by"), None, "who it was is for operators");
    let hidden = shop.http_as(&customer("eve"), "GET", &format!("{path}/1"), Value::Null).await;
    assert_eq!(hidden.status, 404);
}

#[tokio::test]
async fn a_refund_that_fails_for_good_needs_attention_and_is_settled_by_hand() {
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 1, "pm_refund_fails").await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    assert_eq!(Walk::of_return(&id, 1).to_the_end(&shop).await, Err("RefundFailed".to_owned()));
    assert_eq!(state(&shop, &id).await, ReturnState::NeedsAttention);
    let seen = shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await;
    assert_eq!(seen.body["state"], "COMPLETED", "the order itself is done");
    assert!(seen.body["returns"][0]["failure"].as_str().unwrap().contains("RefundFailed"), "{}", seen.body);
    let found = shop.http("GET", "/api/v1/doctor", Value::Null).await;
    let is_found = |finding: &Value| finding["order_id"] == id.as_str() && finding["return"] == 1;
    assert!(found.body["findings"].as_array().unwrap().iter().any(is_found), "{}", found.body);
    assert_eq!(shop.on_return(&id, 1, "resolve", json!({})).await.status, 400, "say what was done");
    let resolved = shop.on_return(&id, 1, "resolve", json!({ "note": "by bank transfer" })).await;
    assert_eq!((resolved.status, &resolved.body["state"]), (200, &json!("REFUNDED")));
    assert_eq!((given_back(&shop, &id), pieces(&shop).await), (0, [10, 0, 0, 0]));
}

#[tokio::test]
async fn a_disturbance_is_waited_out_and_the_money_goes_back_once() {
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 1, "pm_refund_fails_twice").await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    Walk::of_return(&id, 1).to_the_end(&shop).await.unwrap();
    assert_eq!((given_back(&shop, &id), state(&shop, &id).await), (10_00, ReturnState::Refunded));
    // Each step once more, as a zombie runs it: nothing changes.
    let (order, ledger) = (shop.order(&id).await, shop.ledger());
    let event = json!({ "order_id": id, "return": 1, "task_token": format!("{id}-return-1/9") });
    for binary in ["await-return-review", "await-returned-goods", "refund-return", "close-return"] {
        shop.invoke(binary, event.clone()).await.unwrap();
        assert_eq!((&shop.order(&id).await, &shop.ledger()), (&order, &ledger), "{binary}");
    }
}

/// Makes what has to be told old enough for the sweeper, unless the tables fail at this moment.
async fn age_signal(shop: &Shop, id: &OrderId) {
    let age = |order: &mut OrderRecord| {
        order.pending_since = order.pending_since.map(|since| since - 3_600_000);
    };
    let _as_it_is = shop.try_to_tamper(id, age).await;
}

/// Asks for a return, receives it and refunds it, each again until it succeeds, and the sweeper helps.
async fn persistently(shop: &Shop, id: &OrderId) {
    let path = format!("/api/v1/orders/{id}/returns");
    let calls =
        [(path.clone(), asked_back(&[("ring", 2)]), 201), (format!("{path}/1/received"), came(1, 1), 200)];
    let mut walk = Walk::of_return(id, 1);
    for (number, (path, body, expected)) in calls.into_iter().enumerate() {
        let mut status = 0;
        for _ in 0..5 {
            status = shop.http_once(&format!("key {number}"), &path, body.clone()).await.status;
            if status != 503 {
                break;
            }
        }
        assert_eq!(status, expected, "{path}");
        for _ in 0..40 {
            if !walk.step(shop).await {
                age_signal(shop, id).await;
                let _later = shop.invoke("sweep-orders", json!({})).await;
                if !walk.step(shop).await {
                    break;
                }
            }
        }
    }
    for _ in 0..3 {
        age_signal(shop, id).await;
        let _later = shop.invoke("sweep-orders", json!({})).await;
    }
    assert_eq!(walk.at, At::Ended(Ok(())));
}

/// Whatever request to a service fails, and whether it was carried out or not: the same comes of it.
#[tokio::test]
async fn a_return_is_made_good_whatever_request_fails() {
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 3, "pm_card").await;
    shop.aws.outages([]);
    persistently(&shop, &id).await;
    let (requests, expected) = (shop.aws.requests(), (pieces(&shop).await, given_back(&shop, &id)));
    assert_eq!(expected, ([8, 0, 1, 1], 20_00));
    for request in 0..requests {
        for carried_out in [false, true] {
            let shop = Shop::stocked(&STOCK);
            let id = sold(&shop, 3, "pm_card").await;
            shop.aws.outages([Outage { request, carried_out }]);
            persistently(&shop, &id).await;
            shop.aws.heal();
            let at = format!("request {request} of {requests}, carried out: {carried_out}");
            assert_eq!((pieces(&shop).await, given_back(&shop, &id)), expected, "{at}");
            let order = shop.order(&id).await;
            assert_eq!((order.returns().len(), order.pending_signal()), (1, None), "{at}");
            let mut told: Vec<_> =
                shop.aws.events().into_iter().filter(|event| event["return"] == 1).collect();
            told.sort_by_key(|event| event["event_id"].to_string());
            told.dedup_by_key(|event| event["event_id"].to_string());
            assert_eq!(told.len(), 4, "{at}: each change is told");
        }
    }
}

#[tokio::test]
async fn events_of_returns_have_the_shape_that_their_schema_describes() {
    const SCHEMA: &str = include_str!("../../../functions/domain/events/order-return-changed.schema.json");
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("event.json", serde_json::from_str(SCHEMA).unwrap()).unwrap();
    let compiled = compiler.compile("event.json", &mut schemas).unwrap();
    let shop = Shop::stocked(&STOCK);
    let id = sold(&shop, 1, "pm_card").await;
    shop.ask_back(&id, &[("ring", 1)]).await;
    Walk::of_return(&id, 1).to_the_end(&shop).await.unwrap();
    let events: Vec<_> = shop.aws.events().into_iter().filter(|event| event["return"] == 1).collect();
    assert_eq!(events.len(), 4);
    for event in &events {
        schemas.validate(event, compiled).unwrap_or_else(|error| panic!("{event:#}: {error}"));
    }
    let mut broken = events[0].clone();
    broken["return_state"] = json!("LOST");
    assert!(schemas.validate(&broken, compiled).is_err(), "the schema refuses nothing");
}
