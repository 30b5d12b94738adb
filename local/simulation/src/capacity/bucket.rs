//! A token bucket: it holds so many tokens, is filled at a constant rate, and whoever takes a token from it that is not
//! there is refused, or waits.

use std::time::Duration;

/// A token bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    size: f64,
    a_second: f64,
    /// The tokens in it; less than none while what was taken is more than what was there.
    level: f64,
    /// The time since the beginning at which it had so many.
    at: Duration,
    /// The second that is counted in at present, and what was taken in it.
    second: (u64, f64),
    /// The most that was taken in any second before.
    busiest: f64,
}

impl Bucket {
    /// A full bucket that holds `size` tokens and gets `a_second` of them in each second.
    pub fn new(size: f64, a_second: f64) -> Self {
        Self { size, a_second, level: size, at: Duration::ZERO, second: (0, 0.0), busiest: 0.0 }
    }

    /// How many tokens it gets in a second.
    pub fn a_second(&self) -> f64 {
        self.a_second
    }

    /// Changes how much it holds and gets.
    pub fn resize(&mut self, now: Duration, size: f64, a_second: f64) {
        self.refill(now);
        (self.size, self.a_second) = (size, a_second);
    }

    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.level = self.size.min(self.level + passed * self.a_second);
        self.at = self.at.max(now);
    }

    /// Whether there are tokens for something that takes `count` of them. One token will do for that: what is larger leaves a
    /// debt, which is paid before anybody gets the next one.
    pub fn has(&mut self, now: Duration, count: f64) -> bool {
        self.refill(now);
        self.level >= count.min(1.0)
    }

    /// Takes tokens, whether or not they are there.
    pub fn take(&mut self, now: Duration, count: f64) {
        self.refill(now);
        self.level -= count;
        let second = now.as_secs();
        if second != self.second.0 {
            self.busiest = self.busiest();
            self.second = (second, 0.0);
        }
        self.second.1 += count;
    }

    /// Takes tokens if there are any; whether it did.
    pub fn try_take(&mut self, now: Duration, count: f64) -> bool {
        let has = self.has(now, count);
        if has {
            self.take(now, count);
        }
        has
    }

    /// Takes tokens, and tells how long to wait until they are there. Who comes later waits longer.
    pub fn wait(&mut self, now: Duration, count: f64) -> Duration {
        self.take(now, count);
        Duration::from_secs_f64((-self.level / self.a_second).max(0.0))
    }

    /// The most that was taken in one second.
    pub fn busiest(&self) -> f64 {
        self.busiest.max(self.second.1)
    }

    /// Whether nothing was taken for so long that it makes no difference.
    pub fn is_full(&mut self, now: Duration) -> bool {
        self.refill(now);
        self.level >= self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_bucket_gives_what_it_holds_at_once_and_then_what_comes_in() {
        let mut bucket = Bucket::new(5.0, 2.0);
        let taken = |bucket: &mut Bucket, now| (0..100).filter(|_| bucket.try_take(at(now), 1.0)).count();
        assert_eq!(taken(&mut bucket, 0), 5);
        assert_eq!(taken(&mut bucket, 1), 2);
        assert_eq!(taken(&mut bucket, 100), 5, "it holds no more than its size");
        assert!((bucket.busiest() - 5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_larger_than_what_is_left_is_let_through_and_paid_for_by_those_who_come_next() {
        let mut bucket = Bucket::new(10.0, 1.0);
        assert!(bucket.try_take(at(0), 9.0) && bucket.try_take(at(0), 6.0));
        assert!(!bucket.try_take(at(5), 1.0), "nothing is left: five too many were taken");
        assert!(bucket.try_take(at(6), 1.0));
    }

    #[test]
    fn who_waits_waits_behind_all_who_came_before() {
        let mut bucket = Bucket::new(2.0, 4.0);
        let waits: Vec<_> = (0..4).map(|_| bucket.wait(at(0), 1.0).as_millis()).collect();
        assert_eq!(waits, [0, 0, 250, 500]);
    }
}
