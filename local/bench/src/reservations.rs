//! The run that measures how many orders a second reserve pieces of one product in one warehouse.

use std::time::Instant;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::Error;
use crate::client::Customer;
use crate::latency::{percentiles, round};
use crate::process::Served;
use crate::runs::{per, stock_up};

/// Has customers order the same product at the same time, with its stock split into so many buckets, and waits until
/// each order has its pieces.
pub(crate) async fn run(concurrency: usize, orders: usize, buckets: u8) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), false).await?;
    stock_up(&served).await?;
    split(&served, buckets).await?;
    let (customer, items) =
        (&Customer::of(&served.http), &json!([{ "product_id": "macbook-air", "quantity": 1 }]));
    let reserve = async || {
        let begun = Instant::now();
        let id = customer.create(items).await?;
        customer.wait_for(&id, "AWAITING_PAYMENT").await?;
        Ok::<_, Error>(begun.elapsed())
    };
    let begun = Instant::now();
    let took: Vec<_> =
        stream::iter((0..orders).map(|_| reserve())).buffer_unordered(concurrency).try_collect().await?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(json!({
        "bench": "reservations",
        "concurrency": concurrency,
        "orders": orders,
        "buckets": buckets,
        "reservations_per_second": round(per(orders, seconds)),
        "milliseconds": percentiles(took),
    }))
}

async fn split(served: &Served, buckets: u8) -> Result<(), Error> {
    let path = format!("{}/api/v1/stock/macbook-air/wh-east/buckets", served.http);
    let response = reqwest::Client::new().put(path).json(&json!({ "buckets": buckets })).send().await?;
    match response.status().as_u16() {
        200 => Ok(()),
        status => Err(Error::Answer { what: "split", status, body: response.text().await? }),
    }
}
