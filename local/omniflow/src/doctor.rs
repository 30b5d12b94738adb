//! The command `omniflow doctor`: asks a running system, over HTTP as an operator, what stands still, and prints
//! it. The answer is that of `GET /api/v1/doctor`, or with a repair of `POST`.

use std::process::ExitCode;

use clap::Args;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::asking::{self, Request, System, Target};

/// Nothing was found that needs anybody.
const WELL: u8 = 0;
/// Something was found, and with a repair: something is left.
const FOUND: u8 = 1;
/// The system could not be asked.
const NOT_ASKED: u8 = 2;

/// What the doctor is to look at.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// The system.
    #[command(flatten)]
    pub target: Target,
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
    #[error(transparent)]
    Asked(#[from] asking::Error),
    #[error("{url} answers with something else than an examination: {source}")]
    Unreadable { url: Url, source: serde_json::Error },
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
    let request = Request {
        method: if doctor.repair { Method::POST } else { Method::GET },
        path: "/api/v1/doctor",
        content_type: "application/json",
        key: None,
        body: String::new(),
    };
    let url = &doctor.target.url;
    // A repair that is asked for twice does no more than one.
    let answer = System::new(&doctor.target).ask(&request).await?;
    if !answer.status.is_success() {
        return Err(answer.refusal(url).into());
    }
    serde_json::from_str(&answer.body).map_err(|source| Error::Unreadable { url: url.clone(), source })
}

fn tell(examination: &Examination) -> u8 {
    for finding in &examination.findings {
        let words = [Some(finding.trouble.as_str()), finding.order_id.as_deref(), finding.state.as_deref()];
        let since = finding.since.as_ref().map_or_else(String::new, |since| format!(" since {since}"));
        let words = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        println!("{words}{since}: {}", finding.detail);
    }
    if examination.more {
        println!("There is more, which this run could not look at.");
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
