//! The route `GET /_omniflow/metrics`: what was counted in the last hour, for the charts of the console.

use std::collections::BTreeMap;

use axum::Router;
use axum::response::Json;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::histogram::Histogram;
use super::prometheus::snake;
use super::{Counted, MINUTES, minute};
use crate::aws::Aws;

/// What the route answers.
#[derive(Serialize)]
struct Shown {
    minutes: Vec<ShownMinute>,
    /// How long orders took in the last hour to come to each phase, such as `pay`.
    phases: BTreeMap<String, Phase>,
    /// Executions that have not ended.
    open_executions: u64,
    /// Attempts of tasks after the first, since the start.
    retries: u64,
    /// Deliveries of events that are stored and wait; null when that can't be found out now.
    waiting_deliveries: Option<u64>,
    dead_letters: Option<u64>,
    healthy: bool,
}

/// A minute of the last hour, the oldest first.
#[derive(Debug, PartialEq, Serialize)]
struct ShownMinute {
    at: DateTime<Utc>,
    /// Orders by the way in which they ended, such as `completed`.
    outcomes: BTreeMap<String, u64>,
    /// Writes of stock that another write made vain.
    stock_conflicts: u64,
}

#[derive(Debug, PartialEq, Serialize)]
struct Phase {
    count: u64,
    /// The seconds that half of them, and 95 of 100, took at most.
    p50: Option<f64>,
    p95: Option<f64>,
}

pub(crate) fn router(aws: Aws) -> Router {
    let show = move || {
        let aws = aws.clone();
        async move { ([("cache-control", "no-store")], Json(shown(&aws))) }
    };
    Router::new().route("/_omniflow/metrics", get(show))
}

fn shown(aws: &Aws) -> Shown {
    let now = aws.surroundings.clock.now();
    let (minutes, phases) = last_hour(&aws.metrics.counted(), now);
    let engine = aws.engine.stats().snapshot();
    let deliveries = aws.bus.counts().ok();
    Shown {
        minutes,
        phases,
        open_executions: engine.open,
        retries: engine.retries,
        waiting_deliveries: deliveries.map(|(waiting, _)| waiting),
        dead_letters: deliveries.map(|(_, dead)| dead),
        healthy: crate::health::trouble(aws).is_none(),
    }
}

/// Each minute of the last hour, also those in which nothing happened, and the phases in all of them.
fn last_hour(counted: &Counted, now: DateTime<Utc>) -> (Vec<ShownMinute>, BTreeMap<String, Phase>) {
    let latest = minute(now);
    let first = latest + 1 - i64::try_from(MINUTES).unwrap_or(i64::MAX);
    let known: BTreeMap<_, _> = counted.minutes.iter().map(|known| (known.number, &known.sums)).collect();
    let minutes = (first..=latest).filter_map(|number| {
        let counts = known.get(&number).map(|sums| sums.counts.iter()).into_iter().flatten();
        let outcomes =
            counts.filter_map(|(metric, count)| Some((snake(metric.strip_prefix("Orders")?), *count)));
        Some(ShownMinute {
            at: DateTime::from_timestamp(number * 60, 0)?,
            outcomes: outcomes.collect(),
            stock_conflicts: known
                .get(&number)
                .and_then(|sums| sums.counts.get("StockConflicts"))
                .copied()
                .unwrap_or(0),
        })
    });
    let mut phases: BTreeMap<String, Histogram> = BTreeMap::new();
    for (_, sums) in known.range(first..) {
        for (metric, histogram) in &sums.seconds {
            let phase = snake(metric.strip_prefix("SecondsTo").unwrap_or(metric));
            phases.entry(phase).or_default().merge(histogram);
        }
    }
    let phases = phases.into_iter().map(|(phase, all)| {
        let phase_of = Phase { count: all.count(), p50: all.quantile(0.5), p95: all.quantile(0.95) };
        (phase, phase_of)
    });
    (minutes.collect(), phases.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Metrics, Value};

    #[test]
    fn each_minute_of_the_last_hour_is_told_and_none_before() {
        let metrics = Metrics::default();
        let at = |minutes: i64| DateTime::from_timestamp(minutes * 60 + 5, 0).unwrap();
        for minutes in [0, 100, 130] {
            metrics.add("OrdersCompleted", Value::Count(1), at(minutes));
            metrics.add("SecondsToPay", Value::Seconds(3.0), at(minutes));
        }
        metrics.add("OrdersNeedingAttention", Value::Count(1), at(130));
        metrics.add("StockConflicts", Value::Count(4), at(130));
        let (minutes, phases) = last_hour(&metrics.counted(), at(131));
        assert_eq!(minutes.len(), MINUTES);
        assert_eq!(
            (minutes[0].at, minutes[59].at),
            (at(72) - chrono::TimeDelta::seconds(5), at(131) - chrono::TimeDelta::seconds(5))
        );
        assert_eq!(minutes[28].outcomes, BTreeMap::from([("completed".to_owned(), 1)]));
        let last = &minutes[58];
        assert_eq!(
            (last.outcomes["completed"], last.outcomes["needing_attention"], last.stock_conflicts),
            (1, 1, 4)
        );
        assert_eq!(minutes.iter().filter(|minute| !minute.outcomes.is_empty()).count(), 2);
        assert_eq!(phases["pay"].count, 2);
        assert!(phases["pay"].p50.is_some_and(|p50| (2.5..=5.0).contains(&p50)));
    }
}
