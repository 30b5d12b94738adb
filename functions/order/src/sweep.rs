//! `sweep-orders`: sends what a crash left behind between a decision and the word to the workflow, and starts the
//! workflows that could not be started when their orders were accepted.

use std::sync::Arc;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_sfn::Client as Sfn;
use chrono::TimeDelta;
use futures::future::join_all;
use omniflow_domain::order::{OrderId, Signal};
use omniflow_domain::store::{self, Orders};
use omniflow_domain::workflow::{Heard, Workflow};
use omniflow_domain::{Clock, ConfigError, Environment, Fault, Handler, SystemClock, typed};
use serde::Serialize;
use serde_json::Value;

/// Whoever decided sends at once; what is older than this was left behind. Sending twice would do no harm.
const LEFT_BEHIND_AFTER: TimeDelta = TimeDelta::seconds(2);
/// At most so many of each signal in one run; the next run takes more.
const AT_ONCE: i32 = 200;

const SIGNALS: [(Signal, &str); 6] = [
    (Signal::Start, "START"),
    (Signal::Paid, "PAID"),
    (Signal::Approved, "APPROVED"),
    (Signal::Rejected, "REJECTED"),
    (Signal::TimedOut, "TIMED_OUT"),
    (Signal::Cancelled, "CANCELLED"),
];

#[derive(Debug, Default, Serialize)]
struct Swept {
    sent: usize,
    settled: usize,
    failed: usize,
}

#[derive(Clone)]
struct Sweeper {
    orders: Orders,
    workflow: Workflow,
    clock: Arc<dyn Clock>,
}

/// The function `sweep-orders`.
///
/// # Errors
/// When the environment lacks a setting.
pub fn sweep_orders(
    dynamodb: &DynamoDb,
    states: &Sfn,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let sweeper = Sweeper {
        orders: Orders::new(dynamodb.clone(), environment.require("ORDERS_TABLE")?),
        workflow: Workflow::new(states.clone(), environment.require("ORDER_STATE_MACHINE")?),
        clock: Arc::new(SystemClock),
    };
    Ok(Box::new(typed(move |_: Value| {
        let sweeper = sweeper.clone();
        async move { sweeper.sweep().await.map_err(Fault::from) }
    })))
}

impl Sweeper {
    async fn sweep(&self) -> Result<Swept, store::Error> {
        let before = (self.clock.now() - LEFT_BEHIND_AFTER).timestamp_millis();
        let mut swept = Swept::default();
        for (_, signal) in SIGNALS {
            let left = self.orders.unheard(signal, before, AT_ONCE).await?;
            for result in join_all(left.iter().map(|id| self.send(id))).await {
                match result {
                    Ok(Heard::Now) => swept.sent += 1,
                    Ok(Heard::NoMore) => swept.settled += 1,
                    Err(error) => {
                        tracing::warn!(%error, signal, "left to the next sweep");
                        swept.failed += 1;
                    }
                }
            }
        }
        Ok(swept)
    }

    async fn send(&self, id: &OrderId) -> Result<Heard, Box<dyn std::error::Error + Send + Sync>> {
        let order = self.orders.get(id).await?;
        let heard = self.workflow.tell(&order).await?;
        if heard == Heard::NoMore {
            // Nobody waits for it: it must not be swept for ever. A token registered meanwhile keeps it.
            self.orders
                .update(id, |now| {
                    if now.pending_signal == order.pending_signal && now.task_token == order.task_token {
                        now.pending_signal = None;
                        now.pending_since = None;
                    }
                    Ok::<_, store::Error>(())
                })
                .await?;
        }
        Ok(heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_swept_under_the_names_that_they_are_stored_with() {
        for (signal, name) in SIGNALS {
            assert_eq!(serde_json::to_value(signal).unwrap(), name);
        }
    }
}
