//! A customer: creates an order, pays it, waits until it is completed.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use crate::Error;
use crate::connections::Connections;

const ORDERS: &str = "/api/v1/orders";

/// The shortest pause between two looks at an order; the longer it usually takes, the longer the pause.
const LOOK_AGAIN: Duration = Duration::from_millis(3);
/// The part of the usual time that the pause is.
const PART: f64 = 0.03;
/// How much a first look that finds the order there, or doesn't, moves the time of the next order's first look, as
/// parts of the pause: two in five first looks come too early, so that an order that is ready is seldom overlooked.
const EARLIER: f64 = 0.4;
const LATER: f64 = 0.6;

/// A customer of one runtime. It learns how long an order takes, so that it looks at it rarely.
pub(crate) struct Customer {
    http: Connections,
    until_payable: Cell<Duration>,
    until_completed: Cell<Duration>,
}

/// What a customer reads of the answer to a new order.
#[derive(Deserialize)]
struct Created {
    order_id: String,
}

/// What a customer reads of an order.
#[derive(Deserialize)]
struct Seen {
    state: String,
}

impl Customer {
    pub(crate) fn of(url: &str) -> Self {
        Self { http: Connections::to(url), until_payable: Cell::default(), until_completed: Cell::default() }
    }

    /// One order from create to completed; how long it took.
    pub(crate) async fn buy(&self, items: &Value) -> Result<Duration, Error> {
        let begun = Instant::now();
        let id = self.create(items).await?;
        self.wait(&id, "AWAITING_PAYMENT", &self.until_payable).await?;
        self.ask::<IgnoredAny>("pay", Method::POST, &format!("{ORDERS}/{id}/pay"), Bytes::new()).await?;
        self.wait(&id, "COMPLETED", &self.until_completed).await?;
        Ok(begun.elapsed())
    }

    /// Creates an order; its id.
    pub(crate) async fn create(&self, items: &Value) -> Result<String, Error> {
        let body = json!({ "customer_id": "bench", "items": items }).to_string();
        let created: Created = self.ask("create", Method::POST, ORDERS, body.into()).await?;
        Ok(created.order_id)
    }

    /// Waits until the order is in this state.
    pub(crate) async fn wait_for(&self, id: &str, wanted: &'static str) -> Result<(), Error> {
        self.wait(id, wanted, &Cell::new(Duration::ZERO)).await
    }

    async fn wait(&self, id: &str, wanted: &'static str, usual: &Cell<Duration>) -> Result<(), Error> {
        tokio::time::sleep(usual.get()).await;
        let pause = usual.get().mul_f64(PART).max(LOOK_AGAIN);
        let mut first = true;
        loop {
            let Seen { state } =
                self.ask("get", Method::GET, &format!("{ORDERS}/{id}"), Bytes::new()).await?;
            let there = state == wanted;
            if first && there {
                usual.set(usual.get().saturating_sub(pause.mul_f64(EARLIER)));
            } else if first {
                usual.set(usual.get() + pause.mul_f64(LATER));
            }
            if there {
                return Ok(());
            }
            if matches!(state.as_str(), "CANCELLED" | "REJECTED" | "NEEDS_ATTENTION" | "COMPENSATING") {
                return Err(Error::Lost { id: id.to_owned(), state, wanted });
            }
            first = false;
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &'static str,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, Error> {
        let answer = self.http.send(method, path, body).await?;
        if answer.status().is_success() {
            return Ok(serde_json::from_slice(answer.body())?);
        }
        let body = String::from_utf8_lossy(answer.body()).into_owned();
        Err(Error::Answer { what, status: answer.status().as_u16(), body })
    }
}
