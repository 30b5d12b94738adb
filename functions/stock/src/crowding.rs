//! Where orders get into each other's way: what decides that a place is split into buckets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_store::Place;

use crate::is_lately;

/// How often orders had to plan anew at a place within [`WITHIN`], as this process sees it, from which on the place
/// counts as crowded.
const CROWD: u32 = 6;
/// The time within which they are counted.
const WITHIN: TimeDelta = TimeDelta::minutes(1);

/// The places at which orders had to plan anew lately, each with the moment of the first such order and how often they
/// had to.
#[derive(Default)]
pub(crate) struct Crowding(Mutex<HashMap<Place, (DateTime<Utc>, u32)>>);

impl Crowding {
    /// Notes that an order had to plan anew so often at these places, and tells which of them have become crowded by
    /// that.
    pub(crate) fn note(
        &self,
        places: impl IntoIterator<Item = Place>,
        times: u32,
        now: DateTime<Utc>,
    ) -> Vec<Place> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.retain(|_, (since, _)| is_lately(*since, WITHIN, now));
        let mut crowded = Vec::new();
        for place in places {
            let (_, count) = counted.entry(place.clone()).or_insert((now, 0));
            *count += times;
            if *count >= CROWD {
                counted.remove(&place);
                crowded.push(place);
            }
        }
        crowded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_crowded_when_several_orders_meet_there_within_a_minute() {
        let (crowding, now) = (Crowding::default(), DateTime::UNIX_EPOCH);
        let place = |product: &str| (product.to_owned(), "wh".to_owned());
        let note = |products: &[&str], seconds| {
            crowding.note(products.iter().map(|it| place(it)), 2, now + TimeDelta::seconds(seconds))
        };
        assert_eq!(note(&["a", "b"], 0), []);
        assert_eq!(note(&["a"], 30), []);
        assert_eq!(note(&["a", "c"], 59), [place("a")]);
        assert_eq!(note(&["a"], 59), [], "it begins anew");
        assert_eq!(note(&["b"], 61), [], "the first was too long ago");
    }
}
