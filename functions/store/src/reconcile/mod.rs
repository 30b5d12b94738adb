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
//! read only when they are older than the window. Of very many orders of one status a run looks at the newest and at
//! some of the others, at other ones each time; and it ends when its time is over.

mod findings;
mod holders;
mod repair;
mod returns;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use omniflow_domain::order::{Order, OrderId, Reservation, Signal};
use omniflow_domain::status::Status;
use tokio::time::{Instant, timeout_at};

use crate::returns::ReturnWorkflow;
use crate::windows::PaymentWindows;
use crate::workflow::Workflow;
use crate::{Error, Orders, Stock, StockRow};

pub use findings::{Finding, Findings, Repaired, Scope, Trouble};
use findings::{Look, attention, finding, unowned, unreadable_order};
use holders::{Holders, Place, differences, note_holder};

/// The time for which an order has to stand still before anybody looks at its execution.
const STILL: TimeDelta = TimeDelta::minutes(5);
/// The number of orders of one status that one run looks at: so many of the newest, and so many of the others.
const MOST_OF_ONE_STATUS: usize = 1000;
/// Where a run begins with the others: at an age of [`STILL`], doubled up to so many times, which is 57 days, longer than an
/// execution may run.
const DOUBLINGS: u32 = 14;
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
    windows: PaymentWindows,
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
        windows: PaymentWindows,
        clock: Arc<dyn Clock>,
        window: TimeDelta,
    ) -> Self {
        Self { orders: orders.under_all_keys(), stock, workflow, returns, windows, clock, window }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now_in_milliseconds()
    }

    /// Looks for orders that stand still, for so long at most.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn examine(&self, scope: Scope, within: Duration) -> Result<Findings, Error> {
        let mut found = Findings::default();
        let run = Run { scope, until: Instant::now() + within };
        let still = self.now() - STILL;
        for status in MOVING {
            self.examine_status(status, still, run, &mut found).await?;
        }
        self.examine_status(Status::AwaitingAudit, still, run, &mut found).await?;
        self.examine_status(Status::AwaitingPayment, still - self.window, run, &mut found).await?;
        self.examine_status(Status::NeedsAttention, self.now(), run, &mut found).await?;
        for signal in Signal::ALL.into_iter().filter(|signal| signal.is_to_be_sent()) {
            self.examine_signal(signal, still, &mut found).await?;
        }
        self.examine_returns(run, &mut found).await?;
        if scope == Scope::OrdersAndStock {
            match timeout_at(run.until, self.unowned_stock()).await {
                Ok(unowned) => found.findings.extend(unowned?),
                Err(_) => found.more = true,
            }
        }
        Ok(found)
    }

    /// Looks at the orders of one status that were made before this moment: the newest, and some of the others.
    async fn examine_status(
        &self,
        status: Status,
        made_before: DateTime<Utc>,
        run: Run,
        found: &mut Findings,
    ) -> Result<(), Error> {
        let newest = OrderId::new(made_before, 0);
        let Some(last) = self.examine_after(status, newest, run, found).await?.next else { return Ok(()) };
        found.more = true;
        // What is drawn from the time is another number in each run.
        let drawn = OrderId::new(self.now(), 0).hash64();
        let doublings = u32::try_from(drawn % u64::from(DOUBLINGS)).unwrap_or_default();
        for doubled in (0..=doublings).rev() {
            let times = 1_i32 << doubled;
            let further = i32::try_from((drawn >> 32) % u64::from(times.unsigned_abs())).unwrap_or_default();
            let begin = OrderId::new(made_before - STILL * (times + further), 0).min(last.clone());
            // Where no order is that old, a shorter way back leads to some.
            if self.examine_after(status, begin, run, found).await?.any {
                break;
            }
        }
        Ok(())
    }

    /// Looks at so many orders of one status after this one, newest first.
    async fn examine_after(
        &self,
        status: Status,
        after: OrderId,
        run: Run,
        found: &mut Findings,
    ) -> Result<Examined, Error> {
        let mut examined = Examined { any: false, next: Some(after) };
        for _ in 0..MOST_OF_ONE_STATUS / PAGE {
            if examined.next.is_none() || run.is_over() {
                break;
            }
            let page = self.orders.list(Some(status), OrderId::PREFIX, PAGE, examined.next.as_ref()).await?;
            examined.any |= !page.orders.is_empty();
            let mut looked = stream::iter(page.orders)
                .map(|order| async {
                    match order {
                        Ok(order) => self.look(&order, run.scope).await,
                        Err(unreadable) => Look::Found(unreadable_order(&unreadable)),
                    }
                })
                .buffer_unordered(AT_ONCE);
            while let Some(look) = looked.next().await {
                found.note(look);
            }
            examined.next = page.next;
        }
        Ok(examined)
    }

    async fn look(&self, order: &Order, scope: Scope) -> Look {
        let now = self.now();
        let Some(since) = order.timeline().last().map(|change| change.at) else { return Look::Well };
        match order.status() {
            status if status.is_final() => return Look::Well,
            Status::NeedsAttention => return Look::Found(attention(order, now)),
            _ if since > now - STILL => return Look::Well,
            // It may wait for days. That its execution stands is only looked for with the stock, every hour.
            Status::Shipping if scope == Scope::Orders && order.awaits_warehouse() => return Look::Well,
            _ if order.pending_signal().is_some_and(|signal| signal != Signal::Announce) => {
                return Look::Well;
            }
            Status::AwaitingPayment => {
                let overdue = order.deadline().is_some_and(|deadline| deadline + STILL <= now);
                let detail = match order.payment().provider_id.is_some() {
                    true => {
                        "its time to be paid is over, and the payment provider has not said whether it is paid"
                    }
                    false => "its time to be paid is over",
                };
                let finding = || finding(order, Trouble::WindowNotClosed, detail.to_owned(), true);
                return overdue.then(finding).map_or(Look::Well, Look::Found);
            }
            _ => {}
        }
        let found = |trouble, detail| finding(order, trouble, detail, true);
        Look::at(self.workflow.execution(order).await, order.id(), found)
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
}

/// The orders that a run has looked at.
struct Examined {
    /// Whether there were any.
    any: bool,
    /// The order after which there are more; `None` when there are no more.
    next: Option<OrderId>,
}

/// What a run looks at, and until when.
#[derive(Clone, Copy)]
struct Run {
    scope: Scope,
    until: Instant,
}

impl Run {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}
