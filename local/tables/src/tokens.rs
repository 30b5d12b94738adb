//! The `ClientRequestToken` of transactions: a call that is repeated within ten minutes is answered, not done again
//! (Amazon DynamoDB API Reference, "TransactWriteItems", "ExecuteTransaction").

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use serde_json::Value;

const WINDOW: Duration = Duration::from_secs(600);

/// A call that has such a token.
pub(crate) struct Call {
    key: (String, String),
    /// Of what the call is to do.
    fingerprint: u64,
}

impl Call {
    /// When the body of this operation has a token; `items` is the member that says what is to be done.
    pub(crate) fn with_token(operation: &str, items: &str, body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let token = body.get("ClientRequestToken")?.as_str()?.to_owned();
        let mut hasher = DefaultHasher::new();
        body.get(items).hash(&mut hasher);
        Some(Self { key: (operation.to_owned(), token), fingerprint: hasher.finish() })
    }
}

/// What was done.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<(String, String), Done>);

struct Done {
    at: Instant,
    fingerprint: u64,
    answer: String,
}

/// What is known of a call.
pub(crate) enum Known {
    /// It was not done.
    New,
    /// It was, with this answer.
    Done(String),
    /// Another call had its token.
    Other,
}

impl Tokens {
    pub(crate) fn known(&mut self, call: &Call) -> Known {
        self.0.retain(|_, done| done.at.elapsed() < WINDOW);
        match self.0.get(&call.key) {
            None => Known::New,
            Some(done) if done.fingerprint == call.fingerprint => Known::Done(done.answer.clone()),
            Some(_) => Known::Other,
        }
    }

    pub(crate) fn done(&mut self, call: Call, answer: &str) {
        let done = Done { at: Instant::now(), fingerprint: call.fingerprint, answer: answer.to_owned() };
        self.0.insert(call.key, done);
    }
}
