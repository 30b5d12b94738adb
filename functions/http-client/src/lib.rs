//! Requests to other people's servers, such as those of warehouses.
//!
//! ```text
//!   post ── reach: which addresses may be called? ──► connection (TCP, TLS) ──► one request, one answer
//! ```
//!
//! It is made of hyper and rustls. Each such request has a connection of its own: functions on Lambda send few, and between two
//! of them a kept connection would be cut off without notice. The AWS SDK's clients, which send many, keep theirs (feature
//! `sdk`).

mod connection;
pub mod reach;
#[cfg(feature = "sdk")]
mod sdk;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use rustls::ClientConfig;

pub use connection::Unreached;
pub use reach::Reach;
#[cfg(feature = "sdk")]
pub use sdk::SdkHttpClient;

/// The length of the longest answer that is read, in bytes. Longer ones fail the request, though the server
/// has carried it out.
pub const LONGEST_ANSWER: usize = 64 * 1024;

/// A request with a body (RFC 9110, section 9.3.3, "POST").
#[derive(Debug, Clone)]
pub struct Post {
    /// Where it goes: an `http` or `https` address.
    pub url: Uri,
    /// Its headers, without `Host` and `Content-Length`.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The time from the look-up of the host's name until the answer is read whole.
    pub timeout: Duration,
    /// The addresses that it may go to.
    pub reach: Reach,
}

/// The answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status (RFC 9110, section 15). One of redirection is an answer as any other: nothing follows it.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, of at most [`LONGEST_ANSWER`] bytes.
    pub body: Bytes,
}

/// Why there is no answer. Unless it is [`Error::Unreached`], the server may have carried out the request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection was made, so that nothing was sent.
    #[error(transparent)]
    Unreached(#[from] Unreached),
    /// The request is none that can be sent.
    #[error("the request can't be sent")]
    Request(#[from] http::Error),
    /// The connection was cut off, or what came is not HTTP.
    #[error("the connection failed")]
    Connection(#[from] hyper::Error),
    /// The answer was cut off, or is longer than [`LONGEST_ANSWER`].
    #[error("the answer can't be read, or has more than {LONGEST_ANSWER} bytes")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There was no whole answer in time.
    #[error("there was no whole answer within {0:?}")]
    Timeout(Duration),
}

/// Sends requests. Tests and the simulation have servers of their own in its place.
pub trait Http: Send + Sync {
    /// Sends one request once, and reads the answer whole.
    ///
    /// # Errors
    /// [`Error`], when there is no answer.
    fn post(&self, request: Post) -> BoxFuture<'_, Result<Answer, Error>>;
}

/// Sends requests over the network. Of HTTPS the machine's own certificates are trusted, which on Lambda are
/// those of Amazon Linux.
/// They are read by the first request, since functions that send nothing have no time for it; where there are
/// none, no HTTPS server is trusted.
#[derive(Default)]
pub struct Client {
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Http for Client {
    fn post(&self, request: Post) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(async move {
            let timeout = request.timeout;
            tokio::time::timeout(timeout, self.exchange(request))
                .await
                .map_err(|_| Error::Timeout(timeout))?
        })
    }
}

impl Client {
    async fn exchange(&self, post: Post) -> Result<Answer, Error> {
        let target = connection::Target::of(&post.url)?;
        let stream = connection::open(&target, post.reach, &self.tls).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await?;
        // A server is asked for a path, and for the host in a header of its own (RFC 9112, section 3.2.1).
        let path = post.url.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path).header(http::header::HOST, target.host_header());
        if let Some(headers) = request.headers_mut() {
            headers.extend(post.headers);
        }
        let exchange = async {
            let answer = sender.send_request(request.body(Full::new(post.body))?).await?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(Error::Answer)?;
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_bytes() })
        };
        tokio::pin!(exchange);
        tokio::pin!(connection);
        tokio::select! {
            answer = &mut exchange => answer,
            // The connection may be closed as soon as the answer has come, which is then there to be read.
            closed = &mut connection => match closed {
                Ok(()) => exchange.await,
                Err(error) => Err(Error::Connection(error)),
            },
        }
    }
}
