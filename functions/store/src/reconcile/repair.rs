//! Helping on what stands still.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use omniflow_domain::order::{Actor, Failed, Order, OrderId, Signal};
use omniflow_domain::status::Status;
use tokio::time::Instant;

use super::findings::{Findings, Repaired, Trouble, retry_at};
use super::{AT_ONCE, Reconciler};
use crate::Error;
use crate::workflow::{ExecutionState, NotSent, Unsent};

impl Reconciler {
    /// Takes care of what was found, as far as that is safe. After so long, nothing more is begun; what is left counts as
    /// failed.
    pub async fn repair(&self, found: &Findings, within: Duration) -> Repaired {
        let mut repaired = Repaired::default();
        let until = Instant::now() + within;
        let due = found.findings.iter().filter(|finding| finding.repairable);
        let due = due.filter_map(|due| Some((due.order_id.clone()?, due.return_number, due.trouble)));
        let due: Vec<_> = due.collect();
        let mut ends = stream::iter(due)
            .map(async |(id, number, trouble)| {
                Instant::now() < until && self.repair_one(id, number, trouble).await
            })
            .buffer_unordered(AT_ONCE);
        while let Some(done) = ends.next().await {
            if done {
                repaired.repaired += 1;
            } else {
                repaired.failed += 1;
            }
        }
        repaired
    }

    async fn repair_one(&self, id: OrderId, number: Option<u32>, trouble: Trouble) -> bool {
        let helped = match number {
            Some(number) => self.help_return_on(&id, number, trouble).await,
            None => self.help_on(&id, trouble).await,
        };
        if let Err(error) = &helped {
            tracing::warn!(order_id = %id, %error, "left to the next run");
        }
        helped.is_ok()
    }

    /// Looks at the order again, since it may have gone on, and helps it on if it has not.
    async fn help_on(&self, id: &OrderId, trouble: Trouble) -> Result<(), NotSent> {
        let now = self.now();
        let order = self.orders.get(id).await?;
        let order = match trouble {
            Trouble::WorkflowFailed | Trouble::WorkflowMissing | Trouble::WorkflowEnded => {
                let Some(failed) = self.failure(&order).await? else { return Ok(()) };
                let (order, is_news) = self.orders.need_attention_as_read(&order, &failed, now).await?;
                if is_news == Some(true) {
                    tracing::error!(order_id = %id, failure = failed.text(), "a workflow failed and no event told");
                    crate::metrics::outcome(&order);
                }
                order
            }
            // Whoever pays at a provider may have paid, and only the window's own step asks.
            Trouble::WindowNotClosed if order.payment().provider_id.is_some() => {
                if order.status() == Status::AwaitingPayment {
                    self.windows.start_again(&order, now).await.map_err(Unsent::from)?;
                }
                order
            }
            Trouble::WindowNotClosed => self.decide(id, |order| order.expire(now)).await?,
            Trouble::RetryDue => {
                let is_due = |order: &Order| {
                    order.failed_by_disturbance()
                        && order
                            .attention()
                            .is_some_and(|it| retry_at(it.since, it.first, it.tries) <= Some(now))
                };
                let retry = |order: &mut Order| {
                    if is_due(order) { order.retry(Actor::SYSTEM, None, now) } else { Ok(()) }
                };
                self.decide(id, retry).await?
            }
            Trouble::SignalUnsent => order,
            Trouble::NeedsAttention | Trouble::Unreadable | Trouble::StockUnowned => return Ok(()),
        };
        if order.pending_signal() == Some(Signal::Returns) {
            return self.returns.tell(&self.orders, &order, now).await.map(drop);
        }
        self.workflow.tell_for_certain(&self.orders, &order, now).await.map(drop)
    }

    async fn decide(
        &self,
        id: &OrderId,
        decide: impl Fn(&mut Order) -> Result<(), omniflow_domain::Refusal>,
    ) -> Result<Order, Error> {
        match self.orders.update(id, |order| decide(order).map_err(Error::from)).await {
            Ok((order, ())) => Ok(order),
            // It has gone on meanwhile.
            Err(Error::Refused(_)) => self.orders.get(id).await,
            Err(error) => Err(error),
        }
    }

    /// What the order's workflow failed with, if it doesn't run.
    async fn failure(&self, order: &Order) -> Result<Option<Failed>, NotSent> {
        Ok(failure(self.workflow.execution(order).await?))
    }
}

/// What an execution in this state failed with, if it doesn't run.
pub(super) fn failure(execution: ExecutionState) -> Option<Failed> {
    let gone = |error: &str, cause: &str| Failed {
        state: None,
        error: Some(error.to_owned()),
        cause: Some(cause.to_owned()),
    };
    match execution {
        ExecutionState::Running => None,
        ExecutionState::Failed(failed) => Some(failed),
        ExecutionState::Unknown => Some(gone("WorkflowMissing", "no workflow runs for the order")),
        ExecutionState::Succeeded => {
            Some(gone("WorkflowEnded", "the workflow has ended and the order is not closed"))
        }
    }
}
