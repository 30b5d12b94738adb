//! Signed requests to a service of AWS in JSON, sent as those to others than AWS are. A service's own client would add more to
//! a function's size than all that calls it, where one operation is all that is wanted.
//!
//! Source: Smithy documentation, "AWS JSON 1.0 protocol", "AWS JSON 1.1 protocol"; AWS IAM User Guide, "AWS Signature Version
//! 4 for API requests".

use std::sync::Arc;

use ambient::Clock;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_types::SdkConfig;
use serde::Deserialize;
use serde_json::Value;

use crate::{ServiceError, Web, WebRequest};

/// A service that is called so.
pub(crate) struct AwsJson {
    pub(crate) config: SdkConfig,
    pub(crate) web: Arc<dyn Web>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The service's name in its address and in signatures.
    pub(crate) service: &'static str,
    /// What stands before the operation in the header `x-amz-target`.
    pub(crate) target: &'static str,
    /// The version of the protocol, as a media type.
    pub(crate) media_type: &'static str,
}

/// A refusal, as far as it is read.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(rename = "message", alias = "Message", default)]
    message: String,
}

impl AwsJson {
    /// The body of the service's answer.
    pub(crate) async fn call(&self, operation: &str, body: &Value) -> Result<Vec<u8>, ServiceError> {
        let request = self.signed(operation, body.to_string()).await?;
        let answer = self.web.send(request).await.map_err(ServiceError::unsendable)?;
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = refusal.kind.rsplit('#').next().unwrap_or_default();
        Err(ServiceError::new(code, refusal.message))
    }

    async fn signed(&self, operation: &str, body: String) -> Result<WebRequest, ServiceError> {
        let region = self.config.region().map(ToString::to_string).unwrap_or_default();
        let url = match self.config.endpoint_url() {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://{}.{region}.{}/", self.service, domain(&region)),
        };
        let credentials = self
            .config
            .credentials_provider()
            .ok_or_else(|| ServiceError::unsendable("there are no credentials"))?
            .provide_credentials()
            .await
            .map_err(ServiceError::unsendable)?;
        let identity = credentials.into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&region)
            .name(self.service)
            .time(self.clock.now().into())
            .settings(SigningSettings::default())
            .build()
            .map_err(ServiceError::unsendable)?
            .into();
        let target = format!("{}.{operation}", self.target);
        let mut headers = vec![("content-type", self.media_type.to_owned()), ("x-amz-target", target)];
        let named = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let signable = SignableRequest::new("POST", &url, named, SignableBody::Bytes(body.as_bytes()))
            .map_err(ServiceError::unsendable)?;
        let signature = sign(signable, &parameters).map_err(ServiceError::unsendable)?;
        let (instructions, _) = signature.into_parts();
        let signed = instructions.headers().map(|(name, value)| (known(name), value.to_owned()));
        headers.extend(signed.collect::<Vec<_>>());
        Ok(WebRequest { method: "POST", url, headers, body })
    }
}

/// The domain of AWS's services in a region (AWS General Reference, "AWS service endpoints").
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// The headers that a signature adds (AWS IAM User Guide, "Elements of an AWS API request signature").
fn known(name: &str) -> &'static str {
    match name {
        "authorization" => "authorization",
        "x-amz-date" => "x-amz-date",
        "x-amz-security-token" => "x-amz-security-token",
        _ => "x-amz-content-sha256",
    }
}

/// What tests of such services share.
#[cfg(test)]
pub(crate) mod testing {
    use std::sync::Mutex;

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_types::SdkConfig;
    use aws_types::region::Region;
    use futures::future::BoxFuture;

    use crate::{Unanswered, Web, WebAnswer, WebRequest};

    /// Answers with one text, and keeps the last request.
    pub(crate) struct Canned(pub(crate) u16, pub(crate) &'static str, pub(crate) Mutex<Option<WebRequest>>);

    impl Web for Canned {
        fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>> {
            *self.2.lock().unwrap() = Some(request);
            Box::pin(async { Ok(WebAnswer { status: self.0, body: self.1.as_bytes().to_vec() }) })
        }
    }

    /// A configuration for this region, with the credentials of somebody who has this session, if any.
    pub(crate) fn config(region: &'static str, session: Option<&str>) -> SdkConfig {
        let credentials = Credentials::new("AKID", "secret-key", session.map(str::to_owned), None, "test");
        SdkConfig::builder()
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}
