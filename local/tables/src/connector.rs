//! An HTTP client for the AWS SDK that calls a function of this process instead of opening a socket.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures::future::BoxFuture;

/// Answers whole HTTP requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>>;
}

impl<F> Service for F
where
    F: Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync + 'static,
{
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> {
        self(request)
    }
}

/// An HTTP client for the AWS SDK that hands every request to a [`Service`] in this process.
#[derive(Clone)]
pub struct InProcess(Arc<dyn Service>);

impl InProcess {
    /// A client whose requests this service answers.
    pub fn new(service: impl Service) -> Self {
        Self(Arc::new(service))
    }
}

impl Service for InProcess {
    fn answer(&self, request: http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> {
        self.0.answer(request)
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let service = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let body = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
            let response = service.answer(http::Request::from_parts(parts, body)).await;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
