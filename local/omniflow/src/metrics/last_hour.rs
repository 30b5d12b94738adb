//! What this runtime has counted in the last hour, for `GET /api/v1/metrics`. It knows all of it: a minute in which nothing
//! was counted had nothing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use omniflow_services::metrics::{LastHour, Minute, Phase};

use super::histogram::Histogram;
use super::{Counted, MINUTES, minute};
use crate::aws::Aws;

pub(crate) fn shown(aws: &Aws) -> LastHour {
    let engine = aws.engine.stats().snapshot();
    let deliveries = aws.bus.counts().ok();
    LastHour {
        open_executions: Some(engine.open),
        retries: Some(engine.retries),
        waiting_deliveries: deliveries.map(|(waiting, _)| waiting),
        dead_letters: deliveries.map(|(_, dead)| dead),
        ..last_hour(&aws.metrics.counted(), aws.surroundings.clock.now())
    }
}

/// Each minute of the last hour, also those in which nothing happened, and the phases in all of them.
fn last_hour(counted: &Counted, now: DateTime<Utc>) -> LastHour {
    let latest = minute(now);
    let first = latest + 1 - i64::try_from(MINUTES).unwrap_or(i64::MAX);
    let known: BTreeMap<_, _> = counted.minutes.iter().map(|known| (known.number, &known.sums)).collect();
    let minutes = (first..=latest).filter_map(|number| {
        let sums = known.get(&number);
        let count = |metric: &str| Some(sums.and_then(|sums| sums.counts.get(metric)).copied().unwrap_or(0));
        Some(Minute {
            at: DateTime::from_timestamp(number * 60, 0)?,
            completed: count("OrdersCompleted"),
            cancelled: count("OrdersCancelled"),
            rejected: count("OrdersRejected"),
            needing_attention: count("OrdersNeedingAttention"),
            stock_conflicts: count("StockConflicts"),
        })
    });
    let phase = |metric: &str| {
        let mut all = Histogram::default();
        for (_, sums) in known.range(first..) {
            if let Some(histogram) = sums.seconds.get(metric) {
                all.merge(histogram);
            }
        }
        Some(Phase { count: all.count(), p50: all.quantile(0.5), p95: all.quantile(0.95) })
    };
    LastHour {
        minutes: minutes.collect(),
        reserve: phase("SecondsToReserve"),
        pay: phase("SecondsToPay"),
        complete: phase("SecondsToComplete"),
        ..LastHour::default()
    }
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
        let LastHour { minutes, pay, complete, .. } = last_hour(&metrics.counted(), at(131));
        assert_eq!(minutes.len(), MINUTES);
        let second = chrono::TimeDelta::seconds(5);
        assert_eq!((minutes[0].at, minutes[59].at), (at(72) - second, at(131) - second));
        assert_eq!((minutes[28].completed, minutes[28].cancelled), (Some(1), Some(0)));
        let last = &minutes[58];
        assert_eq!(
            (last.completed, last.needing_attention, last.stock_conflicts),
            (Some(1), Some(1), Some(4))
        );
        assert_eq!(minutes.iter().filter(|minute| minute.completed != Some(0)).count(), 2);
        let pay = pay.unwrap();
        assert_eq!(pay.count, 2);
        assert!(pay.p50.is_some_and(|p50| (2.5..=5.0).contains(&p50)));
        assert_eq!(complete, Some(Phase::default()));
    }
}
