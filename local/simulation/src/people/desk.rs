//! The desk for returns. Two people approve and reject what waits for that, take in the parcels that come, of which some are
//! broken or lack something, and at times do so at the same moment. One of them looks after the returns that need
//! attention.

use std::rc::Rc;
use std::sync::Arc;

use omniflow_domain::order::returns::{Return, ReturnState};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::returns::persist;
use crate::books::{Decision, Open};
use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::invariant::Invariant;
use crate::world::World;

/// How often somebody looks what there is to do, in milliseconds.
const LOOK: (u64, u64) = (10_000, 60_000);
/// How often they look for returns that need attention, in milliseconds.
const LOOK_FOR_TROUBLE: (u64, u64) = (60_000, 180_000);
/// How often they have a return go on at most, before they settle it by hand.
const RETRIES: u64 = 3;
/// More pieces than anybody has sent.
const TOO_MANY: u64 = 500;

/// What somebody does about a return: the last part of the path, the body, and what the answer promises.
struct Act {
    what: &'static str,
    body: Value,
    decision: Option<Decision>,
    /// Whether it can be done.
    is_sensible: bool,
}

impl Act {
    const fn new(what: &'static str, body: Value, decision: Option<Decision>) -> Self {
        Self { what, body, decision, is_sensible: true }
    }
}

/// Decides about returns and takes parcels in, for ever.
pub async fn work(front: Rc<Front>, world: Arc<World>, number: u64) {
    let mut dice = Dice::new(world.seed, "desk", number);
    loop {
        sleep(dice.milliseconds(LOOK)).await;
        for open in world.books(|books| books.open_returns()) {
            // The other one may do it.
            if dice.chance(0.3) {
                continue;
            }
            let mut thought = Dice::new(dice.bits(), "thought", 0);
            let Some(act) = decided(&open.it, &mut thought) else { continue };
            let key = format!("desk-{number}-{}-{}-{}", open.order, open.it.number, thought.bits());
            let (front, world) = (Rc::clone(&front), Arc::clone(&world));
            tokio::task::spawn_local(async move {
                sleep(thought.milliseconds((0, 3_000))).await;
                carry_out(&front, &world, &open, act, Some(key), &mut thought).await;
            });
        }
    }
}

/// What is done about a return, if anything.
fn decided(it: &Return, dice: &mut Dice) -> Option<Act> {
    let rejected = || Act::new("audit", json!({ "action": "REJECT" }), Some(Decision::Rejected));
    match it.state {
        ReturnState::AwaitingReview if dice.chance(0.2) => Some(rejected()),
        ReturnState::AwaitingReview => {
            Some(Act::new("audit", json!({ "action": "APPROVE" }), Some(Decision::Approved)))
        }
        // It never comes.
        ReturnState::AwaitingGoods if dice.chance(0.12) => Some(rejected()),
        ReturnState::AwaitingGoods => Some(received(it, dice)),
        _ => None,
    }
}

/// What has come. Now and then somebody miscounts.
fn received(it: &Return, dice: &mut Dice) -> Act {
    let is_sensible = !dice.chance(0.08);
    let mut products: Vec<(&str, u64)> = Vec::new();
    for line in &it.lines {
        match products.iter_mut().find(|(product, _)| *product == line.product_id) {
            Some((_, pieces)) => *pieces += u64::from(line.quantity),
            None => products.push((&line.product_id, line.quantity.into())),
        }
    }
    let items = products.into_iter().map(|(product, asked)| {
        let came = match (is_sensible, dice.chance(0.2)) {
            (false, _) => TOO_MANY,
            (true, true) => asked.div_ceil(2),
            (true, false) => asked,
        };
        let broken = if dice.chance(0.3) { 1 + dice.below(came) } else { 0 };
        json!({ "product_id": product, "restock": came - broken, "write_off": broken })
    });
    let body = json!({ "items": items.collect::<Vec<_>>() });
    Act { is_sensible, ..Act::new("received", body, Some(Decision::Received)) }
}

async fn carry_out(
    front: &Front,
    world: &World,
    Open { order, it }: &Open,
    act: Act,
    key: Option<String>,
    dice: &mut Dice,
) -> u64 {
    let path = format!("/api/v1/orders/{order}/returns/{}/{}", it.number, act.what);
    let line = format!("{} {}", act.what, act.body);
    let caller = Caller::Operator("desk");
    let request = Request { caller, method: "POST", path, query: "", key, body: act.body };
    let (status, _) = persist(front, &request, dice).await;
    world.note(order, format_args!("the desk says {line} of return {}: {status}", it.number));
    if status == 200 {
        if !act.is_sensible {
            let found = format!("more came back for its return {} than was asked for", it.number);
            world.violated(Invariant::StockOwned, Some(order), found);
        }
        if let Some(decision) = act.decision {
            world.books(|books| books.decided(order, it.number, decision));
        }
    }
    status
}

/// Looks at what the examination finds, for ever, and helps the returns on that need attention: they go on where they stood,
/// by themselves when a disturbance stopped them, or are settled by hand.
pub async fn attend(front: Rc<Front>, world: Arc<World>) {
    let mut dice = Dice::new(world.seed, "trouble", 0);
    let needs_attention = |open: &Open| open.it.state == ReturnState::NeedsAttention;
    loop {
        sleep(dice.milliseconds(LOOK_FOR_TROUBLE)).await;
        // The alarm goes off when there is one.
        if !world.books(|books| books.open_returns().iter().any(needs_attention)) {
            continue;
        }
        for (order, number) in found(&front).await {
            let known = world.books(|books| books.return_of(&order, number).cloned());
            let Some(it) = known.filter(|it| it.state == ReturnState::NeedsAttention) else { continue };
            help(&front, &world, &Open { order, it }, &mut dice).await;
        }
    }
}

async fn help(front: &Front, world: &World, open: &Open, dice: &mut Dice) {
    let times = open.it.history.iter().filter(|change| change.state == ReturnState::NeedsAttention).count();
    let digits = open.order.trim_start_matches("ORD-").parse().unwrap_or_default();
    let patience = Dice::new(world.seed, "patience", digits).below(RETRIES + 1);
    let retry = || Act::new("retry", json!({ "note": "by the simulation" }), None);
    if u64::try_from(times).unwrap_or(u64::MAX) <= patience {
        carry_out(front, world, open, retry(), None, dice).await;
    } else if !open.it.failed_by_disturbance() {
        let resolve = Act::new("resolve", json!({ "note": "by the simulation" }), Some(Decision::Resolved));
        // Of a return whose goods have not come there is nothing to give back.
        if carry_out(front, world, open, resolve, None, dice).await == 409 {
            carry_out(front, world, open, retry(), None, dice).await;
        }
    }
}

/// The returns that the examination finds, each by its order and its number.
async fn found(front: &Front) -> Vec<(String, u32)> {
    let request = Request {
        caller: Caller::Operator("desk"),
        method: "GET",
        path: "/api/v1/doctor".to_owned(),
        query: "",
        key: None,
        body: Value::Null,
    };
    let Answer::Http(200, list) = front.ask(&request).await else { return Vec::new() };
    let findings = list["findings"].as_array().into_iter().flatten();
    let found = findings.filter_map(|finding| {
        let number = finding["return"].as_u64().and_then(|number| u32::try_from(number).ok())?;
        Some((finding["order_id"].as_str()?.to_owned(), number))
    });
    found.collect()
}
