//! The returns of orders: how they go on from write to write, what comes back for them, and what is given back.

use std::collections::{BTreeMap, BTreeSet};

use omniflow_domain::Order;
use omniflow_domain::order::returns::{Return, ReturnState};

use super::orders::Problems;
use super::{Books, Entry, Place};
use crate::invariant::Invariant;

/// What was watched of the returns of an order.
#[derive(Debug, Clone, Default)]
pub struct Returns {
    /// The pieces that movements of the stock brought back, by the number of the return and the place.
    pub restocked: BTreeMap<(u32, Place), i64>,
    /// The ids of the events about them that the customer was told of.
    pub told: BTreeSet<String>,
    /// The number of the return that was asked for under each idempotency key.
    keys: BTreeMap<String, u32>,
}

/// What somebody did about a return, and was answered with 2xx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Decision {
    Asked,
    Approved,
    Rejected,
    Received,
    Resolved,
}

/// A return that is open, as the people at the desk see it.
#[derive(Debug, Clone)]
pub struct Open {
    /// The order.
    pub order: String,
    /// The return.
    pub it: Return,
}

impl Books {
    /// The returns that are open.
    pub fn open_returns(&self) -> Vec<Open> {
        let of_order = |(id, entry): (&String, &Entry)| {
            let open = entry.order.returns().iter().filter(|it| !it.state.is_final());
            open.map(|it| Open { order: id.clone(), it: it.clone() }).collect::<Vec<_>>()
        };
        self.orders().flat_map(of_order).collect()
    }

    /// The return of this number.
    pub fn return_of(&self, order: &str, number: u32) -> Option<&Return> {
        self.order(order)?.order.return_of(number).ok()
    }

    /// Notes that a request with this idempotency key asked for a return.
    pub fn asked_by_key(&mut self, key: &str, order: &str, number: u32) {
        let Some(entry) = self.orders.get_mut(order) else { return };
        let first = *entry.returns.keys.entry(key.to_owned()).or_insert(number);
        if first != number {
            let found = format!("the request with the key {key} asked for the returns {first} and {number}");
            self.violated(Invariant::OneReturn, Some(order), found);
        }
    }

    /// Notes that so many pieces came back to a place by a movement for a return.
    pub fn brought_back(&mut self, order: &str, number: u32, place: Place, pieces: i64) {
        let Some(entry) = self.orders.get_mut(order) else {
            let found = format!("{pieces} of {} came back for it, and there is no such order", place.0);
            return self.violated(Invariant::StockOwned, Some(order), found);
        };
        let found = format!("the {} of its return {number} came back to {} twice", place.0, place.1);
        if entry.returns.restocked.insert((number, place), pieces).is_some() {
            self.violated(Invariant::EffectOnce, Some(order), found);
        }
    }

    /// Notes that a decision about a return was answered with 2xx, and checks that it stands on the order.
    pub fn decided(&mut self, order: &str, number: u32, decision: Decision) {
        let known = self.return_of(order, number);
        if !known.is_some_and(|it| is_kept(decision, it)) {
            let state = known.map(|it| it.state.name());
            let found = format!("{decision:?} was answered with 2xx of return {number}, which is {state:?}");
            self.violated(Invariant::AnswersTrue, Some(order), found);
        }
    }
}

/// Whether a decision stands on a return, as far as that has come. What was decided before is not taken back later: see
/// [`next`].
fn is_kept(decision: Decision, it: &Return) -> bool {
    match decision {
        Decision::Asked => true,
        Decision::Approved => it.history.iter().any(|change| change.state == ReturnState::AwaitingGoods),
        Decision::Rejected => it.state == ReturnState::Rejected,
        Decision::Received => it.refund.is_some(),
        Decision::Resolved => it.state == ReturnState::Refunded,
    }
}

/// How each return of an order has ended.
pub(super) fn outcomes(order: &Order) -> impl Iterator<Item = &'static str> + '_ {
    order.returns().iter().map(|it| if was_by_hand(it) { "REFUNDED by hand" } else { it.state.name() })
}

/// Whether a person has said that they gave the money back.
pub fn was_by_hand(it: &Return) -> bool {
    it.state == ReturnState::Refunded && it.history.last().is_some_and(|change| change.by.is_some())
}

/// What is wrong with a write of an order, as far as it is about returns.
pub(super) fn next(before: &Order, after: &Order) -> Problems {
    let mut problems = Vec::new();
    for old in before.returns() {
        let number = old.number;
        let Ok(new) = after.return_of(number) else {
            problems.push((Invariant::LegalTransition, format!("its return {number} is gone")));
            continue;
        };
        if !new.history.starts_with(&old.history) {
            let found = format!("the history of its return {number} was written anew");
            problems.push((Invariant::LegalTransition, found));
        }
        if old.refund.is_some() && (old.refund, &old.lines) != (new.refund, &new.lines) {
            let found = format!("what came of its return {number}, or is given back for it, has changed");
            problems.push((Invariant::MoneyMatches, found));
        }
    }
    for it in after.returns() {
        let known = before.return_of(it.number).ok();
        let wrong = illegal_step(it, known.map_or(0, |old| old.history.len()));
        problems.extend(wrong.map(|found| (Invariant::LegalTransition, found)));
        if it.refund.is_some() && known.is_none_or(|old| old.refund.is_none()) {
            problems.extend(wrongly_received(after));
        }
    }
    problems
}

/// A step of a return, from the one of this index on, that the table of steps doesn't have.
fn illegal_step(it: &Return, from: usize) -> Option<String> {
    let state = |index: usize| it.history.get(index).map(|change| change.state);
    if it.history.last().map(|change| change.state) != Some(it.state) {
        return Some(format!("the state of its return {} is not the last of its history", it.number));
    }
    (from.max(1)..it.history.len()).find_map(|index| {
        let (last, next) = (state(index - 1)?, state(index)?);
        // What needed attention stands where it stood before.
        let stood = match last {
            ReturnState::NeedsAttention => index.checked_sub(2).and_then(state)?,
            last => last,
        };
        let goes_on = last != stood && next == stood;
        let found = format!("its return {}: {} follows {}", it.number, next.name(), last.name());
        (!goes_on && (last == next || !follows(stood, next))).then_some(found)
    })
}

const fn follows(from: ReturnState, to: ReturnState) -> bool {
    use ReturnState::{
        AwaitingGoods, AwaitingReview, NeedsAttention, Received, Refunded, Rejected, Requested,
    };
    match from {
        Requested => matches!(to, AwaitingReview | AwaitingGoods),
        AwaitingReview => matches!(to, AwaitingGoods | Rejected | NeedsAttention),
        AwaitingGoods => matches!(to, Received | Rejected | NeedsAttention),
        Received => matches!(to, Refunded | NeedsAttention),
        Refunded | Rejected | NeedsAttention => false,
    }
}

/// What is wrong with what has come back of an order, and with what is to be given back for it.
fn wrongly_received(order: &Order) -> Problems {
    let mut problems = Vec::new();
    let received: Vec<_> = order.returns().iter().filter(|it| it.refund.is_some()).collect();
    let mut came: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for line in received.iter().flat_map(|it| &it.lines) {
        *came.entry((&line.product_id, &line.warehouse)).or_default() += u64::from(line.came());
    }
    let shipped = |product: &str, warehouse: &str| -> u64 {
        let out = order.shipments().iter().filter(|one| one.state.is_out() && one.warehouse == warehouse);
        let lines = out.flat_map(|one| &one.items).filter(|line| line.product_id == product);
        lines.map(|line| u64::from(line.quantity)).sum()
    };
    for ((product, warehouse), pieces) in &came {
        let left = shipped(product, warehouse);
        if *pieces > left {
            let found = format!("{pieces} of {product} came back to {warehouse}, which had shipped {left}");
            problems.push((Invariant::StockOwned, found));
        }
    }
    let price = |product: &str| {
        let item = order.items().iter().find(|item| item.product_id == product);
        item.and_then(|item| item.price).map_or(0, omniflow_domain::Money::minor_units)
    };
    let worth: u64 = came.iter().map(|((product, _), pieces)| price(product) * pieces).sum();
    let given: u64 =
        received.iter().filter_map(|it| it.refund).map(omniflow_domain::Money::minor_units).sum();
    // What somebody has given back past the shop is not given back again.
    let is_less = given < worth && order.payment().returned.is_some();
    if given != worth && !is_less {
        let found = format!("{given} is to be given back for returns that are worth {worth}");
        problems.push((Invariant::MoneyMatches, found));
    }
    problems
}

/// What is wrong with money that the payment gateway gives back for a return. It is noted.
pub(super) fn refunded(entry: &mut Entry, number: u32, units: u64) -> Problems {
    let mut problems = Vec::new();
    let due = entry.order.return_of(number).ok().and_then(|it| it.refund).map(|due| due.minor_units());
    if due != Some(units) {
        let found = format!("{units} was given back for its return {number}, for which {due:?} is due");
        problems.push((Invariant::MoneyMatches, found));
    }
    if entry.money.for_returns.insert(number, units).is_some() {
        problems.push((Invariant::EffectOnce, format!("its return {number} was refunded twice")));
    }
    let all = entry.money.by_hand + entry.money.for_returns.values().sum::<u64>();
    if all > entry.order.amount().minor_units() {
        let found = format!("it cost {}, and {all} was given back", entry.order.amount());
        problems.push((Invariant::MoneyMatches, found));
    }
    problems
}

/// What was given back of an order's money in parts, in the smallest unit of the currency: for returns, by the gateway and by
/// hand, and past the shop.
pub(super) fn given_back(entry: &Entry) -> u64 {
    let Entry { order, money, .. } = entry;
    let in_cash = |it: &&Return| was_by_hand(it) && !money.for_returns.contains_key(&it.number);
    let in_cash = order.returns().iter().filter(in_cash).filter_map(|it| it.refund);
    money.by_hand
        + money.for_returns.values().sum::<u64>()
        + in_cash.map(omniflow_domain::Money::minor_units).sum::<u64>()
}
