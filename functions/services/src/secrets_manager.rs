//! AWS Secrets Manager, as far as a secret is read from it: one signed request, sent as those to others than
//! AWS are. The service's own client would add more to each function's size than all that calls it.
//!
//! Source: AWS Secrets Manager API Reference, "GetSecretValue".

use std::sync::Arc;

use ambient::Clock;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_types::SdkConfig;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;

use crate::{Secret, Secrets, ServiceError, Web, WebRequest};

const TARGET: &str = "secretsmanager.GetSecretValue";
const MEDIA_TYPE: &str = "application/x-amz-json-1.1";

/// Reads secrets from AWS Secrets Manager.
pub(crate) struct SecretsManager {
    config: SdkConfig,
    web: Arc<dyn Web>,
    clock: Arc<dyn Clock>,
}

/// The answer, as far as it is read.
#[derive(Deserialize)]
struct Value {
    #[serde(rename = "SecretString")]
    secret: Secret,
}

/// A refusal, as far as it is read.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(rename = "message", alias = "Message", default)]
    message: String,
}

impl SecretsManager {
    pub(crate) fn new(config: SdkConfig, web: Arc<dyn Web>, clock: Arc<dyn Clock>) -> Self {
        Self { config, web, clock }
    }

    async fn signed(&self, body: String) -> Result<WebRequest, ServiceError> {
        let region = self.config.region().map(ToString::to_string).unwrap_or_default();
        let url = match self.config.endpoint_url() {
            Some(endpoint) => format!("{}/", endpoint.trim_end_matches('/')),
            None => format!("https://secretsmanager.{region}.{}/", domain(&region)),
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
            .name("secretsmanager")
            .time(self.clock.now().into())
            .settings(SigningSettings::default())
            .build()
            .map_err(ServiceError::unsendable)?
            .into();
        let mut headers = vec![("content-type", MEDIA_TYPE.to_owned()), ("x-amz-target", TARGET.to_owned())];
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

impl Secrets for SecretsManager {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            let request = self.signed(json!({ "SecretId": id }).to_string()).await?;
            let answer = self.web.send(request).await.map_err(ServiceError::unsendable)?;
            if answer.status != 200 {
                let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
                let code = refusal.kind.rsplit('#').next().unwrap_or_default();
                return Err(ServiceError::new(code, refusal.message));
            }
            // The reader's error might quote what it has read.
            let value: Value = serde_json::from_slice(&answer.body)
                .map_err(|_| ServiceError::unsendable("the secret has no text"))?;
            Ok(value.secret)
        })
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ambient::SystemClock;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_types::region::Region;
    use futures::executor::block_on;

    use super::*;
    use crate::{Unanswered, WebAnswer};

    /// Answers with one text, and keeps the last request.
    struct Canned(u16, &'static str, Mutex<Option<WebRequest>>);

    impl Web for Canned {
        fn send(&self, request: WebRequest) -> BoxFuture<'_, Result<WebAnswer, Unanswered>> {
            *self.2.lock().unwrap() = Some(request);
            Box::pin(async { Ok(WebAnswer { status: self.0, body: self.1.as_bytes().to_vec() }) })
        }
    }

    fn ask(web: &Arc<Canned>) -> Result<Secret, ServiceError> {
        let credentials = Credentials::new("AKID", "secret-key", Some("session".to_owned()), None, "test");
        let config = SdkConfig::builder()
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        block_on(SecretsManager::new(config, web.clone(), Arc::new(SystemClock)).get("arn:stripe"))
    }

    #[test]
    fn a_secret_is_asked_for_by_a_signed_request() {
        let web = Arc::new(Canned(200, r#"{"ARN":"arn:stripe","SecretString":"{}"}"#, Mutex::default()));
        assert_eq!(ask(&web).unwrap(), Secret::new("{}"));
        let request = web.2.lock().unwrap().take().unwrap();
        assert_eq!(request.url, "https://secretsmanager.eu-central-1.amazonaws.com/");
        assert_eq!(request.body, r#"{"SecretId":"arn:stripe"}"#);
        let header = |name: &str| {
            let (_, value) = request.headers.iter().find(|(known, _)| *known == name).unwrap();
            value.clone()
        };
        let signature = header("authorization");
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{signature}");
        assert!(signature.contains("/eu-central-1/secretsmanager/aws4_request"), "{signature}");
        assert!(signature.contains("x-amz-target"), "{signature}");
        assert_eq!(header("x-amz-security-token"), "session");
        assert!(!header("x-amz-date").is_empty());
    }

    #[test]
    fn a_refusal_is_told_by_its_name_and_what_is_no_secret_is_not_quoted() {
        let refused = r#"{"__type":"com.amazonaws#AccessDeniedException","Message":"no"}"#;
        let refused = ask(&Arc::new(Canned(400, refused, Mutex::default()))).unwrap_err();
        assert_eq!(refused.code.as_deref(), Some("AccessDeniedException"));
        let odd = Arc::new(Canned(200, r#"{"SecretBinary":"c2tfbGl2ZQ=="}"#, Mutex::default()));
        let odd = ask(&odd).unwrap_err();
        assert!(!format!("{odd} {odd:?}").contains("c2tf"), "{odd:?}");
    }
}
