//! The people of the warehouse that has a server of its own: they send parcels off, and tell the shop by signed
//! messages, which come twice, late, out of order or not at all.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use omniflow_webhooks::Key;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::fault::Fault;
use crate::front::{Answer, Caller, Front, Request};
use crate::seams::warehouses::{SECRET, WAREHOUSE, Warehouses, tracking};
use crate::world::World;
use crate::yard::{Parcel, Plan};

/// How often they look for what is due.
const LOOK: Duration = Duration::from_millis(250);
/// After how many milliseconds a parcel is delivered.
const DELIVERY: (u64, u64) = (1_000, 600_000);
/// After how many milliseconds a message is sent again that was not heard.
const AGAIN: u64 = 5_000;
/// By how many milliseconds a message is late.
const LATE: (u64, u64) = (1_000, 900_000);

/// Does what is due, for ever.
pub async fn work(front: Rc<Front>, world: Arc<World>) {
    let yard = Warehouses(Arc::clone(&world));
    loop {
        sleep(LOOK).await;
        for plan in world.yard(|yard| yard.due(world.now())) {
            match plan {
                Plan::Send(order) => {
                    if world.yard(|yard| yard.parcel(&order)) == Some(Parcel::Packing) {
                        yard.send(&order);
                        tell_of_it(&world, order);
                    }
                }
                Plan::Say(order, event) => {
                    tokio::task::spawn_local(say(Rc::clone(&front), Arc::clone(&world), order, event));
                }
            }
        }
    }
}

/// Plans the messages about a parcel that has left.
fn tell_of_it(world: &World, order: String) {
    let now = world.now();
    let delivered = now + milliseconds(world.draw(|dice| dice.milliseconds(DELIVERY)));
    // The message that it has left may overtake nothing, or be overtaken by the one that it has arrived.
    let late = world.happens(Fault::CallbackLate);
    let shipped =
        if late { now + milliseconds(world.faults.milliseconds(Fault::CallbackLate, LATE)) } else { now };
    world.yard(|yard| {
        yard.plan(shipped, Plan::Say(order.clone(), "SHIPPED"));
        yard.plan(delivered, Plan::Say(order, "DELIVERED"));
    });
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Tells the shop, and plans to tell it again if it has not heard.
async fn say(front: Rc<Front>, world: Arc<World>, order: String, event: &'static str) {
    if world.happens(Fault::CallbackLost) {
        return world.note(&order, format_args!("{WAREHOUSE} forgets to say {event}"));
    }
    let times = if world.happens(Fault::CallbackTwice) { 2 } else { 1 };
    for _ in 0..times {
        let answer = front.ask(&message(&world, &order, event)).await;
        let status = match &answer {
            Answer::Http(status, _) => *status,
            Answer::Nothing => 0,
        };
        world.note(&order, format_args!("{WAREHOUSE} says {event}: {status}"));
        let is_heard = (200..300).contains(&status) || [404, 409].contains(&status);
        if !is_heard {
            let at = world.now() + AGAIN;
            world.yard(|yard| yard.plan(at, Plan::Say(order.clone(), event)));
        }
    }
}

fn message(world: &World, order: &str, event: &'static str) -> Request<'static> {
    let mut body = json!({ "event": event });
    if event == "SHIPPED" {
        body["tracking"] = Value::from(tracking(order));
    }
    let id = format!("{order}.{event}");
    let key = Key::parse(SECRET).ok();
    let signed = key.map(|key| key.sign(&id, world.clock.now(), body.to_string().as_bytes()));
    Request {
        caller: Caller::Signed(signed.map(Vec::from).unwrap_or_default()),
        method: "POST",
        path: format!("/api/v1/shipments/{order}/{WAREHOUSE}/events"),
        query: "",
        key: None,
        body,
    }
}
