//! The yard of the warehouse that has a server of its own: what it has been asked to send, and what it is about to
//! do. It outlives every process of the shop.

use std::collections::BTreeMap;

/// How far a parcel has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parcel {
    /// It is being packed.
    Packing,
    /// It has left.
    Gone,
    /// It will never leave.
    Kept,
}

/// Something that the warehouse is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// To send the parcel of this order off.
    Send(String),
    /// To tell the shop this about the parcel of this order.
    Say(String, &'static str),
}

/// The yard.
#[derive(Default)]
pub struct Yard {
    parcels: BTreeMap<String, Parcel>,
    /// What is to be done when, in milliseconds since the beginning; a number tells apart what is due at once.
    plans: BTreeMap<(u64, u64), Plan>,
    planned: u64,
}

impl Yard {
    /// The parcel of this order, if there is one.
    pub fn parcel(&self, order: &str) -> Option<Parcel> {
        self.parcels.get(order).copied()
    }

    /// Notes how far a parcel has come.
    pub fn set(&mut self, order: &str, parcel: Parcel) {
        self.parcels.insert(order.to_owned(), parcel);
    }

    /// Plans something for this moment.
    pub fn plan(&mut self, at: u64, plan: Plan) {
        self.planned += 1;
        self.plans.insert((at, self.planned), plan);
    }

    /// What is due by this moment, which is then no longer planned.
    pub fn due(&mut self, now: u64) -> Vec<Plan> {
        let later = self.plans.split_off(&(now + 1, 0));
        std::mem::replace(&mut self.plans, later).into_values().collect()
    }
}
