//! Orders that stand still and that nothing else would find: their workflow failed and no event told, it never
//! began, or a deadline passed while nobody could act on it.
//!
//! ```text
//!   examine ── by-status, by-pending-signal ──► orders that have not moved ── DescribeExecution ──► findings
//!   repair ── marks, sends, closes what is overdue, and has what a disturbance stopped go on
//! ```
//!
//! A run costs a query for each status and each signal, and a read and a DescribeExecution for each order that
//! stands in a status in which orders move and has not for some minutes. Orders that wait for their payment are
//! read only when they are older than the window.

mod findings;
mod holders;
mod returns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use omniflow_domain::order::{Actor, Failed, Order, OrderId, Reservation, Signal};
use omniflow_domain::status::Status;

use crate::returns::ReturnWorkflow;
use crate::workflow::{ExecutionState, NotSent, Workflow};
use crate::{Error, Orders, Stock, StockRow};

pub use findings::{Finding, Findings, Repaired, Scope, Trouble};
use findings::{attention, finding, retry_at, unowned, unreadable_order};
use holders::{Holders, Place, differences, note_holder};

/// The time for which an order has to stand still before anybody looks at its execution.
const STILL: TimeDelta = TimeDelta::minutes(5);
/// The number of orders of one status that one run looks at.
const MOST_OF_ONE_STATUS: usize = 1000;
/// The number of orders that are read at once.
const PAGE: usize = 100;
/// The number of signals of one kind that one run looks at.
const MOST_SIGNALS: i32 = 100;
/// The pause before stock that seems to be held by nobody is read once more: longer than the index of the orders,
/// which is eventually consistent, usually lags behind.
const BEFORE_SECOND_LOOK: Duration = Duration::from_secs(2);
/// The number of requests to Step Functions under way at the same time.
const AT_ONCE: usize = 8;

/// The number of orders that one run writes anew.
const MOST_WRITTEN_PLAINLY: usize = 1000;

/// Statuses in which an order moves by itself.
const MOVING: [Status; 6] = [
    Status::Received,
    Status::Reserved,
    Status::PaymentReceived,
    Status::Paid,
    Status::Shipping,
    Status::Compensating,
];

/// Finds orders that stand still, and helps them on.
#[derive(Clone)]
pub struct Reconciler {
    orders: Orders,
    stock: Stock,
    workflow: Workflow,
    returns: ReturnWorkflow,
    clock: Arc<dyn Clock>,
    window: TimeDelta,
}

impl Reconciler {
    /// Makes a reconciler for orders that have this long to be paid. It finds orders under all keys of the indexes, also
    /// those that a setting of the keys has hidden from everybody else.
    pub fn new(
        orders: Orders,
        stock: Stock,
        workflow: Workflow,
        returns: ReturnWorkflow,
        clock: Arc<dyn Clock>,
        window: TimeDelta,
    ) -> Self {
        Self { orders: orders.under_all_keys(), stock, workflow, returns, clock, window }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now_in_milliseconds()
    }

    /// Looks for orders that stand still.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn examine(&self, scope: Scope) -> Result<Findings, Error> {
        let mut found = Findings::default();
        let still = self.now() - STILL;
        for status in MOVING {
            self.examine_status(status, still, scope, &mut found).await?;
        }
        self.examine_status(Status::AwaitingAudit, still, scope, &mut found).await?;
        self.examine_status(Status::AwaitingPayment, still - self.window, scope, &mut found).await?;
        self.examine_status(Status::NeedsAttention, self.now(), scope, &mut found).await?;
        for signal in Signal::ALL.into_iter().filter(|signal| signal.is_to_be_sent()) {
            self.examine_signal(signal, still, &mut found).await?;
        }
        self.examine_returns(scope, &mut found).await?;
        if scope == Scope::OrdersAndStock {
            found.findings.extend(self.unowned_stock().await?);
        }
        Ok(found)
    }

    /// Looks at the orders of one status that were made before this moment, newest first.
    async fn examine_status(
        &self,
        status: Status,
        made_before: DateTime<Utc>,
        scope: Scope,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let mut after = Some(OrderId::new(made_before, 0));
        for _ in 0..MOST_OF_ONE_STATUS / PAGE {
            let page = self.orders.list(Some(status), OrderId::PREFIX, PAGE, after.as_ref()).await?;
            let mut looked = stream::iter(page.orders)
                .map(|order| async {
                    match order {
                        Ok(order) => self.look(&order, scope).await,
                        Err(unreadable) => Some(unreadable_order(&unreadable)),
                    }
                })
                .buffer_unordered(AT_ONCE);
            while let Some(finding) = looked.next().await {
                found.findings.extend(finding);
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
        found.more = true;
        Ok(())
    }

    async fn look(&self, order: &Order, scope: Scope) -> Option<Finding> {
        let now = self.now();
        let since = order.timeline().last().map(|change| change.at)?;
        match order.status() {
            status if status.is_final() => return None,
            Status::NeedsAttention => return Some(attention(order, now)),
            _ if since > now - STILL => return None,
            // It may wait for days. That its execution stands is only looked for with the stock, every hour.
            Status::Shipping if scope == Scope::Orders && order.awaits_warehouse() => return None,
            _ if order.pending_signal().is_some_and(|signal| signal != Signal::Announce) => return None,
            Status::AwaitingPayment => {
                let overdue = order.deadline().is_some_and(|deadline| deadline + STILL <= now);
                // Whoever pays at the provider may have paid, and only the window's own step asks.
                let is_asked = order.payment().provider_id.is_some();
                let detail = match is_asked {
                    true => {
                        "its time to be paid is over, and the payment provider has not said whether it is paid"
                    }
                    false => "its time to be paid is over",
                };
                let finding = || finding(order, Trouble::WindowNotClosed, detail.to_owned(), !is_asked);
                return overdue.then(finding);
            }
            _ => {}
        }
        let (trouble, detail) = match self.workflow.execution(order).await {
            Ok(ExecutionState::Running) => return None,
            Ok(ExecutionState::Failed(failed)) => (Trouble::WorkflowFailed, failed.text()),
            Ok(ExecutionState::Unknown) => (Trouble::WorkflowMissing, "no workflow runs for it".to_owned()),
            Ok(ExecutionState::Succeeded) => (Trouble::WorkflowEnded, "its workflow has ended".to_owned()),
            Err(error) => {
                tracing::warn!(order_id = %order.id(), %error, "left to the next run");
                return None;
            }
        };
        Some(finding(order, trouble, detail, true))
    }

    async fn examine_signal(
        &self,
        signal: Signal,
        before: DateTime<Utc>,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let unheard =
            self.orders.unheard(signal.name(), before.timestamp_millis(), MOST_SIGNALS, None).await?;
        found.more |= unheard.after.is_some();
        found.findings.extend(unheard.orders.into_iter().map(|id| Finding {
            trouble: Trouble::SignalUnsent,
            order_id: Some(id),
            return_number: None,
            state: None,
            since: None,
            detail: format!("{} was not heard", signal.name()),
            // The sweeper alone can reach the event bus.
            repairable: signal != Signal::Announce,
        }));
        Ok(())
    }

    /// Stock that is set aside and held by no open order, or held and not set aside. Orders move meanwhile, so all
    /// is read twice: a difference counts when neither the row nor the orders that hold of it have changed from the
    /// first read to the last.
    async fn unowned_stock(&self) -> Result<Vec<Finding>, Error> {
        let (rows, holders) = (self.rows().await?, self.holders().await?);
        let mut suspected = differences(&rows, &holders);
        if suspected.is_empty() {
            return Ok(Vec::new());
        }
        tokio::time::sleep(BEFORE_SECOND_LOOK).await;
        let later_holders = self.holders().await?;
        let later_rows = self.rows().await?;
        suspected.retain(|place, _| {
            rows.get(place) == later_rows.get(place) && holders.get(place) == later_holders.get(place)
        });
        Ok(suspected.iter().map(|(place, difference)| unowned(place, *difference)).collect())
    }

    async fn rows(&self) -> Result<BTreeMap<Place, StockRow>, Error> {
        let rows = self.stock.all().await?.into_iter();
        Ok(rows.map(|row| ((row.product_id.clone(), row.warehouse_id.clone()), row)).collect())
    }

    /// The open orders that hold stock.
    async fn holders(&self) -> Result<Holders, Error> {
        let mut holders = Holders::new();
        for status in Status::ALL.into_iter().filter(|status| !status.is_final()) {
            let mut after = None;
            loop {
                let page = self.orders.list(Some(status), OrderId::PREFIX, PAGE, after.as_ref()).await?;
                let holding =
                    page.orders.iter().flatten().filter(|order| order.reservation() == Reservation::Held);
                for order in holding {
                    note_holder(&mut holders, order);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(holders)
    }

    /// Writes orders anew whose keys have shards; see [`Orders::write_plainly`].
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn write_plainly(&self) -> Result<Repaired, Error> {
        Ok(Repaired { repaired: self.orders.write_plainly(MOST_WRITTEN_PLAINLY).await?, failed: 0 })
    }

    /// Puts the stock together that was split for orders which have gone, and tells at how many places.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn put_quiet_places_together(&self) -> Result<usize, Error> {
        self.stock.put_quiet_places_together(self.now()).await
    }

    /// Takes care of what was found, as far as that is safe.
    pub async fn repair(&self, found: &Findings) -> Repaired {
        let mut repaired = Repaired::default();
        let due = found.findings.iter().filter(|finding| finding.repairable);
        let due = due.filter_map(|due| Some((due.order_id.clone()?, due.return_number, due.trouble)));
        let due: Vec<_> = due.collect();
        let mut ends = stream::iter(due)
            .map(|(id, number, trouble)| self.repair_one(id, number, trouble))
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
                let (order, is_news) = self.orders.need_attention(id, &failed, now).await?;
                if is_news {
                    tracing::error!(order_id = %id, failure = failed.text(), "a workflow failed and no event told");
                    crate::metrics::outcome(&order);
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
fn failure(execution: ExecutionState) -> Option<Failed> {
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
