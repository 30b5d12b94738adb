//! Which warehouses an order is shipped from: as few as can be.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The largest number of warehouses that all combinations are tried of, which are 2 to the power of it. With
/// more, the fullest warehouses are taken first.
const EXACT_UP_TO: usize = 12;

/// The pieces that can be ordered, by product and warehouse.
pub type Available = BTreeMap<String, BTreeMap<String, u32>>;

/// A product and the number of its pieces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "the names say it")]
pub struct Line {
    pub product_id: String,
    pub quantity: u32,
}

/// The part of an order that one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Share {
    pub warehouse: String,
    pub items: Vec<Line>,
}

/// A product of which there is not enough in all warehouses together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missing {
    /// The id of the product.
    pub product_id: String,
    /// The pieces that the order wants.
    pub wanted: u32,
    /// The pieces that can be ordered, in all warehouses together.
    pub available: u32,
}

/// Spreads the wanted products over the fewest warehouses, of which those with the lower `rank` come first. No
/// product may be in `wanted` twice.
///
/// # Errors
/// The products of which there is too little, when there are any.
pub fn allocate(
    wanted: &[Line],
    available: &Available,
    rank: impl Fn(&str) -> u32,
) -> Result<Vec<Share>, Vec<Missing>> {
    let missing: Vec<_> = wanted.iter().filter_map(|line| missing(line, available)).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let warehouses = useful(wanted, available, rank);
    let chosen = if warehouses.len() <= EXACT_UP_TO { fewest(wanted, available, &warehouses) } else { None };
    Ok(share(wanted, available, &chosen.unwrap_or(warehouses)))
}

/// The warehouse that alone has everything, with the lowest rank of those that do.
pub fn one_with_all(wanted: &[Line], available: &Available, rank: impl Fn(&str) -> u32) -> Option<String> {
    let has_all =
        |name: &&String| wanted.iter().all(|line| stock(available, &line.product_id, name) >= line.quantity);
    let names: BTreeSet<&String> = available.values().flat_map(|by| by.keys()).collect();
    names.into_iter().filter(has_all).min_by_key(|name| rank(name)).cloned()
}

fn stock(available: &Available, product: &str, warehouse: &str) -> u32 {
    available.get(product).and_then(|by| by.get(warehouse)).copied().unwrap_or(0)
}

fn missing(line: &Line, available: &Available) -> Option<Missing> {
    let all: u64 =
        available.get(&line.product_id).into_iter().flat_map(|by| by.values()).map(|n| u64::from(*n)).sum();
    (all < u64::from(line.quantity)).then(|| Missing {
        product_id: line.product_id.clone(),
        wanted: line.quantity,
        available: u32::try_from(all).unwrap_or(u32::MAX),
    })
}

/// The warehouses that have something wanted: those of the lowest rank first, and of one rank those that cover
/// most.
fn useful(wanted: &[Line], available: &Available, rank: impl Fn(&str) -> u32) -> Vec<String> {
    let names: BTreeSet<&String> =
        wanted.iter().filter_map(|line| available.get(&line.product_id)).flat_map(|by| by.keys()).collect();
    let cover = |name: &str| -> u64 {
        wanted.iter().map(|line| u64::from(stock(available, &line.product_id, name).min(line.quantity))).sum()
    };
    let mut names: Vec<_> = names.into_iter().filter(|name| cover(name) > 0).cloned().collect();
    names.sort_by_key(|name| (rank(name), std::cmp::Reverse(cover(name))));
    names
}

/// The first of the smallest sets of warehouses that together have everything, if any has.
fn fewest(wanted: &[Line], available: &Available, warehouses: &[String]) -> Option<Vec<String>> {
    let mut sets: Vec<u32> = (1..1u32 << warehouses.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    let members = |set: u32| {
        warehouses.iter().enumerate().filter(move |(index, _)| set & (1 << index) != 0).map(|(_, name)| name)
    };
    let covers = |set: u32| {
        wanted.iter().all(|line| {
            let all: u64 = members(set).map(|name| u64::from(stock(available, &line.product_id, name))).sum();
            all >= u64::from(line.quantity)
        })
    };
    sets.into_iter().find(|set| covers(*set)).map(|set| members(set).cloned().collect())
}

/// Takes each product from the chosen warehouses in turn, beginning with the one that has most of it, so that
/// it comes in few parcels.
fn share(wanted: &[Line], available: &Available, chosen: &[String]) -> Vec<Share> {
    let mut shares: BTreeMap<&str, Vec<Line>> = BTreeMap::new();
    for line in wanted {
        let mut by_stock: Vec<_> =
            chosen.iter().map(|name| (stock(available, &line.product_id, name), name)).collect();
        by_stock.sort_by_key(|(stock, name)| (std::cmp::Reverse(*stock), name.as_str()));
        let mut left = line.quantity;
        for (stock, name) in by_stock {
            let quantity = left.min(stock);
            if quantity > 0 {
                shares.entry(name).or_default().push(Line { product_id: line.product_id.clone(), quantity });
            }
            left -= quantity;
        }
    }
    shares.into_iter().map(|(warehouse, items)| Share { warehouse: warehouse.to_owned(), items }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(product: &str, quantity: u32) -> Line {
        Line { product_id: product.to_owned(), quantity }
    }

    fn available(rows: &[(&str, &str, u32)]) -> Available {
        let mut available = Available::new();
        for (product, warehouse, quantity) in rows {
            available.entry((*product).to_owned()).or_default().insert((*warehouse).to_owned(), *quantity);
        }
        available
    }

    #[test]
    fn one_warehouse_that_has_all_is_preferred_to_two_that_have_more() {
        let stock = available(&[("a", "east", 9), ("b", "west", 9), ("a", "north", 1), ("b", "north", 1)]);
        let shares = allocate(&[line("a", 1), line("b", 1)], &stock, |_| 0).unwrap();
        assert_eq!(shares, [Share { warehouse: "north".into(), items: vec![line("a", 1), line("b", 1)] }]);
    }

    #[test]
    fn few_warehouses_count_for_more_than_rank_and_rank_for_more_than_stock() {
        let rank = |name: &str| if name == "west" { 1 } else { 2 };
        let stock = available(&[("a", "east", 9), ("a", "west", 2), ("b", "east", 1)]);
        let of = |wanted: &[Line]| -> Vec<String> {
            allocate(wanted, &stock, rank).unwrap().into_iter().map(|share| share.warehouse).collect()
        };
        assert_eq!(of(&[line("a", 2)]), ["west"]);
        assert_eq!(of(&[line("a", 3)]), ["east"]);
        assert_eq!(of(&[line("a", 1), line("b", 1)]), ["east"]);
        assert_eq!(one_with_all(&[line("a", 2)], &stock, rank).as_deref(), Some("west"));
        assert_eq!(one_with_all(&[line("a", 9), line("b", 1)], &stock, rank).as_deref(), Some("east"));
        assert_eq!(one_with_all(&[line("a", 10)], &stock, rank), None);
    }

    #[test]
    fn what_is_missing_is_named_with_what_there_is() {
        let stock = available(&[("a", "east", 2), ("a", "west", 1)]);
        let missing = allocate(&[line("a", 4), line("b", 1), line("a2", 0)], &stock, |_| 0).unwrap_err();
        assert_eq!(missing[0], Missing { product_id: "a".into(), wanted: 4, available: 3 });
        assert_eq!(missing[1].product_id, "b");
        assert_eq!(missing.len(), 2);
    }

    proptest! {
        #[test]
        fn an_allocation_is_exact_and_takes_no_more_than_there_is(
            stock in proptest::collection::btree_map("[a-d]", proptest::collection::btree_map("[p-t]", 0u32..6, 0..5), 1..4),
            quantities in proptest::collection::vec(1u32..8, 1..4),
        ) {
            let wanted: Vec<_> = stock.keys().zip(&quantities).map(|(product, quantity)| line(product, *quantity)).collect();
            let total = |product: &str| stock[product].values().sum::<u32>();
            match allocate(&wanted, &stock, |_| 0) {
                Err(missing) => {
                    for missing in missing {
                        prop_assert!(total(&missing.product_id) < missing.wanted);
                    }
                }
                Ok(shares) => {
                    for want in &wanted {
                        let taken: u32 = shares.iter().flat_map(|share| &share.items)
                            .filter(|line| line.product_id == want.product_id).map(|line| line.quantity).sum();
                        prop_assert_eq!(taken, want.quantity);
                    }
                    for share in &shares {
                        prop_assert!(!share.items.is_empty());
                        for line in &share.items {
                            prop_assert!(line.quantity <= stock[&line.product_id][&share.warehouse]);
                        }
                    }
                    let names: BTreeSet<_> = stock.values().flat_map(|by| by.keys()).collect();
                    let names: Vec<_> = names.into_iter().cloned().collect();
                    let fewer = fewest(&wanted, &stock, &names).unwrap();
                    prop_assert_eq!(shares.len(), fewer.len());
                }
            }
        }
    }
}
