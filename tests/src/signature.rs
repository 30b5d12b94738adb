//! AWS Signature Version 4, for targets that require it: an API Gateway or a function URL whose routes use
//! IAM authorization. Only with the feature `aws`.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use reqwest::{Request, Url};

/// Signs requests to one target.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    credentials: Credentials,
    region: String,
    service: &'static str,
}

impl Signer {
    /// The signer for a target on AWS, with the credentials in the environment. `None` for all other targets
    /// and without credentials.
    pub(crate) fn of(url: &str) -> Option<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let (id, secret) = (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?);
        let credentials = Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment");
        Self::with(credentials, url)
    }

    fn with(credentials: Credentials, url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let labels: Vec<_> = url.host_str()?.split('.').collect();
        let (service, region) = match labels[..] {
            [_, "execute-api", region, "amazonaws", ..] => ("execute-api", region),
            [_, "lambda-url", region, "on", "aws"] => ("lambda", region),
            _ => return None,
        };
        Some(Self { credentials, region: region.to_owned(), service })
    }

    /// Adds the headers of the signature to the request.
    pub(crate) fn sign(&self, request: &mut Request) {
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
        let (method, url) = (request.method().as_str(), request.url().as_str());
        let signable =
            SignableRequest::new(method, url, std::iter::empty(), SignableBody::Bytes(body)).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        for (name, value) in instructions.headers() {
            let name = reqwest::header::HeaderName::try_from(name).unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(url: &str) -> Option<Signer> {
        Signer::with(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"), url)
    }

    #[test]
    fn only_targets_on_aws_are_signed_for() {
        let told = |url| signer(url).map(|signer| (signer.service, signer.region));
        let api = told("https://abc123.execute-api.eu-central-1.amazonaws.com");
        assert_eq!(api, Some(("execute-api", "eu-central-1".to_owned())));
        let url = told("https://abc123.lambda-url.us-east-1.on.aws/");
        assert_eq!(url, Some(("lambda", "us-east-1".to_owned())));
        assert_eq!(told("http://127.0.0.1:8000"), None);
        assert_eq!(told("http://127.0.0.1:4566/_aws/execute-api/abc123/$default"), None);
    }

    #[test]
    fn a_signature_names_its_scope_and_covers_the_host() {
        let signer = signer("https://abc123.execute-api.eu-central-1.amazonaws.com").unwrap();
        let url = "https://abc123.execute-api.eu-central-1.amazonaws.com/api/v1/orders?limit=1";
        let mut request = Request::new(reqwest::Method::GET, Url::parse(url).unwrap());
        signer.sign(&mut request);
        let signature = request.headers()["authorization"].to_str().unwrap();
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{signature}");
        assert!(signature.contains("/eu-central-1/execute-api/aws4_request"), "{signature}");
        assert!(signature.contains("SignedHeaders=host"), "{signature}");
        assert!(request.headers().contains_key("x-amz-date"));
    }
}
