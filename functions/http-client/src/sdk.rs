//! The requests of the AWS SDK's clients, over connections that are kept for the next one.
//!
//! It speaks HTTP/1.1 alone, as do the services that functions call. The SDK's own client would bring HTTP/2 along, which is a
//! twelfth of a function's code.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::{CaptureConnection, capture_connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

use crate::connection::{self, Connected, Target};
use crate::{Reach, Unreached};

/// The HTTP client of the SDK's clients. Those with the same limits share their connections.
#[derive(Default)]
pub struct SdkHttpClient {
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
    connectors: Mutex<HashMap<Limits, SharedHttpConnector>>,
}

/// How long a connection may take to be made, and how long the head of an answer to come, from the request on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Limits {
    connect: Option<Duration>,
    answer: Option<Duration>,
}

impl SdkHttpClient {
    /// Reads the certificates that are trusted now, rather than with the first request. What fails is tried again then.
    pub fn read_certificates(&self) {
        if let Err(error) = connection::trusted(&self.tls) {
            tracing::warn!(%error, "TLS can't be used yet");
        }
    }

    /// What sends requests within these limits.
    pub fn connector(&self, settings: &HttpConnectorSettings) -> SharedHttpConnector {
        let limits = Limits { connect: settings.connect_timeout(), answer: settings.read_timeout() };
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || SharedHttpConnector::new(Connector::new(limits, Arc::clone(&self.tls)));
        connectors.entry(limits).or_insert_with(made).clone()
    }
}

impl fmt::Debug for SdkHttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SdkHttpClient").finish_non_exhaustive()
    }
}

impl HttpClient for SdkHttpClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector(settings)
    }
}

#[derive(Debug)]
struct Connector {
    client: Client<Connect, SdkBody>,
    limits: Limits,
}

impl Connector {
    fn new(limits: Limits, tls: Arc<OnceLock<Arc<ClientConfig>>>) -> Self {
        let connect = Connect { limit: limits.connect, tls };
        // With a timer, connections that nobody has used for a while are closed rather than used again.
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connect);
        Self { client, limits }
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (client, limit) = (self.client.clone(), self.limits.answer);
        HttpConnectorFuture::new(async move {
            let mut request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let used = capture_connection(&mut request);
            if let Some(wanted) = request.extensions().get::<CaptureSmithyConnection>() {
                wanted.set_connection_retriever(move || described(&used));
            }
            let answer = client.request(request);
            let answer = match limit {
                Some(limit) => {
                    let answer = tokio::time::timeout(limit, answer).await;
                    answer.map_err(|late| ConnectorError::timeout(late.into()))?
                }
                None => answer.await,
            };
            let answer = answer.map_err(failure)?.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer).map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// The connection that a request has used, so that the SDK can have it closed after a failure.
fn described(used: &CaptureConnection) -> Option<ConnectionMetadata> {
    used.connection_metadata().as_ref()?;
    let used = used.clone();
    let poison = move || {
        if let Some(connection) = used.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
}

/// The failure as the SDK takes it, which decides by its kind whether the request is sent again.
fn failure(error: legacy::Error) -> ConnectorError {
    let is_io = |kind: Option<io::ErrorKind>| {
        let mut causes = causes(&error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        causes.any(|cause| kind.is_none_or(|kind| cause.kind() == kind))
    };
    let (is_late, is_cut_off) = (is_io(Some(io::ErrorKind::TimedOut)), error.is_connect() || is_io(None));
    let http = causes(&error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let is = |kind: fn(&hyper::Error) -> bool| http.is_some_and(kind);
    let (is_user, is_partial) = (is(hyper::Error::is_user), is(hyper::Error::is_incomplete_message));
    let is_closed = is(hyper::Error::is_closed) || is(hyper::Error::is_canceled);
    let error = error.into();
    if is_late {
        ConnectorError::timeout(error)
    } else if is_user {
        ConnectorError::user(error)
    } else if is_cut_off || is_closed {
        ConnectorError::io(error)
    } else {
        ConnectorError::other(error, is_partial.then_some(ErrorKind::TransientError))
    }
}

/// The error, its source, the source's source, and so on.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Makes connections.
#[derive(Clone)]
struct Connect {
    limit: Option<Duration>,
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl fmt::Debug for Connect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connect").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl tower_service::Service<Uri> for Connect {
    type Response = Connected;
    type Error = Unreached;
    type Future = BoxFuture<'static, Result<Connected, Unreached>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unreached>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { limit, tls } = self.clone();
        Box::pin(async move {
            let target = Target::of(&to)?;
            // The address is the deployment's own, or one that Amazon knows.
            let opened = connection::open(&target, Reach::Anywhere, &tls);
            let stream = match limit {
                Some(limit) => {
                    let late = |_| Unreached::Connect(io::ErrorKind::TimedOut.into());
                    tokio::time::timeout(limit, opened).await.map_err(late)??
                }
                None => opened.await?,
            };
            Ok(Connected(stream))
        })
    }
}
