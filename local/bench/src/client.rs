//! A customer who creates an order, pays for it, and waits until it is completed.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use crate::Error;
use crate::connections::Connections;

const ORDERS: &str = "/api/v1/orders";
/// The pause between two reads of an order.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// A customer of one runtime.
pub(crate) struct Customer {
    http: Connections,
}

/// The part of the answer to a new order that a customer reads.
#[derive(Deserialize)]
struct Created {
    order_id: String,
}

/// The part of an order that a customer reads.
#[derive(Deserialize)]
struct Seen {
    state: String,
}

impl Customer {
    pub(crate) fn of(url: &str) -> Self {
        Self { http: Connections::to(url) }
    }

    /// Buys one order, from create to completed, and returns how long it took.
    pub(crate) async fn buy(&self, items: &Value) -> Result<Duration, Error> {
        let begun = Instant::now();
        let id = self.create(items).await?;
        self.wait_for(&id, "AWAITING_PAYMENT").await?;
        self.pay(&id).await?;
        self.wait_for(&id, "COMPLETED").await?;
        Ok(begun.elapsed())
    }

    /// Creates an order and returns its id.
    pub(crate) async fn create(&self, items: &Value) -> Result<String, Error> {
        let body = json!({ "customer_id": "bench", "items": items }).to_string();
        let created: Created = self.ask("create", Method::POST, ORDERS, body.into()).await?;
        Ok(created.order_id)
    }

    /// Pays an order.
    pub(crate) async fn pay(&self, id: &str) -> Result<(), Error> {
        self.ask::<IgnoredAny>("pay", Method::POST, &format!("{ORDERS}/{id}/pay"), Bytes::new()).await?;
        Ok(())
    }

    /// Waits until the order is in this state.
    pub(crate) async fn wait_for(&self, id: &str, wanted: &'static str) -> Result<(), Error> {
        loop {
            let Seen { state } =
                self.ask("get", Method::GET, &format!("{ORDERS}/{id}"), Bytes::new()).await?;
            if state == wanted {
                return Ok(());
            }
            if matches!(state.as_str(), "CANCELLED" | "REJECTED" | "NEEDS_ATTENTION" | "COMPENSATING") {
                return Err(Error::Lost { id: id.to_owned(), state, wanted });
            }
            // The server didn't keep the request waiting for a change, or not for long enough.
            tokio::time::sleep(LOOK_AGAIN).await;
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
