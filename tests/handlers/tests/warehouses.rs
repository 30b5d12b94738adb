//! Warehouses with servers of their own, which answer when they like: by a message, twice, late, or not at all.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::Utc;
use omniflow_domain::order::{Reservation, ShipmentState, Signal};
use omniflow_domain::{OrderId, Reason, Status};
use omniflow_testing::{At, HttpAnswer, Outage, Shop, Token, WAREHOUSE_SECRET, Walk, warehouse_key};
use serde_json::{Value, json};

const SETTINGS: [(&str, &str); 3] = [
    ("WAREHOUSE_SECRET", WAREHOUSE_SECRET),
    ("ALLOW_PRIVATE_WAREHOUSES", "false"),
    ("PUBLIC_URL", "https://shop.example"),
];
const ENDPOINT: &str = "https://east.example/shipments";

/// A shop whose eastern warehouse has a server; rings are there and in the west, which is simulated.
async fn shop() -> Shop {
    let shop = Shop::set_up(&[("ring", "wh-east", 9), ("ring", "wh-west", 5)], &SETTINGS);
    describe(&shop).await;
    shop
}

async fn describe(shop: &Shop) {
    let east = json!({ "name": "East", "rank": 1, "link": "http", "endpoint": ENDPOINT });
    let put = shop.http("PUT", "/api/v1/warehouses/wh-east", east).await;
    assert_eq!(put.status, 200, "{}", put.body);
}

/// An order of two rings that was paid, and whose workflow waits for the eastern warehouse.
async fn waiting(shop: &Shop) -> (OrderId, Walk) {
    let address = json!({ "name": "Ann", "lines": ["1 Main Street"], "postcode": "10115", "city": "Berlin", "country": "DE" });
    let body = json!({
        "items": [{ "product_id": "ring", "quantity": 2 }], "payment": { "method": "pm_card" }, "address": address,
    });
    let id = shop.place(body).await;
    let mut walk = Walk::until(shop, &id, "ShipWarehouses").await;
    walk.step(shop).await;
    (id, walk)
}

async fn state(shop: &Shop, id: &OrderId, warehouse: &str) -> ShipmentState {
    shop.order(id).await.shipment(warehouse).unwrap().state
}

/// Sends what the warehouse says, signed.
async fn say(shop: &Shop, id: &OrderId, warehouse: &str, body: Value) -> HttpAnswer {
    let body = body.to_string();
    let signed = warehouse_key().sign("msg_1", Utc::now(), body.as_bytes());
    let headers: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    shop.post_with(&format!("/api/v1/shipments/{id}/{warehouse}/events"), &headers, &body).await
}

/// The answer to the task that waits for the last warehouse: it leads the order to its completion.
fn all_shipped() -> Token {
    Token::Failure("AllShipped".to_owned())
}

fn event(name: &str) -> Value {
    json!({ "event": name })
}

/// All rings, wherever they are counted.
async fn rings(shop: &Shop) -> Vec<(String, u32, u32, u32)> {
    let rows = shop.stock().await.into_iter();
    rows.map(|row| (row.warehouse_id, row.available, row.reserved, row.sold)).collect()
}

fn row(warehouse: &str, available: u32, reserved: u32, sold: u32) -> (String, u32, u32, u32) {
    (warehouse.to_owned(), available, reserved, sold)
}

#[tokio::test]
async fn a_warehouse_is_asked_by_a_signed_request_and_says_later_what_it_did() {
    let shop = shop().await;
    let (id, mut walk) = waiting(&shop).await;
    let At::Waiting(at, token) = walk.at.clone() else { panic!("{:?}", walk.at) };
    assert_eq!((at.as_str(), shop.aws.answered(&token)), ("ShipWarehouse", None));
    let [asked] = &shop.servers.received()[..] else { panic!("asked once") };
    assert_eq!((asked.url.as_str(), asked.id.as_str()), (ENDPOINT, format!("{id}.wh-east.ship").as_str()));
    assert_eq!(asked.body["type"], "shipment.requested");
    let data = &asked.body["data"];
    assert_eq!(data["lines"], json!([{ "product_id": "ring", "quantity": 2 }]));
    assert_eq!((&data["address"]["country"], &data["order_id"]), (&json!("DE"), &json!(id)));
    assert_eq!(data["callback_url"], format!("https://shop.example/api/v1/shipments/{id}/wh-east/events"));
    assert_eq!(state(&shop, &id, "wh-east").await, ShipmentState::Dispatched);
    assert!(!walk.step(&shop).await, "it waits");

    for name in ["ACCEPTED", "ACCEPTED", "DELAYED"] {
        assert_eq!(say(&shop, &id, "wh-east", event(name)).await.status, 200);
    }
    assert_eq!(shop.aws.answered(&token), None);
    let shipped = json!({ "event": "SHIPPED", "tracking": "T-1", "carrier": "DHL", "tracking_url": "https://dhl.example/T-1" });
    for _ in 0..2 {
        let answer = say(&shop, &id, "wh-east", shipped.clone()).await;
        assert_eq!(
            (answer.status, &answer.body["state"], &answer.body["tracking"]),
            (200, &json!("SHIPPED"), &json!("T-1"))
        );
    }
    assert_eq!(shop.aws.answered(&token), Some(all_shipped()));
    let late = say(&shop, &id, "wh-east", event("REJECTED")).await;
    assert_eq!(late.status, 409, "{}", late.body);
    walk.to_the_end(&shop).await.unwrap();
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.pending_signal()), (Status::Completed, None));
    for name in ["DELIVERED", "SHIPPED", "DELAYED", "DELIVERED"] {
        assert_eq!(say(&shop, &id, "wh-east", event(name)).await.status, 200, "{name}");
    }
    let shown = shop.http("GET", &format!("/api/v1/orders/{id}"), Value::Null).await.body;
    let shipment = &shown["shipments"][0];
    assert_eq!((&shipment["state"], &shipment["carrier"]), (&json!("DELIVERED"), &json!("DHL")));
    assert_eq!(shipment["tracking_url"], "https://dhl.example/T-1");
    let said: Vec<_> = shipment["history"].as_array().unwrap().iter().map(|said| &said["event"]).collect();
    assert_eq!(said, ["ACCEPTED", "DELAYED", "SHIPPED", "DELIVERED"]);
    assert_eq!(shown["address"]["city"], "Berlin");
    assert!(!shown.to_string().contains(&token), "nobody is shown the token");
    assert_eq!(rings(&shop).await, [row("wh-east", 7, 0, 2), row("wh-west", 5, 0, 0)]);
}

#[tokio::test]
async fn a_warehouse_may_answer_in_the_call_and_before_it_with_a_message() {
    let shop = shop().await;
    shop.servers.answer(200, json!({ "tracking": "T-7" }));
    let (id, walk) = waiting(&shop).await;
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.shipment("wh-east").unwrap().tracking.as_deref(), Some("T-7"));

    // Asked again after the answer to the first request was lost, it has shipped meanwhile and says so.
    shop.servers.answer(503, Value::Null);
    let body = json!({ "items": ["ring"], "payment": { "method": "pm_card" } });
    let id = shop.place(body).await;
    let walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    assert_eq!(walk.invoke(&shop).await.unwrap_err().error_type, "WarehouseUnavailable");
    assert_eq!(say(&shop, &id, "wh-east", event("SHIPPED")).await.status, 200);
    shop.servers.received();
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.servers.received(), [], "what has shipped is not asked for again");
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test]
async fn what_one_warehouse_rejects_another_ships_and_no_piece_is_counted_twice() {
    for in_the_call in [true, false] {
        let shop = shop().await;
        if in_the_call {
            shop.servers.answer(422, json!({ "reason": "the shelf is empty" }));
        }
        let (id, walk) = waiting(&shop).await;
        if !in_the_call {
            let rejected = json!({ "event": "REJECTED", "reason": "the shelf is empty" });
            for _ in 0..2 {
                assert_eq!(say(&shop, &id, "wh-east", rejected.clone()).await.status, 200);
            }
        }
        walk.to_the_end(&shop).await.unwrap();
        let order = shop.order(&id).await;
        assert_eq!(order.status(), Status::Completed);
        let east = order.shipment("wh-east").unwrap();
        assert_eq!(
            (east.state, east.history[0].reason.as_deref()),
            (ShipmentState::Rejected, Some("the shelf is empty"))
        );
        let west = order.shipment("wh-west").unwrap();
        assert_eq!((west.state, west.instead_of.as_deref()), (ShipmentState::Shipped, Some("wh-east")));
        assert_eq!(rings(&shop).await, [row("wh-east", 9, 0, 0), row("wh-west", 3, 0, 2)]);
        let late = say(&shop, &id, "wh-east", event("SHIPPED")).await;
        assert_eq!(late.status, 409);
        assert!(late.body["detail"].as_str().unwrap().contains("do not send it"), "{}", late.body);
    }
}

#[tokio::test]
async fn what_nobody_else_has_is_undone() {
    let shop = Shop::set_up(&[("ring", "wh-east", 9), ("ring", "wh-west", 1)], &SETTINGS);
    describe(&shop).await;
    let (id, walk) = waiting(&shop).await;
    say(&shop, &id, "wh-east", event("REJECTED")).await;
    walk.to_the_end(&shop).await.unwrap();
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reason()), (Status::Cancelled, Some(Reason::ShipmentFailed)));
    assert_eq!(order.reservation(), Reservation::Released);
    assert_eq!(shop.money(&id), (true, true));
    assert_eq!(rings(&shop).await, [row("wh-east", 9, 0, 0), row("wh-west", 1, 0, 0)]);
}

#[tokio::test]
async fn a_cancelled_order_calls_its_shipments_back_and_the_warehouse_is_told_to_stop() {
    let shop = shop().await;
    let (id, walk) = waiting(&shop).await;
    let At::Waiting(_, token) = walk.at.clone() else { panic!("{:?}", walk.at) };
    shop.servers.received();
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    assert_eq!(shop.aws.answered(&token), Some(Token::Failure("OrderCancelled".to_owned())));
    let late = say(&shop, &id, "wh-east", event("SHIPPED")).await;
    assert_eq!((late.status, &late.body["type"]), (409, &json!("urn:omniflow:problem:wrong-state")));
    assert!(late.body["detail"].as_str().unwrap().contains("do not send it"), "{}", late.body);
    walk.to_the_end(&shop).await.unwrap();
    let [asked] = &shop.servers.received()[..] else { panic!("asked once") };
    assert_eq!(
        (&asked.body["type"], asked.id.as_str()),
        (&json!("shipment.cancelled"), format!("{id}.wh-east.cancel").as_str())
    );
    assert_eq!(asked.body["data"].get("address"), None, "it needs no address for that");
    assert_eq!(state(&shop, &id, "wh-east").await, ShipmentState::Cancelled);
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
    assert_eq!(say(&shop, &id, "wh-east", event("DELIVERED")).await.status, 409);
    assert_eq!(say(&shop, &id, "wh-east", event("REJECTED")).await.status, 200, "it agrees");
    assert_eq!(rings(&shop).await, [row("wh-east", 9, 0, 0), row("wh-west", 5, 0, 0)]);
}

#[tokio::test]
async fn goods_that_are_gone_leave_a_cancelled_order_to_a_person_who_knows_it() {
    let shop = shop().await;
    let (id, walk) = waiting(&shop).await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    shop.servers.answer(409, Value::Null);
    assert_eq!(walk.to_the_end(&shop).await, Err("ShipmentNotCancellable".to_owned()));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.open().shipments_out), (Status::NeedsAttention, vec!["wh-east"]));
    let released = json!({ "money": "REFUNDED", "stock": "RELEASED", "note": "settled" });
    let refused = shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), released).await;
    assert_eq!(refused.status, 409, "{}", refused.body);

    let (delivered, _) = waiting(&shop).await;
    say(&shop, &delivered, "wh-east", event("DELIVERED")).await;
    let refused = shop.decide(&delivered, "cancel").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
}

#[tokio::test]
async fn a_cancelled_order_that_no_warehouse_was_asked_for_asks_none() {
    let shop = shop().await;
    let id = shop.place_one("ring", 1).await;
    let walk = Walk::until(&shop, &id, "AwaitPayment").await;
    assert_eq!(shop.decide(&id, "cancel").await.status, 200);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.servers.received(), []);
    assert_eq!(shop.order(&id).await.status(), Status::Cancelled);
}

#[tokio::test]
async fn what_a_warehouse_said_reaches_the_workflow_although_the_word_was_lost() {
    let shop = shop().await;
    let (id, walk) = waiting(&shop).await;
    let At::Waiting(_, token) = walk.at.clone() else { panic!("{:?}", walk.at) };
    shop.aws.fail("SendTaskFailure", "ThrottlingException");
    assert_eq!(say(&shop, &id, "wh-east", event("SHIPPED")).await.status, 200);
    shop.aws.heal();
    assert_eq!(shop.aws.answered(&token), None);
    assert_eq!(shop.order(&id).await.pending_signal(), Some(Signal::Shipments));
    shop.age_signal(&id).await;
    assert_eq!(shop.sweep().await, (1, 0, 0));
    assert_eq!(shop.aws.answered(&token), Some(all_shipped()));
    // The answer was heard, and nobody has noted it: the next sweep settles it.
    assert_eq!(shop.sweep().await, (0, 1, 0));
    assert_eq!(shop.order(&id).await.pending_signal(), None);
    walk.to_the_end(&shop).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test]
async fn an_overdue_shipment_is_called_back_and_given_to_another_warehouse() {
    for is_gone in [false, true] {
        let (shop, clock) =
            Shop::set_up_and_timed(&[("ring", "wh-east", 9), ("ring", "wh-west", 5)], &SETTINGS);
        describe(&shop).await;
        let (id, walk) = waiting(&shop).await;
        let again = |token: &str| json!({ "order_id": id, "warehouse": "wh-east", "task_token": token, "attempt": 1 });
        clock.advance(Duration::from_secs(71 * 60 * 60));
        shop.servers.received();
        shop.invoke("ship-warehouse", again("t-1")).await.unwrap();
        assert_eq!(shop.servers.received()[0].body["type"], "shipment.requested", "it is asked once more");
        clock.advance(Duration::from_secs(60 * 60));
        if is_gone {
            shop.servers.answer(409, Value::Null);
        }
        shop.invoke("ship-warehouse", again("t-2")).await.unwrap();
        assert_eq!(shop.servers.received()[0].body["type"], "shipment.cancelled");
        assert_eq!(shop.aws.answered("t-2"), Some(Token::Success));
        let order = shop.order(&id).await;
        let states: Vec<_> = order.shipments().iter().map(|it| (it.warehouse.as_str(), it.state)).collect();
        if is_gone {
            assert_eq!(states, [("wh-east", ShipmentState::Shipped)]);
        } else {
            assert_eq!(states, [("wh-east", ShipmentState::Rejected), ("wh-west", ShipmentState::Shipped)]);
        }
        drop(walk);
    }
}

#[tokio::test]
async fn executions_that_began_under_an_earlier_release_take_the_answer_of_the_call() {
    let shop = shop().await;
    let place = json!({ "items": ["ring"], "payment": { "method": "pm_card" } });
    let id = shop.place(place).await;
    let _walk = Walk::until(&shop, &id, "ShipWarehouses").await;
    let call = json!({ "order_id": id, "execution": "e", "warehouse": "wh-east" });
    // It can't wait, so that it is made again until the warehouse has shipped.
    let fault = shop.invoke("ship-warehouse", call.clone()).await.unwrap_err();
    assert_eq!(fault.error_type, "WarehouseUnavailable");
    say(&shop, &id, "wh-east", json!({ "event": "SHIPPED", "tracking": "T-3" })).await;
    let answer = shop.invoke("ship-warehouse", call).await.unwrap();
    assert_eq!((&answer["warehouse"], &answer["tracking"]), (&json!("wh-east"), &json!("T-3")));
    shop.forward("complete-order", &id).await.unwrap();
    assert_eq!(shop.order(&id).await.status(), Status::Completed);
}

#[tokio::test]
async fn a_message_that_the_warehouse_did_not_sign_is_not_believed() {
    let shop = shop().await;
    let (id, _walk) = waiting(&shop).await;
    let path = format!("/api/v1/shipments/{id}/wh-east/events");
    let body = event("SHIPPED").to_string();
    let signed = warehouse_key().sign("msg_1", Utc::now(), b"{}");
    let headers: Vec<_> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for headers in [&[][..], &headers] {
        let refused = shop.post_with(&path, headers, &body).await;
        assert_eq!(refused.status, 401, "{}", refused.body);
    }
    let north = say(&shop, &id, "wh-north", event("SHIPPED")).await;
    assert_eq!(north.status, 401, "it has no secret");
    assert_eq!(state(&shop, &id, "wh-east").await, ShipmentState::Dispatched);
    let unknown = OrderId::parse("ORD-1700000000000000001").unwrap();
    assert_eq!(say(&shop, &unknown, "wh-east", event("SHIPPED")).await.status, 404);
    assert_eq!(say(&shop, &id, "wh-west", event("SHIPPED")).await.status, 404, "it has no shipment of it");
    assert_eq!(
        say(&shop, &id, "wh-east", json!({ "event": "SHIPPED", "tracking_url": "http://a" })).await.status,
        400
    );
    // An operator needs no signature, at a route of their own.
    let noted =
        shop.http("POST", &format!("/api/v1/orders/{id}/shipments/wh-east/events"), event("SHIPPED")).await;
    assert_eq!((noted.status, &noted.body["state"]), (200, &json!("SHIPPED")));
}

#[tokio::test]
async fn the_lowest_rank_ships_and_an_inactive_warehouse_gets_nothing_new() {
    let shop = shop().await;
    let first = async || {
        let id = shop.place_one("ring", 1).await;
        Walk::until(&shop, &id, "AwaitPayment").await;
        shop.order(&id).await.shipments()[0].warehouse.clone()
    };
    assert_eq!(first().await, "wh-east");
    let west = json!({ "link": "simulated", "rank": 0, "name": "West" });
    shop.http("PUT", "/api/v1/warehouses/wh-west", west.clone()).await;
    assert_eq!(first().await, "wh-west");
    let off = json!({ "link": "simulated", "rank": 0, "name": "West", "active": false });
    shop.http("PUT", "/api/v1/warehouses/wh-west", off).await;
    assert_eq!(first().await, "wh-east");
    let read = shop.http("GET", "/api/v1/warehouses/wh-west", Value::Null).await;
    assert_eq!((read.status, &read.body["active"], &read.body["name"]), (200, &json!(false), &json!("West")));
    assert_eq!(shop.http("GET", "/api/v1/warehouses/wh-far", Value::Null).await.status, 404);
    let all = shop.http("GET", "/api/v1/warehouses", Value::Null).await.body;
    let ids: Vec<_> = all["warehouses"].as_array().unwrap().iter().map(|it| &it["warehouse_id"]).collect();
    assert_eq!(ids, ["wh-west", "wh-east"]);
    let refused = shop
        .http("PUT", "/api/v1/warehouses/wh-1", json!({ "link": "http", "endpoint": "http://10.0.0.1/" }))
        .await;
    assert_eq!(refused.status, 422, "{}", refused.body);
}

#[tokio::test]
async fn an_address_is_checked_when_the_order_is_made() {
    let shop = Shop::stocked(&[("ring", "wh-east", 9)]);
    for (address, says) in [
        (json!("Berlin"), "'address'"),
        (json!({ "name": "Ann", "lines": ["x"], "city": "Berlin" }), "country"),
        (json!({ "name": "Ann", "lines": ["x"], "city": "Berlin", "country": "Germany" }), "ISO 3166"),
        (json!({ "name": "Ann", "lines": [], "city": "Berlin", "country": "DE" }), "'lines'"),
        (json!({ "name": " ", "lines": ["x"], "city": "Berlin", "country": "DE" }), "'name'"),
    ] {
        let refused =
            shop.http("POST", "/api/v1/orders", json!({ "items": ["ring"], "address": address })).await;
        assert_eq!(refused.status, 400, "{address}");
        assert!(refused.body["detail"].as_str().unwrap().contains(says), "{}", refused.body);
    }
}

const NORTH: &str = "/api/v1/warehouses/wh-north";

#[tokio::test]
async fn a_warehouse_that_somebody_else_changed_is_not_overwritten() {
    let shop = Shop::stocked(&[("ring", "wh-north", 9)]);
    let put = async |headers: &[(&str, &str)], rank: u32| {
        let body = json!({ "link": "simulated", "rank": rank });
        shop.http_with(headers, &Value::Null, "PUT", NORTH, body).await
    };
    assert_eq!(put(&[("if-match", "*")], 1).await.status, 412, "nobody has described it");
    let first = put(&[("if-none-match", "*")], 1).await;
    assert_eq!(
        (first.status, &first.headers["etag"], &first.body["version"]),
        (200, &json!("\"1\""), &json!(1))
    );
    assert_eq!(put(&[("if-none-match", "*")], 2).await.status, 412);
    let second = put(&[("if-match", "\"1\"")], 2).await;
    assert_eq!((second.status, &second.headers["etag"]), (200, &json!("\"2\"")));
    for (language, says) in [("en", "the warehouse"), ("zh", "仓库"), ("ru", "Склад")] {
        let late = put(&[("if-match", "\"1\""), ("accept-language", language)], 3).await;
        assert_eq!(
            (late.status, &late.body["type"]),
            (412, &json!("urn:omniflow:problem:changed-meanwhile"))
        );
        assert!(late.body["detail"].as_str().unwrap().contains(says), "{}", late.body);
    }
    // Who ties a change to nothing has the last word.
    assert_eq!(put(&[], 4).await.headers["etag"], json!("\"3\""));
    let read = shop.http("GET", NORTH, Value::Null).await;
    assert_eq!((&read.headers["etag"], &read.body["rank"]), (&json!("\"3\""), &json!(4)));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_a_warehouse_that_was_answered_into_the_void_is_made_once() {
    for (rounds, headers) in [(1, ("if-none-match", "*")), (2, ("if-match", "\"1\""))] {
        // The warehouses are read, and then the change is written.
        for request in 0..2 {
            let shop = Shop::retrying(&[("ring", "wh-north", 9)]);
            for rank in 1..rounds {
                let body = json!({ "link": "simulated", "rank": rank });
                assert_eq!(shop.http("PUT", NORTH, body).await.status, 200);
            }
            shop.aws.outages([Outage { request, carried_out: true }]);
            let body = json!({ "link": "simulated", "rank": 7 });
            let put = shop.http_with(&[headers], &Value::Null, "PUT", NORTH, body).await;
            assert_eq!((put.status, &put.body["version"]), (200, &json!(rounds)), "{request}: {}", put.body);
        }
    }
}

/// An order whose workflow was stopped while it waits for the eastern warehouse, with the request to resolve it.
async fn stopped_while_dispatched(shop: &Shop) -> OrderId {
    let (id, _) = waiting(shop).await;
    shop.aws.end_execution(id.as_str(), "Stopped", None);
    shop.execution_failed(id.as_str()).await;
    assert_eq!(shop.order(&id).await.status(), Status::NeedsAttention);
    shop.servers.received();
    id
}

async fn resolve(shop: &Shop, id: &OrderId, stock: &str) -> HttpAnswer {
    let body = json!({ "money": "REFUNDED", "stock": stock, "note": "by hand" });
    shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), body).await
}

#[tokio::test]
async fn goods_under_way_are_called_back_before_a_resolution_says_that_they_can_be_ordered_again() {
    let shop = shop().await;
    let id = stopped_while_dispatched(&shop).await;
    let resolved = resolve(&shop, &id, "RELEASED").await;
    assert_eq!(resolved.status, 200, "{}", resolved.body);
    let [asked] = &shop.servers.received()[..] else { panic!("asked once") };
    assert_eq!(asked.body["type"], "shipment.cancelled");
    assert_eq!(state(&shop, &id, "wh-east").await, ShipmentState::Cancelled);
    assert_eq!(rings(&shop).await, [row("wh-east", 9, 0, 0), row("wh-west", 5, 0, 0)]);
    assert_eq!(resolve(&shop, &id, "RELEASED").await.status, 200, "the same again");
    assert_eq!(shop.servers.received(), [], "and nobody is asked again");
}

#[tokio::test]
async fn a_resolution_that_says_released_is_refused_with_the_facts_when_the_goods_have_left() {
    let shop = shop().await;
    let id = stopped_while_dispatched(&shop).await;
    shop.servers.answer(409, Value::Null);
    let refused = resolve(&shop, &id, "RELEASED").await;
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().starts_with("Shipments have left"), "{}", refused.body);
    assert_eq!(refused.body["open"]["shipments_out"], json!(["wh-east"]));
    let order = shop.order(&id).await;
    assert_eq!((order.status(), order.reservation()), (Status::NeedsAttention, Reservation::Held));
    assert_eq!(resolve(&shop, &id, "LOST").await.status, 200);
    assert_eq!(shop.stock().await.iter().map(|row| row.lost).sum::<u32>(), 2);
}

#[tokio::test]
async fn a_warehouse_that_does_not_answer_keeps_the_stock_held_unless_it_is_written_off() {
    let shop = shop().await;
    let id = stopped_while_dispatched(&shop).await;
    shop.servers.answer(503, Value::Null);
    let before = shop.order(&id).await;
    let unanswered = resolve(&shop, &id, "RELEASED").await;
    assert_eq!(unanswered.status, 503, "{}", unanswered.body);
    assert!(unanswered.body["detail"].as_str().unwrap().contains("wh-east"), "{}", unanswered.body);
    assert_eq!(shop.order(&id).await, before);
    shop.servers.answer(503, Value::Null);
    assert_eq!(resolve(&shop, &id, "LOST").await.status, 200, "it makes no difference whether it leaves");
}

#[tokio::test]
async fn a_resolution_that_is_refused_for_another_reason_asks_no_warehouse() {
    let shop = shop().await;
    let id = stopped_while_dispatched(&shop).await;
    let body = json!({ "money": "NONE", "stock": "RELEASED", "note": "by hand" });
    let refused = shop.http("POST", &format!("/api/v1/orders/{id}/resolve"), body).await;
    assert_eq!(refused.status, 409, "the money was taken: {}", refused.body);
    assert_eq!(resolve(&shop, &id, "SOLD").await.status, 409, "nothing has left");
    assert_eq!(shop.servers.received(), []);
}
