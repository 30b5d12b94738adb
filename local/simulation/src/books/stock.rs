//! The rows of the stock against what the orders hold and have bought.

use std::collections::HashMap;

use omniflow_domain::Order;
use omniflow_domain::order::Reservation;

use super::Books;
use crate::invariant::Invariant;

/// A product and a warehouse.
pub type Place = (String, String);

/// What is known of the stock.
#[derive(Default)]
pub(super) struct Stock {
    /// The pieces that there were of each product in each warehouse.
    pieces: HashMap<Place, i64>,
    /// What orders hold there.
    held: HashMap<Place, i64>,
    /// What orders have bought there.
    sold: HashMap<Place, i64>,
}

impl Stock {
    /// Notes what an order holds and has bought now.
    pub(super) fn owned_by(&mut self, before: Option<&Order>, after: &Order) {
        if before.is_some_and(|before| before.reservation() == after.reservation()) {
            return;
        }
        if let Some(before) = before {
            self.add(before, -1);
        }
        self.add(after, 1);
    }

    fn add(&mut self, order: &Order, sign: i64) {
        let owned = match order.reservation() {
            Reservation::Held => &mut self.held,
            Reservation::Sold => &mut self.sold,
            Reservation::None | Reservation::Released => return,
        };
        for shipment in order.shipments() {
            for line in &shipment.items {
                let place = (line.product_id.clone(), shipment.warehouse.clone());
                *owned.entry(place).or_default() += sign * i64::from(line.quantity);
            }
        }
    }
}

impl Books {
    /// Notes how many pieces there are of a product in a warehouse at the beginning.
    pub fn stocked(&mut self, place: Place, pieces: i64) {
        self.stock.pieces.insert(place, pieces);
    }

    /// Checks a row of the stock after a write.
    pub fn row(&mut self, order: Option<&str>, place: &Place, [available, reserved, sold]: [i64; 3]) {
        let count = |owned: &HashMap<Place, i64>| owned.get(place).copied().unwrap_or_default();
        let (pieces, held, bought) =
            (count(&self.stock.pieces), count(&self.stock.held), count(&self.stock.sold));
        let row = format!(
            "{} in {}: {available} available, {reserved} reserved, {sold} sold",
            place.0, place.1
        );
        if available < 0 || reserved < 0 || sold < 0 || available + reserved + sold != pieces {
            self.violated(Invariant::StockConserved, order, format!("{row}; there were {pieces}"));
        }
        if (reserved, sold) != (held, bought) {
            let found = format!("{row}; orders hold {held} and have bought {bought}");
            self.violated(Invariant::StockOwned, order, found);
        }
    }
}
