//! What happens when a state fails: retriers and catchers.

use super::data::{Assign, ResultPath};
use crate::template::JsonataTemplate;

/// One entry of a Retry.
#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) error_equals: Vec<String>,
    pub(crate) interval_seconds: f64,
    pub(crate) max_attempts: u64,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<f64>,
    /// Whether JitterStrategy is FULL.
    pub(crate) full_jitter: bool,
}

/// Seconds that a retry may be put off: the documented maximum of MaxDelaySeconds (AWS Step Functions
/// Developer Guide, "Handling errors in Step Functions workflows").
const MAX_DELAY: f64 = 31_622_400.0;

impl Retrier {
    /// Seconds before the next try, without jitter. `used` says how often the retrier has been used before.
    pub(crate) fn delay_seconds(&self, used: u64) -> f64 {
        let exponent = i32::try_from(used).unwrap_or(i32::MAX);
        let delay = self.interval_seconds * self.backoff_rate.powi(exponent);
        delay.min(self.max_delay_seconds.unwrap_or(MAX_DELAY)).clamp(0.0, MAX_DELAY)
    }
}

/// One entry of a Catch.
#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) error_equals: Vec<String>,
    /// The place of the state that follows.
    pub(crate) next: usize,
    pub(crate) result_path: ResultPath,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Assign,
}
