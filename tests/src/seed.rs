//! Random numbers that can be repeated: every test that uses chance prints its seed, and `OMNIFLOW_SEED`
//! sets it.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A small generator of random numbers (SplitMix64), good enough to choose times and amounts.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// The seed in `OMNIFLOW_SEED`, or a new one.
    pub fn new() -> Self {
        let seed = std::env::var("OMNIFLOW_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
        eprintln!("OMNIFLOW_SEED={seed}");
        Self(seed)
    }

    /// A random number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    /// A random one of these choices.
    pub fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    /// A random duration of at least `least` and less than `most`.
    pub fn moment(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from((most - least).as_micros()).unwrap_or(u64::MAX);
        least + Duration::from_micros(self.below(span))
    }
}

impl Default for Seed {
    fn default() -> Self {
        Self::new()
    }
}
