//! What the shop sells in a run, and who buys which of it.

use omniflow_domain::catalogue::{Product, WAREHOUSES, lookup};
use omniflow_domain::{Currency, Money};
use serde_json::{Map, Value, json};
use template::System;

use crate::dice::Dice;
use crate::run::{Error, attribute, put};
use crate::world::World;

/// How many products there are that are bought differently often.
const PRODUCTS: u32 = 1_000;

/// Which products are bought how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Products {
    /// One product.
    One,
    /// A thousand products, all as often.
    Uniform,
    /// A thousand products, of which the second sells half as often as the first, the third a third as often, and so on
    /// (Zipf's law).
    Zipf,
}

impl Products {
    /// The products by their names on the command line.
    pub const ALL: [(&str, Self); 3] = [("one", Self::One), ("uniform", Self::Uniform), ("zipf", Self::Zipf)];

    fn count(self) -> u32 {
        if self == Self::One { 1 } else { PRODUCTS }
    }

    fn weight(self, product: u32) -> f64 {
        if self == Self::Zipf { 1.0 / f64::from(product + 1) } else { 1.0 }
    }
}

/// The shelf from which customers choose.
pub struct Shelf(Vec<f64>);

impl Shelf {
    /// The shelf with these products.
    pub fn of(products: Products) -> Self {
        let mut sum = 0.0;
        let cumulated = (0..products.count()).map(|product| {
            sum += products.weight(product);
            sum
        });
        Self(cumulated.collect())
    }

    /// The product that a customer chooses.
    pub fn choose(&self, dice: &mut Dice) -> String {
        let all = self.0.last().copied().unwrap_or_default();
        let drawn = dice.fraction() * all;
        id(self.0.partition_point(|sum| *sum <= drawn).min(self.0.len().saturating_sub(1)))
    }
}

fn id(product: usize) -> String {
    format!("product-{product:04}")
}

/// Writes the products, each with so many pieces, which lie in equal parts in all warehouses.
///
/// # Errors
/// When they can't be written.
pub async fn stock(world: &World, system: &System, products: Products, pieces: u64) -> Result<(), Error> {
    let failed = |error: &dyn ToString| Error::Stock(error.to_string());
    let currency = system.parameters.get("Currency").map(String::as_str).unwrap_or_default();
    let currency: Currency = currency.parse().map_err(|_| failed(&format!("no currency: {currency}")))?;
    let price = Money::parse("25", currency).map_err(|error| failed(&error))?;
    for product in (0..products.count() as usize).map(id) {
        let record = Product::new(product.clone(), product.clone(), price);
        let record = serde_json::to_value(record).map_err(|error| failed(&error))?;
        let members = record.as_object().into_iter().flatten();
        let mut item: Map<_, _> = members.map(|(name, value)| (name.clone(), attribute(value))).collect();
        item.insert("lookup".to_owned(), json!({ "S": lookup(&product) }));
        put(world, "ProductsTable", Value::Object(item)).await?;
        let places = WAREHOUSES.len() as u64;
        for (number, warehouse) in (0..).zip(WAREHOUSES) {
            let here = pieces / places + u64::from(number < pieces % places);
            let item = json!({
                "product_id": { "S": product },
                "warehouse_id": { "S": warehouse },
                "available": { "N": here.to_string() },
                "reserved": { "N": "0" },
                "sold": { "N": "0" },
            });
            put(world, "StockTable", item).await?;
            let place = (product.clone(), (*warehouse).to_owned());
            let here = i64::try_from(here).unwrap_or(i64::MAX);
            world.books(|books| books.stocked(place, here));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn by_zipfs_law_the_second_product_sells_half_as_often_as_the_first() {
        let (shelf, mut dice) = (Shelf::of(Products::Zipf), Dice::new(1, "shelf", 0));
        let mut sold: BTreeMap<String, f64> = BTreeMap::new();
        for _ in 0..100_000 {
            *sold.entry(shelf.choose(&mut dice)).or_default() += 1.0;
        }
        let ratio = sold["product-0000"] / sold["product-0001"];
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        assert!(sold.len() > 950, "nearly all are bought at least once");
    }

    #[test]
    fn one_product_is_always_the_same() {
        let (shelf, mut dice) = (Shelf::of(Products::One), Dice::new(1, "shelf", 0));
        assert!((0..100).all(|_| shelf.choose(&mut dice) == "product-0000"));
    }
}
