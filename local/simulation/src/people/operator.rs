//! The operator, who looks after the orders that need attention: what a disturbance stopped goes on, at the operator's word or
//! by itself, and the rest is settled by hand when it does not.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::ErrorName;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::world::World;

/// How often the operator looks at the list.
const LOOK: Duration = Duration::from_secs(120);

/// How often the operator has the workflow of an order go on at most, before settling it by hand.
const RETRIES: u64 = 3;

/// Looks at the list of the orders that need attention, for ever, and helps each.
pub async fn attend(front: Rc<Front>, world: Arc<World>) {
    let mut retried: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        sleep(LOOK).await;
        look_at_dead_letters(&front, &world);
        for (order, error) in needy(&front).await {
            let times = retried.entry(order.clone()).or_default();
            *times += 1;
            let digits = order.trim_start_matches("ORD-").parse().unwrap_or_default();
            let patience = Dice::new(world.seed, "operator", digits).below(RETRIES + 1);
            if is_disturbance(error.as_deref()) && u64::from(*times) > patience {
                continue;
            }
            if u64::from(*times) <= patience {
                let said = act(&front, &order, "retry", json!({ "note": "by the simulation" })).await;
                world.note(&order, format_args!("the operator has it go on: {}", status(&said)));
            } else {
                settle(&front, &world, &order).await;
            }
        }
    }
}

/// Notes the events that could not be delivered: they are kept for a while only.
pub fn look_at_dead_letters(front: &Front, world: &World) {
    let undelivered = front.with_process(|process| process.aws.bus.undelivered(usize::MAX));
    let letters = undelivered.and_then(Result::ok).map(|undelivered| undelivered.dead_letters);
    let id = |event: &Value| event.pointer("/detail/event_id")?.as_str().map(str::to_owned);
    let ids = letters.into_iter().flatten().filter_map(|letter| id(&letter.event));
    world.books(|books| books.dead_letters.extend(ids));
}

/// Says what was done by hand, as the order's own facts suggest it.
async fn settle(front: &Front, world: &World, order: &str) {
    let read = ask(front, "GET", format!("/api/v1/orders/{order}"), Value::Null).await;
    let Answer::Http(200, view) = read else { return };
    let open = &view["attention"];
    let is_out = open["shipments_out"].as_array().is_some_and(|out| !out.is_empty());
    let stock = match (is_out, open["stock_held"].as_bool()) {
        (true, _) => "LOST",
        (false, _) => "RELEASED",
    };
    // Where the record doesn't say whether money was taken, the gateway does: one of the two is refused.
    let money: &[&str] = match open["money_taken"].as_bool() {
        Some(true) => &["REFUNDED"],
        Some(false) => &["NONE", "REFUNDED"],
        None => &["REFUNDED", "NONE"],
    };
    for money in money {
        let body = json!({ "money": money, "stock": stock, "note": "by the simulation" });
        let said = act(front, order, "resolve", body).await;
        world.note(order, format_args!("the operator settles it as {money} and {stock}: {}", status(&said)));
        if status(&said) == 200 {
            return;
        }
    }
}

async fn act(front: &Front, order: &str, what: &str, body: Value) -> Answer {
    ask(front, "POST", format!("/api/v1/orders/{order}/{what}"), body).await
}

async fn ask(front: &Front, method: &'static str, path: String, body: Value) -> Answer {
    let request = Request { caller: Caller::Operator("operator"), method, path, query: "", key: None, body };
    front.ask(&request).await
}

fn status(answer: &Answer) -> u64 {
    match answer {
        Answer::Http(status, _) => *status,
        Answer::Nothing => 0,
    }
}

/// Whether the system has an order go on by itself that failed with this error.
fn is_disturbance(error: Option<&str>) -> bool {
    error.is_some_and(|error| ErrorName::parse(error).is_none_or(ErrorName::is_worth_a_retry))
}

/// The orders that an operator sees as needing attention; none when the list can't be had.
pub async fn in_need(front: &Front) -> Vec<String> {
    needy(front).await.into_iter().map(|(order, _)| order).collect()
}

/// These orders, each with the error that its workflow failed with.
async fn needy(front: &Front) -> Vec<(String, Option<String>)> {
    let request = Request {
        caller: Caller::Operator("operator"),
        method: "GET",
        path: "/api/v1/orders".to_owned(),
        query: "state=NEEDS_ATTENTION&limit=100",
        key: None,
        body: Value::Null,
    };
    match front.ask(&request).await {
        Answer::Http(200, list) => {
            let orders = list["orders"].as_array().into_iter().flatten();
            let text = |value: &Value| value.as_str().map(str::to_owned);
            orders
                .filter_map(|order| Some((text(&order["order_id"])?, text(&order["attention"]["error"]))))
                .collect()
        }
        _ => Vec::new(),
    }
}
