//! Why the tables can't be opened or used.

use std::io;
use std::path::PathBuf;

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
    #[error(
        "{file} was written by a later release (its version is {found}, and this release knows none after {known}): \
         run that release, or choose another folder with --data"
    )]
    LaterRelease {
        /// The name of the file, without its folder.
        file: String,
        /// The version that the file says it has.
        found: i64,
        /// The last version that this release knows.
        known: i64,
    },
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
