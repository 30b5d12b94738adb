//! The `ClientRequestToken` of transactions: one that is repeated within ten minutes is not done again, but
//! gets the first one's response (Amazon DynamoDB API Reference, "TransactWriteItems", "ExecuteTransaction").
//!
//! The tokens are in memory only: after a restart a repeated transaction is done again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a token is remembered.
const WINDOW: Duration = Duration::from_secs(600);

/// A request that has a token.
pub(crate) struct TokenRequest {
    /// The operation's name and the token.
    key: (String, String),
    /// A hash of what the request is to do.
    fingerprint: u64,
}

impl TokenRequest {
    /// Reads the token from the body of an operation; `None` when it has none. The member that `items` names
    /// says what is to be done.
    pub(crate) fn read(operation: &str, items: &str, body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let token = body.get("ClientRequestToken")?.as_str()?.to_owned();
        let mut hasher = DefaultHasher::new();
        body.get(items).hash(&mut hasher);
        Some(Self { key: (operation.to_owned(), token), fingerprint: hasher.finish() })
    }
}

/// The requests that were done lately, by their operation and token.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<(String, String), Done>);

struct Done {
    at: Instant,
    fingerprint: u64,
    response: String,
}

/// What is known of a request's token.
pub(crate) enum Known {
    /// Nothing was done under it.
    New,
    /// The same was done under it, with this response.
    Done(String),
    /// Something else was done under it.
    Other,
}

impl Tokens {
    pub(crate) fn known(&mut self, request: &TokenRequest) -> Known {
        self.0.retain(|_, done| done.at.elapsed() < WINDOW);
        match self.0.get(&request.key) {
            None => Known::New,
            Some(done) if done.fingerprint == request.fingerprint => Known::Done(done.response.clone()),
            Some(_) => Known::Other,
        }
    }

    /// Remembers that a request was done, and its response.
    pub(crate) fn done(&mut self, request: TokenRequest, response: &str) {
        let TokenRequest { key, fingerprint } = request;
        self.0.insert(key, Done { at: Instant::now(), fingerprint, response: response.to_owned() });
    }
}
