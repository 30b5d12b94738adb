//! Customers who buy and pay. Who is turned away for the moment comes again, with pauses that grow; who waits until they can
//! pay looks a few times, and then waits for the message that says so.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use omniflow_domain::Status;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::books::Promise;
use crate::dice::Dice;
use crate::front::{Answer, Caller, Front, Request};
use crate::world::World;

/// How often customers ask again who are turned away, before they go elsewhere.
const TRIES: u32 = 14;
/// The first pause before that, which doubles each time, and the longest, in milliseconds.
const PAUSE: (u64, u64) = (1_000, 60_000);
/// When customers look whether they can pay, after the last look.
const LOOKS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(10)];
/// How often they look into their mail.
const MAIL: Duration = Duration::from_secs(15);
/// How long they take to pay, in milliseconds.
const TILL: (u64, u64) = (1_000, 20_000);

/// What a customer wants.
pub struct Wish {
    pub number: u64,
    pub product: String,
    pub is_prepaid: bool,
}

/// What became of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    /// The shop took the order, and whatever the customer did for it was answered.
    Served,
    /// The shop took no order.
    TurnedAway,
    /// The shop took the order, and its payment was turned away to the last.
    CouldNotPay,
}

struct Customer {
    front: Rc<Front>,
    world: Arc<World>,
    subject: String,
    dice: Dice,
}

/// Buys what a customer wishes.
pub async fn shop(front: Rc<Front>, world: Arc<World>, wish: Wish) -> Visit {
    let dice = Dice::new(world.seed, "customer", wish.number);
    let mut customer = Customer { front, world, subject: format!("customer-{}", wish.number), dice };
    let mut body = json!({ "items": [{ "product_id": wish.product, "quantity": 1 }] });
    if wish.is_prepaid {
        body["payment"] = json!({ "method": "pm_card" });
    }
    let key = Some(format!("{}-order", customer.subject));
    let Some((201, made)) = customer.ask("POST", "/api/v1/orders".to_owned(), key, body).await else {
        return Visit::TurnedAway;
    };
    let Some(order) = made["order_id"].as_str().map(str::to_owned) else { return Visit::TurnedAway };
    customer.world.books(|books| books.promised(&order, Promise::Created));
    if wish.is_prepaid {
        return Visit::Served;
    }
    if !customer.can_pay(&order).await {
        return Visit::Served;
    }
    sleep(customer.dice.milliseconds(TILL)).await;
    customer.pay(&order).await
}

impl Customer {
    /// Sends a request until it is answered. `None` when it was turned away each time.
    async fn ask(
        &mut self,
        method: &'static str,
        path: String,
        key: Option<String>,
        body: Value,
    ) -> Option<(u64, Value)> {
        let subject = self.subject.clone();
        let request = Request { caller: Caller::Customer(&subject), method, path, query: "", key, body };
        let mut pause = PAUSE.0;
        for _ in 0..TRIES {
            let is_admitted = self.world.capacity.as_ref().is_none_or(super::Capacity::admits);
            match if is_admitted { self.front.ask(&request).await } else { Answer::Nothing } {
                Answer::Http(status, answer) if status != 429 && status < 500 => {
                    return Some((status, answer));
                }
                Answer::Http(..) | Answer::Nothing => {}
            }
            sleep(self.dice.milliseconds((pause / 2, pause))).await;
            pause = (2 * pause).min(PAUSE.1);
        }
        None
    }

    /// Waits until the order can be paid; `false` when it never will be.
    async fn can_pay(&mut self, order: &str) -> bool {
        for look in LOOKS {
            sleep(look).await;
            let path = format!("/api/v1/orders/{order}");
            if let Some((200, found)) = self.ask("GET", path, None, Value::Null).await {
                match found["state"].as_str() {
                    Some("AWAITING_PAYMENT") => return true,
                    Some("RECEIVED" | "RESERVED") => {}
                    _ => return false,
                }
            }
        }
        loop {
            sleep(MAIL).await;
            let told = self.world.books(|books| {
                let entry = books.order(order)?;
                Some((entry.told.contains(&Status::AwaitingPayment), entry.order.status().is_final()))
            });
            match told {
                Some((true, _)) => return true,
                Some((false, false)) => {}
                Some((false, true)) | None => return false,
            }
        }
    }

    async fn pay(&mut self, order: &str) -> Visit {
        self.world.books(|books| books.asked_to_pay(order));
        let path = format!("/api/v1/orders/{order}/pay");
        match self.ask("POST", path, None, json!({ "method": "pm_card" })).await {
            Some((200, _)) => {
                self.world.books(|books| books.promised(order, Promise::Paid));
                Visit::Served
            }
            // An answer that was lost: it was paid before.
            Some(_) => Visit::Served,
            None => Visit::CouldNotPay,
        }
    }
}
