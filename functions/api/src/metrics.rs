//! The function `read-metrics`: what was counted in the last hour, for the charts of the console. It is a function of its
//! own, since no other one needs the client of CloudWatch.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use omniflow_services::metrics::{LastHour, Metrics, Phase};
use omniflow_services::{ConfigError, Environment, Fault, Function, ServiceError, Services};
use serde::Serialize;
use serde_json::{Value, json};

use crate::caller::Doorkeeper;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::routes::{self, ApiCall};
use crate::shared::Shared;

/// For how long a failure is told to all who ask, and in how many seconds they should ask again. CloudWatch answers few
/// requests a second.
const RETRY_AFTER: Duration = Duration::from_secs(15);

/// What was counted in the last hour. Null is what is not known: it has not arrived yet, could not be read, or is counted
/// only by the local runtime.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Metrics"))]
pub(crate) struct MetricsView {
    /// The minutes of the last hour, oldest first; the last one still goes on.
    minutes: Vec<MinuteView>,
    /// How long orders took to come to each phase in the last hour.
    phases: PhasesView,
    /// Executions that have not ended.
    open_executions: Option<u64>,
    /// Attempts of tasks after the first, since the start.
    retries: Option<u64>,
    /// Deliveries of events that are stored and wait.
    waiting_deliveries: Option<u64>,
    /// Events that nobody could handle, and that wait for a person.
    dead_letters: Option<u64>,
}

/// What was counted in one minute.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MinuteView {
    /// The minute's beginning.
    at: DateTime<Utc>,
    /// The orders that ended, or that need attention since then.
    outcomes: OutcomesView,
    /// Writes of stock that another write made vain.
    stock_conflicts: Option<u64>,
}

/// Orders by the way in which they ended.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OutcomesView {
    completed: Option<u64>,
    cancelled: Option<u64>,
    rejected: Option<u64>,
    /// The orders, and returns, whose workflow failed for good.
    needing_attention: Option<u64>,
}

/// How long orders took to come to each phase.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PhasesView {
    /// From the order's acceptance to the reservation of its stock.
    reserve: Option<PhaseView>,
    /// From there to its payment, for orders whose payment is waited for.
    pay: Option<PhaseView>,
    /// From the payment to the end.
    complete: Option<PhaseView>,
}

/// How long orders took to come to a phase.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PhaseView {
    /// The number of orders that came to it.
    count: u64,
    /// The seconds that half of them took at most; null when there are none.
    p50: Option<f64>,
    /// The seconds that 95 of 100 of them took at most.
    p95: Option<f64>,
}

impl From<LastHour> for MetricsView {
    fn from(told: LastHour) -> Self {
        let phase =
            |phase: Option<Phase>| phase.map(|Phase { count, p50, p95 }| PhaseView { count, p50, p95 });
        let minutes = told.minutes.into_iter().map(|minute| MinuteView {
            at: minute.at,
            outcomes: OutcomesView {
                completed: minute.completed,
                cancelled: minute.cancelled,
                rejected: minute.rejected,
                needing_attention: minute.needing_attention,
            },
            stock_conflicts: minute.stock_conflicts,
        });
        Self {
            minutes: minutes.collect(),
            phases: PhasesView {
                reserve: phase(told.reserve),
                pay: phase(told.pay),
                complete: phase(told.complete),
            },
            open_executions: told.open_executions,
            retries: told.retries,
            waiting_deliveries: told.waiting_deliveries,
            dead_letters: told.dead_letters,
        }
    }
}

/// The function `read-metrics`, with what its call uses.
pub struct ReadMetrics {
    metrics: Arc<dyn Metrics>,
    doorkeeper: Doorkeeper,
    /// The answer that is used again, whoever asks: it is the same for all.
    shared: Shared<(), Result<Arc<Value>, Problem>>,
}

impl Function for ReadMetrics {
    const NAME: &'static str = "read-metrics";
    const VARIABLES: &'static [&'static str] =
        &["DEAD_LETTER_QUEUES", "OPEN_ACCESS", "OPERATOR_CLAIM", "OPERATOR_SCOPE", "OPERATOR_VALUE"];
    const ACTIONS: &'static [&'static str] = &["cloudwatch:GetMetricData"];

    type Event = Value;
    type Answer = Value;
    type Error = Fault;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            metrics: services.metrics(environment)?,
            doorkeeper: Doorkeeper::new(environment)?,
            shared: Shared::default(),
        })
    }

    async fn call(&self, event: Value) -> Result<Value, Fault> {
        Ok(routes::answered(&self.doorkeeper, &event, |request| self.answer(request)).await)
    }
}

impl ReadMetrics {
    async fn answer(&self, request: Request) -> Result<Response, Problem> {
        match routes::admit(request)? {
            (ApiCall::ReadMetrics, request) => {
                let told = self.shared.get((), self.ask()).await?;
                Ok(Response::json_unless_known(&request, &told))
            }
            (call, request) => Err(routes::elsewhere(&request.path, call.function())),
        }
    }

    async fn ask(&self) -> (Result<Arc<Value>, Problem>, Duration) {
        match self.metrics.last_hour().await {
            Ok(told) => (Ok(Arc::new(json!(MetricsView::from(told)))), self.metrics.fresh_for()),
            Err(error) => (Err(unavailable(&error)), RETRY_AFTER),
        }
    }
}

/// The problem of metrics that can't be read: asked again a moment later, they may be.
fn unavailable(error: &ServiceError) -> Problem {
    tracing::error!(%error, "the metrics can't be read");
    let detail =
        "The metrics can't be read now. Everything else goes on; ask again after the time in Retry-After.";
    Problem::new(Kind::Unavailable, detail).with("retry_after", RETRY_AFTER.as_secs())
}
