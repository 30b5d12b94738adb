//! A stream of random values that a seed can decide.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use uuid::{Builder, Uuid};

/// A stream of random values. Clones draw from the same stream, each value once.
#[derive(Clone)]
pub struct Randomness(Arc<Mutex<StdRng>>);

impl Randomness {
    /// A stream that nobody can foresee: the operating system's randomness begins it.
    pub fn unpredictable() -> Self {
        Self(Arc::new(Mutex::new(rand::make_rng())))
    }

    /// The stream that belongs to `seed`: the same each time.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// The stream of `seed`, or an unpredictable one where none is given.
    pub fn new(seed: Option<u64>) -> Self {
        seed.map_or_else(Self::unpredictable, Self::seeded)
    }

    fn stream(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// 64 random bits.
    pub fn bits(&self) -> u64 {
        self.stream().next_u64()
    }

    /// A number from 0 to one below `bound`, each as likely as the others.
    pub fn below(&self, bound: u32) -> u32 {
        self.stream().random_range(0..bound.max(1))
    }

    /// A key of 256 bits.
    pub fn key(&self) -> [u8; 32] {
        self.stream().random()
    }

    /// A random UUID (RFC 9562, section 5.4).
    pub fn uuid_v4(&self) -> Uuid {
        Builder::from_random_bytes(self.stream().random()).into_uuid()
    }

    /// A UUID that sorts by its time (RFC 9562, section 5.7).
    pub fn uuid_v7(&self, now: DateTime<Utc>) -> Uuid {
        let milliseconds = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        Builder::from_unix_timestamp_millis(milliseconds, &self.stream().random()).into_uuid()
    }
}

impl fmt::Debug for Randomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Randomness")
    }
}

#[cfg(test)]
mod tests {
    use uuid::{Variant, Version};

    use super::*;

    #[test]
    fn a_seed_decides_what_is_drawn() {
        let (one, same, other) = (Randomness::seeded(1), Randomness::seeded(1), Randomness::seeded(2));
        for _ in 0..100 {
            let uuid = one.uuid_v4();
            assert_eq!(
                (uuid, uuid.get_version(), uuid.get_variant()),
                (same.uuid_v4(), Some(Version::Random), Variant::RFC4122)
            );
            assert_ne!(other.uuid_v4(), uuid);
        }
        assert_ne!(Randomness::unpredictable().bits(), Randomness::unpredictable().bits());
    }

    #[test]
    fn a_uuid_that_sorts_has_its_time() {
        let now = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let uuid = Randomness::seeded(1).uuid_v7(now);
        assert_eq!(uuid.get_version(), Some(Version::SortRand));
        assert_eq!(uuid.get_timestamp().unwrap().to_unix(), (1_800_000_000, 123_000_000));
    }
}
