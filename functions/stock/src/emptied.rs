//! Places that were found empty lately: what spares reservations to look into all their buckets again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_store::{Place, Shelves};

use crate::is_lately;

/// A place that was empty counts as empty for so long. Pieces that come to it meanwhile are ordered of other warehouses as
/// long as those have some, and of it as soon as they have not.
const FOR: TimeDelta = TimeDelta::minutes(1);

/// The places that had no piece available when all of their buckets were read, each with the moment of that.
#[derive(Default)]
pub(crate) struct Emptied(Mutex<HashMap<Place, DateTime<Utc>>>);

impl Emptied {
    /// Notes which of these places, all of whose buckets were read, are empty.
    pub(crate) fn note(&self, shelves: &Shelves, now: DateTime<Utc>) {
        let mut emptied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        emptied.retain(|_, at| is_lately(*at, FOR, now));
        for (place, available) in shelves.places() {
            match available {
                0 => emptied.insert(place.clone(), now),
                _ => emptied.remove(place),
            };
        }
    }

    /// Whether the place was found empty lately.
    pub(crate) fn contains(&self, place: &Place, now: DateTime<Utc>) -> bool {
        let emptied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        emptied.get(place).is_some_and(|at| is_lately(*at, FOR, now))
    }
}
