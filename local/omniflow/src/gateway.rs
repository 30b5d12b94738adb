//! API Gateway's HTTP API on one machine: serves the template's routes, and passes each request to its
//! function as an event in payload format 2.0.
//!
//! Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use ambient::Surroundings;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, RawPathParams};
use axum::routing::{MethodFilter, any, on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use omniflow_api::problem::{Kind, Problem};
use omniflow_tables::Tables;
use serde_json::{Map, Value, json};

use crate::health;
use crate::lambda::{self, Functions, Invoked};
use crate::routes::{BadRoute, check_distinct};
use crate::server::{self, AccessToken, Load};
use template::{Authorization, Place, Route};

/// The most bytes that a body may have: what the function of the API accepts, which is less than API
/// Gateway's 10 MB.
const LARGEST_BODY: usize = 256 * 1024;
/// The most bytes of a body that comes to an open route without the token: a warehouse's signed message with
/// the longest texts. What is not let in must not take the room of what is.
const LARGEST_UNADMITTED_BODY: usize = 8 * 1024;

/// What is needed to serve a request.
struct Gateway {
    functions: Functions,
    tables: Tables,
    account: String,
    load: Load,
    token: Option<AccessToken>,
    surroundings: Surroundings,
}

/// A router with the routes of the template.
///
/// # Errors
/// When a route has an unknown method, or two routes take the same requests.
pub fn router(
    routes: &[Route],
    functions: Functions,
    tables: Tables,
    place: &Place,
    load: Load,
    token: Option<AccessToken>,
    surroundings: Surroundings,
) -> Result<Router, BadRoute> {
    let account = place.account.clone();
    let gateway = Arc::new(Gateway { functions, tables, account, load, token, surroundings });
    check_distinct(routes)?;
    let mut router = Router::new();
    let mut fallback = None;
    let mut open_paths = BTreeSet::new();
    for route in routes {
        if route.path == "$default" {
            fallback = Some(route.clone());
            continue;
        }
        let is_open = gateway.token.is_some() && route.authorization == Authorization::None;
        // With a wrong method, an open path answers the same to clients with and without the token.
        let refuses_others = is_open && open_paths.insert(route.path.clone());
        router = add(router, route, &gateway, refuses_others)?;
    }
    let default = move |request: Request<Body>| {
        let (gateway, route) = (Arc::clone(&gateway), fallback.clone());
        async move {
            match route {
                Some(route) => gateway.serve(&route, request).await,
                None => json_answer(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#).map(Body::from),
            }
        }
    };
    let router = router.method_not_allowed_fallback(default.clone()).fallback(default);
    Ok(router.layer(DefaultBodyLimit::disable()))
}

fn add(
    router: Router,
    route: &Route,
    gateway: &Arc<Gateway>,
    refuses_others: bool,
) -> Result<Router, BadRoute> {
    let bad = |problem: &str| BadRoute::new(route, problem);
    let (serving, served) = (Arc::clone(gateway), route.clone());
    let handler = move |request: Request<Body>| {
        let (gateway, route) = (Arc::clone(&serving), served.clone());
        async move { gateway.serve(&route, request).await }
    };
    let path = greedy(&route.path);
    Ok(match route.method.as_deref() {
        None | Some("ANY") => router.route(&path, any(handler)),
        Some(method) => {
            let filter = http::Method::from_bytes(method.as_bytes())
                .ok()
                .and_then(|method| MethodFilter::try_from(method).ok())
                .ok_or_else(|| bad("unknown method"))?;
            let methods = on(filter, handler);
            router.route(&path, if refuses_others { methods.fallback(wrong_method(method)) } else { methods })
        }
    })
}

fn wrong_method(allowed: &str) -> impl Fn() -> Ready<Response<Body>> + Clone + Send + Sync + use<> {
    let detail = format!("Only {allowed} is allowed here.");
    let problem = Problem::new(Kind::MethodNotAllowed, detail).with("allow", allowed);
    move || {
        let mut response = server::in_the_apis_words(&problem);
        append(response.headers_mut(), "allow", &problem.to_json()["allow"]);
        ready(response)
    }
}

/// The path as axum writes it: API Gateway's `{proxy+}` becomes `{*proxy}`.
fn greedy(path: &str) -> String {
    match path.strip_suffix("+}").and_then(|head| head.rsplit_once('{')) {
        Some((head, name)) => format!("{head}{{*{name}}}"),
        None => path.to_owned(),
    }
}

impl Gateway {
    async fn serve(&self, route: &Route, request: Request<Body>) -> Response<Body> {
        // When there is a token, only the routes that the template leaves open are open.
        let limit = match server::admit(self.token.as_ref(), request.headers()) {
            Ok(()) => LARGEST_BODY,
            Err(_) if route.authorization == Authorization::None => LARGEST_UNADMITTED_BODY,
            Err(refusal) => return server::in_the_apis_words(&refusal),
        };
        let (mut parts, body) = match self.load.bodies.read(request, limit).await {
            Ok(read) => read,
            Err(refused) => return server::in_the_apis_words(&refused.problem(limit)),
        };
        let parameters = match RawPathParams::from_request_parts(&mut parts, &()).await {
            Ok(parameters) => {
                parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
            }
            Err(_) => BTreeMap::new(),
        };
        let event = event(route, &parts, &parameters, &body.bytes, &self.account, &self.surroundings);
        drop(body);
        let (functions, tables, function) =
            (self.functions.clone(), self.tables.clone(), route.function.clone());
        let answered = if route.path == health::PATH {
            // It is short, acknowledges nothing, and must be answered however much others ask and however slow
            // the disk is.
            self.load
                .under_way
                .run(async move {
                    let result = functions.invoke_at_once(&function, event).await;
                    result_answer(result, &function).map(Body::from)
                })
                .await
        } else {
            let answers = self.load.answers.clone();
            self.load
                .under_way
                .run(async move {
                    let answer = async {
                        let result = functions.invoke(&function, event).await;
                        acknowledged(result, &tables, &function).await
                    };
                    answers.make(answer).await
                })
                .await
        };
        answered.unwrap_or_else(|| internal_error().map(Body::from))
    }
}

/// The answer that a function's result is. What it acknowledges must survive a power failure before the client
/// reads it.
async fn acknowledged(
    result: Result<Invoked, lambda::Error>,
    tables: &Tables,
    function: &str,
) -> Response<Bytes> {
    if let Err(error) = tables.synced().await {
        tracing::error!(%error, "the tables can't be synced");
        return internal_error();
    }
    result_answer(result, function)
}

fn result_answer(result: Result<Invoked, lambda::Error>, function: &str) -> Response<Bytes> {
    match result {
        Ok(Ok(output)) => answer(&output),
        Ok(Err(error)) => {
            tracing::error!(function, error = %error.payload, "the function failed");
            internal_error()
        }
        Err(error) => {
            tracing::error!(function, %error, "no invocation");
            internal_error()
        }
    }
}

fn event(
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
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
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

/// Turns the output of the function into the response. Output without a `statusCode` is the body itself, as
/// API Gateway infers.
fn answer(output: &Value) -> Response<Bytes> {
    let Some(status) = output["statusCode"].as_u64() else {
        return json_answer(StatusCode::OK, &output.to_string());
    };
    let Some(status) = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok()) else {
        return internal_error();
    };
    let text = output["body"].as_str().unwrap_or_default();
    let body = if output["isBase64Encoded"] == true {
        match BASE64.decode(text) {
            Ok(bytes) => Bytes::from(bytes),
            Err(_) => return internal_error(),
        }
    } else {
        Bytes::from(text.to_owned())
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    for (name, value) in output["headers"].as_object().into_iter().flatten() {
        append(response.headers_mut(), name, value);
    }
    for (name, values) in output["multiValueHeaders"].as_object().into_iter().flatten() {
        for value in values.as_array().into_iter().flatten() {
            if !response.headers().contains_key(name)
                || values.as_array().is_some_and(|values| values.len() > 1)
            {
                append(response.headers_mut(), name, value);
            }
        }
    }
    for cookie in output["cookies"].as_array().into_iter().flatten() {
        append(response.headers_mut(), "set-cookie", cookie);
    }
    response
}

fn append(headers: &mut HeaderMap, name: &str, value: &Value) {
    let value = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
        headers.append(name, value);
    }
}

fn internal_error() -> Response<Bytes> {
    json_answer(StatusCode::INTERNAL_SERVER_ERROR, r#"{"message":"Internal Server Error"}"#)
}

fn json_answer(status: StatusCode, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_owned()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_data_arrives_as_base64_as_it_does_on_aws() {
        let request = Request::post("/api/v1/orders?a=1&a=2")
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
}
