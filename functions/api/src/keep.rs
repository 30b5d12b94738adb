//! Idempotency keys of requests: the answer to the first request with a key is given to all that repeat it,
//! and a request with another body is refused.

use std::sync::Arc;

use ambient::Clock;
use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chrono::{DateTime, Utc};
use futures::future::try_join;
use omniflow_domain::OrderId;
use omniflow_store as store;
use omniflow_store::{Idempotency, Kept, LONGEST_PARTITION_KEY, Orders};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;

/// The length of the longest key, in bytes.
pub(crate) const LONGEST: usize = 255;
/// The byte between the parts of what is digested. It occurs in no UTF-8 text (RFC 3629), and so in no part.
const BETWEEN: [u8; 1] = [0xFF];

/// The key of one request.
pub(crate) struct Key {
    /// The text under which the answer is kept.
    key: String,
    /// The place where release 0.1 may have kept an answer.
    before: Before,
    /// A digest of the request's body.
    request: String,
}

impl Key {
    /// The request's `Idempotency-Key`, if it has one; `scope` keeps apart what is sent to different places.
    /// Each customer's keys are their own; operators share theirs.
    pub(crate) fn of(request: &Request, scope: &str) -> Result<Option<Self>, Problem> {
        let Some(key) = request.header("idempotency-key") else { return Ok(None) };
        let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if key.trim().is_empty() || key.len() > LONGEST || !printable {
            let detail = format!("The Idempotency-Key must have 1 to {LONGEST} printable ASCII characters.");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let customer = request.caller.customer();
        Ok(Some(Self {
            key: structured(scope, customer, key),
            before: Before::new(scope, customer, key),
            request: BASE64.encode(Sha256::digest(request.body())),
        }))
    }
}

/// The text under which an answer is kept: another one for each scope, caller and key, whatever characters
/// those hold, and never longer than a partition key may be.
fn structured(scope: &str, customer: Option<&str>, key: &str) -> String {
    let mut digest = Sha256::new();
    match customer {
        Some(customer) => digest.update([b"customer", &BETWEEN[..], customer.as_bytes(), &BETWEEN].concat()),
        None => digest.update([b"operator", &BETWEEN[..]].concat()),
    }
    digest.update(key);
    // A scope has no colon, and version 0.1 had '#' behind it.
    format!("{scope}:{}", BASE64.encode(digest.finalize()))
}

/// The place where release 0.1 kept answers: under the parts with '#' between them, which may be in the parts
/// as well. Answers that were kept so are found until they expire, a day after the update from 0.1.
struct Before {
    key: String,
    /// The part of the key behind the scope.
    rest: String,
    customer: Option<String>,
}

impl Before {
    fn new(scope: &str, customer: Option<&str>, key: &str) -> Self {
        let rest = customer.map_or_else(|| key.to_owned(), |customer| format!("{customer}#{key}"));
        Self { key: format!("{scope}#{rest}"), rest, customer: customer.map(str::to_owned) }
    }

    /// Whether an answer about an order of `owner` that is kept there was given to this caller and can't have
    /// been given to another one. What customers ask for is about their own orders always. An operator's key
    /// may read as a customer's with that customer's key behind it; then it isn't known whose the answer is.
    fn was_answered(&self, owner: Option<&str>) -> bool {
        match (&self.customer, owner) {
            (Some(customer), owner) => owner == Some(customer),
            (None, Some(owner)) => {
                !self.rest.strip_prefix(owner).is_some_and(|behind| behind.starts_with('#'))
            }
            (None, None) => true,
        }
    }
}

/// The answers that are kept for keys.
pub(crate) struct Answers {
    pub idempotency: Idempotency,
    pub orders: Orders,
    pub clock: Arc<dyn Clock>,
}

impl Answers {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now_in_milliseconds()
    }

    /// The answer that is kept for this key, if there is one.
    pub(crate) async fn kept(&self, key: &Key) -> Result<Option<Response>, Problem> {
        let now = self.now();
        let before = async {
            // DynamoDB refuses a longer key, so nothing was ever kept there.
            let possible = key.before.key.len() <= LONGEST_PARTITION_KEY;
            if possible { self.idempotency.get(&key.before.key, now).await } else { Ok(None) }
        };
        let read = try_join(self.idempotency.get(&key.key, now), before).await;
        let kept = match read.map_err(|error| unavailable(&error))? {
            (Some(kept), _) => Some(kept),
            (None, Some(before)) if self.was_answered(key, &before).await? => Some(before),
            (None, _) => None,
        };
        match kept {
            None => Ok(None),
            Some(kept) if kept.request == key.request => {
                Ok(Some(Response::text(kept.status, kept.body).with_header("idempotency-replayed", "true")))
            }
            Some(_) => Err(Problem::new(
                Kind::IdempotencyKeyReused,
                "This Idempotency-Key came with another body before. Use a new key for a new request.",
            )),
        }
    }

    /// Whether what is kept under the key of version 0.1 was this caller's; the order that it is about tells.
    async fn was_answered(&self, key: &Key, kept: &Kept) -> Result<bool, Problem> {
        let body: Value = serde_json::from_str(&kept.body).unwrap_or_default();
        let Some(id) = body["order_id"].as_str().and_then(|id| OrderId::parse(id).ok()) else {
            return Ok(false);
        };
        let owner = match self.orders.get(&id).await {
            Ok(order) => order.customer_id().map(str::to_owned),
            Err(store::Error::Unreadable(order)) => order.customer_id,
            Err(store::Error::NoOrder(_)) => return Ok(false),
            Err(error) => return Err(unavailable(&error)),
        };
        Ok(key.before.was_answered(owner.as_deref()))
    }

    /// The write that keeps this answer, to be made together with what it answers.
    pub(crate) fn keep(&self, key: &Key, status: u16, body: &str) -> Result<TransactWriteItem, Problem> {
        let now = self.now();
        let kept = Kept::new(key.key.clone(), key.request.clone(), status, body.to_owned(), now);
        self.idempotency.put(&kept, now).map_err(|error| unavailable(&error))
    }
}
