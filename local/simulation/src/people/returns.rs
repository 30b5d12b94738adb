//! Customers who send goods back, and the desk that decides about it and takes them in.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::invariant::Invariant;
use crate::world::World;

/// How many of the customers whose order is completed want to return something.
const RETURNING: f64 = 0.35;
/// How often a customer looks whether the order is completed, and how long they wait in between, in milliseconds.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: (u64, u64) = (5_000, 60_000);
/// How often a request is repeated that got no answer.
const REPEATS: u32 = 8;
/// How long the desk waits before it looks at the returns of an order, in milliseconds.
const AT_THE_DESK: (u64, u64) = (10_000, 300_000);
/// How often the desk has a return go on at most, before it settles it by hand.
const RETRIES: u32 = 3;

/// Asks for returns as this customer, if they want any, and has the desk work on them.
pub async fn send_back(front: Rc<Front>, world: Arc<World>, subject: &str, order: &str, dice: &mut Dice) {
    if !dice.chance(RETURNING) {
        return;
    }
    let Some(view) = completed(&front, subject, order, dice).await else { return };
    let items = view["items"].as_array().cloned().unwrap_or_default();
    let mut has_asked = false;
    for number in 0..=dice.below(3) {
        let drawn = usize::try_from(dice.below(items.len().max(1) as u64)).unwrap_or_default();
        let Some(product) = items.get(drawn).and_then(|item| item["product_id"].as_str()) else { return };
        // Some want to return more than they have bought.
        let quantity = if dice.chance(0.15) { 500 } else { 1 + dice.below(2) };
        let items = json!([{ "product_id": product, "quantity": quantity }]);
        let request = Request {
            caller: Caller::Customer(subject),
            method: "POST",
            path: format!("/api/v1/orders/{order}/returns"),
            query: "",
            key: Some(format!("{subject}-return-{number}")),
            body: json!({ "items": items, "reason": "by the simulation" }),
        };
        let (status, answer) = persist(&front, &request, dice).await;
        world.note(order, format_args!("{subject} sends back {quantity} of {product}: {status}"));
        has_asked |= status == 201;
        check(&world, order, &request, status, &answer);
    }
    if has_asked {
        let mut at_the_desk = Dice::new(dice.bits(), "desk", 0);
        let order = order.to_owned();
        tokio::task::spawn_local(async move { work(&front, &world, &order, &mut at_the_desk).await });
    }
}

/// Checks an answer against the order: what was granted is there, and what can't be was not granted.
fn check(world: &World, order: &str, request: &Request<'_>, status: u64, answer: &Value) {
    if status != 201 {
        return;
    }
    let number = answer["return"].as_u64().unwrap_or_default();
    let is_there = world.books(|books| {
        let known = books.order(order).map(|entry| entry.order.returns().len() as u64);
        known.is_some_and(|known| (1..=known).contains(&number))
    });
    if !is_there {
        let found = format!("return {number} was granted, and there is no such return");
        world.violated(Invariant::AnswersTrue, Some(order), found);
    }
    if request.body["items"][0]["quantity"] == 500 {
        let found = "more is to be returned than anybody has bought".to_owned();
        world.violated(Invariant::StockOwned, Some(order), found);
    }
}

/// The order when it is completed; `None` when it is not for long.
async fn completed(front: &Front, subject: &str, order: &str, dice: &mut Dice) -> Option<Value> {
    for _ in 0..LOOKS {
        sleep(dice.milliseconds(BETWEEN_LOOKS)).await;
        let request = Request {
            caller: Caller::Customer(subject),
            method: "GET",
            path: format!("/api/v1/orders/{order}"),
            query: "",
            key: None,
            body: Value::Null,
        };
        match front.ask(&request).await {
            Answer::Http(200, view) if view["state"] == "COMPLETED" => return Some(view),
            Answer::Http(200, view) if !matches!(view["state"].as_str(), Some("CANCELLED" | "REJECTED")) => {}
            Answer::Http(status, _) if status < 500 => return None,
            Answer::Http(..) | Answer::Nothing => {}
        }
    }
    None
}

/// Sends a request until it is answered or refused for good.
async fn persist(front: &Front, request: &Request<'_>, dice: &mut Dice) -> (u64, Value) {
    for _ in 0..REPEATS {
        match front.ask(request).await {
            Answer::Http(status, body) if status < 500 => return (status, body),
            Answer::Http(..) | Answer::Nothing => sleep(dice.milliseconds((500, 10_000))).await,
        }
    }
    (0, Value::Null)
}

/// Works on the returns of an order until all are closed.
async fn work(front: &Front, world: &World, order: &str, dice: &mut Dice) {
    let (mut retries, mut number) = (0, 0_u64);
    loop {
        sleep(dice.milliseconds(AT_THE_DESK)).await;
        let path = format!("/api/v1/orders/{order}/returns");
        let list = match front.ask(&request("GET", path, None, Value::Null)).await {
            Answer::Http(200, list) => list,
            Answer::Http(404, _) => return,
            Answer::Http(..) | Answer::Nothing => continue,
        };
        let returns = list["returns"].as_array().cloned().unwrap_or_default();
        let is_closed = |it: &Value| matches!(it["state"].as_str(), Some("REFUNDED" | "REJECTED"));
        if returns.iter().all(is_closed) {
            return;
        }
        for it in returns.iter().filter(|it| !is_closed(it)) {
            let Some((what, body)) = decided(it, dice, &mut retries) else { continue };
            number += 1;
            let path = format!("/api/v1/orders/{order}/returns/{}/{what}", it["return"]);
            let key = Some(format!("desk-{order}-{number}"));
            let (status, _) = persist(front, &request("POST", path, key, body), dice).await;
            world.note(order, format_args!("the desk says {what} of return {}: {status}", it["return"]));
        }
    }
}

fn request(method: &'static str, path: String, key: Option<String>, body: Value) -> Request<'static> {
    Request { caller: Caller::Operator("desk"), method, path, query: "", key, body }
}

/// What the desk does about a return, if anything.
fn decided(it: &Value, dice: &mut Dice, retries: &mut u32) -> Option<(&'static str, Value)> {
    match it["state"].as_str()? {
        "AWAITING_REVIEW" => {
            let action = if dice.chance(0.8) { "APPROVE" } else { "REJECT" };
            Some(("audit", json!({ "action": action })))
        }
        "AWAITING_GOODS" if dice.chance(0.1) => Some(("audit", json!({ "action": "REJECT" }))),
        "AWAITING_GOODS" => {
            let mut items: Vec<Value> = Vec::new();
            for line in it["items"].as_array()? {
                let asked = line["quantity"].as_u64()?;
                // Now and then less has come, or something is broken.
                let come = if dice.chance(0.2) { asked.div_ceil(2) } else { asked };
                let broken = if dice.chance(0.3) { 1 } else { 0 };
                let known = items.iter_mut().find(|item| item["product_id"] == line["product_id"]);
                match known {
                    Some(item) => {
                        item["restock"] = (item["restock"].as_u64()? + come - broken).into();
                        item["write_off"] = (item["write_off"].as_u64()? + broken).into();
                    }
                    None => items.push(json!({
                        "product_id": line["product_id"], "restock": come - broken, "write_off": broken,
                    })),
                }
            }
            Some(("received", json!({ "items": items })))
        }
        "NEEDS_ATTENTION" if *retries < RETRIES => {
            *retries += 1;
            Some(("retry", json!({})))
        }
        "NEEDS_ATTENTION" => Some(("resolve", json!({ "note": "by the simulation" }))),
        _ => None,
    }
}
