//! Asking for a return, and what it is worth.

use chrono::{DateTime, Utc};

use super::{
    MOST_LINES, MOST_RETURNS, Return, ReturnChange, ReturnLine, ReturnRefusal, ReturnSignal, ReturnState,
    ReturnTerms,
};
use crate::allocation::Line;
use crate::money::Money;
use crate::order::{Actor, Order, PaymentState, Refusal, Unknown};
use crate::status::Status;

/// What somebody wants to return.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The products, each once.
    pub lines: Vec<Line>,
    /// Why the goods are returned, in the words of whoever asks.
    pub reason: String,
}

impl Order {
    /// Asks for a return, and gives its number. A return over the terms' price waits for an operator; for any other
    /// one the goods may be sent at once.
    ///
    /// # Errors
    /// [`ReturnRefusal`], when the order was not completed, the time for returns is over, or more is to be returned
    /// than was shipped and is not on its way back.
    pub fn request_return(
        &mut self,
        asked: &Asked,
        terms: &ReturnTerms,
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<u32, Refusal> {
        self.check_returnable(terms, now)?;
        let lines = self.returned_lines(&asked.lines)?;
        let value = self.value_of(&asked.lines);
        let number = u32::try_from(self.record.returns.len() + 1).unwrap_or(u32::MAX);
        let next =
            if value > terms.review_over { ReturnState::AwaitingReview } else { ReturnState::AwaitingGoods };
        let requested = ReturnChange { state: ReturnState::Requested, at: now, by: Some(by), note: None };
        let mut asked_for = Return {
            number,
            reason: asked.reason.clone(),
            lines,
            value,
            state: ReturnState::Requested,
            history: vec![requested],
            announced: 0,
            refund: None,
            attention: None,
            execution: 1,
            task: None,
            pending: Some(ReturnSignal::Start),
            unknown: Unknown::default(),
        };
        asked_for.change(next, now, None, None);
        self.record.returns.push(asked_for);
        self.keep_next_signal(now);
        Ok(number)
    }

    /// The moment until which goods of the order may be returned; `None` for one that was not completed.
    pub fn returns_until(&self, terms: &ReturnTerms) -> Option<DateTime<Utc>> {
        let completed = self.record.timeline.iter().rfind(|change| change.status == Status::Completed)?;
        completed.at.checked_add_signed(terms.within)
    }

    fn check_returnable(&self, terms: &ReturnTerms, now: DateTime<Utc>) -> Result<(), ReturnRefusal> {
        let until = match self.record.status {
            Status::Completed => self.returns_until(terms),
            other => return Err(ReturnRefusal::NotCompleted(other)),
        };
        if let Some(until) = until
            && until < now
        {
            return Err(ReturnRefusal::TooLate(until));
        }
        if self.record.payment.state != PaymentState::Captured {
            return Err(ReturnRefusal::NothingPaid);
        }
        if self.record.returns.len() >= MOST_RETURNS {
            return Err(ReturnRefusal::TooManyReturns);
        }
        Ok(())
    }

    /// The pieces of each product that may still be returned: those that were shipped and not asked back yet.
    pub fn returnable(&self) -> Vec<Line> {
        let mut left: Vec<Line> = Vec::new();
        for place in self.returnable_places() {
            match left.iter_mut().find(|line| line.product_id == place.product_id) {
                Some(line) => line.quantity += place.quantity,
                None => left.push(Line { product_id: place.product_id, quantity: place.quantity }),
            }
        }
        left
    }

    /// The same by the warehouses that shipped them.
    fn returnable_places(&self) -> Vec<ReturnLine> {
        let shipped = self.record.shipments.iter().filter(|shipment| shipment.state.is_out());
        let mut places: Vec<ReturnLine> = Vec::new();
        for shipment in shipped {
            for line in &shipment.items {
                let place = places.iter_mut().find(|place| {
                    place.product_id == line.product_id && place.warehouse == shipment.warehouse
                });
                match place {
                    Some(place) => place.quantity += line.quantity,
                    None => places.push(ReturnLine {
                        product_id: line.product_id.clone(),
                        warehouse: shipment.warehouse.clone(),
                        quantity: line.quantity,
                        restocked: 0,
                        written_off: 0,
                    }),
                }
            }
        }
        for place in &mut places {
            place.quantity = place.quantity.saturating_sub(self.claimed_of(place));
        }
        places.retain(|place| place.quantity > 0);
        places
    }

    fn claimed_of(&self, place: &ReturnLine) -> u32 {
        let of_place =
            |line: &&ReturnLine| line.product_id == place.product_id && line.warehouse == place.warehouse;
        let claims = self
            .record
            .returns
            .iter()
            .flat_map(|it| it.lines.iter().filter(of_place).map(|line| it.claimed(line)));
        claims.sum()
    }

    /// Divides what is to be returned among the warehouses that shipped it.
    fn returned_lines(&self, asked: &[Line]) -> Result<Vec<ReturnLine>, ReturnRefusal> {
        let places = self.returnable_places();
        let mut lines = Vec::new();
        for wanted in asked {
            let of_product = places.iter().filter(|place| place.product_id == wanted.product_id);
            let left: u32 = of_product.clone().map(|place| place.quantity).sum();
            if wanted.quantity > left {
                return Err(ReturnRefusal::TooMany {
                    product_id: wanted.product_id.clone(),
                    asked: wanted.quantity,
                    left,
                });
            }
            let mut open = wanted.quantity;
            for place in of_product {
                let quantity = place.quantity.min(open);
                if quantity > 0 {
                    lines.push(ReturnLine { quantity, ..place.clone() });
                    open -= quantity;
                }
            }
        }
        if lines.len() > MOST_LINES { Err(ReturnRefusal::TooManyLines) } else { Ok(lines) }
    }

    /// The price of these products beyond that of what came back before. The prices of the items are weights by which the
    /// order's amount is shared out, since an amount may be another one than their sum; where items have none, each
    /// piece weighs the same. Rounding is down, in sum over all returns, so that whoever returns everything gets
    /// exactly the amount back.
    pub(super) fn value_of(&self, lines: &[Line]) -> Money {
        let before = self.came_back();
        let mut after = before.clone();
        for line in lines {
            match after.iter_mut().find(|known| known.product_id == line.product_id) {
                Some(known) => known.quantity = known.quantity.saturating_add(line.quantity),
                None => after.push(line.clone()),
            }
        }
        self.share_of(&after).less(self.share_of(&before))
    }

    /// The pieces that came back so far.
    fn came_back(&self) -> Vec<Line> {
        let mut came: Vec<Line> = Vec::new();
        let received = self.record.returns.iter().filter(|it| it.refund.is_some());
        for line in received.flat_map(|it| &it.lines) {
            match came.iter_mut().find(|known| known.product_id == line.product_id) {
                Some(known) => known.quantity += line.came(),
                None => came.push(Line { product_id: line.product_id.clone(), quantity: line.came() }),
            }
        }
        came
    }

    /// The share of the order's amount that so many pieces of its products have.
    fn share_of(&self, pieces: &[Line]) -> Money {
        let amount = self.record.amount;
        let (mut part, mut all) = (0_u128, 0_u128);
        let mut left: Vec<Line> = pieces.to_vec();
        let is_priced = self.record.items.iter().all(|item| item.price.is_some_and(|price| !price.is_zero()));
        for item in &self.record.items {
            let weight = match item.price {
                Some(price) if is_priced => u128::from(price.minor_units()),
                _ => 1,
            };
            all += weight * u128::from(item.quantity);
            if let Some(line) = left.iter_mut().find(|line| line.product_id == item.product_id) {
                let taken = line.quantity.min(item.quantity);
                line.quantity -= taken;
                part += weight * u128::from(taken);
            }
        }
        let share = u128::from(amount.minor_units()) * part / all.max(1);
        amount.part(u64::try_from(share).unwrap_or(u64::MAX))
    }
}
