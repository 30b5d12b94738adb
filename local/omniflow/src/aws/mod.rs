//! The AWS API of the local runtime. One function answers the requests that arrive at `--aws` (from `aws
//! --endpoint-url`, boto3 …) and those of the SDK clients in this process. Most requests of handlers don't
//! come here: they take a shorter way ([`crate::inside`]).
//!
//! ```text
//!   X-Amz-Target: DynamoDB_20120810.*   → tables
//!                 AWSStepFunctions.*    → engine
//!                 AWSEvents.*           → event bus
//!   /2015-03-31/functions/*/invocations → functions
//!   /v2/email/outbound-emails           → outbox (Amazon SES)
//!   /metrics                            → counters of this runtime, for Prometheus
//!   /_omniflow/stats                    → the same of functions, tables and engine, as JSON
//! ```

mod email;
pub(crate) mod events;
mod functions;
mod map_runs;
pub(crate) mod states;
mod test_state;

use ambient::Surroundings;
use bytes::Bytes;
use engine::Engine;
use futures::future::BoxFuture;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use omniflow_tables::{Counter, Service, Tables};
use serde_json::{Value, json};

use crate::bus::EventBus;
use crate::lambda::Functions;
use crate::metrics::{self, Metrics};
use crate::outbox::Outbox;

pub(crate) use events::{PUT_AT_ONCE, WRONG_NUMBER};

/// An error in AWS's JSON shape.
#[derive(Debug)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn bad_request(code: &str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: code.to_owned(), message: message.into() }
    }
}

impl From<engine::Error> for ApiError {
    fn from(error: engine::Error) -> Self {
        let status =
            if error.is_internal() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
        Self { status, code: error.code().to_owned(), message: error.to_string() }
    }
}

/// The services of one runtime. Clones share them.
#[derive(Clone)]
pub struct Aws {
    /// The service that answers for DynamoDB.
    pub tables: Tables,
    /// The service that answers for Step Functions.
    pub engine: Engine,
    /// The service that answers for EventBridge.
    pub bus: EventBus,
    /// The service that answers for Lambda.
    pub functions: Functions,
    /// The messages that Amazon SES would send.
    pub outbox: Outbox,
    /// What the functions count.
    pub metrics: Metrics,
    /// The clock and the source of randomness.
    pub surroundings: Surroundings,
}

/// Whether an answer waits until what it acknowledges survives a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledge {
    /// The answer doesn't wait. It is for calls from inside the process, whose effects the runtime makes
    /// durable before it tells anyone outside.
    Early,
    /// The answer waits. It is for calls from outside.
    Durably,
}

impl Aws {
    /// Answers one request of an AWS SDK.
    pub async fn answer(&self, request: Request<Bytes>, acknowledge: Acknowledge) -> Response<Bytes> {
        let response = match target(request.headers()).filter(|_| request.method() == Method::POST) {
            Some(("DynamoDB_20120810", operation)) => {
                let answer = self.tables.answer(operation, request.body().clone()).await;
                json_response(status(answer.status), answer.body.into())
            }
            Some(("AWSStepFunctions", operation)) => respond(match parse(request.body()) {
                Ok(body) => states::answer(self, operation, body).await,
                Err(error) => Err(error),
            }),
            Some(("AWSEvents", operation)) => respond(match parse(request.body()) {
                Ok(body) => events::answer(&self.bus, operation, &body),
                Err(error) => Err(error),
            }),
            _ if request.uri().path() == email::PATH => {
                email::answer(&self.outbox, &self.surroundings, &request)
            }
            _ if request.uri().path() == "/metrics" => self.metrics(),
            _ if request.uri().path() == "/_omniflow/stats" => respond(Ok(self.stats())),
            _ => match functions::name_in_path(request.method(), request.uri().path()) {
                Some(name) => functions::answer(&self.functions, &name, &request).await,
                None => unknown(request.method(), request.uri().path()),
            },
        };
        match acknowledge {
            Acknowledge::Early => response,
            Acknowledge::Durably => self.with_request_id(self.durably(response).await),
        }
    }

    fn with_request_id(&self, mut response: Response<Bytes>) -> Response<Bytes> {
        if let Ok(id) = self.surroundings.randomness.uuid_v4().to_string().parse() {
            response.headers_mut().insert("x-amzn-requestid", id);
        }
        response
    }

    async fn durably(&self, response: Response<Bytes>) -> Response<Bytes> {
        let Err(error) = self.tables.synced().await else { return response };
        respond(Err(ApiError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "InternalFailure".to_owned(),
            message: format!("the write could not be made durable: {error}"),
        }))
    }
}

impl Aws {
    fn metrics(&self) -> Response<Bytes> {
        let mut response = Response::new(metrics::text(self).into());
        let kind = http::HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert("content-type", kind);
        response
    }

    /// How often functions and tables were called since the start, and the time in nanoseconds. The time of
    /// functions includes that of the table calls they make.
    fn stats(&self) -> Value {
        let tables = self.tables.counters();
        let of = |counter: &Counter| json!({ "count": counter.count(), "time_ns": counter.nanoseconds() });
        json!({
            "functions": of(self.functions.invocations()),
            "table_calls": of(&tables.calls),
            "table_syncs": of(&tables.syncs),
            "engine": self.engine.stats().snapshot(),
        })
    }
}

impl Service for Aws {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let aws = self.clone();
        Box::pin(async move { Aws::answer(&aws, request, Acknowledge::Early).await })
    }
}

/// The service and the operation in the `X-Amz-Target` of a request in AWS JSON.
fn target(headers: &HeaderMap) -> Option<(&str, &str)> {
    headers.get("x-amz-target")?.to_str().ok()?.split_once('.')
}

/// The most bytes that the body of a request may have.
///
/// Sources: DynamoDB Developer Guide, "Quotas": 16 MB for the largest requests, those of batches; Lambda
/// Developer Guide, "Lambda quotas": 6 MB for an invocation; Step Functions Developer Guide, "Quotas": 1 MB
/// for a request. The other services take less than 1 MB.
pub(crate) fn largest_body(path: &str, headers: &HeaderMap) -> usize {
    const MIB: usize = 1024 * 1024;
    match target(headers) {
        Some(("DynamoDB_20120810", _)) => 16 * MIB,
        None if path.starts_with("/2015-03-31/functions/") => 6 * MIB,
        _ => MIB,
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn parse(body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request("SerializationException", error.to_string()))
}

pub(crate) fn respond(result: Result<Value, ApiError>) -> Response<Bytes> {
    match result {
        Ok(body) => json_response(StatusCode::OK, body.to_string().into()),
        Err(error) => {
            let body = json!({ "__type": error.code, "message": error.message });
            json_response(error.status, body.to_string().into())
        }
    }
}

fn json_response(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}

fn unknown(method: &Method, path: &str) -> Response<Bytes> {
    respond(Err(ApiError::bad_request(
        "UnknownOperationException",
        format!(
            "{method} {path} is not served here; DynamoDB, Step Functions, EventBridge PutEvents, Lambda Invoke and SES SendEmail are"
        ),
    )))
}
