//! A connection to the journal: how it is opened, and its transactions.

use std::path::Path;
use std::time::Duration;

use file_versions::Standing;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::checkpoints::Checkpoints;
use super::error::JournalError;
use super::migrations::MIGRATIONS;

/// How long a reader waits for a lock. It meets one only while the log is recovered or closed (SQLite's
/// documentation, "Write-Ahead Logging", section "Sometimes Queries Return SQLITE_BUSY In WAL Mode").
const READER_PATIENCE: Duration = Duration::from_secs(5);

/// What SQLite answers for a file that can give back pages (SQLite's documentation, "PRAGMA auto_vacuum").
const INCREMENTAL: i64 = 2;
/// How many free pages of 4 KB the file keeps for what comes next.
const KEPT_PAGES: i64 = 64;
/// How many pages are given back at once. Each may have to be moved, so that it takes some milliseconds.
const PAGES_AT_ONCE: u32 = 256;

/// SQLite's setting for a journal whose commits survive power loss, or need not.
fn synchronous(durable: bool) -> &'static str {
    if durable { "FULL" } else { "OFF" }
}

/// A connection to the journal.
pub(crate) struct Journal {
    /// Only the writer has them. They are dropped before `connection`, because the last connection to be
    /// closed writes the log back.
    checkpoints: Option<Checkpoints>,
    pub(super) connection: Connection,
    /// How many commits there were, when the journal belongs to a folder.
    reached: Option<u64>,
}

impl Journal {
    /// Opens the journal for writing. The file is made when it does not exist, and brought to this release's
    /// version when it has an earlier one.
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self, JournalError> {
        let mut journal = Self::open_without_threads(path, durable)?;
        journal.checkpoints = Some(Checkpoints::begin(path, &journal.connection, synchronous(durable))?);
        Ok(journal)
    }

    /// As [`Journal::open`], but the write-ahead log is written back between the transactions, without a
    /// thread.
    pub(crate) fn open_without_threads(path: &Path, durable: bool) -> Result<Self, JournalError> {
        let connection = Connection::open(path)?;
        MIGRATIONS.check(&connection, path)?;
        // It counts in a new file only. An earlier one uses its free pages again, but keeps them.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous(durable))?;
        // Without it, a statement is compiled again for every new value of a parameter that a partial index
        // looks at.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        MIGRATIONS.run(&connection)?;
        connection.set_prepared_statement_cache_capacity(96);
        let checkpoints = Some(Checkpoints::on_this_thread(&connection));
        Ok(Self { checkpoints, connection, reached: None })
    }

    pub(super) fn open_reader(path: &Path) -> Result<Self, JournalError> {
        // With URIs, so that a journal in memory can be read that its owner has named by one.
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(READER_PATIENCE)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { checkpoints: None, connection, reached: None })
    }

    pub(crate) fn begin(&self) -> Result<(), JournalError> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    /// Makes this the journal of the folder with this identity, unless it belongs to one already. From now on
    /// it counts its commits.
    pub(crate) fn claim(&mut self, identity: &str) -> Result<(), JournalError> {
        self.reached = Some(Standing::claim(&self.connection, identity)?.reached);
        Ok(())
    }

    /// How many commits there were; 0 for a journal that belongs to no folder.
    pub(crate) fn reached(&self) -> u64 {
        self.reached.unwrap_or(0)
    }

    /// Commits the transaction, which relies on the outside having come as far as `outside`.
    pub(crate) fn commit_relying_on(&mut self, outside: u64) -> Result<(), JournalError> {
        let next = self.reached.map(|reached| reached + 1);
        if let Some(next) = next {
            Standing::raise(&self.connection, next, outside)?;
        }
        self.connection.execute_batch("COMMIT")?;
        self.reached = next;
        Ok(())
    }

    /// Commits a transaction that changes how something is stored and nothing that anybody relies on. It isn't
    /// counted.
    pub(super) fn commit_uncounted(&self) -> Result<(), JournalError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    pub(crate) fn rollback(&self) {
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// Gives back some of the disk that the journal doesn't need any more: free pages, and then the log. `false` means
    /// that there is nothing to give back. It is called between transactions.
    pub(crate) fn give_back_some(&self) -> Result<bool, JournalError> {
        let number = |pragma: &str| -> Result<i64, JournalError> {
            Ok(self.connection.pragma_query_value(None, pragma, |row| row.get(0))?)
        };
        if number("auto_vacuum")? == INCREMENTAL && number("freelist_count")? > KEPT_PAGES {
            let mut statement =
                self.connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
            let mut moved = statement.query([])?;
            while moved.next()?.is_some() {}
            return Ok(true);
        }
        if let Some(checkpoints) = &self.checkpoints {
            checkpoints.cut(&self.connection)?;
        }
        Ok(false)
    }

    /// Keeps the write-ahead log short. It is called between transactions.
    pub(crate) fn tend_log(&mut self) {
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.tend(&self.connection);
        }
    }

    /// Reads the single value under `key`. When there is none, it stores what `make` makes and returns that.
    pub(crate) fn meta(&self, key: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, JournalError> {
        let kept = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
            .optional()?;
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let made = make();
        self.connection.execute("INSERT INTO meta VALUES (?1, ?2)", params![key, made])?;
        Ok(made)
    }
}
