//! The clerk, who changes prices, moves stock, splits it and puts it together while customers order.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::world::World;

/// The shortest and the longest time between two things that the clerk does, in milliseconds.
const BETWEEN: (u64, u64) = (20_000, 240_000);
/// How often the clerk repeats a request that got no answer.
const REPEATS: u32 = 8;
/// What the clerk looks after: products of which there is plenty.
const PRODUCTS: [&str; 3] = ["iphone-15", "prod-002", "prod-003"];
/// The product of which there is little, and which the clerk splits only.
const SCARCE: &str = "limited-edition";
const WAREHOUSES: [&str; 3] = ["wh-east", "wh-west", "wh-north"];

/// Changes prices, moves stock and splits it, for ever.
pub async fn keep(front: Rc<Front>, world: Arc<World>) {
    let mut dice = Dice::new(world.seed, "clerk", 0);
    for number in 0_u64.. {
        sleep(dice.milliseconds(BETWEEN)).await;
        let product = one_of(&mut dice, &PRODUCTS);
        if dice.chance(0.2) {
            let price = format!("{}.00", 90 + dice.below(20));
            let path = format!("/api/v1/products/{product}");
            ask(&front, &world, &mut dice, "PUT", path, None, json!({ "name": product, "price": price }))
                .await;
            continue;
        }
        let warehouse = one_of(&mut dice, &WAREHOUSES);
        if dice.chance(0.3) {
            let product = if dice.chance(0.5) { SCARCE } else { product };
            let path = format!("/api/v1/stock/{product}/{warehouse}/buckets");
            let buckets = 1 + dice.below(8);
            ask(&front, &world, &mut dice, "PUT", path, None, json!({ "buckets": buckets })).await;
            continue;
        }
        let path = format!("/api/v1/stock/{product}/{warehouse}/movements");
        let key = format!("clerk-{number}");
        let body = movement(&mut dice, warehouse);
        ask(&front, &world, &mut dice, "POST", path, Some(key), body).await;
    }
}

fn one_of<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    let drawn = usize::try_from(dice.below(of.len() as u64)).unwrap_or_default();
    of.get(drawn).copied().unwrap_or_default()
}

fn movement(dice: &mut Dice, warehouse: &str) -> Value {
    let few = 1 + dice.below(5);
    let mut movement = match dice.below(4) {
        0 => json!({ "kind": "receive", "quantity": few }),
        1 => json!({ "kind": "adjust", "quantity": -i64::try_from(few).unwrap_or(1) }),
        2 => json!({ "kind": "count", "quantity": 100 + few }),
        _ => {
            let others: Vec<_> = WAREHOUSES.into_iter().filter(|other| *other != warehouse).collect();
            json!({ "kind": "transfer", "quantity": few, "to": one_of(dice, &others) })
        }
    };
    movement["reason"] = Value::from("by the simulation");
    movement
}

/// Sends a request until it is answered or refused for good.
async fn ask(
    front: &Front,
    world: &World,
    dice: &mut Dice,
    method: &'static str,
    path: String,
    key: Option<String>,
    body: Value,
) {
    let request = Request { caller: Caller::Operator("clerk"), method, path, query: "", key, body };
    for _ in 0..REPEATS {
        match front.ask(&request).await {
            Answer::Http(status, answer) if status < 500 => {
                world.note_all(format_args!(
                    "the clerk asked for {} {}: {status} {answer}",
                    request.path, request.body
                ));
                return;
            }
            Answer::Http(..) | Answer::Nothing => sleep(dice.milliseconds((500, 10_000))).await,
        }
    }
}
