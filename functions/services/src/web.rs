//! HTTPS to others than AWS, by the HTTP client that the SDK's clients use: a second one would make each function
//! larger.

use std::error::Error;

use futures::future::BoxFuture;

/// A request. It can't be printed, since its headers may hold secrets.
#[derive(Clone)]
pub struct WebRequest {
    /// The method, such as `POST`.
    pub method: &'static str,
    /// The address, beginning with `https://`, or with `http://` in tests.
    pub url: String,
    /// The headers by their names in lower-case letters.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty when there is none.
    pub body: String,
}

/// The answer to a request, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A request that nobody answered, or not whole, or not in time. It may have been carried out.
#[derive(Debug, thiserror::Error)]
#[error("no answer: {0}")]
pub struct Unanswered(#[source] pub Box<dyn Error + Send + Sync>);

/// Sends requests to others than AWS.
pub trait Web: Send + Sync {
    /// Sends the request once.
    fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>>;
}

#[cfg(feature = "https")]
pub use https::Https;

#[cfg(feature = "https")]
mod https {
    use std::time::Duration;

    use aws_smithy_async::rt::sleep::TokioSleep;
    use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::byte_stream::ByteStream;
    use futures::future::BoxFuture;
    use futures::future::{Either, select};
    use omniflow_http_client::SdkHttpClient;

    use super::{Unanswered, Web, WebAnswer, WebRequest};

    /// The longest time for a connection to be made.
    const CONNECT: Duration = Duration::from_secs(2);
    /// The longest time for a request with its whole answer. A bank that is asked while the request waits may
    /// take some seconds.
    const WHOLE: Duration = Duration::from_secs(8);

    /// Requests over the network. Connections are kept for further requests.
    #[derive(Default)]
    pub struct Https(SdkHttpClient);

    impl Https {
        async fn exchange(&self, request: WebRequest) -> Result<WebAnswer, Unanswered> {
            let mut builder = http::Request::builder().method(request.method).uri(request.url);
            for (name, value) in request.headers {
                builder = builder.header(name, value);
            }
            let request = builder
                .body(SdkBody::from(request.body))
                .map_err(|error| Unanswered(error.into()))?
                .try_into()
                .map_err(|error: aws_smithy_runtime_api::http::HttpError| Unanswered(error.into()))?;
            let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
            let answer = self.0.connector(&settings).call(request).await;
            let answer = answer.map_err(|error| Unanswered(error.into()))?;
            let status = answer.status().as_u16();
            let body = ByteStream::new(answer.into_body()).collect().await;
            let body = body.map_err(|error| Unanswered(error.into()))?.into_bytes().to_vec();
            Ok(WebAnswer { status, body })
        }
    }

    impl Web for Https {
        fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>> {
            use aws_smithy_async::rt::sleep::AsyncSleep as _;
            Box::pin(async move {
                let end = TokioSleep::new().sleep(WHOLE);
                match select(Box::pin(self.exchange(request)), end).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => Err(Unanswered("it took too long".into())),
                }
            })
        }
    }
}
