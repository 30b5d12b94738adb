//! Counters that say where the engine's time goes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Totals since the engine was opened, which go on counting. Times are in nanoseconds.
#[derive(Debug, Default)]
pub struct Stats {
    pub(crate) groups: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) interpret: AtomicU64,
    pub(crate) write: AtomicU64,
    pub(crate) before_commit: AtomicU64,
    pub(crate) commit: AtomicU64,
}

/// The totals of [`Stats`] at one moment. Fields that end in `_ns` are times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Snapshot {
    /// How many groups were committed.
    pub groups: u64,
    /// How many requests the committed groups held.
    pub requests: u64,
    /// How many history events the committed groups wrote.
    pub events: u64,
    /// How often the committed groups tried a task again that had failed.
    pub retries: u64,
    /// How many executions have not ended; this one is no total.
    pub open: u64,
    /// The time spent in the interpreter and in loading executions.
    pub interpret_ns: u64,
    /// The time spent in writing rows.
    pub write_ns: u64,
    /// The time spent waiting for the [`BeforeCommit`](crate::BeforeCommit) hook.
    pub before_commit_ns: u64,
    /// The time spent in COMMIT, which includes the fsync.
    pub commit_ns: u64,
}

impl Stats {
    /// Reads all counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            groups: self.groups.load(Relaxed),
            requests: self.requests.load(Relaxed),
            events: self.events.load(Relaxed),
            retries: self.retries.load(Relaxed),
            open: self.open.load(Relaxed),
            interpret_ns: self.interpret.load(Relaxed),
            write_ns: self.write.load(Relaxed),
            before_commit_ns: self.before_commit.load(Relaxed),
            commit_ns: self.commit.load(Relaxed),
        }
    }

    /// Does the work and adds the time that it takes to `counter`.
    pub(crate) fn time<T>(counter: &AtomicU64, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        counter.fetch_add(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX), Relaxed);
        done
    }
}
