//! What a run of the reconciler finds, and how it says so.

use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::order::{Order, OrderId};
use omniflow_domain::status::Status;
use serde::Serialize;

use super::holders::Place;
use crate::Unreadable;
use crate::workflow::{ExecutionState, Unsent};

/// The pause before the system has an order go on by itself for the first time; each further one is twice as
/// long.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(5);
/// The longest of these pauses.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(2);
/// The time after the failure for which the system has an order go on by itself. What a disturbance of a day
/// stopped is for a person to look at.
const BY_ITSELF_FOR: TimeDelta = TimeDelta::hours(24);

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Trouble {
    /// The order's workflow failed, and the order doesn't say so.
    WorkflowFailed,
    /// The order has no workflow: it never began, or is forgotten.
    WorkflowMissing,
    /// The order's workflow has succeeded, and the order is not closed.
    WorkflowEnded,
    /// The order may still be paid though its deadline has passed.
    WindowNotClosed,
    /// The workflow has not heard of a decision for too long.
    SignalUnsent,
    /// The order waits until the system has it go on, since only a disturbance stopped it.
    RetryDue,
    /// The order waits for a person.
    NeedsAttention,
    /// The order's item can't be read.
    Unreadable,
    /// More or less stock is set aside than open orders hold.
    StockUnowned,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// What is wrong.
    pub trouble: Trouble,
    /// The order, unless it is about stock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The number of the return, if it is about one of the order.
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    pub return_number: Option<u32>,
    /// The order's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Status>,
    /// The moment since which the order stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The details, for people.
    pub detail: String,
    /// Whether a repair takes care of it.
    pub repairable: bool,
}

/// All that a run found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Findings {
    /// What was found.
    pub findings: Vec<Finding>,
    /// Whether there were more orders than a run looks at, or some whose execution Step Functions didn't tell about.
    pub more: bool,
}

/// What a look at an order or a return shows.
pub(super) enum Look {
    /// Nothing is wrong.
    Well,
    Found(Finding),
    /// Step Functions didn't tell.
    Unseen,
}

impl Look {
    /// A look at the execution of an order or of one of its returns; `found` makes the finding.
    pub(super) fn at(
        execution: Result<ExecutionState, Unsent>,
        id: &OrderId,
        found: impl FnOnce(Trouble, String) -> Finding,
    ) -> Self {
        let (trouble, detail) = match execution {
            Ok(ExecutionState::Running) => return Self::Well,
            Ok(ExecutionState::Failed(failed)) => (Trouble::WorkflowFailed, failed.text()),
            Ok(ExecutionState::Unknown) => (Trouble::WorkflowMissing, "no workflow runs for it".to_owned()),
            Ok(ExecutionState::Succeeded) => (Trouble::WorkflowEnded, "its workflow has ended".to_owned()),
            Err(error) => {
                tracing::warn!(order_id = %id, %error, "left to the next run");
                return Self::Unseen;
            }
        };
        Self::Found(found(trouble, detail))
    }
}

impl Findings {
    pub(super) fn note(&mut self, look: Look) {
        match look {
            Look::Well => {}
            Look::Found(finding) => self.findings.push(finding),
            Look::Unseen => self.more = true,
        }
    }
}

/// What a repair did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Repaired {
    /// The number of findings that were taken care of.
    pub repaired: usize,
    /// The number of those that could not be; the next run tries again.
    pub failed: usize,
}

/// What a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Orders that stand still.
    Orders,
    /// These, and whether all stock that is set aside is held by an open order, for which all open orders are
    /// read.
    OrdersAndStock,
}

pub(super) fn finding(order: &Order, trouble: Trouble, detail: String, repairable: bool) -> Finding {
    Finding {
        trouble,
        order_id: Some(order.id().clone()),
        return_number: None,
        state: Some(order.status()),
        since: order.timeline().last().map(|change| change.at),
        detail,
        repairable,
    }
}

/// Pieces of a product in a warehouse that are set aside and held by no order; held and not set aside, when the
/// difference is negative.
pub(super) fn unowned((product, warehouse): &Place, difference: i64) -> Finding {
    let how = if difference > 0 {
        "set aside than open orders hold"
    } else {
        "held by open orders than are set aside"
    };
    Finding {
        trouble: Trouble::StockUnowned,
        order_id: None,
        return_number: None,
        state: None,
        since: None,
        detail: format!("of {product} in {warehouse}, {} more pieces are {how}", difference.unsigned_abs()),
        repairable: false,
    }
}

pub(super) fn unreadable_order(order: &Unreadable) -> Finding {
    Finding {
        trouble: Trouble::Unreadable,
        order_id: Some(order.order_id.clone()),
        return_number: None,
        state: order.status,
        since: None,
        detail: order.to_string(),
        repairable: false,
    }
}

pub(super) fn attention(order: &Order, now: DateTime<Utc>) -> Finding {
    let due = order.attention().filter(|_| order.failed_by_disturbance());
    let due = due.and_then(|it| retry_at(it.since, it.first, it.tries));
    let failure = order.failure().unwrap_or_default();
    match due {
        Some(due) if due <= now => finding(order, Trouble::RetryDue, failure.to_owned(), true),
        Some(due) => {
            let detail = format!("{failure}; the system has it go on at {due}");
            finding(order, Trouble::NeedsAttention, detail, false)
        }
        None => finding(order, Trouble::NeedsAttention, failure.to_owned(), false),
    }
}

/// The moment from which the system may have something go on that needs attention since `since`, first failed so at
/// `first`, and was tried again so often; `None` when that is up to a person.
pub(super) fn retry_at(since: DateTime<Utc>, first: DateTime<Utc>, tries: u32) -> Option<DateTime<Utc>> {
    // The longest pause is reached long before the exponent is out of range.
    let factor = 2_i32.pow(tries.min(10));
    let due = since + (FIRST_PAUSE * factor).min(LONGEST_PAUSE);
    (due <= first + BY_ITSELF_FOR).then_some(due)
}
