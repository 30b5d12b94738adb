//! What happened to orders here, counted: the metrics that the functions note, which on AWS go to CloudWatch
//! ([`METRICS_TARGET`](omniflow_services::invocation::METRICS_TARGET)).
//!
//! ```text
//!   function ──► tracing event ──► layer ──► Metrics ──► prometheus: /metrics on the AWS port
//!                                               │  ├───► last_hour: GET /api/v1/metrics, which the console draws
//!                                               └──┴───► kept: the file `metrics` of the data folder
//! ```

mod histogram;
mod kept;
mod last_hour;
mod layer;
mod prometheus;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use histogram::Histogram;
pub(crate) use kept::{keep, keep_once, load};
pub(crate) use last_hour::shown;
pub(crate) use layer::CountedEvents;
pub(crate) use prometheus::{CONTENT_TYPE, text};

/// How many minutes are told one by one, the present one among them.
const MINUTES: usize = omniflow_services::metrics::MINUTES;

/// What was counted. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Mutex<Counted>>);

/// Counts, and lengths of time in seconds, by the metric's name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    counts: BTreeMap<String, u64>,
    seconds: BTreeMap<String, Histogram>,
}

/// What was counted in one minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Minute {
    /// The number of the minute since 1970 began.
    number: i64,
    sums: Sums,
}

/// All that was counted since the data folder was made, and the last minutes by themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Counted {
    total: Sums,
    /// The oldest first; minutes in which nothing happened are left out.
    minutes: VecDeque<Minute>,
}

impl Sums {
    fn add(&mut self, metric: &str, value: Value) {
        match value {
            Value::Count(count) => *self.counts.entry(metric.to_owned()).or_default() += count,
            Value::Seconds(seconds) => self.seconds.entry(metric.to_owned()).or_default().add(seconds),
        }
    }
}

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Count(u64),
    Seconds(f64),
}

impl Metrics {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, metric: &str, value: Value, at: DateTime<Utc>) {
        let mut counted = self.counted();
        counted.total.add(metric, value);
        let number = minute(at);
        // The clock may go back a little; what happens then counts for the latest minute.
        if counted.minutes.back().is_none_or(|latest| latest.number < number) {
            counted.minutes.push_back(Minute { number, sums: Sums::default() });
            let first = counted.minutes.len().saturating_sub(MINUTES);
            counted.minutes.drain(..first);
        }
        if let Some(latest) = counted.minutes.back_mut() {
            latest.sums.add(metric, value);
        }
    }
}

/// The number of the minute since 1970 began.
fn minute(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_minutes_are_kept_one_by_one_and_the_totals_hold_all() {
        let metrics = Metrics::default();
        for number in 0..100 {
            metrics.add(
                "OrdersCompleted",
                Value::Count(2),
                DateTime::from_timestamp(number * 60, 0).unwrap(),
            );
        }
        // A clock that was set back loses nothing.
        metrics.add("OrdersCompleted", Value::Count(1), DateTime::from_timestamp(60, 0).unwrap());
        let counted = metrics.counted();
        assert_eq!(counted.total.counts["OrdersCompleted"], 201);
        assert_eq!((counted.minutes.len(), counted.minutes[0].number), (MINUTES, 40));
        assert_eq!(counted.minutes.back().unwrap().sums.counts["OrdersCompleted"], 3);
    }
}
