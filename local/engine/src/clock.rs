//! Time comes from outside: the system's clock in production, a hand-moved one in tests.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asl::Timestamp;
use chrono::Utc;

/// Where the engine reads the time and learns how long it may sleep.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// How long to sleep until `deadline`; `None` when time only moves by hand.
    fn sleep_until(&self, deadline: Timestamp) -> Option<Duration>;

    /// Registers a function to call when time was moved by hand.
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

/// A clock that moves only when a test moves it.
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
