//! Calls of the Stripe API: forms out, JSON in.

use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use omniflow_services::{
    ConfigError, Environment, Secrets, ServiceError, Services, Unanswered, Web, WebRequest,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::credentials::{Credentials, Malformed, Read};
use crate::intent::{Intent, Problem};

/// The version of the API whose answers this crate reads (Stripe API Reference, "Versioning"). Without it, the
/// version would be that of the account, which somebody may raise.
const VERSION: &str = "2024-06-20";
/// The number of times that one call is sent. A repeat has the same idempotency key.
const ATTEMPTS: u32 = 2;
/// The pause before a call is sent again.
const PAUSE: Duration = Duration::from_millis(300);

/// The Stripe API, as one account calls it.
pub struct Stripe {
    web: Arc<dyn Web>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    url: String,
    secret: String,
    read: Mutex<Option<Read>>,
}

/// Why a call did not succeed. No secret is part of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answered, or not in time: the call may have been carried out.
    #[error("Stripe: {0}")]
    Unanswered(#[from] Unanswered),
    /// Stripe failed or was called too often: the call may have been carried out, unless the status is 429.
    #[error("Stripe is disturbed: HTTP status {0}")]
    Disturbed(u16),
    /// Stripe refused the call.
    #[error("Stripe refused the call: HTTP status {status}, {code}: {message}")]
    #[allow(missing_docs, reason = "the names say it")]
    Refused {
        status: u16,
        kind: String,
        code: String,
        message: String,
        decline: omniflow_domain::payment_gateway::Decline,
        param: String,
    },
    /// The key is not one of an account, or may not do this.
    #[error("Stripe does not take the API key: HTTP status {0}; look at the secret that STRIPE_SECRET names")]
    Key(u16),
    /// What Stripe answered can't be read.
    #[error("the answer of Stripe can't be read: {0}")]
    Answer(#[source] serde_json::Error),
    /// The secret can't be read from where it is kept.
    #[error("the secret of Stripe can't be read: {0}")]
    Secret(#[source] ServiceError),
    /// The secret is not in the form that it has to have.
    #[error("the secret of Stripe is malformed: {0}")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An order's payment was to be worked on and was never opened.
    #[error("the payment was not opened at Stripe")]
    NotOpened,
    /// The payment is still being worked on there, so that nobody knows yet where its money will be.
    #[error("Stripe has not decided about the payment yet")]
    Undecided,
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed.into())
    }
}

impl Error {
    /// Stripe's code for a refusal; empty for other errors.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            _ => "",
        }
    }

    /// Whether the bank declined. 402 is for valid requests that failed, which are such (Stripe API Reference,
    /// "Errors").
    pub(crate) fn is_decline(&self) -> bool {
        matches!(self, Self::Refused { status, kind, .. } if *status == 402 || kind == "card_error")
    }

    /// Whether the payment is not in the state that the call needs: somebody was faster.
    pub(crate) fn is_other_state(&self) -> bool {
        self.code() == "payment_intent_unexpected_state"
    }

    /// Whether the call may have been carried out all the same.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Unanswered(_) | Self::Disturbed(_))
    }
}

/// The names and values of a form.
pub(crate) type Form<'a> = &'a [(&'a str, &'a str)];

impl Stripe {
    /// The API at `STRIPE_URL`, called with the keys in the secret that `STRIPE_SECRET` names.
    ///
    /// # Errors
    /// [`ConfigError`], when a variable is missing, or the address would send keys over the network in plain
    /// text.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let (url, secret) = (environment.require("STRIPE_URL")?, environment.require("STRIPE_SECRET")?);
        if !is_safe(url) {
            return Err(ConfigError::Invalid { name: "STRIPE_URL".to_owned(), value: url.to_owned() });
        }
        Ok(Self::at(url, secret, services.web(), services.secrets(), services.clock()))
    }

    /// The API at this address, called with the keys in the secret of this name.
    pub fn at(
        url: &str,
        secret: &str,
        web: Arc<dyn Web>,
        secrets: Arc<dyn Secrets>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (url, secret) = (url.trim_end_matches('/').to_owned(), secret.to_owned());
        Self { web, secrets, clock, url, secret, read: Mutex::default() }
    }

    /// The keys of the account.
    ///
    /// # Errors
    /// When the secret can't be read.
    pub async fn credentials(&self) -> Result<Credentials, Error> {
        let now = self.clock.now();
        let mut read = self.read.lock().await;
        if let Some(read) = read.as_ref().filter(|read| read.is_fresh(now)) {
            return Ok(read.credentials.clone());
        }
        let secret = self.secrets.get(&self.secret).await.map_err(Error::Secret)?;
        let credentials = Credentials::read(&secret)?;
        *read = Some(Read { credentials: credentials.clone(), at: now });
        Ok(credentials)
    }

    /// Reads a PaymentIntent with its latest charge.
    pub(crate) async fn intent(&self, id: &str) -> Result<Intent, Error> {
        self.get(&format!("/v1/payment_intents/{}", segment(id)), &[("expand[0]", "latest_charge")]).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: Form<'_>) -> Result<T, Error> {
        let query = encoded(query);
        let url = format!("{}{path}{}{query}", self.url, if query.is_empty() { "" } else { "?" });
        self.call("GET", &url, String::new(), None).await
    }

    /// Sends a form under an idempotency key (Stripe API Reference, "Idempotent requests").
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form<'_>,
        key: &str,
    ) -> Result<T, Error> {
        self.call("POST", &format!("{}{path}", self.url), encoded(form), Some(key)).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        url: &str,
        body: String,
        key: Option<&str>,
    ) -> Result<T, Error> {
        for attempt in 1.. {
            let request = self.request(method, url, body.clone(), key).await?;
            let answered = match self.web.send(request).await {
                Ok(answer) => read(answer.status, &answer.body),
                Err(unanswered) => Err(unanswered.into()),
            };
            match answered {
                Err(error) if error.is_open() && attempt < ATTEMPTS => tokio::time::sleep(PAUSE).await,
                Err(error @ Error::Key(_)) => {
                    // The key may have been replaced.
                    *self.read.lock().await = None;
                    return Err(error);
                }
                answered => return answered,
            }
        }
        Err(Error::Disturbed(0))
    }

    async fn request(
        &self,
        method: &'static str,
        url: &str,
        body: String,
        key: Option<&str>,
    ) -> Result<WebRequest, Error> {
        let credentials = self.credentials().await?;
        let mut headers = vec![
            ("authorization", format!("Bearer {}", credentials.api_key.reveal())),
            ("stripe-version", VERSION.to_owned()),
        ];
        if let Some(key) = key {
            headers.push(("idempotency-key", key.to_owned()));
            headers.push(("content-type", "application/x-www-form-urlencoded".to_owned()));
        }
        Ok(WebRequest { method, url: url.to_owned(), headers, body })
    }
}

/// The answer to a call, or why it did not succeed (Stripe API Reference, "Errors").
fn read<T: DeserializeOwned>(status: u16, body: &[u8]) -> Result<T, Error> {
    #[derive(Default, Deserialize)]
    struct Refusal {
        #[serde(default)]
        error: Problem,
    }
    match status {
        200..=299 => serde_json::from_slice(body).map_err(Error::Answer),
        401 | 403 => Err(Error::Key(status)),
        // 409: another request with the same idempotency key is being carried out.
        409 | 429 | 500..=599 => Err(Error::Disturbed(status)),
        _ => {
            let Refusal { error } = serde_json::from_slice(body).unwrap_or_default();
            let decline = error.decline();
            Err(Error::Refused {
                status,
                decline,
                kind: error.kind.unwrap_or_default(),
                code: error.code.unwrap_or_default(),
                message: error.message.unwrap_or_default(),
                param: error.param.unwrap_or_default(),
            })
        }
    }
}

fn encoded(form: Form<'_>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// An id as one segment of a path: whatever else somebody may have sent in its place leads nowhere else.
fn segment(id: &str) -> String {
    id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Whether keys may be sent there: by HTTPS, or to a server on this machine.
fn is_safe(url: &str) -> bool {
    let is_local = |rest: &str| {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        host == "localhost" || host == "127.0.0.1"
    };
    match url.split_once("://") {
        Some(("https", host)) => !host.is_empty() && !host.contains('@'),
        Some(("http", rest)) => is_local(rest) && !rest.contains('@'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sent_by_https_or_stay_on_this_machine() {
        for safe in ["https://api.stripe.com", "http://localhost:8420", "http://127.0.0.1:12111/"] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_url in [
            "http://api.stripe.com",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "api.stripe.com",
            "",
        ] {
            assert!(!is_safe(unsafe_url), "{unsafe_url}");
        }
    }

    #[test]
    fn what_is_no_id_leads_nowhere_else() {
        assert_eq!(segment("pi_3Abc"), "pi_3Abc");
        assert_eq!(segment("../refunds?x=1"), "refundsx1");
    }
}
