//! Customers. What a customer wants and does is decided by the seed and the customer's number alone.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::books::Promise;
use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::people::{payer, returns};
use crate::provider::Provider;
use crate::world::World;

/// The time in which an order must be paid, in seconds: the simulation's value of the template's parameter
/// `PaymentWindowSeconds`.
pub const PAYMENT_WINDOW: u64 = 300;
/// How often a customer repeats a request that got no answer.
const REPEATS: u32 = 8;
/// How often a customer tries to pay an order that can't be paid yet, at first every few seconds and then, after so many
/// times, every few minutes: within each window, for some hours.
const PATIENCE: u32 = 200;
const OFTEN: u32 = 60;

/// What a customer wants.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    items: Value,
    /// The payment method.
    method: &'static str,
    /// Whether the order brings its payment.
    is_prepaid: bool,
    has_key: bool,
    /// Whether the customer gives an address, to which messages are sent.
    has_address: bool,
    /// When the customer pays after the order was made; `None` for never.
    pays_after: Option<Duration>,
    pays_twice: bool,
    /// When the customer cancels; `None` for never.
    cancels_after: Option<Duration>,
}

/// The payment methods, with their weights. That of a gateway which never answers is not among them: orders
/// with it don't come to rest for days.
const METHODS: [(&str, u64); 5] = [
    ("pm_card", 82),
    ("pm_declined", 5),
    ("pm_timeout_twice", 5),
    ("pm_refund_fails_twice", 5),
    ("pm_refund_fails", 3),
];

/// Draws one of several, each with its weight.
pub(super) fn weighted<T: Copy>(dice: &mut Dice, of: &[(T, u64)]) -> Option<T> {
    let mut drawn = dice.below(of.iter().map(|(_, weight)| weight).sum());
    for (value, weight) in of {
        if drawn < *weight {
            return Some(*value);
        }
        drawn -= weight;
    }
    None
}

fn line(product: &str, quantity: u64) -> Value {
    json!({ "product_id": product, "quantity": quantity })
}

fn items(dice: &mut Dice) -> Value {
    let few = 1 + dice.below(3);
    match dice.below(100) {
        0..40 => json!([line("iphone-15", few)]),
        40..58 => json!([line("prod-003", few)]),
        58..70 => json!([line("macbook-air", 1), line("magic-mouse", few)]),
        70..78 => json!([line("limited-edition", few)]),
        // Over the threshold above which orders are reviewed.
        78..84 => json!([line("mac-pro", 2)]),
        84..87 => json!([line("fragile-lamp", 1)]),
        87..89 => json!([line("fragile-vase", 1)]),
        89..91 => json!([line("macbook-air", 1), line("fragile-vase", 1)]),
        91..93 => json!([line("stuck-crate", 1)]),
        93..95 => json!([line("stuck-crate", 1), line("fragile-vase", 1)]),
        _ => json!([
            line("iphone-15", 1),
            line("macbook-air", few),
            line("magic-mouse", 1),
            line("prod-003", 2)
        ]),
    }
}

impl Plan {
    fn draw(dice: &mut Dice) -> Self {
        let seconds = |dice: &mut Dice, least: u64, most: u64| dice.milliseconds((least * 1000, most * 1000));
        let is_prepaid = dice.chance(0.35);
        let pays_after = match dice.below(100) {
            0..20 => Some(seconds(dice, 0, 2)),
            20..70 => Some(seconds(dice, 2, 90)),
            // Around the end of the window.
            70..85 => Some(seconds(dice, PAYMENT_WINDOW - 6, PAYMENT_WINDOW + 6)),
            _ => None,
        };
        let cancels_after = match dice.below(100) {
            0..4 => Some(seconds(dice, 0, 3)),
            4..9 => Some(seconds(dice, 3, PAYMENT_WINDOW + 6)),
            // At the moment of the payment.
            9..12 => pays_after,
            _ => None,
        };
        Self {
            items: items(dice),
            method: weighted(dice, &METHODS).unwrap_or("pm_card"),
            is_prepaid,
            has_key: dice.chance(0.5),
            pays_after: pays_after.filter(|_| !is_prepaid),
            pays_twice: dice.chance(0.1),
            cancels_after,
            has_address: dice.chance(0.5),
        }
    }
}

/// A customer at work.
#[derive(Clone)]
pub(super) struct Customer {
    front: Rc<Front>,
    pub(super) world: Arc<World>,
    pub(super) subject: Rc<str>,
    plan: Rc<Plan>,
}

/// Orders, pays and cancels as the customer with this number does.
pub async fn shop(front: Rc<Front>, world: Arc<World>, number: u64) {
    let mut dice = Dice::new(world.seed, "customer", number);
    let mut plan = Plan::draw(&mut dice);
    if world.provider == Provider::Stripe {
        plan.method = payer::card(&mut Dice::new(world.seed, "card", number));
    }
    let plan = Rc::new(plan);
    let customer = Customer { front, world, subject: format!("customer-{number}").into(), plan };
    let Some(order) = customer.create(&mut dice).await else { return };
    let (paying, cancelling) = (customer.clone(), customer.clone());
    let (mut at_the_till, mut at_the_desk) =
        (Dice::new(dice.bits(), "paying", 0), Dice::new(dice.bits(), "cancelling", 0));
    let sending_back = Dice::new(dice.bits(), "sending back", 0);
    futures::future::join(paying.pay(&order, &mut at_the_till), cancelling.cancel(&order, &mut at_the_desk))
        .await;
    let Customer { front, world, subject, .. } = customer;
    returns::send_back(front, world, subject, order, sending_back).await;
}

impl Customer {
    pub(super) fn request(
        &self,
        method: &'static str,
        path: String,
        key: Option<String>,
        body: Value,
    ) -> Request<'_> {
        Request { caller: Caller::Customer(&self.subject), method, path, query: "", key, body }
    }

    /// Creates the order, and gives its id.
    async fn create(&self, dice: &mut Dice) -> Option<String> {
        let mut body = json!({ "items": self.plan.items, "customer_id": *self.subject });
        if self.plan.is_prepaid {
            body["payment"] = json!({ "method": self.plan.method });
        }
        if self.plan.has_address {
            body["email"] = format!("{}@example.com", self.subject).into();
        }
        let key = self.plan.has_key.then(|| format!("{}-order", self.subject));
        let request = self.request("POST", "/api/v1/orders".to_owned(), key, body);
        for _ in 0..REPEATS {
            match self.front.ask(&request).await {
                Answer::Http(201, body) => {
                    let order = body["order_id"].as_str()?.to_owned();
                    self.world.note(&order, format_args!("{} has created it: {:?}", self.subject, self.plan));
                    self.world.books(|books| books.promised(&order, Promise::Created));
                    return Some(order);
                }
                Answer::Http(status, body) if status < 500 => {
                    self.world.note_all(format_args!("{} can't order: {status} {body}", self.subject));
                    return None;
                }
                Answer::Http(..) | Answer::Nothing => {
                    sleep(dice.milliseconds((500, 10_000))).await;
                }
            }
        }
        None
    }

    async fn pay(&self, order: &str, dice: &mut Dice) {
        let Some(after) = self.plan.pays_after else { return };
        sleep(after).await;
        self.world.books(|books| books.asked_to_pay(order));
        let times = if self.plan.pays_twice { 2 } else { 1 };
        if self.world.provider == Provider::Stripe {
            for _ in 0..times {
                self.pay_at_stripe(order, dice).await;
            }
            return;
        }
        let key = self.plan.has_key.then(|| format!("{}-pay", self.subject));
        let body = json!({ "method": self.plan.method });
        let request = self.request("POST", format!("/api/v1/orders/{order}/pay"), key, body);
        for _ in 0..times {
            self.decide(order, &request, Some(Promise::Paid), dice).await;
        }
    }

    async fn cancel(&self, order: &str, dice: &mut Dice) {
        let Some(after) = self.plan.cancels_after else { return };
        sleep(after).await;
        let request = self.request("POST", format!("/api/v1/orders/{order}/cancel"), None, Value::Null);
        self.decide(order, &request, Some(Promise::Cancelled), dice).await;
    }

    /// Sends a request about an order until it is answered or refused for good, and gives the last answer: its status, 0
    /// when there was none, and its body. What 200 promises is noted.
    pub(super) async fn decide(
        &self,
        order: &str,
        request: &Request<'_>,
        promise: Option<Promise>,
        dice: &mut Dice,
    ) -> (u64, Value) {
        let (mut unanswered, mut early) = (0, 0);
        loop {
            let answer = self.front.ask(request).await;
            let (status, body) = match answer {
                Answer::Http(status, body) => (status, body),
                Answer::Nothing => (0, Value::Null),
            };
            let state = body["state"].as_str().unwrap_or_default();
            match promise {
                Some(promise) => self.world.note(order, format_args!("{promise:?}: {status} {state}")),
                None => self.world.note(order, format_args!("asked how to pay: {status} {state}")),
            }
            match status {
                200 => {
                    if let Some(promise) = promise {
                        self.world.books(|books| books.promised(order, promise));
                    }
                    return (status, body);
                }
                // It can't be paid yet.
                409 if matches!(state, "RECEIVED" | "RESERVED" | "AWAITING_AUDIT") && early < PATIENCE => {
                    early += 1;
                    let pause = if early < OFTEN { (1_000, 20_000) } else { (60_000, 240_000) };
                    sleep(dice.milliseconds(pause)).await;
                }
                0 | 500.. if unanswered < REPEATS => {
                    unanswered += 1;
                    sleep(dice.milliseconds((500, 10_000))).await;
                }
                _ => return (status, body),
            }
        }
    }
}
