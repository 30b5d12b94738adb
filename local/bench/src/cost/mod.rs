//! What a million orders cost on AWS, for each path that an order can take. The units of AWS are counted in
//! a real run of the path on the local runtime and multiplied by AWS's prices.

mod assumptions;
mod capacity;
mod extras;
mod meter;
mod outside;
mod paths;
mod shop;
mod table;
mod transitions;
mod usage;

use omniflow_figures as prices;
use serde_json::{Map, Value, json};

use crate::Error;
use paths::Place;
use shop::Shop;
use usage::Usage;

/// The number of runs of the sweeper in a month of 365 / 12 days, one a minute.
const SWEEPS_A_MONTH: f64 = 43_800.0;

/// Prints the report and returns it as JSON.
pub(crate) async fn run() -> Result<Value, Error> {
    let mut measured: Vec<(&'static str, Usage)> = Vec::new();
    let (mut extras, mut sweeps) = (Vec::new(), 0.0);
    for place in Place::ALL {
        let shop = Shop::open(place).await?;
        for path in paths::all().into_iter().filter(|path| path.place == place) {
            measured.push((path.name, shop.measure(&path).await?));
        }
        if place == Place::Usual {
            extras = extras::reads(&shop).await?;
            sweeps = shop.measure_sweep().await?.dollars() * SWEEPS_A_MONTH;
        }
        shop.close().await;
    }
    extras.extend(extras::of_paths(&measured));
    println!("{}", table::table(&measured, &extras, sweeps));
    let paths = measured.into_iter().map(|(name, usage)| (name.to_owned(), usage.to_json()));
    let extras =
        extras.into_iter().map(|extra| (extra.name, json!(crate::latency::round(extra.dollars_a_million))));
    Ok(json!({
        "bench": "cost",
        "prices": prices::DATE,
        "paths": paths.collect::<Map<_, _>>(),
        "on_top_dollars_per_million": extras.collect::<Map<_, _>>(),
        "sweeper_dollars_a_month": crate::latency::round(sweeps),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most state transitions of an order that is completed.
    const TRANSITIONS: f64 = 6.0;
    /// The most dollars that a million such orders may cost.
    const DOLLARS_A_MILLION: f64 = 190.0;

    async fn measured(name: &str) -> Usage {
        let path = paths::all().into_iter().find(|path| path.name == name).unwrap();
        let shop = Shop::open(path.place).await.unwrap();
        let usage = shop.measure(&path).await.unwrap();
        shop.close().await;
        usage
    }

    #[tokio::test]
    async fn an_order_that_goes_well_stays_within_its_budget() {
        let usage = measured(paths::HAPPY).await;
        assert!(usage.transitions <= TRANSITIONS, "{usage:?}");
        assert!(usage.dollars_a_million() <= DOLLARS_A_MILLION, "{} {usage:?}", usage.dollars_a_million());
    }

    #[tokio::test]
    async fn every_further_warehouse_costs_one_transition_and_a_message_in_place_of_an_answer_another() {
        assert_eq!(measured(paths::THREE_WAREHOUSES).await.transitions, TRANSITIONS + 2.0);
        assert_eq!(measured(paths::MESSAGE).await.transitions, TRANSITIONS + 1.0);
    }

    #[tokio::test]
    async fn a_customer_who_is_written_to_costs_the_mails_and_what_sends_them() {
        let usage = measured(paths::MAILED).await;
        assert!(usage.emails >= 1.0 && usage.transitions <= TRANSITIONS, "{usage:?}");
    }
}
