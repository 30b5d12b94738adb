//! Returns: what customers send back of an order that was completed, and the money that they get for it.
//!
//! ```text
//!   request_return ──► AWAITING_REVIEW ── review_return ──► AWAITING_GOODS ── receive_return ──► RECEIVED ──► REFUNDED
//!          └── up to a value ─────────────────────────────────────▲                     note_return_refunded ──┘
//!                            AWAITING_REVIEW, AWAITING_GOODS ── review_return, close_return ──► REJECTED
//!   any of these that isn't an end ── fail_return ──► NEEDS_ATTENTION ── retry_return ──► the state before
//! ```
//!
//! Returns are parts of their order, so that the order's conditional write decides their races, too: two returns of
//! the same pieces, a rejection and the arrival of the goods. Each has an execution of the returns' state machine, a
//! task that waits, and what it must be told, as the order has for its own workflow. What is to be told and what is to be
//! published stands on the order with the write that decided it; see [`Order::keep_next_signal`].

mod ask;
mod decide;
mod refusal;
mod steps;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::order::{Actor, Failed, Order, OrderId, Role, Token, Unknown};

pub use ask::Asked;
pub use decide::ReceivedLine;
pub use refusal::ReturnRefusal;
pub use steps::Passage;

/// The largest number of returns of one order: its item is billed by its length.
pub const MOST_RETURNS: usize = 20;

/// The largest number of lines of a return: for each, two items are written when the goods come, and 100 items are in a
/// transaction at most (Amazon DynamoDB API Reference, "TransactWriteItems").
pub const MOST_LINES: usize = 40;

/// A return: some of an order's goods, on their way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// The number of the return among those of its order, from 1.
    pub number: u32,
    /// Why, in the customer's words; empty once the customer was forgotten.
    pub reason: String,
    /// The goods, by the warehouse that shipped them.
    pub lines: Vec<ReturnLine>,
    /// The price of what was asked to be returned.
    pub value: Money,
    /// How far it has come, which is the last entry of the history.
    pub state: ReturnState,
    /// Each state that the return came to, oldest first.
    pub history: Vec<ReturnChange>,
    /// How many entries of the history others have been told of.
    pub announced: usize,
    /// The money that is given back for what was received; `None` until then.
    pub refund: Option<Money>,
    /// Why the return needs attention, or last did.
    pub attention: Option<ReturnAttention>,
    /// The number of the return's execution: 1 for the first, and one more for each that took up its work.
    pub execution: u32,
    /// The task of the execution that waits.
    pub task: Option<ReturnTask>,
    /// What the execution must still be told.
    pub pending: Option<ReturnSignal>,
    /// What a later release stored with the return.
    pub unknown: Unknown,
}

/// Pieces of one product that come back to one warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReturnLine {
    /// The id of the product.
    pub product_id: String,
    /// The warehouse that shipped the pieces, and to whose shelf they come back.
    pub warehouse: String,
    /// The number of pieces that were asked to be returned.
    pub quantity: u32,
    /// The number of those that came and can be sold again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restocked: u32,
    /// The number of those that came and can't be sold again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub written_off: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// How far a return has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnState {
    /// The customer asked for it.
    Requested,
    /// An operator must approve it.
    AwaitingReview,
    /// The customer may send the goods, and the warehouse waits for them.
    AwaitingGoods,
    /// The goods have come, and their money is given back.
    Received,
    /// The money was given back, and the return is closed.
    Refunded,
    /// There is no return: an operator refused it, or the goods never came.
    Rejected,
    /// The return's workflow failed for good, and a person has to look at it.
    NeedsAttention,
}

impl ReturnState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Requested,
        Self::AwaitingReview,
        Self::AwaitingGoods,
        Self::Received,
        Self::Refunded,
        Self::Rejected,
        Self::NeedsAttention,
    ];

    /// The name that programs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::AwaitingReview => "AWAITING_REVIEW",
            Self::AwaitingGoods => "AWAITING_GOODS",
            Self::Received => "RECEIVED",
            Self::Refunded => "REFUNDED",
            Self::Rejected => "REJECTED",
            Self::NeedsAttention => "NEEDS_ATTENTION",
        }
    }

    /// Whether no other state follows.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Refunded | Self::Rejected)
    }

    /// Whether the return waits for somebody outside of its workflow.
    pub const fn awaits_person(self) -> bool {
        matches!(self, Self::AwaitingReview | Self::AwaitingGoods | Self::NeedsAttention)
    }
}

/// The moment at which a return came to a state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ReturnChange {
    pub state: ReturnState,
    pub at: DateTime<Utc>,
    /// Who brought it there; `None` where its workflow did.
    pub by: Option<Actor>,
    /// What they wrote about it.
    pub note: Option<String>,
}

/// Why a return needs attention, or last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnAttention {
    /// The moment since which it does.
    pub since: DateTime<Utc>,
    /// The state that it had before, to which a retry brings it back.
    pub was: ReturnState,
    /// The state of the workflow that failed, and its error.
    pub failed: Failed,
    /// The number of times that the system itself had it go on since it first failed so.
    pub tries: u32,
    /// The first of these failures.
    pub first: DateTime<Utc>,
    /// Who had it go on, once somebody has.
    pub retried: Option<Actor>,
}

/// The tasks of a return's workflow that wait, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnStep {
    /// The task that waits for an operator.
    Review,
    /// The task that waits for the goods.
    Goods,
}

/// A task of a return's workflow that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnTask {
    /// Which one it is.
    pub step: ReturnStep,
    /// Its token.
    pub token: Token,
}

/// What a return's workflow must be told. It is stored by the write that decided it, as
/// [`Signal`] is for the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnSignal {
    /// It has to be started.
    Start,
    /// The return was approved.
    Approved,
    /// The return was rejected.
    Rejected,
    /// The goods have come.
    Received,
    /// It failed and has to go on where it stands.
    Retry,
}

/// The shop's terms of returns.
#[derive(Debug, Clone, Copy)]
pub struct ReturnTerms {
    /// How long after its completion goods of an order may be returned.
    pub within: TimeDelta,
    /// Returns of a higher price wait for an operator.
    pub review_over: Money,
}

impl ReturnLine {
    /// The number of pieces that came.
    pub const fn came(&self) -> u32 {
        self.restocked.saturating_add(self.written_off)
    }
}

impl Return {
    /// The pieces of this line that can't be returned once more: those that came, or before that all that were
    /// asked; none of a return that was rejected.
    fn claimed(&self, line: &ReturnLine) -> u32 {
        match (self.standing(), self.refund) {
            (ReturnState::Rejected, _) => 0,
            (_, Some(_)) => line.came(),
            (_, None) => line.quantity,
        }
    }

    /// The state by which steps decide: for a return that needs attention the one that it had before.
    pub fn standing(&self) -> ReturnState {
        match (&self.attention, self.state) {
            (Some(attention), ReturnState::NeedsAttention) => attention.was,
            (_, state) => state,
        }
    }

    /// The name of the return's execution.
    pub fn execution_name(&self, order: &OrderId) -> String {
        let name = format!("{order}{OF_RETURN}{}", self.number);
        if self.execution <= 1 { name } else { format!("{name}-{}", self.execution) }
    }

    /// Forgets who the customer is and what people wrote. What came back, and for how much, stays for the books.
    pub(super) fn forget_customer(&mut self) {
        self.reason.clear();
        let actors = self.history.iter_mut().map(|change| {
            change.note = None;
            &mut change.by
        });
        for by in actors.flatten().filter(|by| by.role == Role::Customer) {
            *by = Actor::nameless(Role::Customer);
        }
    }

    /// Who asked for it.
    pub fn requested_by(&self) -> Option<&Actor> {
        self.history.first()?.by.as_ref()
    }

    fn change(&mut self, state: ReturnState, now: DateTime<Utc>, by: Option<Actor>, note: Option<String>) {
        self.state = state;
        self.history.push(ReturnChange { state, at: now, by, note });
    }

    /// Notes what the execution must be told. One that has still to be started, or to go on, finds by the return's
    /// state what was decided meanwhile.
    fn tell(&mut self, signal: ReturnSignal) {
        if !matches!(self.pending, Some(ReturnSignal::Start | ReturnSignal::Retry)) {
            self.pending = Some(signal);
        }
    }
}

/// What stands between an order's id and a return's number in the name of its execution.
const OF_RETURN: &str = "-return-";

/// The order and the number of the return that an execution of this name is of, if it is one of a return.
pub fn return_of_execution(name: &str) -> Option<(OrderId, u32)> {
    let (order, rest) = name.split_once(OF_RETURN)?;
    let number = rest.split('-').next()?.parse().ok()?;
    Some((OrderId::parse(order).ok()?, number))
}

impl Order {
    /// The returns, oldest first.
    pub fn returns(&self) -> &[Return] {
        &self.record.returns
    }

    /// The return of this number.
    ///
    /// # Errors
    /// [`ReturnRefusal::Unknown`].
    pub fn return_of(&self, number: u32) -> Result<&Return, ReturnRefusal> {
        let found = self.record.returns.iter().find(|it| it.number == number);
        found.ok_or(ReturnRefusal::Unknown(number))
    }

    fn return_mut(&mut self, number: u32) -> Result<&mut Return, ReturnRefusal> {
        let found = self.record.returns.iter_mut().find(|it| it.number == number);
        found.ok_or(ReturnRefusal::Unknown(number))
    }

    /// Whether a return is neither refunded nor rejected.
    pub fn has_open_returns(&self) -> bool {
        self.record.returns.iter().any(|it| !it.state.is_final())
    }

    /// Whether the workflow of a return has to be told something, or others of what changed.
    pub(super) fn has_returns_to_tell(&self) -> bool {
        self.record.returns.iter().any(|it| it.pending.is_some() || it.announced < it.history.len())
    }

    /// Notes that all is out which is to be announced of the returns in `read`, this order as it was published.
    pub fn settle_return_announcements(&mut self, read: &Self, now: DateTime<Utc>) {
        for it in &mut self.record.returns {
            if let Ok(told) = read.return_of(it.number) {
                it.announced = it.announced.max(told.history.len());
            }
        }
        self.keep_next_signal(now);
    }

    /// Clears what the workflows of the returns in `read`, this order as it was read before, had to be told: they have
    /// heard it, or nobody waits for it. What was decided since then stays, and so does what a task has to be told that
    /// began to wait since then.
    pub fn settle_returns(&mut self, read: &Self, now: DateTime<Utc>) {
        for it in &mut self.record.returns {
            if let Ok(before) = read.return_of(it.number)
                && (it.pending, &it.task, it.execution) == (before.pending, &before.task, before.execution)
            {
                it.pending = None;
            }
        }
        self.keep_next_signal(now);
    }
}

#[cfg(test)]
mod tests;
