//! Idempotency keys of requests: the first answer is repeated, another body is refused.

use crate::problem::{Kind, Problem};
use aws_sdk_dynamodb::types::TransactWriteItem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use omniflow_store::Kept;
use sha2::{Digest, Sha256};

use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};

/// The longest key.
pub(crate) const LONGEST: usize = 255;

/// The key of one request.
pub(crate) struct Key {
    key: String,
    request: String,
}

impl Key {
    /// The request's `Idempotency-Key`, if it has one; `scope` keeps apart what is sent to different places. Each
    /// customer's keys are their own.
    pub(crate) fn of(request: &Request, scope: &str) -> Result<Option<Self>, Problem> {
        let Some(key) = request.header("idempotency-key") else { return Ok(None) };
        let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if key.trim().is_empty() || key.len() > LONGEST || !printable {
            let detail = format!("The Idempotency-Key must have 1 to {LONGEST} printable ASCII characters.");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
        let digest = BASE64.encode(Sha256::digest(request.body()));
        let key = match request.caller.customer() {
            Some(customer) => format!("{scope}#{customer}#{key}"),
            None => format!("{scope}#{key}"),
        };
        Ok(Some(Self { key, request: digest }))
    }
}

impl Api {
    /// The answer that was given under this key before.
    pub(crate) async fn kept(&self, key: &Key) -> Result<Option<Response>, Problem> {
        let kept =
            self.idempotency.get(&key.key, self.clock.now()).await.map_err(|error| unavailable(&error))?;
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

    /// The write that keeps this answer, to be made together with what it answers.
    pub(crate) fn keep(&self, key: &Key, status: u16, body: &str) -> Result<TransactWriteItem, Problem> {
        let now = self.clock.now();
        let kept = Kept::new(key.key.clone(), key.request.clone(), status, body.to_owned(), now);
        self.idempotency.put(&kept, now).map_err(|error| unavailable(&error))
    }
}
