//! The disk space that completed orders take for good, with their history.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::Error;
use crate::client::Customer;
use crate::process::Served;
use crate::runs::{stock_up, two_warehouses};

/// How many customers buy at the same time.
const CONCURRENCY: usize = 16;
/// The space has settled when no file has changed its size for this long: the runtime looks every ten seconds for what
/// it can compress, and gives space back when it was quiet for ten more.
const SETTLED_AFTER: Duration = Duration::from_secs(25);
/// The longest wait for that.
const PATIENCE: Duration = Duration::from_secs(600);

/// Buys so many orders, waits until their histories are compressed and the space is given back, and tells the bytes of
/// each file divided by the number of orders: right after the last order, and when it has settled.
pub(crate) async fn run(orders: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), false).await?;
    stock_up(&served).await?;
    let (customer, items) = (Customer::of(&served.http), two_warehouses());
    let buys = (0..orders).map(|_| customer.buy(&items));
    stream::iter(buys).buffer_unordered(CONCURRENCY).try_collect::<Vec<_>>().await?;
    let at_the_end = sizes(folder.path())?;
    let (settled, after) = settled(folder.path()).await?;
    served.kill().await?;
    Ok(json!({
        "bench": "disk",
        "orders": orders,
        "bytes_an_order": per_order(&settled, orders),
        "bytes_an_order_at_the_end_of_the_orders": per_order(&at_the_end, orders),
        "settled_after_s": after.as_secs(),
    }))
}

/// The sizes once they don't change any more, and the time that it took until they were so.
async fn settled(folder: &Path) -> Result<(BTreeMap<String, u64>, Duration), Error> {
    let begun = Instant::now();
    let (mut last, mut changed) = (sizes(folder)?, begun);
    while changed.elapsed() < SETTLED_AFTER {
        if begun.elapsed() > PATIENCE {
            return Err(Error::Waited { what: "the sizes of the files" });
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = sizes(folder)?;
        if now != last {
            (last, changed) = (now, Instant::now());
        }
    }
    Ok((last, changed - begun))
}

/// The bytes of each file.
fn sizes(folder: &Path) -> Result<BTreeMap<String, u64>, Error> {
    let mut sizes = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        sizes.insert(entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len());
    }
    Ok(sizes)
}

fn per_order(sizes: &BTreeMap<String, u64>, orders: usize) -> Value {
    let orders = orders.max(1) as u64;
    let mut each: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, size) in sizes {
        each.insert(name, size / orders);
    }
    each.retain(|_, size| *size > 0);
    each.insert("total", sizes.values().sum::<u64>() / orders);
    json!(each)
}
