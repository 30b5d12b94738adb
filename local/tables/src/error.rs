//! Why the tables can't be opened or used.

use std::io;
use std::path::PathBuf;

use file_versions::{LaterRelease, Refused};

/// Why the tables can't be opened or used. Callers of the DynamoDB API get DynamoDB's own errors instead, as
/// answers.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database refused, for example because the disk is full.
    #[error("the tables' database: {0}")]
    Database(#[from] dynoxide::DynoxideError),
    /// The file was written by a later release, whose form of the tables this release does not know. The file
    /// is left as it was found.
    #[error(transparent)]
    LaterRelease(LaterRelease),
    /// The database takes only paths that are UTF-8.
    #[error("the path {} of the tables is not UTF-8: choose another folder", .0.display())]
    PathNotUtf8(PathBuf),
    /// The write-ahead log can't be opened for syncing.
    #[error("the write-ahead log of the tables can't be opened: {0}")]
    Log(#[from] io::Error),
    /// Work on the tables panicked, or its group could not be committed; the log says why.
    #[error("the tables failed")]
    Failed,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::LaterRelease(later) => Self::LaterRelease(later),
            Refused::Sqlite(error) => error.into(),
        }
    }
}
