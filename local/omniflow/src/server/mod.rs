//! The two listeners, and the checks that every request must pass before it is served.
//!
//! ```text
//!   connection ──► connections (how many) ──► sites (from whom) ──► --http: gateway: token, bodies, function
//!                                                             └───► --aws:  token, bodies, services
//! ```

mod answers;
mod bodies;
mod connections;
mod detached;
mod sites;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use omniflow_api::problem::{Kind, Problem};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::aws::{Acknowledge, ApiError, Aws};
use crate::identity::Identity;

pub(crate) use answers::Answers;
pub(crate) use bodies::{Bodies, Refused};
pub(crate) use connections::Connections;
pub(crate) use detached::Detached;
use sites::Foreign;
pub(crate) use sites::Sites;

pub use sites::{AllowedHost, AllowedHosts};
pub use token::{AccessToken, Error as TokenError};

/// What bounds the requests of a listener, and carries them to their ends. Clones share it.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) bodies: Bodies,
    pub(crate) answers: Answers,
    /// The requests that are being answered, also those whose clients have hung up.
    pub(crate) under_way: Detached,
}

/// The router for requests of AWS SDKs. When there is a token, every request must carry it.
pub(crate) fn aws_router(aws: Aws, load: Load, token: Option<AccessToken>) -> Router {
    Router::new().fallback(move |request: Request| {
        let (aws, load, token) = (aws.clone(), load.clone(), token.clone());
        let Load { bodies, answers, under_way } = load;
        async move {
            if let Err(refusal) = admit(token.as_ref(), request.headers()) {
                return in_aws_words(refusal);
            }
            let limit = crate::aws::largest_body(request.uri().path(), request.headers());
            match bodies.read(request, limit).await {
                Ok((parts, body)) => {
                    let request = http::Request::from_parts(parts, body.bytes.clone());
                    let answered = under_way.run(async move {
                        let answer = aws.answer(request, Acknowledge::Durably);
                        let answer = answers.make(answer).await;
                        drop(body);
                        answer
                    });
                    answered.await.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
                }
                Err(refused) => in_aws_words(refused.problem(limit)),
            }
        }
    })
}

/// Admits a request that carries the token, or any request when there is no token.
///
/// # Errors
/// The problem that is to be answered.
pub(crate) fn admit(token: Option<&AccessToken>, headers: &HeaderMap) -> Result<(), Problem> {
    match token {
        Some(token) if !token.is_carried_by(headers) => Err(Problem::new(
            Kind::Unauthorized,
            "This server has a token: send it as 'Authorization: Bearer TOKEN', or as the access key id of an AWS \
             signature.",
        )),
        _ => Ok(()),
    }
}

/// Who may be served at the HTTP API.
#[derive(Clone, Default)]
pub(crate) struct Door {
    pub(crate) token: Option<AccessToken>,
    /// Where people sign in at an issuer, which makes them callers without the token.
    pub(crate) identity: Option<Identity>,
}

impl Door {
    /// Admits an operator: a request that carries the token or an operator's, or any request when neither is asked for.
    ///
    /// # Errors
    /// The problem that is to be answered.
    async fn admit_operator(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(identity) = &self.identity else { return admit(self.token.as_ref(), headers) };
        if self.token.as_ref().is_some_and(|token| token.is_carried_by(headers)) {
            return Ok(());
        }
        let claims = identity.recognise(headers).await?;
        let detail = "This is for operators, and by this token you are none.";
        if identity.is_operator(&claims) { Ok(()) } else { Err(Problem::new(Kind::Forbidden, detail)) }
    }
}

/// `router` for operators.
pub(crate) fn guarded(router: Router, door: Door) -> Router {
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let door = door.clone();
        async move {
            match door.admit_operator(request.headers()).await {
                Ok(()) => next.run(request).await,
                Err(refusal) => in_the_apis_words(&refusal),
            }
        }
    }))
}

/// The listener at which a request arrived, which decides the form of a refusal.
#[derive(Clone, Copy)]
pub(crate) enum Listener {
    Http,
    Aws,
}

/// `router` for requests of programs and of this server's own pages. Requests from pages of other websites
/// are refused.
pub(crate) fn for_own_sites(router: Router, sites: Arc<Sites>, listener: Listener) -> Router {
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let sites = Arc::clone(&sites);
        async move {
            match (sites.check(&request).map_err(Problem::from), listener) {
                (Ok(()), _) => next.run(request).await,
                (Err(refusal), Listener::Http) => in_the_apis_words(&refusal),
                (Err(refusal), Listener::Aws) => in_aws_words(refusal),
            }
        }
    }))
}

impl From<Foreign> for Problem {
    fn from(foreign: Foreign) -> Self {
        let kind = match foreign {
            Foreign::NoHost => Kind::BadRequest,
            Foreign::Host(_) => Kind::HostNotServed,
            Foreign::Origin(_) | Foreign::Site => Kind::ForeignSite,
        };
        Self::new(kind, foreign.to_string())
    }
}

impl Refused {
    /// The problem to answer, where bodies may have `limit` bytes at most.
    pub(crate) fn problem(self, limit: usize) -> Problem {
        match self {
            Self::TooLarge => {
                Problem::new(Kind::BodyTooLarge, format!("The body has more than {limit} bytes. Send less."))
            }
            Self::TooSlow => {
                Problem::new(Kind::RequestTimeout, "The body did not come in time. Send the request again.")
            }
            Self::NoRoom => {
                let detail =
                    "Too much is being sent to this server at once. Send the request again in a second.";
                Problem::new(Kind::Unavailable, detail)
            }
            Self::Broken => Problem::new(Kind::BadRequest, "The body broke off. Send the request again."),
        }
    }
}

/// The problem as an answer of the HTTP API, in `application/problem+json`.
pub(crate) fn in_the_apis_words(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response =
        (status, [("content-type", "application/problem+json")], problem.to_json().to_string())
            .into_response();
    let header = match problem.kind {
        Kind::Unauthorized => Some(("www-authenticate", "Bearer")),
        Kind::Unavailable => Some(("retry-after", "1")),
        _ => None,
    };
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

/// The problem as an answer of an AWS service.
fn in_aws_words(problem: Problem) -> Response {
    let code = match problem.kind {
        // SDKs know this code and don't retry the request (IAM User Guide, "Troubleshoot AWS Signature
        // Version 4 requests").
        Kind::Unauthorized => "UnrecognizedClientException",
        Kind::ForeignSite => "AccessDeniedException",
        Kind::HostNotServed => "MisdirectedRequestException",
        Kind::BodyTooLarge => "RequestEntityTooLargeException",
        Kind::RequestTimeout => "RequestTimeoutException",
        Kind::Unavailable => "ServiceUnavailable",
        _ => "ValidationException",
    };
    let status = StatusCode::from_u16(problem.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = ApiError { status, code: code.to_owned(), message: problem.detail };
    crate::aws::respond(Err(error)).map(Body::from)
}

/// Serves connections until `stop` changes, then waits for those that are open to end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) {
    /// The pause after a connection could not be accepted, which happens while the process has no file
    /// descriptor left.
    const PAUSE: Duration = Duration::from_millis(100);
    let mut served = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            // When the sender has been dropped, the server stops, too.
            _ = stop.changed() => break,
            Some(_) = served.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let place = tokio::select! {
                    _ = stop.changed() => break,
                    place = connections.place() => place,
                };
                served.spawn(place.serve(stream, peer, router.clone(), stop.clone()));
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while served.join_next().await.is_some() {}
}
