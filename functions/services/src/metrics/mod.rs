//! What was counted in the last hour, wherever that is kept: the local runtime counts by itself, and on AWS the functions'
//! metrics are in CloudWatch. Whatever is not known says so, and is never taken for none.
//!
//! ```text
//!   read-metrics ──► Metrics ──┬──► CloudWatchMetrics ──► CloudWatch (GetMetricData)
//!                              └──► the counters of the local runtime
//! ```

mod deployed;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::ServiceFuture;

pub use deployed::{CloudWatchMetrics, NAMESPACE};

/// How many minutes an hour has.
pub const MINUTES: usize = 60;

/// Where it is known what was counted.
pub trait Metrics: Send + Sync {
    /// What was counted in the last hour.
    fn last_hour(&self) -> ServiceFuture<'_, LastHour>;

    /// For how long an answer may be used again, since each is paid for.
    fn fresh_for(&self) -> Duration;
}

/// What was counted in the last hour. `None` is what is not known: it has not arrived yet, could not be read, or nobody
/// counts it there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LastHour {
    /// The minutes, the oldest first; the last one is still going on.
    pub minutes: Vec<Minute>,
    /// How long orders took from their acceptance to the reservation of their stock.
    pub reserve: Option<Phase>,
    /// How long they waited for their payment.
    pub pay: Option<Phase>,
    /// How long they took from their payment to their end.
    pub complete: Option<Phase>,
    /// Executions that have not ended.
    pub open_executions: Option<u64>,
    /// Attempts of tasks after the first.
    pub retries: Option<u64>,
    /// Deliveries of events that wait.
    pub waiting_deliveries: Option<u64>,
    /// Events that nobody could handle, and that are kept for a person.
    pub dead_letters: Option<u64>,
}

/// What was counted in a minute: orders by the way in which they ended, and vain writes of stock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Minute {
    pub at: DateTime<Utc>,
    pub completed: Option<u64>,
    pub cancelled: Option<u64>,
    pub rejected: Option<u64>,
    pub needing_attention: Option<u64>,
    /// Writes of stock that another write made vain.
    pub stock_conflicts: Option<u64>,
}

/// How long orders took in the last hour to come to a phase.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Phase {
    /// The number of orders that came to it.
    pub count: u64,
    /// The seconds that half of them took at most; `None` when there are none.
    pub p50: Option<f64>,
    /// The seconds that 95 of 100 of them took at most.
    pub p95: Option<f64>,
}
