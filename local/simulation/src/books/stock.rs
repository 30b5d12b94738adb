//! The rows of the stock against what the orders hold and have bought.

use std::collections::{BTreeSet, HashMap};

use omniflow_domain::Order;
use omniflow_domain::order::{Reservation, Shipment};

use super::Books;
use crate::invariant::Invariant;

/// A product and a warehouse.
pub type Place = (String, String);

/// What is known of the stock.
#[derive(Default)]
pub(super) struct Stock {
    /// The pieces that there were of each product in each warehouse, and that movements have brought.
    pieces: HashMap<Place, i64>,
    /// What orders hold there.
    held: HashMap<Place, i64>,
    /// What orders have bought there.
    sold: HashMap<Place, i64>,
    /// The movements that were made under each idempotency key.
    movements: HashMap<String, String>,
    /// What was lost there of what orders held.
    lost: HashMap<Place, i64>,
    /// The last bucket of each place that was ever split.
    last_buckets: HashMap<Place, u8>,
}

impl Stock {
    /// Notes what an order holds and has bought now.
    pub(super) fn owned_by(&mut self, before: Option<&Order>, after: &Order) {
        let is_same = |before: &Order| {
            before.reservation() == after.reservation()
                && before.shipments().len() == after.shipments().len()
                && before.returns() == after.returns()
        };
        if before.is_some_and(is_same) {
            return;
        }
        if let Some(before) = before {
            self.add(before, -1);
        }
        self.add(after, 1);
    }

    fn add(&mut self, order: &Order, sign: i64) {
        // What came back is sold no more: it is available again, or lost.
        for line in order.returns().iter().flat_map(|it| &it.lines) {
            let place = || (line.product_id.clone(), line.warehouse.clone());
            *self.sold.entry(place()).or_default() -= sign * i64::from(line.came());
            *self.lost.entry(place()).or_default() += sign * i64::from(line.written_off);
        }
        // Of an order that a person has settled, what has not left was given back.
        let is_out = |shipment: &Shipment| shipment.state.is_out();
        let none_out = !order.shipments().iter().any(is_out);
        let (owned, all) = match order.reservation() {
            Reservation::Held => (&mut self.held, true),
            Reservation::Sold => (&mut self.sold, false),
            Reservation::Lost => (&mut self.lost, none_out),
            Reservation::None | Reservation::Released => return,
        };
        for shipment in order.held_shipments().filter(|shipment| all || is_out(shipment)) {
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

    /// All places of the stock, in their order.
    pub fn places(&self) -> BTreeSet<Place> {
        self.stock.pieces.keys().cloned().collect()
    }

    /// Notes a movement that was made under this idempotency key, by which so many pieces came or went.
    pub fn moved(&mut self, place: Place, movement: &str, change: i64, key: Option<&str>) {
        *self.stock.pieces.entry(place).or_default() += change;
        let Some(key) = key else { return };
        let first = self.stock.movements.entry(key.to_owned()).or_insert_with(|| movement.to_owned()).clone();
        if first != movement {
            let found = format!("the request with the key {key} made the movements {first} and {movement}");
            self.violated(Invariant::OneMovement, None, found);
        }
    }

    /// Notes that a place has this bucket.
    pub fn has_bucket(&mut self, place: &Place, bucket: u8) {
        if bucket > self.last_bucket(place) {
            self.stock.last_buckets.insert(place.clone(), bucket);
        }
    }

    /// The last bucket that a place ever had; 0 when it was never split.
    pub fn last_bucket(&self, place: &Place) -> u8 {
        self.stock.last_buckets.get(place).copied().unwrap_or_default()
    }

    /// Checks a row of the stock after a write.
    pub fn row(&mut self, order: Option<&str>, place: &Place, [available, reserved, sold, lost]: [i64; 4]) {
        let count = |owned: &HashMap<Place, i64>| owned.get(place).copied().unwrap_or_default();
        let (pieces, held) = (count(&self.stock.pieces), count(&self.stock.held));
        let (bought, gone) = (count(&self.stock.sold), count(&self.stock.lost));
        let row = format!(
            "{} in {}: {available} available, {reserved} reserved, {sold} sold, {lost} lost",
            place.0, place.1
        );
        if available < 0 || reserved < 0 || available + reserved + sold + lost != pieces {
            self.violated(Invariant::StockConserved, order, format!("{row}; there were {pieces}"));
        }
        if (reserved, sold, lost) != (held, bought, gone) {
            let found = format!("{row}; orders hold {held}, have bought {bought} and lost {gone}");
            self.violated(Invariant::StockOwned, order, found);
        }
    }
}
