//! Asking the issuer for its keys: what it says of itself (OpenID Connect Discovery 1.0, section 4) names their address.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::key::Key;

/// How long the issuer may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes that are read of an answer; those of issuers have a few thousand.
const LARGEST: usize = 256 * 1024;

/// Why the address of an issuer can't be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BadIssuer {
    /// Without TLS, whoever is on the way could answer with keys of their own.
    #[error(
        "JwtIssuer={0} is no address of an issuer: it begins with https://, or with http:// where it is on this machine"
    )]
    Address(String),
    /// The certificates that this machine trusts can't be read.
    #[error("the certificates that this machine trusts can't be read: {0}")]
    Certificates(#[from] std::io::Error),
}

/// Why the issuer's keys are not there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("{0} is no address")]
    Address(String),
    #[error("{address}: {source}")]
    Silent { address: String, source: hyper_util::client::legacy::Error },
    #[error("{0} did not answer in time")]
    Slow(String),
    #[error("{address} answered {status}")]
    Status { address: String, status: u16 },
    #[error("{0} answered with what can't be read as JSON")]
    Unreadable(String),
    #[error("it says that it is {0}")]
    Another(String),
    #[error("it did not answer a moment ago")]
    Again,
}

/// An issuer that can be asked.
pub(super) struct Issuer {
    /// As it is in tokens (`iss`).
    name: String,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Issuer {
    pub(super) fn at(name: &str) -> Result<Self, BadIssuer> {
        if !name.parse().is_ok_and(|address| is_trusted(&address)) {
            return Err(BadIssuer::Address(name.to_owned()));
        }
        let roots = HttpsConnectorBuilder::new();
        let connector = if name.starts_with("https:") {
            roots.with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        } else {
            // It makes no TLS connection, and a machine without certificates can ask it, too.
            let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
            let versions = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(std::io::Error::other)?;
            let trusts_nobody = versions.with_root_certificates(rustls::RootCertStore::empty());
            roots.with_tls_config(trusts_nobody.with_no_client_auth())
        };
        let connector = connector.https_or_http().enable_http1().build();
        Ok(Self { name: name.to_owned(), client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// The keys with which the issuer signs tokens now.
    pub(super) async fn keys(&self) -> Result<Vec<Key>, Error> {
        let address = format!("{}/.well-known/openid-configuration", self.name.trim_end_matches('/'));
        let described = self.get(&address).await?;
        if described["issuer"] != self.name.as_str() {
            return Err(Error::Another(described["issuer"].to_string()));
        }
        let keys = self.get(described["jwks_uri"].as_str().unwrap_or_default()).await?;
        Ok(keys["keys"].as_array().into_iter().flatten().filter_map(Key::published).collect())
    }

    async fn get(&self, address: &str) -> Result<Value, Error> {
        let uri: Uri = address.parse().map_err(|_| Error::Address(address.to_owned()))?;
        if !is_trusted(&uri) {
            return Err(Error::Address(address.to_owned()));
        }
        let request = Request::get(uri).header("accept", "application/json").body(Empty::new());
        let request = request.map_err(|_| Error::Address(address.to_owned()))?;
        let ask = async {
            let answer = self.client.request(request).await;
            let answer = answer.map_err(|source| Error::Silent { address: address.to_owned(), source })?;
            // A redirection is no answer: it would lead to somebody that nobody has configured.
            if answer.status() != http::StatusCode::OK {
                let status = answer.status().as_u16();
                return Err(Error::Status { address: address.to_owned(), status });
            }
            let unreadable = || Error::Unreadable(address.to_owned());
            let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|_| unreadable())?;
            serde_json::from_slice(&body.to_bytes()).map_err(|_| unreadable())
        };
        tokio::time::timeout(PATIENCE, ask).await.map_err(|_| Error::Slow(address.to_owned()))?
    }
}

/// Whether nobody on the way can change what is answered: by TLS, or since there is no way.
fn is_trusted(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match address.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_here,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_by_tls_or_on_this_machine() {
        for taken in [
            "https://id.example/pool",
            "http://127.0.0.1:9000",
            "http://localhost:9000",
            "http://[::1]:9000/a",
        ] {
            assert!(Issuer::at(taken).is_ok(), "{taken}");
        }
        for refused in
            ["http://id.example", "http://192.168.1.2:8080/realms/shop", "id.example", "", "ftp://localhost"]
        {
            let Err(error) = Issuer::at(refused) else { panic!("{refused} was taken") };
            assert!(error.to_string().contains("https://"), "{error}");
        }
    }
}
