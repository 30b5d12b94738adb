//! Percentiles of measured durations.

use std::time::Duration;

use serde_json::{Value, json};

/// The 50th, 90th and 99th percentiles and the maximum, in milliseconds.
pub(crate) fn percentiles(mut samples: Vec<Duration>) -> Value {
    samples.sort_unstable();
    let at = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let index = ((samples.len().saturating_sub(1)) as f64 * share).round() as usize;
        samples.get(index).map_or(0.0, |sample| round(sample.as_secs_f64() * 1000.0))
    };
    json!({ "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) })
}

/// Rounds to two decimals.
pub(crate) fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
