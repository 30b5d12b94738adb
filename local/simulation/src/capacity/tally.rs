//! What was asked for and refused, and what AWS bills for it.

use std::collections::BTreeMap;

use omniflow_figures::{self as figures, Price};

/// What was asked for of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Asked {
    /// How often, or how much.
    pub all: f64,
    /// How often it was refused, or made to wait.
    pub refused: u64,
}

/// What was used.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// What was asked for: of calls and throughput.
    pub asked: BTreeMap<String, Asked>,
    /// What was refused where: the call and the place, such as the key of a table.
    pub refused: BTreeMap<(String, String), u64>,
    pub transitions: f64,
    pub invocations: f64,
    /// The seconds that functions have worked.
    pub seconds: f64,
    pub gb_seconds: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub events: f64,
    pub requests: f64,
}

impl Tally {
    /// Counts something that was asked for.
    pub fn ask(&mut self, what: &str, count: f64) {
        match self.asked.get_mut(what) {
            Some(asked) => asked.all += count,
            None => drop(self.asked.insert(what.to_owned(), Asked { all: count, refused: 0 })),
        }
    }

    /// Counts something that was refused.
    pub fn refuse(&mut self, what: &str, place: &str) {
        self.asked.entry(what.to_owned()).or_default().refused += 1;
        *self.refused.entry((what.to_owned(), place.to_owned())).or_default() += 1;
    }

    /// The lines of the bill. What a run doesn't see is not in it: logs, traces, storage and messages.
    pub fn bill(&self) -> [(Price, f64); 7] {
        [
            (figures::TRANSITION, self.transitions),
            (figures::INVOCATION, self.invocations),
            (figures::GB_SECOND, self.gb_seconds),
            (figures::READ_UNIT, self.read_units),
            (figures::WRITE_UNIT, self.write_units),
            (figures::EVENT, self.events),
            (figures::API_REQUEST, self.requests),
        ]
    }

    /// The dollars of the bill.
    pub fn dollars(&self) -> f64 {
        self.bill().into_iter().map(|(price, count)| price.of(count)).sum()
    }
}
