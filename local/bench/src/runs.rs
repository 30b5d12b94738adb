//! The runs that measure a runtime in a process of its own.

use std::time::Instant;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::Error;
use crate::client::Customer;
use crate::latency::{percentiles, round};
use crate::process::{Served, size};

/// Two products from different warehouses, so that every order has two shipments.
pub(crate) fn two_warehouses() -> Value {
    json!([{ "product_id": "macbook-air", "quantity": 1 }, { "product_id": "magic-mouse", "quantity": 1 }])
}

/// Adds enough stock for any run, through the DynamoDB API as an operator would.
pub(crate) async fn stock_up(served: &Served) -> Result<(), Error> {
    for (product, warehouse) in [("macbook-air", "wh-east"), ("magic-mouse", "wh-west")] {
        let item = stock_item(product, warehouse, 100_000_000);
        let response = reqwest::Client::new()
            .post(&served.aws)
            .header("x-amz-target", "DynamoDB_20120810.PutItem")
            .header("content-type", "application/x-amz-json-1.0")
            .json(&json!({ "TableName": "StockTable", "Item": item }))
            .send()
            .await?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(Error::Answer { what: "PutItem", status, body: response.text().await? });
        }
    }
    Ok(())
}

fn stock_item(product: &str, warehouse: &str, available: u64) -> Value {
    json!({
        "product_id": { "S": product },
        "warehouse_id": { "S": warehouse },
        "available": { "N": available.to_string() },
        "reserved": { "N": "0" },
        "sold": { "N": "0" },
    })
}

async fn stats(served: &Served) -> Result<Value, Error> {
    Ok(reqwest::get(format!("{}/_omniflow/stats", served.aws)).await?.json().await?)
}

/// The number of orders before the measured ones. They let the write-ahead logs grow to their usual size,
/// because growing costs more than overwriting. The measured orders follow without a pause.
const WARM_UP: usize = 500;

pub(crate) async fn orders(concurrency: usize, orders: usize, memory: bool) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), memory).await?;
    stock_up(&served).await?;
    let (customer, items) = (Customer::of(&served.http), two_warehouses());
    let buys = (0..WARM_UP + orders).map(|_| customer.buy(&items));
    let mut buys = stream::iter(buys).buffer_unordered(concurrency);
    for _ in 0..WARM_UP {
        buys.try_next().await?;
    }
    let (before, processor) = (stats(&served).await?, served.processor_ms()?);
    let begun = Instant::now();
    let took = buys.try_collect::<Vec<_>>().await?;
    let seconds = begun.elapsed().as_secs_f64();
    let (after, processor) = (stats(&served).await?, served.processor_ms()? - processor);
    Ok(json!({
        "bench": "orders",
        "durable": !memory,
        "concurrency": concurrency,
        "orders": orders,
        "orders_per_second": round(per(orders, seconds)),
        "milliseconds": percentiles(took),
        "processor_us_an_order": processor * 1000 / orders as u64,
        "per_order": per_order(&before, &after, orders),
    }))
}

pub(crate) fn per(count: usize, seconds: f64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count / seconds
}

/// The increase of every counter divided by the number of orders. Counters whose names end in `_ns` are
/// given in microseconds.
fn per_order(before: &Value, after: &Value, orders: usize) -> Value {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => after
            .iter()
            .map(|(name, after)| {
                let spent = per_order(&before[name], after, orders);
                match (name.strip_suffix("_ns"), spent.as_f64()) {
                    (Some(name), Some(nanos)) => (format!("{name}_us"), json!(round(nanos / 1000.0))),
                    _ => (name.clone(), spent),
                }
            })
            .collect(),
        _ => {
            let difference = after.as_f64().unwrap_or(0.0) - before.as_f64().unwrap_or(0.0);
            json!(round(per(1, 1.0) * difference / per(orders, 1.0)))
        }
    }
}

pub(crate) async fn single(orders: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), false).await?;
    stock_up(&served).await?;
    let (customer, items) = (Customer::of(&served.http), two_warehouses());
    for _ in 0..10 {
        customer.buy(&items).await?;
    }
    let mut took = Vec::with_capacity(orders);
    for _ in 0..orders {
        took.push(customer.buy(&items).await?);
    }
    Ok(json!({ "bench": "single", "orders": orders, "milliseconds": percentiles(took) }))
}

pub(crate) async fn waiting(orders: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), false).await?;
    stock_up(&served).await?;
    let (customer, items) = (Customer::of(&served.http), two_warehouses());
    // The first thousand orders fill caches and pools, whose memory must not count for the orders that
    // follow.
    let warm = create(&customer, &items, 1000.min(orders)).await?;
    let before = served.memory()?;
    let begun = Instant::now();
    let rest = create(&customer, &items, orders - warm.len()).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let memory = served.memory()?;
    let disk = size(folder.path())?;
    served.kill().await?;
    let again = Served::launch(folder.path(), false).await?;
    let customer = Customer::of(&again.http);
    let sample = warm.iter().chain(rest.iter()).step_by((orders / 100).max(1));
    try_join_all(sample.map(|id| customer.wait_for(id, "AWAITING_PAYMENT"))).await?;
    Ok(json!({
        "bench": "waiting",
        "orders": orders,
        "created_per_second": round(per(rest.len(), seconds)),
        "memory_mib": memory / 1_048_576,
        "memory_bytes_an_order": memory.saturating_sub(before) / rest.len().max(1) as u64,
        "disk_bytes_an_order": disk / orders as u64,
        "ready_after_kill_ms": again.ready_after.as_millis(),
    }))
}

async fn create(customer: &Customer, items: &Value, orders: usize) -> Result<Vec<String>, Error> {
    let creates = (0..orders).map(|_| customer.create(items));
    let ids: Vec<_> = stream::iter(creates).buffer_unordered(64).try_collect().await?;
    for id in ids.iter().rev().take(64) {
        customer.wait_for(id, "AWAITING_PAYMENT").await?;
    }
    Ok(ids)
}

pub(crate) async fn start(runs: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let first = Served::launch(folder.path(), false).await?;
    let first_ms = round(first.ready_after.as_secs_f64() * 1000.0);
    first.kill().await?;
    let mut took = Vec::with_capacity(runs);
    for _ in 0..runs {
        let served = Served::launch(folder.path(), false).await?;
        took.push(served.ready_after);
        served.kill().await?;
    }
    Ok(json!({ "bench": "start", "runs": runs, "first_ms": first_ms, "milliseconds": percentiles(took) }))
}
