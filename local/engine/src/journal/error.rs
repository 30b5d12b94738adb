//! What can go wrong with the journal.

use std::error::Error as StdError;
use std::io;

use file_versions::{LaterRelease, Refused};
use rusqlite::ErrorCode;

use crate::health::WritesLost;

/// Why the journal can't be opened, read or written. The messages are for those who run the engine, not for
/// callers of its API.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// SQLite refused, for example because the disk is full.
    #[error("the journal's database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file was written by a later release of this engine, whose form of the journal this release does
    /// not know. The file is left as it was found.
    #[error(transparent)]
    LaterRelease(LaterRelease),
    /// A stored value can't be read.
    #[error("{what} in the journal can't be read: {source}")]
    Damaged {
        /// Names the value.
        what: String,
        /// What the reader of the value says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A value can't be written as JSON.
    #[error("a value can't be written as JSON: {0}")]
    Unwritable(#[source] serde_json::Error),
    /// What the steps of a group wrote outside of the journal could not be made durable, so the group was not
    /// committed.
    #[error("what the steps wrote can't be made durable: {0}")]
    BeforeCommit(#[source] io::Error),
    /// The group of a request was not committed; the log says why.
    #[error("the group of this request was not committed")]
    NotCommitted,
    /// The operating system gave no thread.
    #[error("no thread for {what}: {source}")]
    Thread {
        /// What the thread is for.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The engine panicked while it worked on a group, which was not committed.
    #[error("the engine panicked: {0}")]
    Panicked(String),
    /// The engine's thread panicked when it took up the journal.
    #[error("the engine's thread died at its start")]
    DiedAtStart,
}

impl From<Refused> for JournalError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::LaterRelease(later) => Self::LaterRelease(later),
            Refused::Sqlite(error) => Self::Database(error),
        }
    }
}

impl JournalError {
    /// Whether a stored value is at fault, so that whatever needs that value fails and nothing else does.
    pub(crate) fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Unwritable(_) => true,
            Self::Database(error) => is_damage(error),
            _ => false,
        }
    }

    /// Whether trying again can't help: the file is damaged, or writes outside of the journal may be lost.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Database(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ),
            Self::BeforeCommit(error) => error.get_ref().is_some_and(|inner| inner.is::<WritesLost>()),
            _ => false,
        }
    }

    /// The value that `what` names can't be read, as `source` says.
    pub(crate) fn damaged(
        what: impl Into<String>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self::Damaged { what: what.into(), source: source.into() }
    }
}

/// Whether a stored value is at fault: it has another type than it should, is missing, or contradicts another one.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    match error {
        E::FromSqlConversionFailure(..)
        | E::IntegralValueOutOfRange(..)
        | E::InvalidColumnType(..)
        | E::Utf8Error(..)
        | E::QueryReturnedNoRows => true,
        E::SqliteFailure(failure, _) => failure.code == ErrorCode::ConstraintViolation,
        _ => false,
    }
}
