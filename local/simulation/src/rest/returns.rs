//! What is checked of the returns of an order that has come to rest.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use engine::{Engine, ExecutionStatus};
use omniflow_domain::Order;
use omniflow_domain::event::unannounced_returns;
use omniflow_domain::order::returns::{Return, ReturnState};

use super::{Lack, execution};
use crate::books::{Entry, was_by_hand};
use crate::invariant::Invariant;
use crate::process::RETENTION;

/// What the ids of events about returns have in them, and no others.
pub(super) const NEWS: &str = ":RETURN:";

/// The states that customers are told of, as the template's rule says.
const TOLD: [ReturnState; 4] =
    [ReturnState::AwaitingReview, ReturnState::AwaitingGoods, ReturnState::Refunded, ReturnState::Rejected];

/// What the returns of an order lack.
pub(super) fn lacks(
    entry: &Entry,
    engine: &Engine,
    dead: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    for it in entry.order.returns() {
        lacks.extend(of_its_workflow(&entry.order, it, engine, now));
        lacks.extend(of_its_money(entry, it));
        lacks.extend(of_its_goods(entry, it));
        lacks.extend(of_its_events(entry, it, dead));
    }
    let is_unknown = |number: &u32| entry.order.return_of(*number).is_err();
    if let Some(number) = entry.money.for_returns.keys().find(|number| is_unknown(number)) {
        let found = format!("money was given back for its return {number}, which there is not");
        lacks.push((Invariant::MoneyMatches, found));
    }
    lacks
}

fn of_its_workflow(order: &Order, it: &Return, engine: &Engine, now: DateTime<Utc>) -> Vec<Lack> {
    let (number, mut lacks) = (it.number, Vec::new());
    let describe = |it: &Return| {
        engine.describe_execution(&execution(engine, "ReturnStateMachine", &it.execution_name(order.id())))
    };
    let present = describe(it);
    if !it.state.is_final() {
        let execution = match &present {
            Ok(found) => found.status.to_string(),
            Err(_) => "not there".to_owned(),
        };
        let found =
            format!("its return {number} is {} for ever, and its execution is {execution}", it.state.name());
        return vec![(Invariant::Rests, found)];
    }
    let since = it.history.last().into_iter().map(|change| change.at);
    let is_forgotten =
        || it.attention.iter().map(|attention| attention.since).chain(since).any(|at| at + RETENTION < now);
    if present.is_err() && !is_forgotten() {
        lacks.push((Invariant::ExecutionMatches, format!("its return {number} has no execution")));
    }
    // One may have been taken over by others.
    for execution in 1..=it.execution {
        let one = Return { execution, ..it.clone() };
        if describe(&one).is_ok_and(|found| found.status == ExecutionStatus::Running) {
            let found =
                format!("its return {number} is {}, and its execution {execution} runs", it.state.name());
            lacks.push((Invariant::ExecutionMatches, found));
        }
    }
    lacks
}

fn of_its_money(entry: &Entry, it: &Return) -> Option<Lack> {
    let known = entry.money.for_returns.get(&it.number).copied();
    let refund = it.refund.map(|refund| refund.minor_units()).filter(|units| *units > 0);
    let is_right = match it.state {
        // What was given back by hand is known to nobody else, and may have been given back before that.
        ReturnState::Refunded if was_by_hand(it) => known.is_none() || known == refund,
        ReturnState::Refunded => known == refund,
        _ => known.is_none(),
    };
    let found = format!(
        "its return {} is {} with {refund:?} to give back, and given back was {known:?}",
        it.number,
        it.state.name()
    );
    (!is_right).then_some((Invariant::MoneyMatches, found))
}

fn of_its_goods(entry: &Entry, it: &Return) -> Option<Lack> {
    let lines = it.lines.iter().filter(|line| line.restocked > 0 && it.refund.is_some());
    let place = |product: &str, warehouse: &str| (product.to_owned(), warehouse.to_owned());
    let expected: BTreeMap<_, _> =
        lines.map(|line| (place(&line.product_id, &line.warehouse), i64::from(line.restocked))).collect();
    let moved = entry.returns.restocked.iter().filter(|((number, _), _)| *number == it.number);
    let moved: BTreeMap<_, _> = moved.map(|((_, place), pieces)| (place.clone(), *pieces)).collect();
    let found = format!(
        "of its return {} {expected:?} can be sold again, and movements brought {moved:?}",
        it.number
    );
    (moved != expected).then_some((Invariant::StockOwned, found))
}

fn of_its_events(entry: &Entry, it: &Return, dead: &BTreeSet<String>) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let expected = events(&entry.order, it.number);
    let of_it = format!("{NEWS}{}:", it.number);
    let published: Vec<_> = entry.published.iter().filter(|id| id.contains(&of_it)).collect();
    if !published.iter().copied().eq(expected.iter().map(|(id, _)| id)) {
        let found = format!(
            "of its return {} it had {:?} to publish, and published was {published:?}",
            it.number,
            expected.iter().map(|(id, _)| id).collect::<Vec<_>>()
        );
        lacks.push((Invariant::EventsComplete, found));
    }
    let told = expected.iter().filter(|(_, state)| TOLD.iter().any(|told| told.name() == state));
    for (id, _) in told.filter(|(id, _)| !entry.returns.told.contains(id) && !dead.contains(id)) {
        lacks.push((Invariant::MessageSent, format!("its customer was not told of {id}")));
    }
    lacks
}

/// The ids of the events about a return that the order has to publish, in their order, each with the return's state.
fn events(order: &Order, number: u32) -> Vec<(String, String)> {
    let mut record = order.record().clone();
    record.returns.iter_mut().for_each(|it| it.announced = 0);
    let fresh = Order::restore(record);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let of_it = unannounced_returns(&fresh).filter(|event| event["return"] == number);
    of_it.map(|event| (text(&event["event_id"]), text(&event["return_state"]))).collect()
}
