//! What carries many orders: sharded keys of the indexes, stock that is split into buckets, and turning orders away
//! that can't be started.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use omniflow_domain::{OrderId, Status};
use omniflow_testing::{Shop, Walk};
use serde_json::{Value, json};

const SHARDED: (&str, &str) = ("SHARDED_KEYS", "true");
const BESIDE: (&str, &str) = ("SHARDED_KEYS", "read");
const BUCKETS: &str = "/api/v1/stock/ring/wh-east/buckets";
const MOVEMENTS: &str = "/api/v1/stock/ring/wh-east/movements";

/// The key of an order in the index by status.
fn key(shop: &Shop, id: &OrderId) -> String {
    shop.item(id)["status"]["S"].as_str().unwrap().to_owned()
}

/// Writes the order as releases did that know no shards.
fn write_plainly(shop: &Shop, id: &OrderId) {
    shop.write_elsewhere(id, |item| {
        for name in ["status", "pending_signal"] {
            if let Some(key) = item[name]["S"].as_str().map(str::to_owned) {
                item[name]["S"] = json!(key.split('#').next());
            }
        }
    });
}

/// All ids that a list has, page by page.
async fn listed(shop: &Shop, list: &str) -> Vec<String> {
    let (mut ids, mut path) = (Vec::new(), list.to_owned());
    loop {
        let page = shop.http("GET", &path, Value::Null).await;
        assert_eq!(page.status, 200, "{}", page.body);
        ids.extend(
            page.body["orders"]
                .as_array()
                .unwrap()
                .iter()
                .map(|order| order["order_id"].as_str().unwrap().to_owned()),
        );
        match page.body["next"].as_str() {
            Some(next) => path = format!("{list}&next={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn orders_are_found_under_plain_and_sharded_keys_and_get_their_key_by_the_next_write() {
    let shop = Shop::set_up(&[("ring", "wh-east", 50)], &[SHARDED]);
    shop.aws.fail("StartExecution", "ThrottlingException");
    let mut ids = Vec::new();
    for _ in 0..24 {
        ids.push(shop.place_one("ring", 1).await);
    }
    shop.aws.heal();
    assert!(ids.iter().all(|id| key(&shop, id).starts_with("RECEIVED#")), "{}", key(&shop, &ids[0]));
    for id in ids.iter().step_by(2) {
        write_plainly(&shop, id);
        assert_eq!(key(&shop, id), "RECEIVED");
    }
    let mut newest_first: Vec<_> = ids.iter().map(ToString::to_string).collect();
    newest_first.sort_unstable_by(|a, b| b.cmp(a));
    for list in ["/api/v1/orders?limit=5", "/api/v1/orders?state=RECEIVED&limit=7"] {
        assert_eq!(listed(&shop, list).await, newest_first, "{list}");
    }
    let summary = shop.http("GET", "/api/v1/summary", Value::Null).await.body;
    let received = summary["states"].as_array().unwrap().iter().find(|it| it["state"] == "RECEIVED").unwrap();
    assert_eq!(received["count"], 24);

    // Whoever ages a signal here writes plainly, so that some are sharded again.
    for (number, id) in ids.iter().enumerate() {
        shop.write_elsewhere(id, |item| {
            item["pending_since"]["N"] = json!(number.to_string());
        });
    }
    let found = shop.http("GET", "/api/v1/doctor", Value::Null).await.body;
    assert_eq!(found["findings"].as_array().unwrap().len(), 24, "{found}");
    assert_eq!(shop.sweep().await, (24, 0, 0), "signals of all keys are sent");

    for id in &ids {
        shop.forward("reserve-stock", id).await.unwrap();
        assert!(key(&shop, id).starts_with("RESERVED#"), "{}", key(&shop, id));
    }
    assert_eq!(listed(&shop, "/api/v1/orders?state=RESERVED&limit=5").await, newest_first);
}

#[tokio::test]
async fn a_release_that_shards_no_more_reads_and_writes_what_is_sharded() {
    let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[BESIDE]);
    let id = shop.place_one("ring", 1).await;
    shop.write_elsewhere(&id, |item| {
        for name in ["status", "pending_signal"] {
            let key = format!("{}#3", item[name]["S"].as_str().unwrap());
            item[name]["S"] = json!(key);
        }
    });
    assert_eq!(listed(&shop, "/api/v1/orders?state=RECEIVED").await, [id.to_string()]);
    assert_eq!(shop.order(&id).await.status(), Status::Received);
    shop.forward("reserve-stock", &id).await.unwrap();
    assert_eq!(key(&shop, &id), "RESERVED");
}

#[tokio::test]
async fn readers_ask_for_shards_only_where_orders_may_have_some() {
    let mut asked = Vec::new();
    for keys in ["false", "read", "true"] {
        let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[("SHARDED_KEYS", keys)]);
        shop.aws.outages([]);
        assert_eq!(listed(&shop, "/api/v1/orders?state=RECEIVED").await, [""; 0]);
        asked.push(shop.aws.requests());
    }
    assert_eq!(asked, [1, 9, 9]);
}

#[tokio::test]
async fn orders_with_shards_are_helped_on_by_the_reconciler_where_the_setting_denies_that_there_are_some() {
    let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[]);
    shop.aws.fail("StartExecution", "ThrottlingException");
    let id = shop.place_one("ring", 1).await;
    shop.aws.heal();
    shop.write_elsewhere(&id, |item| {
        for name in ["status", "pending_signal"] {
            let key = format!("{}#3", item[name]["S"].as_str().unwrap());
            item[name]["S"] = json!(key);
        }
        item["pending_since"]["N"] = json!("0");
    });
    assert_eq!(shop.sweep().await, (0, 0, 0), "nobody else finds it");
    assert_eq!(
        shop.http("GET", "/api/v1/doctor", Value::Null).await.body["findings"][0]["order_id"],
        id.as_str()
    );
    assert_eq!(shop.invoke("reconcile-orders", json!({})).await.unwrap()["repaired"], 1);
    assert_eq!(shop.aws.calls("StartExecution").len(), 1);
}

#[tokio::test]
async fn whoever_goes_back_has_all_orders_written_plainly() {
    let shop = Shop::set_up(&[("ring", "wh-east", 9)], &[]);
    let mut ids = Vec::new();
    for shard in 0..8 {
        let id = shop.place_one("ring", 1).await;
        shop.write_elsewhere(&id, |item| item["status"]["S"] = json!(format!("RECEIVED#{shard}")));
        ids.push(id);
    }
    let run = async || shop.invoke("reconcile-orders", json!({ "plain_keys": true })).await.unwrap();
    assert_eq!(run().await["repaired"], 8);
    assert!(ids.iter().all(|id| key(&shop, id) == "RECEIVED"));
    assert_eq!(run().await["repaired"], 0);
}

async fn split(shop: &Shop, buckets: u8) {
    let answer = shop.http("PUT", BUCKETS, json!({ "buckets": buckets })).await;
    assert_eq!((answer.status, &answer.body["buckets"]), (200, &json!(buckets)), "{}", answer.body);
}

/// What callers see of the rings: available, reserved, sold, and the number of buckets.
async fn rings(shop: &Shop) -> (u64, u64, u64, Option<u64>) {
    let stock = shop.http("GET", "/api/v1/stock/ring", Value::Null).await.body;
    let listed = shop.http("GET", "/api/v1/stock", Value::Null).await.body;
    assert_eq!(listed["products"], json!([stock]), "the list has the same, and no bucket of its own");
    let number = |name: &str| stock[name].as_u64().unwrap();
    let buckets = stock["warehouses"][0]["buckets"].as_u64();
    (number("available"), number("reserved"), number("sold"), buckets)
}

#[tokio::test]
async fn split_stock_shows_as_one_with_the_number_of_its_buckets() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    let file = shop.http("GET", "/api/v1/export/stock", Value::Null).await.body;
    split(&shop, 4).await;
    assert_eq!(rings(&shop).await, (10, 0, 0, Some(4)));
    assert_eq!(shop.http("GET", "/api/v1/export/stock", Value::Null).await.body, file);
    assert_eq!(shop.items("StockTable").len(), 4);
    split(&shop, 7).await;
    split(&shop, 2).await;
    assert_eq!(rings(&shop).await, (10, 0, 0, Some(2)));
    split(&shop, 1).await;
    assert_eq!(rings(&shop).await, (10, 0, 0, None));
    assert_eq!(shop.items("StockTable").len(), 1);
}

#[tokio::test]
async fn only_numbers_that_make_sense_split_stock_that_there_is() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    for bad in [json!({}), json!({ "buckets": 0 }), json!({ "buckets": 65 }), json!({ "buckets": "many" })] {
        let refused = shop.http("PUT", BUCKETS, bad).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(refused.body["detail"].as_str().unwrap().contains("from 1"), "{}", refused.body);
    }
    let nowhere = "/api/v1/stock/ring/wh-nowhere/buckets";
    assert_eq!(shop.http("PUT", nowhere, json!({ "buckets": 2 })).await.status, 404);
    assert_eq!(rings(&shop).await, (10, 0, 0, None));
}

#[tokio::test]
async fn orders_go_every_way_over_stock_that_is_split_and_put_together_under_them() {
    for (before, during) in [(1, 5), (5, 5), (5, 1), (5, 9), (9, 2)] {
        let shop = Shop::stocked(&[("ring", "wh-east", 30)]);
        split(&shop, before).await;
        let prepaid =
            json!({ "items": [{ "product_id": "ring", "quantity": 8 }], "payment": { "method": "pm_card" } });
        let bought = shop.place(prepaid).await;
        let dropped = shop.place_one("ring", 7).await;
        let mut buying = Walk::until(&shop, &bought, "CapturePayment").await;
        let mut dropping = Walk::until(&shop, &dropped, "AwaitPayment").await;
        dropping.step(&shop).await;
        assert_eq!(rings(&shop).await.1, 15);
        split(&shop, during).await;
        buying.go_on(&shop, "ShipWarehouses").await;
        buying.to_the_end(&shop).await.unwrap();
        assert_eq!(shop.decide(&dropped, "cancel").await.status, 200);
        let _ = dropping.to_the_end(&shop).await;
        let (available, reserved, sold, _) = rings(&shop).await;
        assert_eq!((available, reserved, sold), (22, 0, 8), "{before} buckets, then {during}");
        assert_eq!(shop.order(&dropped).await.status(), Status::Cancelled);
    }
}

#[tokio::test]
async fn what_no_bucket_has_alone_is_taken_from_several_and_no_more_than_there_is() {
    let shop = Shop::stocked(&[("ring", "wh-east", 10)]);
    split(&shop, 8).await;
    let all = shop.place_one("ring", 10).await;
    shop.forward("reserve-stock", &all).await.unwrap();
    assert_eq!(rings(&shop).await, (0, 10, 0, Some(8)));
    let late = shop.place_one("ring", 1).await;
    assert_eq!(shop.forward("reserve-stock", &late).await.unwrap_err().error_type, "OutOfStock");
}

#[tokio::test]
async fn an_order_over_very_many_products_needs_no_more_rows_because_they_are_split() {
    let (shop, items) = Shop::of_split_products(60).await;
    let id = shop.place(json!({ "items": items, "payment": { "method": "pm_card" } })).await;
    Walk::of(&id).to_the_end(&shop).await.unwrap();
    assert!(shop.stock().await.iter().all(|row| (row.available, row.reserved, row.sold) == (0, 0, 2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_reservations_at_once_take_every_piece_and_none_twice() {
    let shop = Arc::new(Shop::stocked(&[("ring", "wh-east", 150)]));
    split(&shop, 8).await;
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(shop.place_one("ring", 1).await);
    }
    let reserve = |id: OrderId| {
        let shop = Arc::clone(&shop);
        tokio::spawn(async move { shop.forward("reserve-stock", &id).await.is_ok() })
    };
    let reserved = join_all(ids.into_iter().map(reserve)).await;
    assert_eq!(reserved.into_iter().filter(|reserved| *reserved.as_ref().unwrap()).count(), 150);
    assert_eq!(rings(&shop).await, (0, 150, 0, Some(8)));
}

/// Orders whose reservation meets another transaction twice before it succeeds.
async fn meet(shop: &Shop, orders: usize) {
    for _ in 0..orders {
        let id = shop.place_one("ring", 1).await;
        shop.aws.fail_times("TransactWriteItems", "TransactionConflictException", 2);
        shop.forward("reserve-stock", &id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn orders_that_get_into_each_others_way_split_the_stock_and_quiet_puts_it_together() {
    let (shop, clock) = Shop::set_up_and_timed(&[("ring", "wh-east", 80)], &[("MOST_STOCK_BUCKETS", "8")]);
    meet(&shop, 2).await;
    assert_eq!(rings(&shop).await, (78, 2, 0, None), "two are no crowd");
    meet(&shop, 1).await;
    assert_eq!(rings(&shop).await, (77, 3, 0, Some(8)));
    meet(&shop, 3).await;
    assert_eq!(rings(&shop).await, (74, 6, 0, Some(8)), "it has as many as it may");
    let reconcile = async || shop.invoke("reconcile-orders", json!({ "check_stock": true })).await.unwrap();
    clock.advance(Duration::from_secs(59 * 60));
    meet(&shop, 3).await;
    clock.advance(Duration::from_secs(59 * 60));
    reconcile().await;
    assert_eq!(rings(&shop).await, (71, 9, 0, Some(8)), "it was busy within the hour");
    clock.advance(Duration::from_secs(2 * 60));
    reconcile().await;
    assert_eq!(rings(&shop).await, (71, 9, 0, None));
}

/// Orders whose reservation is refused first, as DynamoDB cancels transactions of which these writes are too many, and the
/// number of buckets after each.
async fn throttle(shop: &Shop, reasons: &[&str], orders: usize) -> Vec<u64> {
    let mut buckets = Vec::new();
    for _ in 0..orders {
        let id = shop.place_one("ring", 1).await;
        shop.aws.cancel(reasons);
        assert_eq!(shop.forward("reserve-stock", &id).await.unwrap_err().error_type, "StoreUnavailable");
        buckets.push(rings(shop).await.3.unwrap_or(1));
        shop.forward("reserve-stock", &id).await.unwrap();
    }
    buckets
}

#[tokio::test(start_paused = true)]
async fn a_row_that_dynamodb_throttles_is_split_into_as_many_buckets_as_it_has_pieces_for() {
    let most = [("MOST_STOCK_BUCKETS", "64")];
    let stocked = |pieces| Shop::set_up_and_timed(&[("ring", "wh-east", pieces)], &most).0;
    let the_row = ["None", "ProvisionedThroughputExceeded"];
    assert_eq!(throttle(&stocked(1_000), &the_row, 3).await, [1, 64, 64]);
    assert_eq!(throttle(&stocked(50), &the_row, 3).await, [1, 6, 6]);
    assert_eq!(throttle(&stocked(10), &the_row, 3).await, [1, 1, 1]);
    assert_eq!(
        throttle(&stocked(1_000), &["ThrottlingError", "None"], 3).await,
        [1, 1, 1],
        "it is the order's"
    );
}

#[tokio::test]
async fn an_order_of_what_many_want_reads_one_bucket_unless_that_is_empty_or_another_warehouse_is_nearer() {
    let stock = [("ring", "wh-east", 64), ("ring", "wh-west", 20)];
    let shop = Shop::stocked(&stock);
    split(&shop, 32).await;
    let reads = async |id: OrderId| {
        let before = shop.aws.requests();
        shop.forward("reserve-stock", &id).await.unwrap();
        shop.aws.requests() - before
    };
    let place = async |quantity| shop.place_one("ring", quantity).await;
    let (one, five) = (place(1).await, place(5).await);
    // The order, the warehouses, the product's rows, one bucket, what is low, the transaction, the event.
    let few = reads(one).await;
    assert!(few <= 8, "{few}");
    assert!(reads(five).await >= 32, "no bucket has five");
    assert_eq!(rings(&shop).await, (78, 6, 0, Some(32)));
    let (rest, first, second) = (place(58).await, place(1).await, place(1).await);
    shop.forward("reserve-stock", &rest).await.unwrap();
    assert!(reads(first).await >= 32, "the nearer warehouse may have had some");
    assert!(reads(second).await <= 8, "it is known to be empty");
    assert_eq!(rings(&shop).await, (18, 66, 0, Some(32)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_split_by_itself_unless_that_is_wanted_and_what_an_operator_split_stays() {
    let (shop, clock) = Shop::timed(&[("ring", "wh-east", 50)]);
    meet(&shop, 6).await;
    assert_eq!(rings(&shop).await.3, None);
    split(&shop, 3).await;
    clock.advance(Duration::from_secs(24 * 3600));
    shop.invoke("reconcile-orders", json!({ "check_stock": true })).await.unwrap();
    assert_eq!(rings(&shop).await.3, Some(3));
}

#[tokio::test]
async fn movements_of_split_stock_change_it_by_just_what_they_say() {
    let shop = Shop::stocked(&[("ring", "wh-east", 20)]);
    split(&shop, 5).await;
    let held = shop.place_one("ring", 3).await;
    shop.forward("reserve-stock", &held).await.unwrap();
    for (kind, quantity, change, available) in [
        ("receive", 5, 5, 22),
        ("adjust", -21, -21, 1),
        ("count", 14, 10, 11),
        ("count", 4, -10, 1),
        ("count", 4, 0, 1),
        ("receive", 9, 9, 10),
    ] {
        let body = json!({ "kind": kind, "quantity": quantity, "reason": "because" });
        let made = shop.http("POST", MOVEMENTS, body).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!((&made.body["change"], &made.body["available"]), (&json!(change), &json!(available)));
        assert_eq!(rings(&shop).await, (available, 3, 0, Some(5)), "{kind} {quantity}");
    }
    let too_many = json!({ "kind": "adjust", "quantity": -11, "reason": "because" });
    assert_eq!(shop.http("POST", MOVEMENTS, too_many).await.status, 409);
    let transfer = json!({ "kind": "transfer", "quantity": 4, "to": "wh-west", "reason": "because" });
    assert_eq!(shop.http("POST", MOVEMENTS, transfer).await.status, 201);
    assert_eq!(rings(&shop).await.0, 10, "both warehouses together");
    let found = shop.http("GET", "/api/v1/doctor", Value::Null).await.body;
    assert_eq!(found["findings"], json!([]), "stock and orders go together");
}

/// Whether a further order is taken, with the answer.
async fn offer(shop: &Shop) -> (bool, omniflow_testing::HttpAnswer) {
    let answer = shop.http_in("zh", "POST", "/api/v1/orders", json!({ "items": ["ring"] })).await;
    (answer.status == 201, answer)
}

#[tokio::test]
async fn orders_are_turned_away_while_others_wait_too_long_to_be_started() {
    let (shop, clock) = Shop::set_up_and_timed(&[("ring", "wh-east", 50)], &[("BACKLOG_SECONDS", "30")]);
    shop.aws.fail("StartExecution", "ThrottlingException");
    let order = json!({ "items": ["ring"] });
    let first = shop.http_once("a key", "/api/v1/orders", order.clone()).await;
    for _ in 0..9 {
        shop.place_one("ring", 1).await;
    }
    clock.advance(Duration::from_secs(31));
    assert!(offer(&shop).await.0, "a few that can't be started keep nobody out");
    clock.advance(Duration::from_secs(29));
    assert!(offer(&shop).await.0, "of those that wait for long there are still but few");
    clock.advance(Duration::from_secs(3));
    let (is_taken, refused) = offer(&shop).await;
    assert!(!is_taken);
    assert_eq!((refused.status, &refused.body["type"]), (503, &json!("urn:omniflow:problem:overloaded")));
    assert_eq!((&refused.headers["retry-after"], &refused.body["retry_after"]), (&json!("15"), &json!(15)));
    assert!(refused.body["detail"].as_str().unwrap().contains("15 秒"), "{}", refused.body);
    let repeated = shop.http_once("a key", "/api/v1/orders", order).await;
    assert_eq!((repeated.status, &repeated.body), (201, &first.body), "this one was taken before");

    shop.aws.heal();
    shop.sweep().await;
    for id in listed(&shop, "/api/v1/orders?state=RECEIVED").await {
        shop.forward("reserve-stock", &OrderId::parse(&id).unwrap()).await.unwrap();
    }
    assert!(!offer(&shop).await.0, "what was found out is used for a second");
    clock.advance(Duration::from_secs(1));
    assert!(offer(&shop).await.0);
}
