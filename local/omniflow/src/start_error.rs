//! The errors that keep the local runtime from starting.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::identity::BadIssuer;
use crate::keys::NoKey;
use crate::server::TokenError;
use crate::{bus, routes};

/// Why the runtime could not start. Each message is one line that says what to do, or such a line for each file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum StartError {
    /// The template can't be read, or has something that can't be run here.
    #[error("the template {path}: {source}")]
    Template { path: PathBuf, source: template::Error },
    /// A function of the template has no handler in this binary.
    #[error("the function {function}: {problem}")]
    Function { function: String, problem: String },
    /// The payment provider's keys are missing.
    #[error(transparent)]
    Keys(#[from] NoKey),
    /// A state machine is not valid, or uses a feature that isn't supported here.
    #[error("the state machine {machine}: {problem}")]
    StateMachine { machine: String, problem: String },
    /// It is not possible to listen at an address.
    #[error("{flag} {address} can't be used: {source}; choose another with {flag} HOST:PORT")]
    Address { flag: &'static str, address: SocketAddr, source: std::io::Error },
    /// The access token that was given can't be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The issuer of the callers' tokens can't be asked for its keys.
    #[error(transparent)]
    Issuer(#[from] BadIssuer),
    /// An address can be reached from other machines, and there is no token.
    #[error(
        "{address} is not a loopback address: set --token (OMNIFLOW_TOKEN) or --token-file to listen there, or, for --http \
         alone, --parameter JwtIssuer=https://… whose tokens are taken"
    )]
    NeedsToken { address: SocketAddr },
    /// Another process uses the data folder.
    #[error("{path} is in use by another omniflow; stop it or choose another folder with --data")]
    DataInUse { path: PathBuf },
    /// The data in the folder can't be opened.
    #[error("the data in {path}: {problem}")]
    Data { path: PathBuf, problem: String },
    /// Files in the folder are missing, damaged, foreign or older than the rest. Nothing was written.
    #[error("{}", folder_lines(path, problems))]
    Folder { path: PathBuf, problems: Vec<String> },
    /// A table of the template is stored in another form than the template has it.
    #[error("the table {table}: {problem}")]
    Table { table: String, problem: String },
    /// A route of the template can't be served here.
    #[error(transparent)]
    Route(#[from] routes::BadRoute),
    /// A rule of the template has a pattern that isn't supported, or the deliveries can't be stored.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// The sample stock could not be seeded.
    #[error("seeding the sample stock: {0}")]
    Seed(String),
}

/// One line for each problem of a data folder.
fn folder_lines(path: &Path, problems: &[String]) -> String {
    let folder = path.display();
    let lines = problems.iter().map(|problem| {
        format!(
            "the data in {folder}: {problem}. Put back the file that was here, or move the folder away and restore \
             all of it from one backup: omniflow restore BACKUP --data {folder}"
        )
    });
    lines.collect::<Vec<_>>().join("\nomniflow: ")
}
