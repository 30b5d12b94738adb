//! The command `omniflow doctor`: asks a running system, over HTTP as an operator, what stands still, and prints
//! it. The answer is that of `GET /api/v1/doctor`, or with a repair of `POST`.

use std::process::ExitCode;

use clap::Args;
use reqwest::{Method, Url};
use serde::Deserialize;

/// Nothing was found that needs anybody.
const WELL: u8 = 0;
/// Something was found, and with a repair: something is left.
const FOUND: u8 = 1;
/// The system could not be asked.
const NOT_ASKED: u8 = 2;

/// What the doctor is to look at.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// The system to ask.
    #[arg(long, env = "OMNIFLOW_URL", default_value = "http://127.0.0.1:8000")]
    pub url: Url,
    /// An operator's token, if the system asks for one.
    #[arg(long, env = "OMNIFLOW_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Take care of what can be taken care of safely.
    #[arg(long)]
    pub repair: bool,
}

#[derive(Deserialize)]
struct Examination {
    findings: Vec<Finding>,
    more: bool,
    repair: Option<Repaired>,
}

#[derive(Deserialize)]
struct Finding {
    trouble: String,
    order_id: Option<String>,
    state: Option<String>,
    since: Option<String>,
    detail: String,
    repairable: bool,
}

#[derive(Deserialize)]
struct Repaired {
    repaired: usize,
    failed: usize,
}

/// Why the system could not be asked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{url} does not answer: {source}")]
    Silent { url: Url, source: reqwest::Error },
    #[error("{url} refuses with {status}: {detail}")]
    Refused { url: Url, status: u16, detail: String },
    #[error("{0} can't be the address of a system: it has no place for a path")]
    NoBase(Url),
    #[error("no runtime: {0}")]
    NoRuntime(#[from] std::io::Error),
}

/// Asks, prints, and gives the exit code: 0 when all is well, 1 when something was found (with a repair: when
/// something is left), 2 when the system could not be asked.
pub(crate) fn run(doctor: &Doctor) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let asked = runtime.map_err(Error::from).and_then(|runtime| runtime.block_on(ask(doctor)));
    match asked {
        Ok(examination) => ExitCode::from(tell(&examination)),
        Err(error) => {
            eprintln!("omniflow: {error}");
            ExitCode::from(NOT_ASKED)
        }
    }
}

async fn ask(doctor: &Doctor) -> Result<Examination, Error> {
    let url = doctor.url.join("/api/v1/doctor").map_err(|_| Error::NoBase(doctor.url.clone()))?;
    let silent = |source| Error::Silent { url: url.clone(), source };
    let method = if doctor.repair { Method::POST } else { Method::GET };
    let mut request = reqwest::Client::new().request(method, url.clone());
    if let Some(token) = &doctor.token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(silent)?;
    let status = answer.status();
    if !status.is_success() {
        let text = answer.text().await.map_err(silent)?;
        let problem: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let detail = problem.and_then(|problem| problem["detail"].as_str().map(str::to_owned));
        return Err(Error::Refused { url, status: status.as_u16(), detail: detail.unwrap_or(text) });
    }
    answer.json().await.map_err(silent)
}

fn tell(examination: &Examination) -> u8 {
    for finding in &examination.findings {
        let words = [Some(finding.trouble.as_str()), finding.order_id.as_deref(), finding.state.as_deref()];
        let since = finding.since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
        let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        println!("{words}{since}: {}", finding.detail);
    }
    if examination.more {
        println!("There is more than one run looks at.");
    }
    if let Some(Repaired { repaired, failed }) = examination.repair {
        println!("{repaired} taken care of, {failed} not.");
    }
    if examination.findings.is_empty() && !examination.more {
        println!("All is well.");
        return WELL;
    }
    let is_left = |finding: &Finding| !finding.repairable;
    let repaired = examination.repair.as_ref().is_some_and(|repair| repair.failed == 0);
    if repaired && !examination.more && !examination.findings.iter().any(is_left) { WELL } else { FOUND }
}
