//! How far the tables have come, and how far the journal has that relies on them.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// What the tables store with every group that changes something; see [`Standing`](crate::Standing).
#[derive(Debug, Default)]
pub(crate) struct Progress {
    reached: AtomicU64,
    journal: AtomicU64,
}

impl Progress {
    /// How many groups have been committed that changed something. They are in the write-ahead log, and safe
    /// from power loss after the next fsync.
    pub(crate) fn reached(&self) -> u64 {
        self.reached.load(SeqCst)
    }

    pub(crate) fn raise(&self, reached: u64) {
        self.reached.store(reached, SeqCst);
    }

    /// How many commits of the journal the tables know of.
    pub(crate) fn journal(&self) -> u64 {
        self.journal.load(SeqCst)
    }

    pub(crate) fn journal_reached(&self, commit: u64) {
        self.journal.store(commit, SeqCst);
    }
}
