//! The commands `omniflow import` and `omniflow export`: files of products, stock and orders, to and from a running
//! system, over HTTP as an operator.

mod export;
mod import;
mod orders;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use reqwest::header::LINK;
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;
use tokio::time::sleep;

/// All was done.
const DONE: u8 = 0;
/// Some rows were not written.
const INCOMPLETE: u8 = 1;
/// The command was stopped by something else than a row.
const STOPPED: u8 = 2;
/// How often a request is sent that is not answered, or with a failure of the system.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt, which doubles each time.
const PAUSE: Duration = Duration::from_millis(200);

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The catalogue.
    Products,
    /// The pieces on the shelves.
    Stock,
    /// Orders.
    Orders,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Stock => "stock",
            Self::Orders => "orders",
        }
    }
}

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

/// What is to be brought in.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// What the file holds.
    pub kind: Kind,
    /// The file, in comma-separated values as spreadsheets write them.
    pub file: PathBuf,
    /// The system.
    #[command(flatten)]
    pub target: Target,
}

/// What is to be taken out.
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// What the file is to hold.
    pub kind: Kind,
    /// The file to be written, which must not exist; without one, everything is printed.
    pub file: Option<PathBuf>,
    /// The system.
    #[command(flatten)]
    pub target: Target,
}

/// Why a command was stopped.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{url} does not answer: {source}")]
    Silent { url: Url, source: reqwest::Error },
    #[error("{url} refuses with {status}: {detail}")]
    Refused { url: Url, status: u16, detail: String },
    #[error("{0} can't be the address of a system: it has no place for a path")]
    NoBase(Url),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{} can't be read: {source}", path.display())]
    Sheet { path: PathBuf, source: omniflow_api::csv_file::BadFile },
    #[error("no runtime: {0}")]
    NoRuntime(#[from] std::io::Error),
}

/// Brings a file in. The exit code is 0 when all rows are in the system, 1 when some are not, and 2 when it was stopped
/// before the end; then the same file again goes on.
pub(crate) fn import(import: &Import) -> ExitCode {
    ended(async {
        match import.kind {
            Kind::Orders => orders::import(import).await,
            Kind::Products | Kind::Stock => import::import(import).await,
        }
    })
}

/// Writes a file. The exit code is 0 when it is whole, and 2 when there is none.
pub(crate) fn export(export: &Export) -> ExitCode {
    ended(export::export(export))
}

fn ended(work: impl Future<Output = Result<u8, Error>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(work)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("omniflow: {error}");
            ExitCode::from(STOPPED)
        }
    }
}

/// An answer of the system that it gave on purpose: the status, whether it was given to the same request before, the
/// page that follows, and the body.
struct Answer {
    status: StatusCode,
    is_repeated: bool,
    next: Option<String>,
    body: String,
}

impl Answer {
    /// What is wrong, in the words of the answer.
    fn detail(&self) -> String {
        let problem: Option<Value> = serde_json::from_str(&self.body).ok();
        let detail = problem.and_then(|problem| problem["detail"].as_str().map(str::to_owned));
        detail.unwrap_or_else(|| self.body.clone())
    }
}

/// A system that is asked over HTTP.
struct System<'a> {
    target: &'a Target,
    client: Client,
}

/// A request to a system.
struct Request<'a> {
    method: Method,
    path: &'a str,
    content_type: &'static str,
    key: Option<&'a str>,
    body: String,
}

impl<'a> System<'a> {
    fn new(target: &'a Target) -> Self {
        Self { target, client: Client::new() }
    }

    /// Sends a request until it is answered by something else than a failure of the system. Whoever asks must be able to
    /// ask twice: an answer that was lost may have had its effect.
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, Error> {
        let url = self.target.url.join(request.path).map_err(|_| Error::NoBase(self.target.url.clone()))?;
        let mut pause = PAUSE;
        for attempt in 1.. {
            let answered = self.send(&url, request).await;
            match answered {
                Ok(answer)
                    if answer.status.is_server_error() || answer.status == StatusCode::TOO_MANY_REQUESTS =>
                {
                    if attempt == ATTEMPTS {
                        let (status, detail) = (answer.status.as_u16(), answer.detail());
                        return Err(Error::Refused { url, status, detail });
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
