//! Answers that are kept back until an order rests, for callers who prefer waiting to asking again.

use std::time::Duration;

use omniflow_services::{ConfigError, Environment};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::request::Request;

/// The largest number of answers that one process keeps back at once. It is half of the invocations of one
/// function that the local runtime makes at once; the other half is left for those who don't wait. On Lambda
/// a process has one invocation at a time.
const AT_ONCE: usize = 64;

/// Grants that answers are kept back.
pub(crate) struct Patience {
    longest_seconds: u64,
    places: Semaphore,
}

/// The permission to keep an answer back.
pub(crate) struct Wait<'a> {
    pub seconds: u64,
    _place: SemaphorePermit<'a>,
}

impl Wait<'_> {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

impl Patience {
    pub(crate) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let longest_seconds = environment.parse("LONGEST_WAIT_SECONDS")?;
        Ok(Self { longest_seconds, places: Semaphore::new(AT_ONCE) })
    }

    /// The wait that is granted to a caller who sent `Prefer: wait=SECONDS` (RFC 7240, section 4.3). A
    /// preference that isn't understood, or can't be granted, is ignored, as the RFC has it.
    pub(crate) fn grant(&self, request: &Request) -> Option<Wait<'_>> {
        let seconds = wanted(request.header("prefer")?)?.min(self.longest_seconds);
        let place = self.places.try_acquire().ok()?;
        (seconds > 0).then_some(Wait { seconds, _place: place })
    }
}

fn wanted(preferences: &str) -> Option<u64> {
    let mut preferences = preferences.split(',').filter_map(|preference| preference.split_once('='));
    let (_, seconds) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    seconds.trim().trim_matches('"').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_to_wait_is_found_among_others_and_ignored_when_it_makes_no_sense() {
        for (header, seconds) in [
            ("wait=5", Some(5)),
            ("respond-async, Wait = 10", Some(10)),
            ("wait=\"3\",return=minimal", Some(3)),
            ("wait=3, wait=9", Some(3)),
            ("wait=100000000000", Some(100_000_000_000)),
            ("wait", None),
            ("wait=", None),
            ("wait=-1", None),
            ("wait=1.5", None),
            ("return=minimal", None),
            ("", None),
        ] {
            assert_eq!(wanted(header), seconds, "{header}");
        }
    }
}
