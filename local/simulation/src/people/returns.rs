//! Customers who send goods back: all of an order or some of it, and at times what they have not bought, or before it has
//! come. Some ask twice.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::books::Decision;
use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::invariant::Invariant;
use crate::world::World;

/// How many of the customers want to return something once their order is completed.
const RETURNING: f64 = 0.4;
/// How many of those ask before that.
const TOO_EARLY: f64 = 0.1;
/// How often a customer looks whether the order is completed, and how long they wait in between, in milliseconds.
const LOOKS: u32 = 12;
const BETWEEN_LOOKS: (u64, u64) = (5_000, 60_000);
/// How often they look whether the money is back, before they give up waiting.
const LOOKS_FOR_THE_MONEY: u32 = 10;
/// How often a request is repeated that got no answer.
const REPEATS: u32 = 8;
/// More pieces than anybody buys.
const TOO_MANY: u64 = 500;

/// What a customer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// All that can be returned.
    Whole,
    /// One or two pieces of one product.
    Part,
    /// More pieces of it than they have bought.
    TooMany,
    /// Something that they have not bought.
    NotBought,
}

impl Wish {
    fn draw(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..35 => Self::Whole,
            35..85 => Self::Part,
            85..95 => Self::TooMany,
            _ => Self::NotBought,
        }
    }

    /// The items of the request, when these can be returned; `None` when there is nothing to wish for.
    fn items(self, returnable: &Value, dice: &mut Dice) -> Option<Value> {
        let lines = returnable.as_array().filter(|lines| !lines.is_empty())?;
        let line = dice.pick(lines);
        let (product, most) = (&line["product_id"], line["quantity"].as_u64()?);
        Some(match self {
            Self::Whole => returnable.clone(),
            Self::Part => json!([{ "product_id": product, "quantity": (1 + dice.below(2)).min(most) }]),
            Self::TooMany => json!([{ "product_id": product, "quantity": TOO_MANY }]),
            Self::NotBought => json!([{ "product_id": "slow-boat", "quantity": 1 }]),
        })
    }

    /// Whether such a request can be granted.
    const fn is_sensible(self) -> bool {
        matches!(self, Self::Whole | Self::Part)
    }
}

/// A customer who sends back.
struct Sender {
    front: Rc<Front>,
    world: Arc<World>,
    subject: Rc<str>,
    order: String,
}

/// Asks for returns as this customer, if they want any, and waits for the money for some time.
pub async fn send_back(front: Rc<Front>, world: Arc<World>, subject: Rc<str>, order: String, mut dice: Dice) {
    if !dice.chance(RETURNING) {
        return;
    }
    let sender = Sender { front, world, subject, order };
    if dice.chance(TOO_EARLY) {
        let items = json!([{ "product_id": "iphone-15", "quantity": 1 }]);
        sender.ask_for(items, "early", true, &mut dice).await;
    }
    if !sender.waits_for_completion(&mut dice).await {
        return;
    }
    for number in 0..=dice.below(3) {
        let Some(list) = sender.read("/returns").await else { continue };
        let wish = Wish::draw(&mut dice);
        let Some(items) = wish.items(&list["returnable"], &mut dice) else { break };
        sender.ask_for(items, &number.to_string(), wish.is_sensible(), &mut dice).await;
    }
    sender.waits_for_the_money(&mut dice).await;
}

impl Sender {
    /// Asks for a return of these items, at times twice with the same key: at once, or one after the other.
    async fn ask_for(&self, items: Value, key: &str, is_sensible: bool, dice: &mut Dice) {
        let request = Request {
            caller: Caller::Customer(&self.subject),
            method: "POST",
            path: format!("/api/v1/orders/{}/returns", self.order),
            query: "",
            key: Some(format!("{}-return-{key}", self.subject)),
            body: json!({ "items": items, "reason": "by the simulation" }),
        };
        let mut again = Dice::new(dice.bits(), "again", 0);
        let (first, second) = match dice.below(10) {
            0..2 => {
                let both = futures::future::join(
                    persist(&self.front, &request, dice),
                    persist(&self.front, &request, &mut again),
                );
                let (first, second) = both.await;
                (first, Some(second))
            }
            2..4 => {
                let first = persist(&self.front, &request, dice).await;
                (first, Some(persist(&self.front, &request, &mut again).await))
            }
            _ => (persist(&self.front, &request, dice).await, None),
        };
        for (status, answer) in std::iter::once(&first).chain(&second) {
            let line = format_args!("{} sends back {items}: {status}", self.subject);
            self.world.note(&self.order, line);
            if *status == 201 {
                self.granted(answer, is_sensible);
            }
        }
        let numbers = second.map(|second| [first, second]).into_iter().flatten();
        let mut numbers =
            numbers.filter(|(status, _)| *status == 201).map(|(_, answer)| answer["return"].clone());
        if let (Some(one), Some(other)) = (numbers.next(), numbers.next())
            && one != other
        {
            let found = format!("the same request made the returns {one} and {other}");
            self.world.violated(Invariant::OneReturn, Some(&self.order), found);
        }
    }

    /// Checks what was granted: it is there, and the order is one of which something can be returned.
    fn granted(&self, answer: &Value, is_sensible: bool) {
        let number = answer["return"].as_u64().and_then(|number| u32::try_from(number).ok());
        let number = number.unwrap_or_default();
        self.world.books(|books| books.decided(&self.order, number, Decision::Asked));
        if !is_sensible {
            let found = format!("return {number} is of more than was bought");
            self.world.violated(Invariant::StockOwned, Some(&self.order), found);
        }
    }

    async fn read(&self, what: &str) -> Option<Value> {
        let path = format!("/api/v1/orders/{}{what}", self.order);
        let caller = Caller::Customer(&self.subject);
        let request = Request { caller, method: "GET", path, query: "", key: None, body: Value::Null };
        match self.front.ask(&request).await {
            Answer::Http(200, view) => Some(view),
            Answer::Http(..) | Answer::Nothing => None,
        }
    }

    /// Whether the order is completed before the customer loses patience.
    async fn waits_for_completion(&self, dice: &mut Dice) -> bool {
        for _ in 0..LOOKS {
            sleep(dice.milliseconds(BETWEEN_LOOKS)).await;
            let view = self.read("").await.unwrap_or_default();
            match view["state"].as_str() {
                Some("COMPLETED") => return true,
                Some("CANCELLED" | "REJECTED") => return false,
                _ => {}
            }
        }
        false
    }

    async fn waits_for_the_money(&self, dice: &mut Dice) {
        for _ in 0..LOOKS_FOR_THE_MONEY {
            sleep(dice.milliseconds(BETWEEN_LOOKS)).await;
            let Some(list) = self.read("/returns").await else { continue };
            let is_closed = |it: &Value| matches!(it["state"].as_str(), Some("REFUNDED" | "REJECTED"));
            if list["returns"].as_array().is_some_and(|returns| returns.iter().all(is_closed)) {
                return;
            }
        }
    }
}

/// Sends a request until it is answered or refused for good, and gives the last answer: its status, 0 when there was none,
/// and its body.
pub(super) async fn persist(front: &Front, request: &Request<'_>, dice: &mut Dice) -> (u64, Value) {
    for _ in 0..REPEATS {
        match front.ask(request).await {
            Answer::Http(status, body) if status < 500 => return (status, body),
            Answer::Http(..) | Answer::Nothing => sleep(dice.milliseconds((500, 10_000))).await,
        }
    }
    (0, Value::Null)
}
