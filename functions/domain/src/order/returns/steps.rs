//! What the steps of a return's workflow do, and what becomes of a return whose workflow failed.

use chrono::{DateTime, Utc};

use super::{Return, ReturnAttention, ReturnRefusal, ReturnSignal, ReturnState, ReturnStep, ReturnTask};
use crate::money::Money;
use crate::order::{Actor, Failed, Order, PaymentState, Refusal, Token};

/// Whether a step of a return's workflow has something to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Its token is answered when somebody has decided.
    Waits,
    /// All that it would wait for has happened.
    Open,
}

impl Order {
    /// Has a step wait for what it is there for, or pass, when that was decided before.
    ///
    /// # Errors
    /// [`ReturnRefusal::Rejected`] when there is no return, and when the step for the goods comes before the review.
    pub fn await_return(
        &mut self,
        number: u32,
        step: ReturnStep,
        token: Token,
        now: DateTime<Utc>,
    ) -> Result<Passage, Refusal> {
        let it = self.return_mut(number)?;
        if it.standing() == ReturnState::Rejected {
            return Err(ReturnRefusal::Rejected(number).into());
        }
        let is_early = step == ReturnStep::Goods && it.standing() == ReturnState::AwaitingReview;
        if is_early {
            return Err(ReturnRefusal::WrongState { number, state: it.state }.into());
        }
        it.take_up(now);
        let waits = match step {
            ReturnStep::Review => it.state == ReturnState::AwaitingReview,
            ReturnStep::Goods => it.state == ReturnState::AwaitingGoods,
        };
        if waits {
            it.keep_task(step, token);
        } else if it.pending == Some(ReturnSignal::Approved) {
            // This step tells itself that it may go on.
            it.pending = None;
        }
        self.keep_next_signal(now);
        Ok(if waits { Passage::Waits } else { Passage::Open })
    }

    /// The money that is to be given back for the return; `None` when that was done, or there is none.
    ///
    /// # Errors
    /// When its goods have not come.
    pub fn return_refund_due(&self, number: u32) -> Result<Option<Money>, Refusal> {
        let it = self.return_of(number)?;
        match (it.standing(), it.refund) {
            (ReturnState::Received, Some(refund)) => Ok(Some(refund).filter(|refund| !refund.is_zero())),
            (ReturnState::Refunded, _) => Ok(None),
            (state, _) => Err(ReturnRefusal::WrongState { number, state }.into()),
        }
    }

    /// Notes that the money for the return was given back. Noted before, nothing changes.
    ///
    /// # Errors
    /// When its goods have not come.
    pub fn note_return_refunded(&mut self, number: u32, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.return_refund_due(number)?;
        let it = self.return_mut(number)?;
        if it.state != ReturnState::Refunded {
            it.take_up(now);
            it.end(ReturnState::Refunded, now, None, None);
        }
        self.note_given_back();
        self.keep_next_signal(now);
        Ok(())
    }

    /// When all money of the order was given back for its returns, the payment says so.
    fn note_given_back(&mut self) {
        let is_done = |it: &Return| it.refund.is_none() || it.state == ReturnState::Refunded;
        let is_all = self.refunded_for_returns() == self.record.amount && !self.record.amount.is_zero();
        if is_all && self.record.returns.iter().all(is_done) {
            self.record.payment.state = PaymentState::Refunded;
        }
    }

    /// Ends a return of which nothing will come: it was rejected, or nobody sent the goods. A return whose goods came at
    /// the last moment gets another execution, which gives the money back.
    ///
    /// # Errors
    /// When there is no such return.
    pub fn close_return(&mut self, number: u32, now: DateTime<Utc>) -> Result<(), Refusal> {
        let it = self.return_mut(number)?;
        match it.standing() {
            ReturnState::Requested | ReturnState::AwaitingReview | ReturnState::AwaitingGoods => {
                it.end(ReturnState::Rejected, now, Some(Actor::SYSTEM), None);
            }
            ReturnState::Received => {
                it.take_up(now);
                it.begin_anew();
            }
            ReturnState::Refunded | ReturnState::Rejected | ReturnState::NeedsAttention => it.stop_waiting(),
        }
        self.keep_next_signal(now);
        Ok(())
    }

    /// Leaves the return to a person, since its workflow failed for good. The answer tells whether that is news.
    ///
    /// # Errors
    /// When there is no such return.
    pub fn fail_return(&mut self, number: u32, failed: Failed, now: DateTime<Utc>) -> Result<bool, Refusal> {
        let it = self.return_mut(number)?;
        if it.state.is_final() || it.state == ReturnState::NeedsAttention {
            return Ok(false);
        }
        let was = it.state;
        let before = it.attention.take().filter(|before| {
            before.was == was
                && before.failed.state == failed.state
                && before.retried.as_ref() == Some(&Actor::SYSTEM)
        });
        it.attention = Some(ReturnAttention {
            since: now,
            was,
            failed,
            tries: before.as_ref().map_or(0, |before| before.tries),
            first: before.as_ref().map_or(now, |before| before.first),
            retried: None,
        });
        it.end(ReturnState::NeedsAttention, now, None, None);
        self.keep_next_signal(now);
        Ok(true)
    }

    /// Has the return's workflow go on where it failed.
    ///
    /// # Errors
    /// When the return doesn't need attention.
    pub fn retry_return(
        &mut self,
        number: u32,
        by: Actor,
        note: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let it = self.return_mut(number)?;
        if it.state != ReturnState::NeedsAttention {
            return Err(ReturnRefusal::WrongState { number, state: it.state }.into());
        }
        it.resume(by, note, now);
        it.pending = Some(ReturnSignal::Retry);
        self.keep_next_signal(now);
        Ok(())
    }

    /// Closes a return that needs attention, since a person gave the money for its goods back by hand.
    ///
    /// # Errors
    /// When the return doesn't need attention, or its goods have not come.
    pub fn resolve_return(
        &mut self,
        number: u32,
        by: Actor,
        note: String,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let it = self.return_mut(number)?;
        if it.state != ReturnState::NeedsAttention || it.standing() != ReturnState::Received {
            return Err(ReturnRefusal::WrongState { number, state: it.state }.into());
        }
        it.end(ReturnState::Refunded, now, Some(by), Some(note));
        self.note_given_back();
        self.keep_next_signal(now);
        Ok(())
    }

    /// Has another execution begin for a return whose failed one can't be taken up again.
    pub fn restart_return(&mut self, number: u32, now: DateTime<Utc>) {
        if let Ok(it) = self.return_mut(number)
            && it.pending == Some(ReturnSignal::Retry)
        {
            it.begin_anew();
        }
        self.keep_next_signal(now);
    }
}

impl Return {
    /// Whether the return needs attention only because of a disturbance, so that the system itself may have its
    /// workflow go on.
    pub fn failed_by_disturbance(&self) -> bool {
        let error = self.attention.as_ref().and_then(|attention| attention.failed.error.as_deref());
        self.state == ReturnState::NeedsAttention
            && error.is_some_and(crate::order::attention::is_disturbance)
    }

    /// Notes that the workflow goes on with a return that needs attention, because a step of it runs.
    fn take_up(&mut self, now: DateTime<Utc>) {
        if self.state == ReturnState::NeedsAttention {
            self.resume(Actor::SYSTEM, None, now);
        }
        if matches!(self.pending, Some(ReturnSignal::Start | ReturnSignal::Retry)) {
            self.pending = None;
        }
    }

    fn resume(&mut self, by: Actor, note: Option<String>, now: DateTime<Utc>) {
        let was = self.standing();
        if let Some(attention) = &mut self.attention {
            attention.tries += u32::from(by == Actor::SYSTEM);
            attention.retried = Some(by.clone());
        }
        self.change(was, now, Some(by), note);
    }

    fn begin_anew(&mut self) {
        self.execution += 1;
        self.task = None;
        self.pending = Some(ReturnSignal::Start);
    }

    fn end(&mut self, state: ReturnState, now: DateTime<Utc>, by: Option<Actor>, note: Option<String>) {
        self.change(state, now, by, note);
        self.stop_waiting();
    }

    fn stop_waiting(&mut self) {
        self.task = None;
        self.pending = None;
    }

    /// Keeps the token of a task, unless one of a later step or a later attempt of the same one came before.
    fn keep_task(&mut self, step: ReturnStep, token: Token) {
        let order = |task: &ReturnTask| (task.step, task.token.redrive, task.token.attempt);
        let new = ReturnTask { step, token };
        if self.task.as_ref().is_none_or(|known| order(known) <= order(&new)) {
            self.task = Some(new);
            self.pending = None;
        }
    }
}
