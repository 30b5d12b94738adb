//! What comes on top of an order's path, or may: customers who look again and again, e-mails, cold starts.

use super::assumptions::{COLD_SHARE, COLD_START_MILLISECONDS};
use super::paths::{HAPPY, MAILED};
use super::shop::Shop;
use super::usage::Usage;
use crate::Error;

/// Something that costs on top, a million times.
pub(crate) struct Extra {
    /// What it is.
    pub name: String,
    pub dollars_a_million: f64,
}

/// What people cost who look at orders, in the shop in which the paths were measured.
pub(crate) async fn reads(shop: &Shop) -> Result<Vec<Extra>, Error> {
    let id = shop.make_unpaid().await?;
    let mut extras = Vec::new();
    for (name, path) in [
        ("each further read of an order, as by a page that polls", format!("/orders/{id}")),
        ("each page of the list of orders", "/orders?limit=20".to_owned()),
        ("each search among the shop's orders, all of which it reads", "/orders?search=macbook".to_owned()),
        ("each look at the stock of all products", "/stock".to_owned()),
    ] {
        let dollars_a_million = shop.measure_read(&path).await?.dollars_a_million();
        extras.push(Extra { name: name.to_owned(), dollars_a_million });
    }
    Ok(extras)
}

/// What follows from the paths that were measured.
pub(crate) fn of_paths(measured: &[(&str, Usage)]) -> Vec<Extra> {
    let of =
        |name| measured.iter().find(|(path, _)| *path == name).map_or(Usage::default(), |(_, usage)| *usage);
    let (happy, mailed) = (of(HAPPY), of(MAILED));
    let mails = mailed.dollars_a_million() - happy.dollars_a_million();
    let cold = Usage { gb_seconds: happy.invocations * cold_gb_seconds(), ..Usage::default() };
    vec![
        Extra { name: format!("{} e-mails to each customer", mailed.emails), dollars_a_million: mails },
        Extra {
            name: format!("cold starts, 1 in {:.0} invocations of an order", 1.0 / COLD_SHARE),
            dollars_a_million: cold.dollars_a_million() * COLD_SHARE,
        },
    ]
}

/// The GB-seconds that are billed for the start of a function's process, at the memory that most functions have.
fn cold_gb_seconds() -> f64 {
    const MEMORY_MIB: f64 = 128.0;
    MEMORY_MIB / 1024.0 * COLD_START_MILLISECONDS / 1000.0
}
