//! Why the local runtime did not start, each in one line that says what to do.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::server::TokenError;
use crate::{bus, gateway};

/// Why the runtime could not start. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The template can't be run.
    #[error("the template {path}: {source}")]
    Template {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: template::Error,
    },
    /// A function of the template has no handler in this binary.
    #[error("the function {function}: {problem}")]
    Function {
        /// Its logical id.
        function: String,
        /// What is wrong.
        problem: String,
    },
    /// A state machine is not valid, or needs what isn't supported.
    #[error("the state machine {machine}: {problem}")]
    StateMachine {
        /// Its logical id.
        machine: String,
        /// What is wrong.
        problem: String,
    },
    /// An address can't be listened on.
    #[error("{flag} {address} can't be used: {source}; choose another with {flag} HOST:PORT")]
    Address {
        /// The flag that sets it.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// What was given can be no token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Listening beyond loopback needs a token.
    #[error(
        "{address} is not a loopback address: set --token (OMNIFLOW_TOKEN) or --token-file to listen there"
    )]
    NeedsToken {
        /// The address.
        address: SocketAddr,
    },
    /// The data folder is used by another process.
    #[error("{path} is in use by another omniflow; stop it or choose another folder with --data")]
    DataInUse {
        /// The folder.
        path: PathBuf,
    },
    /// The data can't be opened.
    #[error("the data in {path}: {problem}")]
    Data {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A route can't be served.
    #[error(transparent)]
    Route(#[from] gateway::BadRoute),
    /// A rule can't be served.
    #[error(transparent)]
    Bus(#[from] bus::Error),
    /// The sample stock could not be seeded.
    #[error("seeding the sample stock: {0}")]
    Seed(String),
}
