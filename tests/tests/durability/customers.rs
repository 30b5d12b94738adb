//! Customers who buy until the process is gone, and keep a book of what they were told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use omniflow_e2e::{Answer, COUNTED, EAST, EVERYWHERE, FRAGILE, Order, Seed, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const BUYERS: usize = 12;
/// What is bought: from three warehouses, from one, and something whose shipments fail at first.
pub(crate) const PRODUCTS: &[&str] = &[EVERYWHERE, COUNTED, EAST, FRAGILE];

pub(crate) fn one_of(product: &str) -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": product, "quantity": 1, "price": 10 }] })
}

/// What a customer wants to do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Pay,
    Prepaid,
    Forget,
    Cancel,
}

/// What a customer heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// A 2xx.
    Yes,
    /// A 409: somebody else was first.
    No,
    /// The connection broke: it may have happened or not.
    Nothing,
}

/// Everything that customers know, from outside.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Orders by id.
    pub(crate) orders: BTreeMap<String, Entry>,
    /// Orders asked for that no answer came to: key, plan and body.
    unanswered: Vec<(String, Plan, Value)>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    plan: Plan,
    /// The answer to the payment or cancellation, once asked for.
    heard: Option<Heard>,
}

impl Book {
    /// Whoever heard nothing asks again with the same key, and must get one order, be it the first or a new one.
    pub(crate) async fn ask_again(&mut self, shop: &Shop) {
        for (key, plan, body) in std::mem::take(&mut self.unanswered) {
            let answer = with_key(shop, &key, &body).await.unwrap().success();
            let plan = if plan == Plan::Prepaid { plan } else { Plan::Forget };
            let id = answer["order_id"].as_str().unwrap().to_owned();
            self.orders.insert(id, Entry { plan, heard: None });
        }
    }

    /// What is wrong with how this order ended, if anything.
    pub(crate) fn complaint(&self, order: &Order) -> Option<String> {
        let entry = self.orders.get(order.id())?;
        let end = (order.state(), order.reason());
        const COMPLETED: (&str, Option<&str>) = ("COMPLETED", None);
        const TIMED_OUT: (&str, Option<&str>) = ("CANCELLED", Some("PAYMENT_TIMEOUT"));
        const BY_CUSTOMER: (&str, Option<&str>) = ("CANCELLED", Some("CUSTOMER"));
        let expected: &[_] = match (entry.plan, entry.heard) {
            (Plan::Prepaid, _) | (Plan::Pay, Some(Heard::Yes)) => &[COMPLETED],
            (Plan::Forget, _) | (_, Some(Heard::No) | None) => &[TIMED_OUT],
            (Plan::Pay, Some(Heard::Nothing)) => &[COMPLETED, TIMED_OUT],
            (Plan::Cancel, Some(Heard::Yes)) => &[BY_CUSTOMER],
            (Plan::Cancel, Some(Heard::Nothing)) => &[BY_CUSTOMER, TIMED_OUT],
        };
        (!expected.contains(&end)).then(|| format!("{entry:?}, but it ended as {end:?}: {order:?}"))
    }
}

async fn with_key(shop: &Shop, key: &str, body: &Value) -> Result<Answer, reqwest::Error> {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    shop.try_send(Method::POST, "/api/v1/orders", &headers, Some(body.to_string())).await
}

/// Many customers, until the process is gone.
pub(crate) async fn buy_until_the_end(shop: &Shop, book: &Mutex<Book>, seed: &Mutex<Seed>) {
    join_all((0..BUYERS).map(|_| buy(shop, book, seed))).await;
}

/// Orders, pays, cancels and forgets.
async fn buy(shop: &Shop, book: &Mutex<Book>, seed: &Mutex<Seed>) {
    loop {
        let plan =
            choose(seed, &[Plan::Pay, Plan::Pay, Plan::Pay, Plan::Prepaid, Plan::Forget, Plan::Cancel]);
        let mut body = one_of(choose(seed, PRODUCTS));
        if plan == Plan::Prepaid {
            let method = choose(seed, &["pm_card", "pm_timeout_twice"]);
            body["payment"] = json!({ "method": method });
        }
        let key = Uuid::new_v4().to_string();
        let Ok(answer) = with_key(shop, &key, &body).await else {
            book.lock().unwrap().unanswered.push((key, plan, body));
            return;
        };
        let id = answer.success()["order_id"].as_str().unwrap().to_owned();
        book.lock().unwrap().orders.insert(id.clone(), Entry { plan, heard: None });
        let action = match plan {
            Plan::Pay => "pay",
            Plan::Cancel => "cancel",
            Plan::Prepaid | Plan::Forget => continue,
        };
        if plan == Plan::Pay && !is_payable(shop, &id).await {
            return;
        }
        let path = format!("/api/v1/orders/{id}/{action}");
        let heard = match shop.try_send(Method::POST, &path, &[], None).await {
            Ok(answer) if answer.is_success() => Heard::Yes,
            Ok(answer) => {
                answer.problem(409);
                Heard::No
            }
            Err(_) => Heard::Nothing,
        };
        book.lock().unwrap().orders.get_mut(&id).unwrap().heard = Some(heard);
        if heard == Heard::Nothing {
            return;
        }
    }
}

fn choose<T: Copy>(seed: &Mutex<Seed>, choices: &[T]) -> T {
    seed.lock().unwrap().choose(choices)
}

/// Waits until it can be paid (or can't any more); false when the process is gone.
async fn is_payable(shop: &Shop, id: &str) -> bool {
    loop {
        match shop.try_send(Method::GET, &format!("/api/v1/orders/{id}"), &[], None).await {
            Ok(answer) if matches!(answer.json()["state"].as_str(), Some("RECEIVED" | "RESERVED")) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}
