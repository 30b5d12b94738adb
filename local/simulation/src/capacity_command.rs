//! `omniflow-simulation capacity`: what an account with its quotas carries.

use std::time::Duration;

use clap::Args;
use omniflow_simulation::{
    CapacitySettings, Error, Products, Quotas, run_within_quotas, system_within_quotas,
};

/// How many customers a flash sale has unless it is said.
const FLASH: &str = "100000";
/// In how many seconds they come.
const RUSH: u32 = 60;
/// Of how many of ten customers of a flash sale there are pieces.
const FOR_OF_TEN: u64 = 9;

/// Runs the system within the quotas of an AWS account, without faults, and tells what it carries, what was throttled and
/// what AWS bills.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How many orders come in a second.
    #[arg(long, default_value_t = 150.0)]
    rate: f64,
    /// For how many minutes of virtual time they come.
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// The region whose quotas hold.
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// How many times its quotas the account has.
    #[arg(long, default_value_t = 1)]
    quotas: u32,
    /// Which products are bought how often.
    #[arg(long, value_parser = products, default_value = "zipf")]
    products: Products,
    /// A flash sale: so many customers want the same product within a minute, and there is enough for nine of ten.
    #[arg(long, num_args = 0..=1, default_missing_value = FLASH)]
    flash: Option<u64>,
    /// A parameter of the template, such as ShardedKeys=true or MostStockBuckets=16; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    parameter: Vec<(String, String)>,
    /// How many of a hundred orders bring their payment.
    #[arg(long, default_value_t = 0.0)]
    prepaid: f64,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many hours of virtual time everything may take after the last customer has come.
    #[arg(long, default_value_t = 12)]
    hours_to_rest: u64,
}

fn products(name: &str) -> Result<Products, String> {
    let found = Products::ALL.iter().find(|(known, _)| *known == name);
    let names = || Products::ALL.map(|(known, _)| known).join(", ");
    found.map(|(_, products)| *products).ok_or_else(|| format!("write one of {}", names()))
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// Why there is no run.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("'{0}' is no region; write one such as us-east-1")]
    Region(String),
    #[error("--rate, --minutes and --quotas must be more than 0, and --prepaid from 0 to 100")]
    Number,
    #[error(transparent)]
    Run(#[from] Error),
}

/// Makes the run and prints what came of it; whether no order was lost, undone by throttling or sold without stock.
pub fn simulate(arguments: &Arguments) -> Result<bool, Refused> {
    let is_positive = |number: f64| number.is_finite() && number > 0.0;
    let has_numbers = is_positive(arguments.rate) && is_positive(arguments.minutes) && arguments.quotas > 0;
    if !has_numbers || !(0.0..=100.0).contains(&arguments.prepaid) {
        return Err(Refused::Number);
    }
    let quotas = Quotas::of(&arguments.region);
    let quotas = quotas.ok_or_else(|| Refused::Region(arguments.region.clone()))?;
    let (orders, rate) = expected(arguments);
    let settings = CapacitySettings {
        seed: arguments.seed,
        orders,
        rate,
        products: if arguments.flash.is_some() { Products::One } else { arguments.products },
        pieces: arguments.flash.map(|orders| orders * FOR_OF_TEN / 10),
        prepaid: arguments.prepaid / 100.0,
        quotas: quotas.times(arguments.quotas),
        to_rest: Duration::from_secs(arguments.hours_to_rest.saturating_mul(3600)),
    };
    println!(
        "{orders} customers, {rate:.0} a second, {} with {} times its quotas",
        arguments.region, arguments.quotas
    );
    let report =
        run_within_quotas(&settings, &system_within_quotas(arguments.quotas, &arguments.parameter)?)?;
    println!("{report}");
    Ok(report.is_as_wanted())
}

/// How many customers come, and how many in a second.
fn expected(arguments: &Arguments) -> (u64, f64) {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    match arguments.flash {
        Some(orders) => (orders, (orders as f64 / f64::from(RUSH)).max(1.0)),
        None => ((arguments.rate * arguments.minutes * 60.0) as u64, arguments.rate),
    }
}
