//! Who holds the stock that is set aside.

use std::collections::{BTreeMap, BTreeSet};

use omniflow_domain::order::{Order, OrderId};

use crate::StockRow;

/// A product in a warehouse, by their ids.
pub(super) type Place = (String, String);
/// How many pieces each order holds of each place.
pub(super) type Holders = BTreeMap<Place, BTreeMap<OrderId, u32>>;

/// Notes what an order holds. One that moved on while orders are read is seen in two statuses, and counts once.
pub(super) fn note_holder(holders: &mut Holders, order: &Order) {
    for shipment in order.held_shipments() {
        let mut pieces: BTreeMap<&str, u32> = BTreeMap::new();
        for line in &shipment.items {
            *pieces.entry(&line.product_id).or_default() += line.quantity;
        }
        for (product, quantity) in pieces {
            let place = (product.to_owned(), shipment.warehouse.clone());
            holders.entry(place).or_default().insert(order.id().clone(), quantity);
        }
    }
}

/// How many more pieces are set aside than orders hold, or fewer, where that differs.
pub(super) fn differences(rows: &BTreeMap<Place, StockRow>, holders: &Holders) -> BTreeMap<Place, i64> {
    let places: BTreeSet<&Place> = rows.keys().chain(holders.keys()).collect();
    let difference = |place: &Place| {
        let reserved = rows.get(place).map_or(0, |row| i64::from(row.reserved));
        let held = holders.get(place).into_iter().flat_map(BTreeMap::values);
        reserved - held.map(|quantity| i64::from(*quantity)).sum::<i64>()
    };
    let all = places.into_iter().map(|place| (place.clone(), difference(place)));
    all.filter(|(_, difference)| *difference != 0).collect()
}
