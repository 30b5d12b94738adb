//! An HTTP request, read from an event in payload format 2.0 (API Gateway Developer Guide, "AWS Lambda proxy
//! integrations").

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use omniflow_domain::Language;
use omniflow_domain::OrderId;
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::{Kind, Problem};

/// The length of the largest body, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;

/// A request to the API.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub escapes: Escapes,
    pub caller: Caller,
    /// The parameters in the path, which the route fills in.
    pub parameters: HashMap<String, String>,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// What is left of the escapes (RFC 3986, section 2.1) that the caller wrote into the path. It depends on what stands
/// before the function, and each escape is to be decoded once: `%2525` is the name `%25`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// All but `%25` are decoded already, as by an HTTP API. A `%2F` of the caller can't be told from a slash.
    #[default]
    OfPercent,
    /// All of them are there, as behind a function URL.
    All,
}

impl Escapes {
    /// By the name that the function was called by, `<id>.lambda-url.<region>.on.aws` for a function URL (Lambda
    /// Developer Guide, "Invoking Lambda function URLs").
    fn of(domain: &str) -> Self {
        if domain.contains(".lambda-url.") { Self::All } else { Self::OfPercent }
    }

    /// A segment of the path as the caller meant it.
    pub(crate) fn decode(self, segment: &str) -> String {
        match self {
            Self::OfPercent => segment.replace("%25", "%"),
            Self::All => percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned(),
        }
    }
}

impl Request {
    pub(crate) fn read(event: &Value, caller: Caller) -> Result<Self, Problem> {
        let http = &event["requestContext"]["http"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let path = match event["rawPath"].as_str() {
            Some(path) if !path.is_empty() => path.to_owned(),
            _ => text(&http["path"]),
        };
        let escapes = Escapes::of(event["requestContext"]["domainName"].as_str().unwrap_or_default());
        let headers = event["headers"].as_object().into_iter().flatten();
        let query = event["rawQueryString"].as_str().unwrap_or_default();
        Ok(Self {
            method: text(&http["method"]),
            path,
            escapes,
            caller,
            parameters: HashMap::new(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), text(value))).collect(),
            body: body(event)?,
        })
    }

    /// Adds the parameters that the route found in the path.
    pub(crate) fn with(mut self, parameters: HashMap<String, String>) -> Self {
        self.parameters = parameters;
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether the client says that it has the content of this name (RFC 9110, section 13.1.2), compared weakly
    /// (section 8.8.3.2).
    pub(crate) fn has(&self, etag: &str) -> bool {
        let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let known = self.header("if-none-match").unwrap_or_default();
        known.split(',').any(|tag| opaque(tag) == opaque(etag))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The names of the query's parameters.
    pub(crate) fn query_names(&self) -> impl Iterator<Item = &str> {
        self.query.keys().map(String::as_str)
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as a JSON object, whatever content type it claims: `curl -d` calls it form data.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        object(&self.body)
    }

    /// As [`Request::json`], and the same with each number as the text that it was written as: JSON numbers
    /// may have more digits than a float holds, which is nevertheless what they are read into.
    pub(crate) fn json_and_as_written(&self) -> Result<(Value, Value), Problem> {
        let json = self.json()?;
        // JSON is UTF-8 (RFC 8259, section 8.1), or it would have been refused above.
        let written = numbers_as_texts(&String::from_utf8_lossy(&self.body));
        Ok((json, object(written.as_bytes())?))
    }

    /// As [`Request::json`], for calls that need no body.
    pub(crate) fn optional_json(&self) -> Result<Value, Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) { Ok(Value::Null) } else { self.json() }
    }

    /// The id of the order that the path names, or `?workflow_id=` where the path names none. Either may be
    /// the id of the order or one of its workflow.
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

    /// Whether the request came to `/api/v1`, and not to the paths of one of the other doors.
    pub(crate) fn is_v1(&self) -> bool {
        !self.path.starts_with("/api/orders") && !self.path.starts_with("/api/workflows")
    }

    /// The language of the answer. If the request asks for none, it is Chinese at the v1 routes, as their
    /// contract says, and Russian at the other doors, whose users come from Russian systems.
    pub(crate) fn language(&self) -> Language {
        let usual = if self.is_v1() { Language::Zh } else { Language::Ru };
        Language::negotiate(self.header("accept-language"), usual)
    }

    /// The language of what is wrong with the request: English, unless the request asks for another one.
    pub(crate) fn language_of_problems(&self) -> Language {
        Language::negotiate(self.header("accept-language"), Language::En)
    }
}

/// Reads a JSON object.
fn object(json: &[u8]) -> Result<Value, Problem> {
    let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
    let value: Value = serde_json::from_slice(json)
        .map_err(|error| bad(format!("The body must be JSON, and it is not: {error}.")))?;
    if value.is_object() { Ok(value) } else { Err(bad("The body must be a JSON object.".to_owned())) }
}

/// The same JSON, which must be an object or a list, with quotes around each number.
fn numbers_as_texts(json: &str) -> String {
    let mut written = String::with_capacity(json.len() + 64);
    let (mut in_text, mut escaped, mut in_number) = (false, false, false);
    for c in json.chars() {
        let goes_on = in_number && (c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E'));
        // Outside of texts, a digit or a minus begins a number, and nothing else does (RFC 8259, section 6).
        let begins = !in_text && !in_number && (c.is_ascii_digit() || c == '-');
        if begins || (in_number && !goes_on) {
            written.push('"');
        }
        in_number = begins || goes_on;
        if c == '"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && c == '\\' && !escaped;
        written.push(c);
    }
    written
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_the_texts_that_they_were_written_as_and_nothing_else_changes() {
        for (json, written) in [
            (
                r#"{"a":10000.0000000000000001,"b":[1,-2.50 ,1e3]}"#,
                r#"{"a":"10000.0000000000000001","b":["1","-2.50" ,"1e3"]}"#,
            ),
            (r#"{"a1":"1, 2","-3":"\"4\\","b\\":5}"#, r#"{"a1":"1, 2","-3":"\"4\\","b\\":"5"}"#),
            (r#"[true,false,null,"e5",{}]"#, r#"[true,false,null,"e5",{}]"#),
            ("{\"a\": 1E+5\n}", "{\"a\": \"1E+5\"\n}"),
        ] {
            assert_eq!(numbers_as_texts(json), written);
        }
    }
}
