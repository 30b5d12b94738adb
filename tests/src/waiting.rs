//! Patience with a deadline: looks again and again, quickly at first, and says what it last saw when time is up.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up. Far more than needed: a busy machine must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(60);

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(150);

/// Looks until `look` finds what the test waits for, at most [`PATIENCE`]. `Err` carries what was seen instead.
pub async fn eventually<T, S: Debug>(what: &str, look: impl AsyncFnMut() -> Result<T, S>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// As [`eventually`], with a limit of its own.
pub async fn eventually_within<T, S: Debug>(
    limit: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<T, S>,
) -> T {
    let begun = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if begun.elapsed() >= limit => {
                panic!("not within {limit:?}: {what}; last seen: {seen:#?}")
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
