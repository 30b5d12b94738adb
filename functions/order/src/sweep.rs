//! `sweep-orders`: sends the signals that were stored with a decision and not sent, because of a crash or a
//! failure, and so also starts the workflows that could not be started when their orders were accepted, and
//! publishes the events that could not be published.

use std::ops::Add;

use chrono::TimeDelta;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use omniflow_domain::order::{Order, OrderId, Signal};
use omniflow_services::{ConfigError, Environment, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::Activity;
use omniflow_store::metrics;
use omniflow_store::returns::ReturnWorkflow;
use omniflow_store::workflow::{Heard, Workflow};
use serde::Serialize;
use serde_json::Value;

/// The age from which a signal is taken to be left behind, since it is sent as soon as it is stored. Sending
/// one twice would do no harm.
const LEFT_BEHIND_AFTER: TimeDelta = TimeDelta::seconds(2);
/// The number of orders that are read at once, of each signal.
const PAGE: i32 = 200;
/// The number of signals that are sent at the same time, of each kind.
const AT_ONCE: usize = 16;
/// The time after which no further page is read; the next run goes on, which begins a minute after this one. Until then a
/// long backlog, as a rush leaves it, is worked on without a break. The function's own timeout leaves the last page time.
const NO_PAGE_AFTER: TimeDelta = TimeDelta::seconds(55);

#[derive(Debug, Default, Serialize)]
pub struct Swept {
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

/// The function `sweep-orders`.
pub struct SweepOrders {
    activity: Activity,
    workflow: Workflow,
    returns: ReturnWorkflow,
}

impl Function for SweepOrders {
    const NAME: &'static str = "sweep-orders";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "ORDER_STATE_MACHINE", "RETURN_STATE_MACHINE", "EVENT_BUS"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "events:PutEvents",
        "states:DescribeExecution",
        "states:RedriveExecution",
        "states:SendTaskFailure",
        "states:SendTaskSuccess",
        "states:StartExecution",
    ];

    type Event = Value;
    type Answer = Swept;
    type Error = store::Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            workflow: Workflow::new(services.step_functions(), environment.require("ORDER_STATE_MACHINE")?),
            returns: ReturnWorkflow::new(
                services.step_functions(),
                environment.require("RETURN_STATE_MACHINE")?,
            ),
        })
    }

    async fn call(&self, _: Value) -> Result<Swept, store::Error> {
        self.sweep().await
    }
}

impl SweepOrders {
    /// Sweeps all signals side by side, so that many orders with one of them keep none of the others waiting.
    async fn sweep(&self) -> Result<Swept, store::Error> {
        let swept = Signal::ALL.into_iter().filter(|signal| signal.is_to_be_sent());
        let swept = join_all(swept.map(|signal| self.sweep_one(signal.name()))).await;
        swept.into_iter().try_fold(Swept::default(), |all, one| Ok(all + one?))
    }

    /// Sweeps the orders with one signal, page by page, and goes on when single orders fail.
    async fn sweep_one(&self, signal: &str) -> Result<Swept, store::Error> {
        let begun = self.activity.clock.now();
        let before = (begun - LEFT_BEHIND_AFTER).timestamp_millis();
        let mut swept = Swept::default();
        let mut page = self.activity.orders.unheard(signal, before, PAGE, None).await?;
        if let (Some(since), Some(order)) = (page.since, page.orders.first()) {
            metrics::oldest_signal(TimeDelta::milliseconds(begun.timestamp_millis() - since), order);
        }
        loop {
            let mut sent =
                stream::iter(page.orders).map(|id| self.send(id, signal)).buffer_unordered(AT_ONCE);
            while let Some(one) = sent.next().await {
                swept = swept + one;
            }
            match page.after {
                Some(after) if self.activity.clock.now() - begun < NO_PAGE_AFTER => {
                    page = self.activity.orders.unheard(signal, before, PAGE, Some(after)).await?;
                }
                _ => return Ok(swept),
            }
        }
    }

    async fn send(&self, id: OrderId, signal: &str) -> Swept {
        match self.try_to_send(&id).await {
            Ok(Heard::Now) => Swept { sent: 1, ..Swept::default() },
            Ok(Heard::NoMore | Heard::Impossible) => Swept { settled: 1, ..Swept::default() },
            Err(error) => {
                tracing::warn!(order_id = %id, signal, error, "left to the next sweep");
                Swept { failed: 1, ..Swept::default() }
            }
        }
    }

    async fn try_to_send(&self, id: &OrderId) -> Result<Heard, Box<dyn std::error::Error + Send + Sync>> {
        let order = self.activity.orders.get(id).await?;
        if order.pending_signal() == Some(Signal::Announce) {
            self.activity.announce(&order).await?;
            return Ok(Heard::Now);
        }
        let now = self.activity.now();
        if order.pending_signal() == Some(Signal::Returns) {
            let order = self.activity.announce_returns(&order).await?;
            let (order, heard) = self.returns.tell(&self.activity.orders, &order, now).await?;
            if heard == Heard::NoMore {
                let settle = |current: &mut Order| {
                    current.settle_returns(&order, now);
                    Ok::<_, store::Error>(())
                };
                self.activity.orders.update(id, settle).await?;
            }
            return Ok(heard);
        }
        let (order, heard) = self.workflow.tell_for_certain(&self.activity.orders, &order, now).await?;
        if heard == Heard::NoMore {
            // A signal that nobody waits for would be swept for ever. It stays if a task has begun to wait
            // meanwhile.
            self.activity
                .orders
                .update(id, |current| {
                    current.settle(&order, now);
                    Ok::<_, store::Error>(())
                })
                .await?;
        }
        Ok(heard)
    }
}
