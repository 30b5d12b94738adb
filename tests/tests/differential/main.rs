//! The same orders, made and treated alike in two places, come to the same ends: on the runtime of this machine, and on
//! the target of `OMNIFLOW_URL`. Without a target the second place is a runtime that keeps nothing on disk.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod scenario;

use std::collections::BTreeMap;

use futures::future::{join, join_all};
use omniflow_e2e::{Alone, Aws, Order, Runtime, Seed, Settings, Shop, Stock, eventually};
use scenario::{PRODUCTS, Payment, Review, Scenario};
use serde_json::{Value, json};

const ORDERS: usize = 50;
/// A payment window, in seconds, that outlasts the test.
const LONG: u32 = 600;

/// What differs from place to place, and from run to run.
const FLEETING: &[&str] = &["at", "created_at", "deadline", "number", "since", "tracking"];

#[tokio::test]
async fn fifty_orders_end_here_as_they_end_there() {
    let there = second_place();
    let window = Runtime::foreign_payment_window();
    let here = Runtime::beside(&Settings::default().payment_window(window.unwrap_or(LONG)));
    let mut seed = Seed::new();
    let scenarios: Vec<_> = (0..ORDERS).map(|_| Scenario::random(&mut seed, window.is_some())).collect();

    stock_alike(&here, &there).await;
    let (ours, theirs) = join(live_all(&here.shop(), &scenarios), live_all(&there.shop(), &scenarios)).await;
    eprintln!("ends: {:?}", tally(&ours));
    for ((ours, theirs), scenario) in ours.iter().zip(&theirs).zip(&scenarios) {
        assert_eq!(ours, theirs, "{scenario:#?}");
    }
    assert_eq!(stocks(&here.shop()).await, stocks(&there.shop()).await);
}

/// The target; or, where there is none, a runtime that keeps nothing on disk.
fn second_place() -> Alone {
    Runtime::alone_or(&Settings::default().payment_window(LONG).in_memory())
}

/// The allocation looks at the stock, so both must begin with the same: ours gets theirs.
async fn stock_alike(here: &Runtime, there: &Runtime) {
    let aws = here.aws().unwrap();
    let table = aws.table("StockTable").await;
    for stock in stocks(&there.shop()).await {
        for place in &stock.places {
            let number = |number: i64| json!({ "N": number.to_string() });
            let item = json!({
                "product_id": { "S": stock.product },
                "warehouse_id": { "S": place.warehouse },
                "available": number(place.available),
                "reserved": number(place.reserved),
                "sold": number(place.sold),
            });
            put(&aws, &table, item).await;
        }
    }
}

async fn put(aws: &Aws, table: &str, item: Value) {
    aws.dynamodb("PutItem", &json!({ "TableName": table, "Item": item })).await;
}

async fn stocks(shop: &Shop) -> Vec<Stock> {
    join_all(PRODUCTS.iter().map(|product| shop.stock(product))).await
}

async fn live_all(shop: &Shop, scenarios: &[Scenario]) -> Vec<Value> {
    let mut ends = Vec::new();
    for scenario in scenarios {
        ends.push(essence(&live(shop, scenario).await));
    }
    ends
}

/// One order from its beginning to its end.
async fn live(shop: &Shop, scenario: &Scenario) -> Order {
    let id = shop.place(&scenario.body).await;
    let mut order = rests(shop, &id, "").await;
    if order.state() == "AWAITING_AUDIT" {
        let answer = match scenario.review {
            Review::Approve => shop.audit(&id, "APPROVE").await,
            Review::Reject => shop.audit(&id, "REJECT").await,
            Review::Cancel => shop.cancel(&id).await,
        };
        answer.success();
        order = rests(shop, &id, "AWAITING_AUDIT").await;
    }
    if order.state() == "AWAITING_PAYMENT" {
        match scenario.payment {
            Payment::With(method) => drop(shop.pay_with(&id, method).await.success()),
            Payment::Cancel => drop(shop.cancel(&id).await.success()),
            Payment::Never => {}
        }
        order = rests(shop, &id, "AWAITING_PAYMENT").await;
    }
    order
}

/// Waits until somebody else must do something, or nobody any more.
async fn rests(shop: &Shop, id: &str, left: &str) -> Order {
    eventually(&format!("{id} comes to rest after '{left}'"), async || {
        let order = shop.read(id).await;
        let waits = ["AWAITING_AUDIT", "AWAITING_PAYMENT"].contains(&order.state()) && order.state() != left;
        if waits || order.is_final() { Ok(order) } else { Err(order) }
    })
    .await
}

/// How often orders ended how.
fn tally(ends: &[Value]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for end in ends {
        *tally.entry(format!("{} {}", end["state"], end["reason"]).replace('"', "")).or_default() += 1;
    }
    tally
}

/// The order without what is fleeting.
fn essence(order: &Order) -> Value {
    let id = order.id().to_owned();
    let mut essence = order.0.clone();
    strip(&mut essence, &id);
    essence
}

fn strip(value: &mut Value, id: &str) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !FLEETING.contains(&name.as_str()));
            fields.values_mut().for_each(|value| strip(value, id));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| strip(item, id)),
        Value::String(text) => *text = text.replace(id, "ORD"),
        _ => {}
    }
}
