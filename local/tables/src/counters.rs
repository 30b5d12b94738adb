//! Counters that say where the time of the tables goes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// How often something was done, and how long all of it took together.
#[derive(Debug, Default)]
pub struct Counter {
    count: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Counter {
    /// Does the work, and counts it with the time that it takes.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.add(begun);
        done
    }

    /// Counts work that began at `begun` and ends now.
    pub fn add(&self, begun: Instant) {
        self.count.fetch_add(1, Relaxed);
        self.nanoseconds.fetch_add(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// How often it was done.
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// How long all of it took together, in nanoseconds.
    pub fn nanoseconds(&self) -> u64 {
        self.nanoseconds.load(Relaxed)
    }
}

/// What the tables have done since they were opened.
#[derive(Debug, Default)]
pub struct Counters {
    /// Operations, with the time that each had the database for itself.
    pub calls: Counter,
    /// Fsyncs of the write-ahead log.
    pub syncs: Counter,
}
