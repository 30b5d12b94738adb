//! Random numbers that a seed decides: a stream for each purpose, so that what one purpose draws changes
//! nothing for the others.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// A stream of random numbers (SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The stream of this seed for this purpose; `index` tells apart those who share a purpose.
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        // A new DefaultHasher has the same keys always.
        let mut hasher = DefaultHasher::new();
        (seed, purpose, index).hash(&mut hasher);
        Self(hasher.finish())
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, 1.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        #[allow(clippy::cast_precision_loss)]
        let bits = (self.bits() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// A number from 0 to one below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits() % bound.max(1)
    }

    /// Whether something happens that happens with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.fraction() < probability
    }

    /// A number between the two, both included.
    pub fn between(&mut self, (least, most): (u64, u64)) -> u64 {
        least + self.below(most.saturating_sub(least) + 1)
    }

    /// A time between the two, in milliseconds.
    pub fn milliseconds(&mut self, range: (u64, u64)) -> Duration {
        Duration::from_millis(self.between(range))
    }

    /// The time until the next of something that happens so often in an hour on average, and at any moment
    /// with the same probability.
    pub fn until_the_next(&mut self, an_hour: f64) -> Duration {
        let hours = -(1.0 - self.fraction()).ln() / an_hour;
        Duration::from_secs_f64((hours * 3600.0).clamp(0.001, 1e7))
    }

    /// One of these; there must be one.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let count = u64::try_from(of.len()).unwrap_or(u64::MAX);
        &of[usize::try_from(self.below(count)).unwrap_or(0)]
    }
}
