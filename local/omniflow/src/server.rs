//! The two listeners: the HTTP API and the AWS API.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
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

/// Where the console's files are. They hold nothing of anybody's, and a browser that opens a page sends no token: the
/// console asks for it and sends it with what it reads.
const CONSOLE: &str = "/web";

/// Lets only requests with the token through, when there is one.
pub(crate) fn guarded(router: Router, token: Option<&str>) -> Router {
    let Some(token) = token else { return router };
    let token: Arc<str> = token.into();
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let token = Arc::clone(&token);
        async move { check(&token, request, next).await }
    }))
}

async fn check(token: &str, request: Request, next: Next) -> Response {
    if carries(request.headers(), token) || is_console(&request) {
        return next.run(request).await;
    }
    let advice = "this server listens beyond loopback: send its token as 'Authorization: Bearer TOKEN' (HTTP API) or as the access key id (AWS API)\n";
    (StatusCode::UNAUTHORIZED, advice).into_response()
}

fn is_console(request: &Request) -> bool {
    let rest = request.uri().path().strip_prefix(CONSOLE);
    request.method() == Method::GET && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
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
