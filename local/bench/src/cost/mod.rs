//! What a million orders cost on AWS, for each way that an order can go: counted from a real run of it on the local
//! runtime, in AWS's units, times AWS's prices.

mod assumptions;
mod capacity;
mod meter;
mod paths;
mod prices;
mod shop;
mod table;
mod transitions;
mod usage;

use serde_json::{Value, json};

use crate::Error;
use shop::Shop;
use usage::Usage;

/// Longer than any run.
const LONG: u32 = 86_400;
/// So short that one can see it end, and long enough to cancel in it.
const SHORT: u32 = 3;
/// How often the sweeper runs in a month of 365 / 12 days, once a minute.
const SWEEPS_A_MONTH: f64 = 43_800.0;

/// Prints the report; gives it as JSON.
pub(crate) async fn run() -> Result<Value, Error> {
    let (long, short) = (Shop::open(LONG).await?, Shop::open(SHORT).await?);
    let mut measured: Vec<(&'static str, Usage)> = Vec::new();
    for path in paths::all() {
        let shop = if path.short_window { &short } else { &long };
        measured.push((path.name, shop.measure(&path).await?));
    }
    let sweeps = long.measure_sweep().await?.dollars() * SWEEPS_A_MONTH;
    long.close().await;
    short.close().await;
    println!("{}", table::table(&measured, sweeps));
    let paths = measured.into_iter().map(|(name, usage)| (name.to_owned(), usage.to_json()));
    Ok(json!({
        "bench": "cost",
        "prices": prices::DATE,
        "paths": paths.collect::<serde_json::Map<_, _>>(),
        "sweeper_dollars_a_month": crate::latency::round(sweeps),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The budget of an order that goes well.
    const TRANSITIONS: f64 = 8.0;
    const DOLLARS_A_MILLION: f64 = 220.0;

    #[tokio::test]
    async fn an_order_that_goes_well_stays_within_its_budget() {
        let shop = Shop::open(LONG).await.unwrap();
        let path = paths::all().into_iter().find(|path| path.name == paths::HAPPY).unwrap();
        let usage = shop.measure(&path).await.unwrap();
        shop.close().await;
        assert!(usage.transitions <= TRANSITIONS, "{usage:?}");
        assert!(usage.dollars_a_million() <= DOLLARS_A_MILLION, "{usage:?}");
    }
}
