//! What a million orders cost on AWS, for each path that an order can take. The units of AWS are counted in
//! a real run of the path on the local runtime and multiplied by AWS's prices.

mod assumptions;
mod capacity;
mod meter;
mod paths;
mod shop;
mod table;
mod transitions;
mod usage;

use omniflow_figures as prices;
use serde_json::{Value, json};

use crate::Error;
use shop::Shop;
use usage::Usage;

/// A payment window, in seconds, that is longer than any run.
const LONG: u32 = 86_400;
/// A payment window, in seconds, that is short enough to wait for its end and long enough to cancel an order
/// in it.
const SHORT: u32 = 3;
/// The number of runs of the sweeper in a month of 365 / 12 days, one a minute.
const SWEEPS_A_MONTH: f64 = 43_800.0;

/// Prints the report and returns it as JSON.
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

    /// The most state transitions of an order that is completed.
    const TRANSITIONS: f64 = 8.0;
    /// The most dollars that a million such orders may cost.
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
