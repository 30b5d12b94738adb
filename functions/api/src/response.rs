//! An HTTP response, written in payload format 2.0 (API Gateway Developer Guide, "AWS Lambda proxy
//! integrations").

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::problem::{Kind, Problem};
use crate::request::Request;

/// The first eight bytes of a text's digest, in hexadecimal digits: enough to tell apart what one address
/// answers.
pub(crate) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())[..8].iter().fold(String::new(), |mut digest, byte| {
        // Writing to a String can't fail.
        let _ = write!(digest, "{byte:02x}");
        digest
    })
}

/// The response to a request.
#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    content_type: &'static str,
    headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Whether the body stands for bytes, in Base64.
    is_base64: bool,
}

impl Response {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, body.to_string())
    }

    /// A body that is JSON text already.
    pub(crate) fn text(status: u16, body: String) -> Self {
        Self { status, content_type: "application/json", headers: Vec::new(), body, is_base64: false }
    }

    /// A file, or anything else that is not JSON.
    pub(crate) fn file(status: u16, content_type: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type, headers: Vec::new(), body: body.into(), is_base64: false }
    }

    /// A body of bytes, which are given in Base64.
    pub(crate) fn bytes(status: u16, content_type: &'static str, base64: String) -> Self {
        Self { status, content_type, headers: Vec::new(), body: base64, is_base64: true }
    }

    pub(crate) fn problem(problem: &Problem) -> Self {
        let mut response = Self::json(problem.kind.status(), &problem.to_json());
        response.content_type = "application/problem+json";
        if problem.kind == Kind::Unauthorized {
            response.headers.push(("www-authenticate", "Bearer".to_owned()));
        }
        for (name, value) in &problem.more {
            if *name == "allow" {
                response.headers.push(("allow", value.as_str().unwrap_or_default().to_owned()));
            }
            if *name == "retry_after" {
                response.headers.push(("retry-after", value.to_string()));
            }
        }
        response
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Names the response after `said`, which is the same for responses that say the same, and leaves out the
    /// body when the client has it already. The name is a weak one (RFC 9110, section 8.8.1): responses of one
    /// name may count the time that is left differently.
    pub(crate) fn unless_known(mut self, request: &Request, said: &str) -> Self {
        let etag = format!("W/\"{}\"", digest(said));
        if request.has(&etag) {
            (self.status, self.body) = (304, String::new());
        }
        self.with_header("etag", etag)
    }

    /// A document, without it when the client has the same one already.
    pub(crate) fn json_unless_known(request: &Request, document: &Value) -> Self {
        let text = document.to_string();
        Self::text(200, text.clone()).unless_known(request, &text)
    }

    pub(crate) fn into_event(self) -> Value {
        let mut headers = Map::new();
        headers.insert("content-type".to_owned(), Value::from(self.content_type));
        headers.insert("cache-control".to_owned(), Value::from("no-store"));
        for (name, value) in self.headers {
            headers.insert(name.to_owned(), Value::from(value));
        }
        json!({
            "statusCode": self.status,
            "headers": headers,
            "body": self.body,
            "isBase64Encoded": self.is_base64,
        })
    }
}
