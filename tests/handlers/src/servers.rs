//! The servers of warehouses, and the secret that they share with the shop.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use http::{HeaderMap, StatusCode};
use omniflow_http_client::{Answer, Error, Http, Post};
use omniflow_services::Secret;
use omniflow_webhooks::{Key, verify};
use serde_json::{Value, json};

/// The name of the secret, for the variable `WAREHOUSE_SECRET`.
pub const WAREHOUSE_SECRET: &str = "warehouses";
/// The secret of every warehouse.
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The key with which messages to warehouses and from them are signed.
pub fn warehouse_key() -> Key {
    Key::parse(KEY).unwrap()
}

/// The secret with those of the warehouses, as the secret store holds it.
pub(crate) fn warehouse_secrets() -> Secret {
    Secret::new(json!({ "wh-east": KEY, "wh-west": KEY }).to_string())
}

/// A request that a server got.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Where it went.
    pub url: String,
    /// The name of the message.
    pub id: String,
    /// The body.
    pub body: Value,
}

/// All servers of warehouses. Each request must be signed. They answer 202, unless they were told otherwise.
#[derive(Default)]
pub struct Servers {
    received: Mutex<Vec<Received>>,
    answers: Mutex<VecDeque<(u16, Value)>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Servers {
    /// Answers the next request that has no answer yet with this.
    pub fn answer(&self, status: u16, body: Value) {
        locked(&self.answers).push_back((status, body));
    }

    /// The requests since this was asked last.
    pub fn received(&self) -> Vec<Received> {
        std::mem::take(&mut *locked(&self.received))
    }
}

impl Http for Servers {
    fn post(&self, request: Post) -> BoxFuture<'_, Result<Answer, Error>> {
        let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
        let sent = header("webhook-timestamp").unwrap().parse().unwrap();
        let sent: DateTime<Utc> = DateTime::from_timestamp(sent, 0).unwrap();
        verify(&[warehouse_key()], header, &request.body, sent).unwrap();
        locked(&self.received).push(Received {
            url: request.url.to_string(),
            id: header("webhook-id").unwrap().to_owned(),
            body: serde_json::from_slice(&request.body).unwrap(),
        });
        let (status, body) = locked(&self.answers).pop_front().unwrap_or((202, Value::Null));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let status = StatusCode::from_u16(status).unwrap();
        Box::pin(async move { Ok(Answer { status, headers: HeaderMap::new(), body: body.into() }) })
    }
}
