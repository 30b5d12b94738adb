//! The commands `omniflow import` and `omniflow export`: files of products, stock and orders, to and from a running
//! system, over HTTP as an operator.

mod export;
mod import;
mod orders;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::asking::{self, Answer, Request, System, Target};

/// All was done.
const DONE: u8 = 0;
/// Some rows were not written.
const INCOMPLETE: u8 = 1;
/// The command was stopped by something else than a row.
const STOPPED: u8 = 2;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The catalogue.
    Products,
    /// The pieces on the shelves.
    Stock,
    /// Orders that customers made, one row for each of their goods.
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
    #[error(transparent)]
    Asked(#[from] asking::Error),
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
