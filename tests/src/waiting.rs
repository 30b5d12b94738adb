//! Waits with a time limit: looks again and again, with short pauses at first, and says what it saw last
//! when the time is up.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails. It is far more than needed, because a busy machine must
/// not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(60);

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(150);

/// Calls `look` until it returns `Ok`, for [`PATIENCE`] at most. Its `Err` says what was seen instead.
pub async fn eventually<T, S: Debug>(what: &str, look: impl AsyncFnMut() -> Result<T, S>) -> T {
    eventually_within(PATIENCE, what, look).await
}

/// As [`eventually`], with this time limit.
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
