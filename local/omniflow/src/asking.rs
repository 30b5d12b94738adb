//! A running system that a command asks over HTTP, as an operator.

use std::time::Duration;

use clap::Args;
use reqwest::header::LINK;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;
use tokio::time::sleep;

/// How often a request is sent that is not answered, or with a failure of the system.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt, which doubles each time.
const PAUSE: Duration = Duration::from_millis(200);

/// The system that a command speaks to.
#[derive(Debug, Clone, Args)]
pub struct Target {
    /// The system to speak to.
    #[arg(long, env = "OMNIFLOW_URL", default_value = "http://127.0.0.1:8000")]
    pub url: Url,
    /// An operator's token, if the system asks for one.
    #[arg(long, env = "OMNIFLOW_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// Why a system could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{url} does not answer: {source}")]
    Silent { url: Url, source: reqwest::Error },
    #[error("{url} refuses with {status}: {detail}")]
    Refused { url: Url, status: u16, detail: String },
    #[error("{0} can't be the address of a system: it has no place for a path")]
    NoBase(Url),
}

/// An answer of the system that it gave on purpose: the status, whether it was given to the same request before, the
/// page that follows, and the body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) is_repeated: bool,
    pub(crate) next: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// What is wrong, in the words of the answer.
    pub(crate) fn detail(&self) -> String {
        let problem: Option<Value> = serde_json::from_str(&self.body).ok();
        let detail = problem.and_then(|problem| problem["detail"].as_str().map(str::to_owned));
        detail.unwrap_or_else(|| self.body.clone())
    }

    /// The error of a command that this answer ends.
    pub(crate) fn refusal(&self, url: &Url) -> Error {
        Error::Refused { url: url.clone(), status: self.status.as_u16(), detail: self.detail() }
    }
}

/// A system that is asked over HTTP.
pub(crate) struct System<'a> {
    target: &'a Target,
    client: Client,
}

/// A request to a system.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) key: Option<&'a str>,
    pub(crate) body: String,
}

impl<'a> System<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self { target, client: Client::new() }
    }

    /// Sends a request until it is answered by something else than a failure of the system. Whoever asks must be able to
    /// ask twice: an answer that was lost may have had its effect.
    pub(crate) async fn ask(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let url = self.target.url.join(request.path).map_err(|_| Error::NoBase(self.target.url.clone()))?;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let answered = self.send(&url, request).await;
            match answered {
                Ok(answer)
                    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS =>
                {
                    if attempt == ATTEMPTS {
                        return Err(answer.refusal(&url));
                    }
                }
                Ok(answer) => return Ok(answer),
                Err(source) if attempt == ATTEMPTS => return Err(Error::Silent { url, source }),
                Err(_) => {}
            }
            sleep(pause).await;
            pause *= 2;
        }
        Err(Error::NoBase(url))
    }

    async fn send(&self, url: &Url, request: &Request<'_>) -> Result<Answer, reqwest::Error> {
        let mut sent = self
            .client
            .request(request.method.clone(), url.clone())
            .header("content-type", request.content_type)
            .header("accept-language", "en");
        if let Some(token) = &self.target.token {
            sent = sent.bearer_auth(token);
        }
        if let Some(key) = request.key {
            sent = sent.header("idempotency-key", key);
        }
        let answer = sent.body(request.body.clone()).send().await?;
        let is_repeated = answer.headers().contains_key("idempotency-replayed");
        let link = answer.headers().get(LINK).and_then(|link| link.to_str().ok());
        let next = link.and_then(|link| link.split_once('<')?.1.split_once('>'));
        let next =
            next.filter(|(_, rest)| rest.contains("rel=\"next\"")).map(|(target, _)| target.to_owned());
        Ok(Answer { status: answer.status(), is_repeated, next, body: answer.text().await? })
    }
}
