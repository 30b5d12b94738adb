//! What CloudWatch has of the last hour: the metrics that the functions write in the embedded metric format, and how many
//! messages are in the dead-letter queues.
//!
//! Source: Amazon CloudWatch API Reference, "GetMetricData", "MetricDataResult".

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};

use super::{LastHour, MINUTES, Metrics, Minute, Phase};
use crate::cloudwatch::{CloudWatch, MetricQuery, MetricQuestion, MetricStatus, MetricValues};
use crate::{ConfigError, Environment, ServiceError, ServiceFuture};

/// The namespace of the functions' metrics.
pub const NAMESPACE: &str = "OmniFlow";
/// The stack that the functions name in their metrics when they are not told which it is.
const UNNAMED: &str = "omniflow";
/// How long an answer is used again. Each metric that is asked for is paid for, and new ones come once a minute.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// How long after its end a minute may still get values: CloudWatch reads them out of logs, which takes a moment. A minute
/// without a value had none only when it is older.
const SETTLED_AFTER: TimeDelta = TimeDelta::minutes(3);
/// The largest number of pages of an answer that are read; what would come after them is not known.
const MOST_PAGES: usize = 5;
const A_MINUTE: u32 = 60;
const AN_HOUR: u32 = 3600;

/// The counts of each minute, by the names under which they are asked for.
const COUNTS: [(&str, &str); 5] = [
    ("completed", "OrdersCompleted"),
    ("cancelled", "OrdersCancelled"),
    ("rejected", "OrdersRejected"),
    ("needing_attention", "OrdersNeedingAttention"),
    ("stock_conflicts", "StockConflicts"),
];
/// The phases, by the names under which they are asked for.
const PHASES: [(&str, &str); 3] =
    [("reserve", "SecondsToReserve"), ("pay", "SecondsToPay"), ("complete", "SecondsToComplete")];
/// What is asked of each phase.
const STATISTICS: [&str; 3] = ["SampleCount", "p50", "p95"];

/// The metrics of one stack in CloudWatch.
pub struct CloudWatchMetrics {
    cloudwatch: Arc<dyn CloudWatch>,
    stack: String,
    dead_letter_queues: Vec<String>,
    clock: Arc<dyn Clock>,
}

impl CloudWatchMetrics {
    /// The metrics of the stack `STACK`, whose dead-letter queues have the names in `DEAD_LETTER_QUEUES`, with commas
    /// between them.
    ///
    /// # Errors
    /// [`ConfigError`], when the queues are not named.
    pub fn new(
        cloudwatch: Arc<dyn CloudWatch>,
        environment: &Environment,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let queues = environment.require("DEAD_LETTER_QUEUES")?.split(',');
        Ok(Self {
            cloudwatch,
            stack: environment.get("STACK").unwrap_or(UNNAMED).to_owned(),
            dead_letter_queues: queues.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            clock,
        })
    }

    fn queries(&self) -> Vec<MetricQuery> {
        let own = |id: &str, name, statistic, period| MetricQuery {
            id: id.to_owned(),
            namespace: NAMESPACE,
            name,
            dimension: ("Stack", self.stack.clone()),
            statistic,
            period,
        };
        let counts = COUNTS.iter().map(|(id, name)| own(id, name, "Sum", A_MINUTE));
        let phases = PHASES.iter().flat_map(|(phase, name)| {
            STATISTICS.map(|statistic| own(&of_phase(phase, statistic), name, statistic, AN_HOUR))
        });
        let queues = self.dead_letter_queues.iter().enumerate().map(|(number, queue)| MetricQuery {
            id: of_queue(number),
            namespace: "AWS/SQS",
            name: "ApproximateNumberOfMessagesVisible",
            dimension: ("QueueName", queue.clone()),
            statistic: "Maximum",
            period: A_MINUTE,
        });
        counts.chain(phases).chain(queues).collect()
    }

    async fn ask(&self) -> Result<LastHour, ServiceError> {
        let now = self.clock.now();
        let after = now.timestamp().div_euclid(60) * 60 + 60;
        let from = after - i64::from(AN_HOUR);
        let mut question = MetricQuestion { metrics: self.queries(), from, to: after, next: None };
        let mut answers: HashMap<String, Series> = HashMap::new();
        for _ in 0..MOST_PAGES {
            let page = self.cloudwatch.get_metric_data(&question).await?;
            for values in page.metrics {
                answers.entry(values.id.clone()).or_default().add(&values);
            }
            question.next = page.next;
            if question.next.is_none() {
                break;
            }
        }
        if question.next.is_some() {
            tracing::warn!("CloudWatch has more pages than are read");
            answers.values_mut().for_each(|series| series.is_whole = false);
        }
        Ok(self.read(&answers, from, now))
    }

    fn read(&self, answers: &HashMap<String, Series>, first: i64, now: DateTime<Utc>) -> LastHour {
        let minutes = (0..MINUTES).filter_map(|number| {
            let second = first + 60 * i64::try_from(number).ok()?;
            let at = DateTime::from_timestamp(second, 0)?;
            let is_settled = at + TimeDelta::minutes(1) + SETTLED_AFTER <= now;
            let count = |id: &str| answers.get(id)?.count_at(second, is_settled);
            Some(Minute {
                at,
                completed: count("completed"),
                cancelled: count("cancelled"),
                rejected: count("rejected"),
                needing_attention: count("needing_attention"),
                stock_conflicts: count("stock_conflicts"),
            })
        });
        let phase = |phase: &str| {
            let series = |statistic| answers.get(&of_phase(phase, statistic));
            let [count, p50, p95] = STATISTICS.map(series);
            let count = count.filter(|series| series.is_whole)?.values.iter();
            let count = count.filter_map(|(_, value)| whole(*value)).sum();
            let longest = |series: Option<&Series>| series?.values.last().map(|(_, value)| *value);
            match count {
                0 => Some(Phase::default()),
                // How many there were is no use without how long they took.
                count => Some(Phase { count, p50: Some(longest(p50)?), p95: Some(longest(p95)?) }),
            }
        };
        let queue = |number: usize| {
            let series = answers.get(&of_queue(number))?;
            match series.values.last() {
                Some((_, newest)) => whole(*newest),
                // A queue that holds messages is an active one, and only those have values (Amazon SQS Developer Guide,
                // "Available CloudWatch metrics for Amazon SQS").
                None => series.is_whole.then_some(0),
            }
        };
        LastHour {
            minutes: minutes.collect(),
            reserve: phase("reserve"),
            pay: phase("pay"),
            complete: phase("complete"),
            // CloudWatch has none of these for a single stack.
            open_executions: None,
            retries: None,
            waiting_deliveries: None,
            dead_letters: (0..self.dead_letter_queues.len()).map(queue).sum(),
        }
    }
}

impl Metrics for CloudWatchMetrics {
    fn last_hour(&self) -> ServiceFuture<'_, LastHour> {
        Box::pin(self.ask())
    }

    fn fresh_for(&self) -> Duration {
        FRESH_FOR
    }
}

/// The id of a query: it begins with a small letter, and has letters, digits and underscores.
fn of_phase(phase: &str, statistic: &str) -> String {
    format!("{phase}_{statistic}")
}

fn of_queue(number: usize) -> String {
    format!("queue_{number}")
}

/// What CloudWatch says of one query.
#[derive(Debug, Default)]
struct Series {
    /// The values with the seconds since 1970 at which their periods begin, the oldest first.
    values: Vec<(i64, f64)>,
    /// Whether these are all that there are.
    is_whole: bool,
}

impl Series {
    /// Adds a page. A metric whose values could not be read, or not all of them, says so for itself: the others are good.
    fn add(&mut self, page: &MetricValues) {
        let moments = page.timestamps.iter().map(|at| second(*at));
        self.values.extend(moments.zip(page.values.iter().copied()));
        // The last page decides: a page before it is partial because there are others.
        self.is_whole = page.status_code == MetricStatus::Complete;
        if page.status_code == MetricStatus::Unknown {
            self.values.clear();
            tracing::warn!(id = page.id, "CloudWatch does not tell this metric");
        }
    }

    /// The count of the minute that begins at this second: no value means none where all values are known to have come.
    fn count_at(&self, second: i64, is_settled: bool) -> Option<u64> {
        match self.values.iter().find(|(at, _)| *at == second) {
            Some((_, value)) => whole(*value),
            None => (self.is_whole && is_settled).then_some(0),
        }
    }
}

/// A count, which CloudWatch keeps as a floating-point number; `None` for what is none.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is finite, and not below 0")]
fn whole(value: f64) -> Option<u64> {
    (value.is_finite() && value >= 0.0).then(|| value.round() as u64)
}

/// A moment, which CloudWatch tells as a number of seconds that may have a fraction.
#[allow(clippy::cast_possible_truncation, reason = "what is too large stays at the largest number")]
fn second(at: f64) -> i64 {
    at as i64
}
