//! The one source of everything in an engine that is random: names of executions, revisions of state
//! machines, ids of requests, the key of the task tokens, and what state machines draw themselves
//! (`States.UUID`, `$random`, jitter).
//!
//! Nothing else in this crate asks the operating system for randomness, so a seed and the requests, in their
//! order, decide all of it.

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// A stream of random values.
pub(crate) struct Randomness(StdRng);

impl Randomness {
    /// The stream that belongs to `seed`; without one, a stream that the operating system's randomness
    /// begins.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    pub(crate) fn key(&mut self) -> [u8; 32] {
        self.0.random()
    }

    /// A version 4 UUID in its usual text form (RFC 9562, sections 4 and 5.4).
    pub(crate) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.0.random()).into_uuid().as_hyphenated().to_string()
    }
}

#[cfg(test)]
mod tests {
    use uuid::{Uuid, Variant, Version};

    use super::*;

    #[test]
    fn a_seed_decides_what_is_drawn_and_its_uuids_are_of_version_4() {
        let (mut one, mut same, mut other) =
            (Randomness::new(Some(1)), Randomness::new(Some(1)), Randomness::new(Some(2)));
        for _ in 0..100 {
            let text = one.uuid();
            assert_eq!(same.uuid(), text);
            assert_ne!(other.uuid(), text);
            let uuid = Uuid::parse_str(&text).unwrap();
            assert_eq!((uuid.get_version(), uuid.get_variant()), (Some(Version::Random), Variant::RFC4122));
            assert_eq!(uuid.as_hyphenated().to_string(), text);
        }
        assert_ne!(Randomness::new(None).uuid(), Randomness::new(None).uuid());
    }
}
