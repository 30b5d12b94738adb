//! An HTTP answer, kept whole so that a failing assertion can show it.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer to an HTTP request.
#[derive(Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Answer {
    /// The request, for messages of failing tests.
    pub call: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as it was received.
    pub text: String,
}

/// A refusal in the form of `application/problem+json`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Problem {
    /// The name of the kind of problem, which is the same for all problems of that kind.
    pub kind: String,
    pub status: u16,
    /// A text that says what is wrong and what to do.
    pub detail: String,
    /// The whole body.
    pub body: Value,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {}: {}", self.call, self.status, self.text)
    }
}

impl Answer {
    pub(crate) async fn read(call: String, response: reqwest::Response) -> Result<Self, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { call, status, headers, text: response.text().await? })
    }

    /// Whether the status is between 200 and 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The value of a header; empty when there is no such header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON. Panics unless the answer is a success.
    #[track_caller]
    pub fn success(&self) -> Value {
        assert!(self.is_success(), "expected a success: {self:?}");
        self.json()
    }

    /// The refusal in this answer. Panics unless it has this status, is problem+json, and is fit for a
    /// caller to read.
    #[track_caller]
    pub fn problem(&self, status: u16) -> Problem {
        assert_eq!(self.status, status, "expected a {status}: {self:?}");
        let kind = self.header("content-type");
        assert!(kind.starts_with("application/problem+json"), "content type '{kind}': {self:?}");
        let body = self.json();
        assert_eq!(body["status"], status, "the body names another status: {self:?}");
        let text = |name: &str| {
            let text = body[name].as_str().unwrap_or_default().to_owned();
            assert!(!text.is_empty(), "no {name}: {self:?}");
            text
        };
        text("title");
        let (kind, detail) = (text("type"), text("detail"));
        for internal in ["panicked", "dynamodb", "DynamoDB", "ServiceError", "src/"] {
            assert!(!detail.contains(internal), "internals reach the caller ('{internal}'): {self:?}");
        }
        Problem { kind, status, detail, body }
    }
}
