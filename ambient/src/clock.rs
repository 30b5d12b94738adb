//! The time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};

/// Where the time is read, and where a thread learns how long it may sleep.
pub trait Clock: Send + Sync + 'static {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// The present instant in whole milliseconds: orders keep no more.
    fn now_in_milliseconds(&self) -> DateTime<Utc> {
        self.now().trunc_subsecs(3)
    }

    /// How long a thread sleeps before it looks at the time again, to wake at `deadline`: zero when that has passed,
    /// `None` when sleeping does not bring it nearer because time only moves by hand. It may be less than the time that
    /// is left, so that a clock which is set meanwhile is noticed.
    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration>;

    /// Registers a function that is called each time that time was moved by hand. A clock that moves by itself never
    /// calls it.
    fn on_move(&self, _wake: Box<dyn Fn() + Send + Sync>) {}
}

/// The longest sleep by the machine's own clock. A thread sleeps by a clock that nobody can set and that may stand still
/// while the machine is suspended, so it can't know when the time of day will have come (clock_gettime(2),
/// CLOCK_MONOTONIC).
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        Some((deadline - self.now()).to_std().unwrap_or(Duration::ZERO).min(LONGEST_SLEEP))
    }
}

/// A clock that moves only when a test moves it. Clones show the same time.
#[derive(Clone)]
pub struct ManualClock(Arc<Mutex<Manual>>);

struct Manual {
    now: DateTime<Utc>,
    wakers: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn starting_at(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(Manual { now, wakers: Vec::new() })))
    }

    /// Moves time forward, and wakes whoever sleeps by this clock.
    pub fn advance(&self, by: Duration) {
        let mut manual = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        manual.now += by;
        for wake in &manual.wakers {
            wake();
        }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        (deadline <= self.now()).then_some(Duration::ZERO)
    }

    fn on_move(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).wakers.push(wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_is_looked_at_every_second_and_at_the_deadline() {
        let now = SystemClock.now();
        for (left, sleep) in [(-5000, 0), (86_400_000, 1000)] {
            let deadline = now + chrono::TimeDelta::milliseconds(left);
            assert_eq!(SystemClock.sleep_until(deadline), Some(Duration::from_millis(sleep)));
        }
        let soon = SystemClock.sleep_until(SystemClock.now() + chrono::TimeDelta::milliseconds(500)).unwrap();
        assert!(soon <= Duration::from_millis(500));
    }
}
