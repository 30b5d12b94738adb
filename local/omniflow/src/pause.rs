//! Pauses by the time of day.

use std::time::Duration;

use ambient::Clock;
use tokio::time::{Instant, sleep};

/// How often the clock is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Returns when so much time has passed by the clock. When the clock is set back meanwhile, the time that has really
/// passed counts: tokio's timers alone would not do, because they stand still while the machine is suspended.
pub(crate) async fn pause(clock: &dyn Clock, length: Duration) {
    let (begun, wakes) = (Instant::now(), clock.now() + length);
    loop {
        let left = length.saturating_sub(begun.elapsed());
        if left.is_zero() || clock.now() >= wakes {
            return;
        }
        sleep(left.min(LOOK)).await;
    }
}

#[cfg(test)]
mod tests {
    use ambient::ManualClock;
    use chrono::DateTime;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_jumps_ahead_ends_a_pause_within_a_second() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        let (begun, jumping) = (Instant::now(), clock.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(2500)).await;
            jumping.advance(HOUR);
        });
        pause(&clock, HOUR).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_stands_still_or_goes_back_does_not_prolong_a_pause() {
        let clock = ManualClock::starting_at(DateTime::UNIX_EPOCH);
        let begun = Instant::now();
        pause(&clock, HOUR).await;
        assert_eq!(begun.elapsed(), HOUR);
    }
}
