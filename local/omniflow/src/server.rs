//! The two listeners: the HTTP API and the AWS API.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use omniflow_domain::problem::{Kind, Problem};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::aws::{Acknowledge, Aws};

/// DynamoDB takes 16 MiB; nothing else takes more.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// A router for requests of AWS SDKs.
pub(crate) fn aws_router(aws: Aws) -> Router {
    Router::new().fallback(move |request: Request| {
        let aws = aws.clone();
        async move {
            let (parts, body) = request.into_parts();
            match axum::body::to_bytes(body, BODY_LIMIT).await {
                Ok(body) => {
                    let request = Request::from_parts(parts, body);
                    aws.answer(request, Acknowledge::Durably).await.map(Body::from)
                }
                Err(_) => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            }
        }
    })
}

/// What anyone may read, as on AWS: it holds nothing of anybody's, and a browser that opens a page sends no token. The
/// console asks for it and sends it with what it reads.
const OPEN: [&str; 4] = ["/health", "/web", "/docs", "/openapi.json"];

/// How a server refuses who doesn't have its token.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    /// As the HTTP API refuses everything.
    Problem,
    /// In plain words.
    Text,
}

/// Lets only requests with the token through, when there is one.
pub(crate) fn guarded(router: Router, token: Option<&str>, refusal: Refusal) -> Router {
    let Some(token) = token else { return router };
    let token: Arc<str> = token.into();
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let token = Arc::clone(&token);
        async move {
            if carries(request.headers(), &token) || is_open(&request) {
                next.run(request).await
            } else {
                refusal.response()
            }
        }
    }))
}

impl Refusal {
    fn response(self) -> Response {
        match self {
            Self::Problem => {
                let advice = "This server has a token: send it as 'Authorization: Bearer TOKEN'.";
                let problem = Problem::new(Kind::Unauthorized, advice);
                let headers = [("content-type", "application/problem+json"), ("www-authenticate", "Bearer")];
                (StatusCode::UNAUTHORIZED, headers, problem.to_json().to_string()).into_response()
            }
            Self::Text => {
                let advice = "this server has a token: send it as the access key id\n";
                (StatusCode::UNAUTHORIZED, advice).into_response()
            }
        }
    }
}

fn is_open(request: &Request) -> bool {
    let under = |place: &str| {
        let rest = request.uri().path().strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    OPEN.into_iter().any(under)
}

fn carries(headers: &HeaderMap, token: &str) -> bool {
    let Some(authorization) = headers.get("authorization").and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let signed_by =
        authorization.strip_prefix("AWS4-HMAC-SHA256 Credential=").and_then(|rest| rest.split('/').next());
    authorization.strip_prefix("Bearer ").or(signed_by) == Some(token)
}

/// Serves until `stop` changes, then finishes what is running.
pub(crate) async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stopped = async move {
        // A sender that is gone means stop, too.
        let _ = stop.changed().await;
    };
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "a listener failed");
    }
}
