//! Time comes from outside: from the machine's clock in production, from one that tests move by hand.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asl::Timestamp;
use chrono::Utc;

/// Where the engine reads the time and learns how long it may sleep.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// How long a thread sleeps to wake at `deadline`: zero when that has passed, `None` when sleeping does
    /// not bring it nearer because time only moves by hand.
    fn sleep_until(&self, deadline: Timestamp) -> Option<Duration>;

    /// Registers a function that is called each time that time was moved by hand. A clock that moves by
    /// itself never calls it.
    fn on_move(&self, _wake: Box<dyn Fn() + Send + Sync>) {}
}

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Option<Duration> {
        Some((deadline - Utc::now()).to_std().unwrap_or(Duration::ZERO))
    }
}

/// A clock that moves only when a test moves it. Clones show the same time.
///
/// ```
/// use std::time::Duration;
///
/// use engine::{Clock, ManualClock};
///
/// let start = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// let clock = ManualClock::starting_at(start);
/// clock.advance(Duration::from_secs(1800));
/// assert_eq!((clock.now() - start).num_minutes(), 30);
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

struct Manual {
    now: Timestamp,
    wakers: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn starting_at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Manual { now, wakers: Vec::new() })))
    }

    /// Moves time forward and wakes the engines that read this clock.
    pub fn advance(&self, by: Duration) {
        let mut manual = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        manual.now += by;
        for wake in &manual.wakers {
            wake();
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep_until(&self, deadline: Timestamp) -> Option<Duration> {
        (deadline <= self.now()).then_some(Duration::ZERO)
    }

    fn on_move(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wakers.push(wake);
    }
}
