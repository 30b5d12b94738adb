//! Returns that stand still, or that need attention.

use chrono::{DateTime, Utc};
use omniflow_domain::Order;
use omniflow_domain::order::returns::{Return, ReturnState};
use omniflow_domain::order::{Actor, OrderId, Signal};

use super::findings::{Finding, Findings, Look, Scope, Trouble, retry_at};
use super::repair::failure;
use super::{MOST_OF_ONE_STATUS, MOST_SIGNALS, Reconciler, Run, STILL};
use crate::Error;
use crate::metrics;
use crate::workflow::NotSent;

impl Reconciler {
    /// Looks at the returns that are open, those first that have not moved for longest.
    pub(super) async fn examine_returns(&self, run: Run, found: &mut Findings) -> Result<(), Error> {
        let before = self.now().timestamp_millis();
        let (mut after, mut looked) = (None, 0);
        loop {
            let page = self.orders.unheard(Signal::ReturnsOpen.name(), before, MOST_SIGNALS, after).await?;
            for id in &page.orders {
                match self.orders.get(id).await {
                    Ok(order) => {
                        for it in order.returns() {
                            found.note(self.look_at_return(&order, it, run.scope).await);
                        }
                    }
                    Err(Error::Unreadable(order)) => {
                        found.findings.push(super::findings::unreadable_order(&order));
                    }
                    Err(Error::NoOrder(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            looked += page.orders.len();
            after = page.after;
            if after.is_none() {
                return Ok(());
            }
            if looked >= MOST_OF_ONE_STATUS || run.is_over() {
                found.more = true;
                return Ok(());
            }
        }
    }

    async fn look_at_return(&self, order: &Order, it: &Return, scope: Scope) -> Look {
        let now = self.now();
        let Some(since) = it.history.last().map(|change| change.at) else { return Look::Well };
        match it.state {
            state if state.is_final() => return Look::Well,
            ReturnState::NeedsAttention => return Look::Found(attention(order, it, now)),
            _ if since > now - STILL || it.pending.is_some() => return Look::Well,
            // It may wait for weeks. That its execution stands is only looked for with the stock, every hour.
            state if state.awaits_person() && scope == Scope::Orders => return Look::Well,
            _ => {}
        }
        let found = |trouble, detail: String| finding(order, it, trouble, &detail, true);
        Look::at(self.returns.execution(order, it).await, order.id(), found)
    }

    /// Looks at the return again, since it may have gone on, and helps it on if it has not.
    pub(super) async fn help_return_on(
        &self,
        id: &OrderId,
        number: u32,
        trouble: Trouble,
    ) -> Result<(), NotSent> {
        let now = self.now();
        let order = self.orders.get(id).await?;
        let Ok(it) = order.return_of(number) else { return Ok(()) };
        if trouble == Trouble::RetryDue {
            let retry = |order: &mut Order| {
                let is_due = order.return_of(number).is_ok_and(|it| due(it).is_some_and(|due| due <= now));
                if is_due {
                    order.retry_return(number, Actor::SYSTEM, None, now)?;
                }
                Ok::<_, Error>(())
            };
            let (order, ()) = self.orders.update(id, retry).await?;
            return self.returns.tell(&self.orders, &order, now).await.map(drop);
        }
        let Some(failed) = failure(self.returns.execution(&order, it).await?) else { return Ok(()) };
        let fail = |order: &mut Order| order.fail_return(number, failed.clone(), now).map_err(Error::from);
        let (_, is_news) = self.orders.update_as_read(&order, fail).await?;
        if is_news == Some(true) {
            let failure = failed.text();
            tracing::error!(order_id = %id, number, failure, "a return's workflow failed and no event told");
            metrics::count(metrics::NEEDING_ATTENTION, id);
        }
        Ok(())
    }
}

/// The moment from which the system may have the return go on; `None` when that is up to a person.
fn due(it: &Return) -> Option<DateTime<Utc>> {
    let attention = it.attention.as_ref().filter(|_| it.failed_by_disturbance())?;
    retry_at(attention.since, attention.first, attention.tries)
}

fn attention(order: &Order, it: &Return, now: DateTime<Utc>) -> Finding {
    let failure = it.attention.as_ref().map(|attention| attention.failed.text()).unwrap_or_default();
    match due(it) {
        Some(due) if due <= now => finding(order, it, Trouble::RetryDue, &failure, true),
        Some(due) => {
            let detail = format!("{failure}; the system has it go on at {due}");
            finding(order, it, Trouble::NeedsAttention, &detail, false)
        }
        None => finding(order, it, Trouble::NeedsAttention, &failure, false),
    }
}

fn finding(order: &Order, it: &Return, trouble: Trouble, detail: &str, repairable: bool) -> Finding {
    Finding {
        trouble,
        order_id: Some(order.id().clone()),
        return_number: Some(it.number),
        state: Some(order.status()),
        since: it.history.last().map(|change| change.at),
        detail: format!("return {}: {detail}", it.number),
        repairable,
    }
}
