//! The virtual clock: tokio's own, which stands still while anything runs and jumps to the next timer when
//! nothing does.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// The instant at which every simulation begins, in seconds since 1970: 15 January 2027, 08:00 UTC.
const BEGINNING: i64 = 1_800_000_000;

/// The virtual time.
#[derive(Debug, Clone, Copy)]
pub struct VirtualClock {
    began: Instant,
}

impl VirtualClock {
    /// A clock that begins now. The tokio runtime must have its clock paused.
    pub fn beginning_now() -> Self {
        Self { began: Instant::now() }
    }

    /// The virtual time since the beginning.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The virtual time since the beginning, in milliseconds.
    pub fn milliseconds(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn time(&self) -> DateTime<Utc> {
        let beginning = DateTime::from_timestamp(BEGINNING, 0).unwrap_or_default();
        beginning + TimeDelta::from_std(self.elapsed()).unwrap_or_default()
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> DateTime<Utc> {
        self.time()
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        Some((deadline - self.time()).to_std().unwrap_or(Duration::ZERO))
    }
}

/// A clock that is wrong by some seconds.
#[derive(Debug)]
pub struct SkewedClock {
    right: VirtualClock,
    /// The milliseconds by which it is fast; slow when negative.
    skew: AtomicI64,
}

impl SkewedClock {
    /// A clock that is fast by `milliseconds`, or slow when they are negative.
    pub fn new(right: VirtualClock, milliseconds: i64) -> Self {
        Self { right, skew: AtomicI64::new(milliseconds) }
    }

    /// Puts the clock right.
    pub fn correct(&self) {
        self.skew.store(0, Relaxed);
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> DateTime<Utc> {
        self.right.time() + TimeDelta::milliseconds(self.skew.load(Relaxed))
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        Some((deadline - self.now()).to_std().unwrap_or(Duration::ZERO))
    }
}
