//! Reviewers. Two of them look at the same list, and at times decide about the same order at the same moment.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::books::Promise;
use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::world::World;

/// How often a reviewer looks at the list.
const LOOK: Duration = Duration::from_secs(60);
/// The longest time that a reviewer thinks about an order, in milliseconds.
const THOUGHT: u64 = 60_000;
/// Looks after which a reviewer decides again about an order that is still in the list.
const AGAIN: u32 = 4;

/// Looks at the list of the orders that wait for a verdict, for ever.
pub async fn review(front: Rc<Front>, world: Arc<World>, number: u64) {
    let subject = format!("reviewer-{number}");
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        sleep(LOOK).await;
        let request = Request {
            caller: Caller::Operator(&subject),
            method: "GET",
            path: "/api/v1/orders".to_owned(),
            query: "state=AWAITING_AUDIT&limit=100",
            key: None,
            body: serde_json::Value::Null,
        };
        let Answer::Http(200, list) = front.ask(&request).await else { continue };
        let orders = list["orders"].as_array().into_iter().flatten();
        let orders: Vec<_> = orders.filter_map(|order| order["order_id"].as_str()).collect();
        seen.retain(|order, _| orders.contains(&order.as_str()));
        for order in orders {
            let looks = seen.entry(order.to_owned()).or_default();
            if looks.is_multiple_of(AGAIN) {
                let decision =
                    decide(Rc::clone(&front), Arc::clone(&world), subject.clone(), order.to_owned());
                tokio::task::spawn_local(decision);
            }
            *looks += 1;
        }
    }
}

async fn decide(front: Rc<Front>, world: Arc<World>, subject: String, order: String) {
    let digits = order.trim_start_matches("ORD-").parse().unwrap_or_default();
    // Both reviewers draw the same thought for some orders, and so decide at the same moment.
    let mut common = Dice::new(world.seed, "thought", digits);
    let mut own = Dice::new(world.seed, &subject, digits);
    let thought = if common.chance(0.4) { &mut common } else { &mut own };
    // To a whole minute, since the two have looked at the list at different times.
    let thought = thought.milliseconds((1, THOUGHT));
    let now = world.clock.elapsed();
    let minute = Duration::from_secs((now.as_secs() / 60 + 1) * 60);
    sleep(minute + thought - now).await;
    let approves = own.chance(0.75);
    let (action, promise) =
        if approves { ("APPROVE", Promise::Approved) } else { ("REJECT", Promise::Rejected) };
    let request = Request {
        caller: Caller::Operator(&subject),
        method: "POST",
        path: format!("/api/v1/orders/{order}/audit"),
        query: "",
        key: None,
        body: json!({ "action": action, "note": "by the simulation" }),
    };
    let status = match front.ask(&request).await {
        Answer::Http(status, _) => status,
        Answer::Nothing => 0,
    };
    world.note(&order, format_args!("{subject} {action}: {status}"));
    if status == 200 {
        world.books(|books| books.promised(&order, promise));
    }
}
