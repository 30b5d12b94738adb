//! A request as API Gateway passes it to a function: an event in payload format 2.0.
//!
//! Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ambient::Surroundings;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Map, Value, json};
use template::Route;

pub(super) fn event(
    route: &Route,
    parts: &Parts,
    parameters: &BTreeMap<String, String>,
    body: &Bytes,
    account: &str,
    surroundings: &Surroundings,
) -> Value {
    let route_key = match &route.method {
        Some(method) => format!("{method} {}", route.path),
        None => route.path.clone(),
    };
    let now = surroundings.clock.now();
    let (path, query) = (decoded(parts.uri.path()), parts.uri.query().unwrap_or_default());
    let client = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers),
        "requestContext": {
            "accountId": account,
            "apiId": "local",
            "domainName": header("host"),
            "domainPrefix": "local",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": client.map(|client| client.0.ip().to_string()).unwrap_or_default(),
                "userAgent": header("user-agent"),
            },
            "requestId": surroundings.randomness.uuid_v7(now).to_string(),
            "routeKey": route_key,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S %z").to_string(),
            "timeEpoch": now.timestamp_millis(),
        },
        "isBase64Encoded": false,
    });
    if !query.is_empty() {
        event["queryStringParameters"] = query_parameters(query);
    }
    if !parameters.is_empty() {
        event["pathParameters"] = json!(parameters);
    }
    if !body.is_empty() {
        match std::str::from_utf8(body) {
            Ok(text) if is_text(header("content-type")) => event["body"] = Value::from(text),
            _ => {
                event["body"] = Value::from(BASE64.encode(body));
                event["isBase64Encoded"] = Value::from(true);
            }
        }
    }
    event
}

/// Whether API Gateway passes a body of this type to the function as text. It passes all others, form data
/// among them, as base64.
fn is_text(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
}

/// The path as an HTTP API hands it over: each escape is decoded but that of the percent sign itself, so that what
/// remains can be decoded once more without harm.
fn decoded(path: &str) -> String {
    let parts = path.split("%25").map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy());
    parts.collect::<Vec<_>>().join("%25")
}

fn headers(headers: &HeaderMap) -> Value {
    let mut joined = Map::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        match joined.get_mut(name.as_str()) {
            Some(Value::String(kept)) => *kept = format!("{kept},{value}"),
            _ => {
                joined.insert(name.as_str().to_owned(), Value::from(value));
            }
        }
    }
    Value::Object(joined)
}

fn query_parameters(query: &str) -> Value {
    let mut joined = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match joined.get_mut(&*name) {
            Some(Value::String(kept)) => *kept = format!("{kept},{value}"),
            _ => {
                joined.insert(name.into_owned(), Value::from(value));
            }
        }
    }
    Value::Object(joined)
}

#[cfg(test)]
mod tests {
    use template::Authorization;

    use super::*;

    #[test]
    fn form_data_arrives_as_base64_as_it_does_on_aws() {
        let request = http::Request::post("/api/v1/orders?a=1&a=2")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let route = Route {
            method: Some("POST".into()),
            path: "/api/v1/orders".into(),
            function: "Api".into(),
            authorization: Authorization::None,
        };
        let here = Surroundings::of_this_machine();
        let event = event(&route, &parts, &BTreeMap::new(), &Bytes::from_static(b"{}"), "0", &here);
        assert_eq!(event["isBase64Encoded"], true);
        assert_eq!(event["body"], "e30=");
        assert_eq!(event["routeKey"], "POST /api/v1/orders");
        assert_eq!(event["queryStringParameters"]["a"], "1,2");
    }

    #[test]
    fn a_path_is_handed_over_as_an_http_api_does() {
        for (sent, handed) in [
            ("/a/iPhone%2015", "/a/iPhone 15"),
            ("/%d0%bc%D1%8F%D1%87", "/мяч"),
            ("/50%25/%2Fx", "/50%25//x"),
            ("/a%252Eb%2525", "/a%252Eb%2525"),
            ("/%zz%", "/%zz%"),
        ] {
            assert_eq!(decoded(sent), handed);
        }
    }
}
