//! What people decide about a return: whether it may be, and what became of the goods.

use chrono::{DateTime, Utc};

use super::{Return, ReturnRefusal, ReturnSignal, ReturnState};
use crate::allocation::Line;
use crate::money::Money;
use crate::order::{Actor, Order, Refusal};

/// What has come of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLine {
    /// The id of the product.
    pub product_id: String,
    /// The number of pieces that can be sold again.
    pub restock: u32,
    /// The number of pieces that can't be.
    pub write_off: u32,
}

impl Order {
    /// Approves the return or rejects it. It can be rejected until its goods have come.
    ///
    /// # Errors
    /// When that is decided already, or the operator would approve a return of their own.
    pub fn review_return(
        &mut self,
        number: u32,
        approve: bool,
        by: Actor,
        note: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let known = self.return_of(number)?;
        let is_possible = match known.state {
            ReturnState::AwaitingReview => true,
            ReturnState::AwaitingGoods => !approve,
            _ => false,
        };
        if !is_possible {
            return Err(ReturnRefusal::WrongState { number, state: known.state }.into());
        }
        if approve {
            self.check_reviewer(&by)?;
            self.return_of(number)?.check_reviewer(&by)?;
        }
        let (state, signal) = match approve {
            true => (ReturnState::AwaitingGoods, ReturnSignal::Approved),
            false => (ReturnState::Rejected, ReturnSignal::Rejected),
        };
        let it = self.return_mut(number)?;
        it.change(state, now, Some(by), note);
        it.tell(signal);
        self.keep_next_signal(now);
        Ok(())
    }

    /// Notes which goods have come and what they are worth still, and fixes the money that is given back for them:
    /// never more than was taken and not given back.
    ///
    /// # Errors
    /// When no goods are waited for, or others came than were to be returned.
    pub fn receive_return(
        &mut self,
        number: u32,
        received: &[ReceivedLine],
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let known = self.return_of(number)?;
        if known.state != ReturnState::AwaitingGoods {
            return Err(ReturnRefusal::WrongState { number, state: known.state }.into());
        }
        let mut it = known.clone();
        it.take_in(received)?;
        let refund = self.value_of(&it.came()).at_most(self.not_given_back());
        it.refund = Some(refund);
        it.change(ReturnState::Received, now, Some(by), None);
        it.tell(ReturnSignal::Received);
        *self.return_mut(number)? = it;
        self.keep_next_signal(now);
        Ok(())
    }

    /// What was, or is being, given back for returns.
    pub fn refunded_for_returns(&self) -> Money {
        self.sum_of(self.record.returns.iter().filter_map(|it| it.refund))
    }

    /// The part of that which the provider is known to have given back: people may have given some of it back in another
    /// way.
    pub(in crate::order) fn surely_refunded_for_returns(&self) -> Money {
        let by_workflow = |it: &&Return| {
            it.state == ReturnState::Refunded && it.history.last().is_some_and(|change| change.by.is_none())
        };
        let refunds = self.record.returns.iter().filter(by_workflow).filter_map(|it| it.refund);
        self.sum_of(refunds)
    }

    fn sum_of(&self, refunds: impl Iterator<Item = Money>) -> Money {
        let none = Money::zero(self.record.amount.currency());
        refunds.fold(none, |sum, refund| sum.plus(refund).unwrap_or(sum))
    }

    /// What was taken of the order and not given back, for returns or past this system.
    fn not_given_back(&self) -> Money {
        let kept = self.record.amount.less(self.refunded_for_returns());
        self.record.payment.returned.map_or(kept, |returned| kept.less(returned))
    }
}

impl Return {
    /// As [`Order::check_reviewer`], for whoever asked for the return.
    fn check_reviewer(&self, by: &Actor) -> Result<(), Refusal> {
        let is_program = by.id.as_deref().is_some_and(|id| id.starts_with("arn:"));
        let asked = self.requested_by().and_then(|asked| asked.id.as_deref());
        match asked {
            Some(asked) if !is_program && by.id.as_deref() == Some(asked) => Err(Refusal::OwnOrder),
            _ => Ok(()),
        }
    }

    /// Notes what has come, in the order of the lines of each product.
    fn take_in(&mut self, received: &[ReceivedLine]) -> Result<(), ReturnRefusal> {
        for came in received {
            let of_product = |line: &&super::ReturnLine| line.product_id == came.product_id;
            let asked: u32 = self.lines.iter().filter(of_product).map(|line| line.quantity).sum();
            let sum = came.restock.saturating_add(came.write_off);
            if sum > asked {
                let product_id = came.product_id.clone();
                return Err(ReturnRefusal::MoreThanAsked { product_id, came: sum, asked });
            }
            let (mut restock, mut write_off) = (came.restock, came.write_off);
            for line in self.lines.iter_mut().filter(|line| line.product_id == came.product_id) {
                line.restocked = line.quantity.min(restock);
                restock -= line.restocked;
                line.written_off = (line.quantity - line.restocked).min(write_off);
                write_off -= line.written_off;
            }
        }
        if self.lines.iter().all(|line| line.came() == 0) { Err(ReturnRefusal::NothingCame) } else { Ok(()) }
    }

    fn came(&self) -> Vec<Line> {
        let came = self.lines.iter().filter(|line| line.came() > 0);
        came.map(|line| Line { product_id: line.product_id.clone(), quantity: line.came() }).collect()
    }
}
