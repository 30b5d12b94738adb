//! An HTTP request, read from an event in payload format 2.0.

use std::collections::HashMap;

use crate::problem::{Kind, Problem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omniflow_domain::OrderId;
use omniflow_domain::texts::Language;
use serde_json::Value;

use crate::caller::Caller;

/// The largest body, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// A request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub caller: Caller,
    /// Filled in by the route.
    pub parameters: HashMap<String, String>,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn read(event: &Value, caller: Caller) -> Result<Self, Problem> {
        let http = &event["requestContext"]["http"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let path = match event["rawPath"].as_str() {
            Some(path) if !path.is_empty() => path.to_owned(),
            _ => text(&http["path"]),
        };
        let headers = event["headers"].as_object().into_iter().flatten();
        let query = event["rawQueryString"].as_str().unwrap_or_default();
        Ok(Self {
            method: text(&http["method"]),
            path,
            caller,
            parameters: HashMap::new(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
            body: body(event)?,
        })
    }

    /// With what the route found in the path.
    pub(crate) fn with(mut self, parameters: HashMap<String, String>) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as a JSON object, whatever content type it claims: `curl -d` calls it form data.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
        let value: Value = serde_json::from_slice(&self.body)
            .map_err(|error| bad(format!("The body must be JSON, and it is not: {error}.")))?;
        if value.is_object() { Ok(value) } else { Err(bad("The body must be a JSON object.".to_owned())) }
    }

    /// As [`Request::json`], for calls that need no body.
    pub(crate) fn optional_json(&self) -> Result<Value, Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) { Ok(Value::Null) } else { self.json() }
    }

    /// The order that the path names, or `?workflow_id=` where the path names none; by its id or its workflow's.
    pub(crate) fn order_id(&self) -> Result<OrderId, Problem> {
        let text = match self.parameters.get("order_id") {
            Some(text) => text,
            None => self.query("workflow_id").filter(|id| !id.is_empty()).ok_or_else(|| {
                Problem::new(Kind::BadRequest, "'workflow_id' is missing: add ?workflow_id=… to the address.")
            })?,
        };
        OrderId::parse_workflow_id(text).map_err(|_| {
            Problem::new(
                Kind::OrderNotFound,
                format!("There is no order {text}. Use the order_id that POST /api/v1/orders answered."),
            )
        })
    }

    /// Whether it came through the first door, `/api/v1`, or one of the others.
    pub(crate) fn is_v1(&self) -> bool {
        !self.path.starts_with("/api/orders") && !self.path.starts_with("/api/workflows")
    }

    /// What the caller reads; Chinese when they don't say, as the v1 routes promise, and Russian at the other doors,
    /// whose users come from Russian systems.
    pub(crate) fn language(&self) -> Language {
        let usual = if self.is_v1() { Language::Zh } else { Language::Ru };
        Language::negotiate(self.header("accept-language"), usual)
    }
}

fn body(event: &Value) -> Result<Vec<u8>, Problem> {
    let text = event["body"].as_str().unwrap_or_default();
    let bytes = if event["isBase64Encoded"] == true {
        BASE64
            .decode(text)
            .map_err(|_| Problem::new(Kind::BadRequest, "The body is announced as base64, and it is not."))?
    } else {
        text.as_bytes().to_vec()
    };
    if bytes.len() > MAX_BODY {
        let detail = format!("The body has {} bytes; at most {MAX_BODY} are taken.", bytes.len());
        return Err(Problem::new(Kind::BodyTooLarge, detail));
    }
    Ok(bytes)
}
