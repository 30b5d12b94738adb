//! `sweep-orders`: sends what a crash left behind between a decision and the word to the workflow, and starts the
//! workflows that could not be started when their orders were accepted.

use std::ops::Add;
use std::sync::Arc;

use chrono::TimeDelta;
use clock::{Clock, SystemClock};
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use omniflow_domain::order::{OrderId, Signal};
use omniflow_services::{ConfigError, DynamoDb, Environment, Fault, Handler, StepFunctions, typed};
use omniflow_store as store;
use omniflow_store::Orders;
use omniflow_store::workflow::{Heard, Workflow};
use serde::Serialize;
use serde_json::Value;

/// Whoever decided sends at once; what is older than this was left behind. Sending twice would do no harm.
const LEFT_BEHIND_AFTER: TimeDelta = TimeDelta::seconds(2);
/// So many of one signal are read at once …
const PAGE: i32 = 200;
/// … and so many are sent at the same time.
const AT_ONCE: usize = 16;
/// After so long no page is begun; the next run goes on. The function's own timeout is later than that.
const NO_PAGE_AFTER: TimeDelta = TimeDelta::seconds(30);

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

impl Add for Swept {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            settled: self.settled + other.settled,
            failed: self.failed + other.failed,
        }
    }
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
    dynamodb: &Arc<dyn DynamoDb>,
    states: &Arc<dyn StepFunctions>,
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
    /// All signals side by side: a long queue of one keeps none of the others waiting.
    async fn sweep(&self) -> Result<Swept, store::Error> {
        let swept = join_all(SIGNALS.map(|(_, signal)| self.sweep_one(signal))).await;
        swept.into_iter().try_fold(Swept::default(), |all, one| Ok(all + one?))
    }

    /// Page by page, whatever becomes of single orders.
    async fn sweep_one(&self, signal: &str) -> Result<Swept, store::Error> {
        let begun = self.clock.now();
        let before = (begun - LEFT_BEHIND_AFTER).timestamp_millis();
        let mut swept = Swept::default();
        let mut page = self.orders.unheard(signal, before, PAGE, None).await?;
        loop {
            let mut sent =
                stream::iter(page.orders).map(|id| self.send(id, signal)).buffer_unordered(AT_ONCE);
            while let Some(one) = sent.next().await {
                swept = swept + one;
            }
            match page.after {
                Some(after) if self.clock.now() - begun < NO_PAGE_AFTER => {
                    page = self.orders.unheard(signal, before, PAGE, Some(after)).await?;
                }
                _ => return Ok(swept),
            }
        }
    }

    async fn send(&self, id: OrderId, signal: &str) -> Swept {
        match self.try_to_send(&id).await {
            Ok(Heard::Now) => Swept { sent: 1, ..Swept::default() },
            Ok(Heard::NoMore) => Swept { settled: 1, ..Swept::default() },
            Err(error) => {
                tracing::warn!(order_id = %id, signal, error, "left to the next sweep");
                Swept { failed: 1, ..Swept::default() }
            }
        }
    }

    async fn try_to_send(&self, id: &OrderId) -> Result<Heard, Box<dyn std::error::Error + Send + Sync>> {
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
