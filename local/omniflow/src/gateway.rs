//! API Gateway's HTTP API on one machine: serves the template's routes, and passes each request to its
//! function as an event in payload format 2.0.
//!
//! Source: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs".

mod event;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Ready, ready};
use std::sync::Arc;

use ambient::Surroundings;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequestParts, RawPathParams};
use axum::routing::{MethodFilter, any, on};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use omniflow_api::problem::{Kind, Problem};
use omniflow_tables::Tables;
use serde_json::{Value, json};

use crate::health;
use crate::lambda::{self, Functions, Invoked};
use crate::routes::{BadRoute, check_distinct};
use crate::server::{self, Door, Load};
use event::event;
use template::{Authorization, Place, Route};

/// The most bytes that a body may have: what the function of the API accepts, which is less than API
/// Gateway's 10 MB.
const LARGEST_BODY: usize = 256 * 1024;
/// The most bytes of a body that comes to an open route without the token: a payment provider's event, which is
/// longer than a warehouse's longest message. What is not let in must not take the room of what is.
const LARGEST_UNADMITTED_BODY: usize = 32 * 1024;

/// What is needed to serve a request.
struct Gateway {
    functions: Functions,
    tables: Tables,
    account: String,
    load: Load,
    door: Door,
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
    door: Door,
    surroundings: Surroundings,
) -> Result<Router, BadRoute> {
    let account = place.account.clone();
    let gateway = Arc::new(Gateway { functions, tables, account, load, door, surroundings });
    check_distinct(routes)?;
    let mut router = Router::new();
    let mut fallback = None;
    let mut open_paths = BTreeSet::new();
    for route in routes {
        if route.path == "$default" {
            fallback = Some(route.clone());
            continue;
        }
        let is_closed = gateway.door.token.is_some() || gateway.door.identity.is_some();
        let is_open = is_closed && route.authorization == Authorization::None;
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
    /// The most bytes that the body of a request may have, and what its function is told of the caller.
    ///
    /// # Errors
    /// The problem to answer to who may not take this route. When there is a token or an issuer, only the routes that
    /// the template leaves open are open.
    async fn admit(&self, route: &Route, headers: &HeaderMap) -> Result<(usize, Option<Value>), Problem> {
        let Door { token, identity } = &self.door;
        let carries_token = server::admit(token.as_ref(), headers);
        if route.authorization == Authorization::None {
            let is_closed = identity.is_some() && token.is_none();
            let is_known = carries_token.is_ok() && !is_closed;
            return Ok((if is_known { LARGEST_BODY } else { LARGEST_UNADMITTED_BODY }, None));
        }
        match (identity, &route.authorization) {
            (Some(_), _) if token.is_some() && carries_token.is_ok() => {
                // Whoever has the token runs this system, as who can sign by IAM does on AWS.
                let arn = format!("arn:aws:iam::{}:user/access-token", self.account);
                Ok((LARGEST_BODY, Some(json!({ "iam": { "userArn": arn } }))))
            }
            (Some(identity), Authorization::Jwt(scopes)) => {
                let claims = identity.recognise(headers).await?;
                Ok((LARGEST_BODY, Some(identity.authorize(&claims, scopes)?)))
            }
            _ => carries_token.map(|()| (LARGEST_BODY, None)),
        }
    }

    async fn serve(&self, route: &Route, request: Request<Body>) -> Response<Body> {
        let (limit, authorizer) = match self.admit(route, request.headers()).await {
            Ok(admitted) => admitted,
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
        let mut event = event(route, &parts, &parameters, &body.bytes, &self.account, &self.surroundings);
        if let Some(authorizer) = authorizer {
            event["requestContext"]["authorizer"] = authorizer;
        }
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
