//! Times as the journal stores them: milliseconds since 1970.

use asl::Timestamp;
use chrono::DateTime;

pub(super) fn from_millis(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// The first whole millisecond that is not before `at`, so that a wake-up never comes too early.
pub(super) fn not_before(at: Timestamp) -> i64 {
    at.timestamp_micros().saturating_add(999).div_euclid(1000)
}
