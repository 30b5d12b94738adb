//! AWS Secrets Manager, as far as a secret is read from it.
//!
//! Source: AWS Secrets Manager API Reference, "GetSecretValue".

use std::sync::Arc;

use ambient::Clock;
use aws_types::SdkConfig;
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;

use crate::aws_json::AwsJson;
use crate::{Secret, Secrets, ServiceError, Web};

/// Reads secrets from AWS Secrets Manager.
pub(crate) struct SecretsManager(AwsJson);

/// The answer, as far as it is read.
#[derive(Deserialize)]
struct Value {
    #[serde(rename = "SecretString")]
    secret: Secret,
}

impl SecretsManager {
    pub(crate) fn new(config: SdkConfig, web: Arc<dyn Web>, clock: Arc<dyn Clock>) -> Self {
        let (service, target) = ("secretsmanager", "secretsmanager");
        Self(AwsJson { config, web, clock, service, target, media_type: "application/x-amz-json-1.1" })
    }
}

impl Secrets for SecretsManager {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            let answer = self.0.call("GetSecretValue", &json!({ "SecretId": id })).await?;
            // The reader's error might quote what it has read.
            let value: Value = serde_json::from_slice(&answer)
                .map_err(|_| ServiceError::unsendable("the secret has no text"))?;
            Ok(value.secret)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ambient::SystemClock;
    use futures::executor::block_on;

    use super::*;
    use crate::aws_json::testing::{Canned, config};

    fn ask(web: &Arc<Canned>) -> Result<Secret, ServiceError> {
        let config = config("eu-central-1", Some("session"));
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
