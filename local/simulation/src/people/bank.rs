//! What happens at Stripe by itself: it sends word, by signed events that it sends again until they are answered; customers
//! prove to their banks who they are, banks let go of what they hold, and the shop's people give money back.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use omniflow_services::Secret;
use omniflow_stripe::signature::sign;
use serde_json::Value;
use strict_stripe::WEBHOOK_SECRET;
use tokio::time::sleep;

use crate::front::{Answer, Caller, Front, Request};
use crate::seams::stripe::Stripe;
use crate::till::Due;
use crate::world::World;

/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_millis(250);
/// After how many milliseconds an event is sent again that was not answered with 2xx; it doubles with each time, up to the
/// longest (Stripe documentation, "Receive Stripe events in your webhook endpoint": "Retries").
const AGAIN: u64 = 5_000;
const LONGEST: u64 = 600_000;

/// Does what is due, for ever.
pub async fn work(front: Rc<Front>, world: Arc<World>) {
    let stripe = Stripe(Arc::clone(&world));
    loop {
        sleep(LOOK).await;
        for due in world.till(|till| till.due(world.now())) {
            match due {
                Due::Word { order, body, times } => {
                    tokio::task::spawn_local(say(Rc::clone(&front), Arc::clone(&world), order, body, times));
                }
                Due::Authenticate { payment, succeeds } => {
                    if status(&world, &payment) == Some("requires_action") {
                        stripe.watch(&payment, false, |model| model.authenticate(&payment, succeeds));
                    }
                }
                Due::HoldExpires(payment) => {
                    if status(&world, &payment) == Some("requires_capture") {
                        let expire = |model: &strict_stripe::StrictStripe| {
                            model.cancel_in_dashboard(&payment, Some("automatic"));
                        };
                        stripe.watch(&payment, true, expire);
                        stripe.hold_expired(&payment);
                    }
                }
                Due::GiveBack { payment, all } => give_back(&stripe, &payment, all),
            }
        }
    }
}

fn status(world: &World, payment: &str) -> Option<&'static str> {
    Some(world.stripe.standing(payment)?.status)
}

fn give_back(stripe: &Stripe, payment: &str, all: bool) {
    let Some(standing) = stripe.0.stripe.standing(payment) else { return };
    let left = standing.amount - standing.returned;
    let units = if all { left } else { left / 2 };
    if standing.status == "succeeded" && units > 0 {
        stripe.0.note(&standing.order, format_args!("{units} are given back in Stripe's dashboard"));
        stripe.watch(payment, true, |model| model.refund_in_dashboard(payment, units));
    }
}

/// Sends an event, and plans to send it again if it is not answered.
async fn say(front: Rc<Front>, world: Arc<World>, order: String, body: String, times: u32) {
    let signature = sign(body.as_bytes(), &Secret::new(WEBHOOK_SECRET), world.clock.now());
    let request = Request {
        caller: Caller::Signed(vec![("stripe-signature", signature)]),
        method: "POST",
        path: "/webhooks/stripe".to_owned(),
        query: "",
        key: None,
        // It is signed as it stands.
        body: serde_json::from_str(&body).unwrap_or(Value::Null),
    };
    let answered = match front.ask(&request).await {
        Answer::Http(status, _) => status,
        Answer::Nothing => 0,
    };
    world.note(&order, format_args!("Stripe says {}: {answered}", request.body["type"]));
    if !(200..300).contains(&answered) {
        let at = world.now() + (AGAIN << times.min(20)).min(LONGEST);
        world.till(|till| till.plan(at, Due::Word { order, body, times: times + 1 }));
    }
}
