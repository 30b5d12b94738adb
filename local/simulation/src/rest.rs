//! What is checked of an order that has come to rest, and of the whole when everything has.

mod returns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ambient::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use engine::{Engine, ExecutionStatus};
use omniflow_domain::event::{detail, of_payment};
use omniflow_domain::shelf::MOST_BUCKETS;
use omniflow_domain::{Order, Reason, Status};
use serde_json::json;
use strict_stripe::StrictStripe;

use crate::books::{AT_REST, Entry, Promise, is_settled};
use crate::front::Front;
use crate::invariant::Invariant;
use crate::people::operator;
use crate::process::RETENTION;
use crate::provider::Provider;
use crate::seams::watch::{self, KEYS, LEDGER, ORDERS, REGISTER};
use crate::world::World;

/// The statuses that customers are told of, as the template's rule says.
const TOLD: [Status; 6] = [
    Status::AwaitingPayment,
    Status::AwaitingAudit,
    Status::Shipping,
    Status::Completed,
    Status::Cancelled,
    Status::Rejected,
];

/// The ARN of the execution of a state machine that is named after an order.
pub fn execution(engine: &Engine, machine: &str, order: &str) -> String {
    let machine = engine.state_machine_arn(machine).replacen(":stateMachine:", ":execution:", 1);
    format!("{machine}:{order}")
}

/// What an order still lacks at rest.
type Lack = (Invariant, String);

/// Checks the orders that ended a while ago, and strikes those from the books and the tables that are in
/// order. Those that lack something are looked at again; when faults have stopped, something must have come
/// of it.
pub async fn check_the_ended(front: &Front, world: &Arc<World>) {
    let (now, time) = (world.now(), world.clock.now());
    operator::look_at_dead_letters(front, world);
    for order in world.books(|books| books.due(now)) {
        let Some(engine) = front.engine() else {
            world.books(|books| books.check_later(order, now));
            continue;
        };
        let found = world.books(|books| {
            let dead = &books.dead_letters;
            books.order(&order).map(|entry| lacks(entry, &engine, dead, &world.stripe, time))
        });
        let Some(lacks) = found else { continue };
        if lacks.is_empty() {
            remove(world, &order).await;
            world.note(&order, format_args!("at rest and in order"));
            world.trace.forget(&order);
            world.books(|books| books.strike(&order));
        } else {
            world.books(|books| books.check_later(order, now - AT_REST + 60_000));
        }
    }
}

/// What an order lacks that has ended.
fn lacks(
    entry: &Entry,
    engine: &Engine,
    dead: &BTreeSet<String>,
    stripe: &StrictStripe,
    now: DateTime<Utc>,
) -> Vec<Lack> {
    let mut lacks = of_the_order(entry, dead);
    lacks.extend(of_its_payment(&entry.order, stripe));
    lacks.extend(returns::lacks(entry, engine, dead, now));
    let id = entry.order.id().as_str();
    match engine.describe_execution(&execution(engine, "OrderStateMachine", &entry.order.execution_name())) {
        // One that was stopped after its last step's write has not succeeded.
        Ok(found) if found.status != ExecutionStatus::Running => {}
        Ok(_) => {
            let found = format!("it is {}, and its execution runs", entry.order.status());
            lacks.push((Invariant::ExecutionMatches, found));
        }
        // One that ended is forgotten while its order waits for a person, or its events for the bus.
        Err(_) if is_forgotten(&entry.order, now) => {}
        Err(error) => lacks.push((Invariant::ExecutionMatches, format!("it has no execution: {error}"))),
    }
    let window = engine.describe_execution(&execution(engine, "PaymentWindowStateMachine", id));
    if window.is_ok_and(|window| window.status == ExecutionStatus::Running) {
        lacks.push((Invariant::ExecutionMatches, "its payment window still waits".to_owned()));
    }
    lacks
}

/// Whether the execution of an order may have ended so long ago that it is forgotten: when the order did, or when it came
/// to need attention.
fn is_forgotten(order: &Order, now: DateTime<Utc>) -> bool {
    let attention = order.record().attention.as_ref().map(|attention| attention.since);
    let ended = order.timeline().last().map(|change| change.at);
    attention.into_iter().chain(ended).any(|since| since + RETENTION < now)
}

/// What the payment of an order that has ended lacks at Stripe.
fn of_its_payment(order: &Order, stripe: &StrictStripe) -> Option<Lack> {
    let standing = stripe.standing(order.payment().provider_id.as_deref()?)?;
    let is_settled = matches!(standing.status, "canceled" | "succeeded");
    let found = format!("it is {}, and its payment is {}", order.status(), standing.status);
    (!is_settled).then_some((Invariant::HoldsReleased, found))
}

/// What an order lacks by itself, whether it has ended or waits for a person.
fn of_the_order(entry: &Entry, dead: &BTreeSet<String>) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let order = &entry.order;
    if let Some(signal) = order.pending_signal() {
        lacks.push((Invariant::Rests, format!("its workflow has not heard {signal:?}")));
    }
    let statuses: Vec<_> = order.timeline().iter().map(|change| change.status).collect();
    // News of the money and of returns stand in no order with the changes of the status.
    let (news, changes): (Vec<_>, Vec<_>) = entry
        .published
        .iter()
        .filter(|id| !id.contains(returns::NEWS))
        .cloned()
        .partition(|id| id.contains(PAYMENT_NEWS));
    let events = events(order);
    if changes != events {
        let found = format!("it had {events:?} to publish, and published was {changes:?}");
        lacks.push((Invariant::EventsComplete, found));
    }
    if let Some(missing) = payment_events(order).find(|event| !news.contains(event)) {
        lacks.push((Invariant::EventsComplete, format!("it had {missing} to publish")));
    }
    for status in TOLD.iter().filter(|status| statuses.contains(status)) {
        // Events that could not be delivered are kept as dead letters, which operators see.
        let is_dead = || dead.contains(&format!("{}:{status}", order.id()));
        if !entry.told.contains(status) && !is_dead() {
            lacks.push((Invariant::MessageSent, format!("its customer was not told of {status}")));
        }
    }
    let in_time = |since| order.deadline().is_some_and(|deadline| since + IN_TIME < deadline);
    if order.reason() == Some(Reason::PaymentTimeout) && entry.held_since.is_some_and(in_time) {
        lacks.push((Invariant::PaidInTime, "its money was held in time, and it was not paid".to_owned()));
    }
    let is_completed = order.status() == Status::Completed && !is_settled(order);
    if entry.promises.contains(&Promise::Cancelled) && is_completed {
        lacks.push((Invariant::AnswersTrue, "it was cancelled, and is completed".to_owned()));
    }
    lacks
}

/// How long before the deadline the money has to be held: longer than the clocks of functions differ.
const IN_TIME: TimeDelta = TimeDelta::minutes(1);

/// What the ids of events about the money have in them, and those about changes of the status have not.
const PAYMENT_NEWS: &str = ":PAYMENT:";

/// The ids of the events about the money that the order has to publish.
fn payment_events(order: &Order) -> impl Iterator<Item = String> + '_ {
    let events = order.payment().history.iter().filter_map(|entry| entry.event.as_deref());
    let details = events.flat_map(|event| of_payment(order, event));
    details.filter_map(|detail| detail["event_id"].as_str().map(str::to_owned))
}

/// The ids of the events that the order has to publish, in their order.
fn events(order: &Order) -> Vec<String> {
    let status = |index: usize| order.timeline().get(index).map(|change| change.status);
    // Who is told of a failure is not told that the order goes on where it stood.
    let goes_on = |index: usize| {
        index.checked_sub(1).and_then(status) == Some(Status::NeedsAttention)
            && status(index).is_some_and(|status| !status.is_final())
    };
    let told = (0..order.timeline().len()).filter(|index| !goes_on(*index));
    told.filter_map(|index| detail(order, index)?["event_id"].as_str().map(str::to_owned)).collect()
}

/// Removes an order from the tables, with all that they hold because of it, so that they stay small in a long run.
async fn remove(world: &World, order: &str) {
    let left = world.books(|books| books.order(order).map(|entry| entry.left.clone())).unwrap_or_default();
    let deletes = |table: &str, name: &str| {
        let keys = left.iter().filter(|(of, _)| *of == table);
        let delete = |(_, key): &(_, String)| json!({ "DeleteRequest": { "Key": { name: { "S": key } } } });
        keys.map(delete).collect::<Vec<_>>()
    };
    let delete = json!({ "DeleteRequest": { "Key": { "order_id": { "S": order } } } });
    let number = world.books(|books| books.order(order).and_then(|entry| entry.order.number()));
    let numbers = number.iter().map(|number| {
        let key = json!({ "entry": { "S": format!("number {}", number.get()) }, "subject": { "S": "-" } });
        json!({ "DeleteRequest": { "Key": key } })
    });
    let tables = [
        (ORDERS, vec![delete]),
        (LEDGER, deletes(LEDGER, "entry")),
        (KEYS, deletes(KEYS, "key")),
        (REGISTER, numbers.collect()),
    ];
    let tables = tables.into_iter().filter(|(_, deletes)| !deletes.is_empty());
    let request = json!({ "RequestItems": tables.collect::<BTreeMap<_, _>>() });
    world.tables.answer("BatchWriteItem", request.to_string().into()).await;
    if world.provider == Provider::Stripe {
        world.stripe.forget(order);
    }
}

/// Whether every order rests. For those that don't, `judge` says what is wrong.
pub async fn everything_rests(front: &Front, world: &Arc<World>, judge: bool) -> bool {
    let Some(engine) = front.engine() else { return false };
    let is_under_way = |entry: &Entry| !entry.order.status().is_final();
    // It is asked often, and while orders are under way this says all.
    if !judge && world.books(|books| books.orders().any(|(_, entry)| is_under_way(entry))) {
        return false;
    }
    operator::look_at_dead_letters(front, world);
    let time = world.clock.now();
    let waits_for_a_person = |status| status == Status::NeedsAttention;
    let needy =
        world.books(|books| books.orders().any(|(_, entry)| waits_for_a_person(entry.order.status())));
    let seen = if needy { operator::in_need(front).await } else { Vec::new() };
    let mut problems: Vec<(String, Lack)> = Vec::new();
    world.books(|books| {
        for (id, entry) in books.orders() {
            // Without a judgement, one order that doesn't rest says all.
            if !judge && !problems.is_empty() {
                break;
            }
            let status = entry.order.status();
            let found = if waits_for_a_person(status) {
                // A page of the list holds 100.
                let found = match !seen.contains(id) && seen.len() < 100 {
                    true => "it needs attention, and is in no list",
                    false => "it needs attention, and the operator can't help",
                };
                vec![(Invariant::InAList, found.to_owned())]
            } else if status.is_final() {
                lacks(entry, &engine, &books.dead_letters, &world.stripe, time)
            } else {
                vec![(Invariant::Rests, format!("it is {status} for ever{}", why(entry, &engine)))]
            };
            problems.extend(found.into_iter().map(|lack| (id.clone(), lack)));
        }
    });
    if judge {
        // What doesn't rest at all says more than what follows from that.
        problems.sort_by_key(|(_, (invariant, _))| *invariant != Invariant::Rests);
        for (order, (invariant, found)) in &problems {
            world.violated(*invariant, Some(order), found.clone());
        }
    }
    problems.is_empty()
}

/// Checks all rows of the stock: also those that nobody wrote last who should have.
pub async fn check_the_stock(world: &World) {
    for place in world.books(|books| books.places()) {
        if let Some(row) = watch::row(&world.tables, &place, MOST_BUCKETS - 1).await {
            world.books(|books| books.row(None, &place, row));
        }
    }
}

/// How the execution of an order stands.
fn why(entry: &Entry, engine: &Engine) -> String {
    let name = entry.order.execution_name();
    match engine.describe_execution(&execution(engine, "OrderStateMachine", &name)) {
        Ok(found) => {
            let error = found.error.map(|error| format!(" ({error})")).unwrap_or_default();
            format!(", and its execution is {}{error}", found.status)
        }
        Err(_) => ", and it has no execution".to_owned(),
    }
}
