//! The SQLite file of the event bus: the deliveries that are still to be made, and the dead letters.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use file_versions::{Migrations, Standing};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde_json::Value;

/// One event on its way to one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub function: String,
    pub event: String,
    /// How many attempts have failed so far.
    pub attempts: usize,
}

/// The events that some function has not received: some are tried again, the others are dead letters.
#[derive(Debug, Serialize)]
pub struct Undelivered {
    /// Deliveries whose last attempt failed and that will be tried again.
    pub waiting: Vec<Waiting>,
    /// Deliveries whose last retry failed. They are kept, and not tried again.
    pub dead_letters: Vec<DeadLetter>,
}

/// A delivery that failed at least once and waits for its next attempt.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Waiting {
    pub function: String,
    pub event: Value,
    /// How many attempts have failed so far.
    pub attempts: i64,
    /// When the next attempt is made.
    pub due: Option<DateTime<Utc>>,
}

/// An event whose delivery failed until no retry was left.
#[derive(Debug, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct DeadLetter {
    pub function: String,
    pub event: Value,
    /// The error of the last attempt: the payload of the function's error, or a text when it could not be
    /// invoked.
    pub failure: String,
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

const MIGRATIONS: Migrations = Migrations(&[version_1, version_2]);

/// Creates the tables. A file from before files carried a version has the same tables already, hence `IF NOT
/// EXISTS`.
fn version_1(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS delivery (id INTEGER PRIMARY KEY, function TEXT NOT NULL, event TEXT NOT NULL,
           attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due);
         CREATE TABLE IF NOT EXISTS dead_letter (id INTEGER PRIMARY KEY, function TEXT NOT NULL, event TEXT NOT NULL,
           failure TEXT NOT NULL);",
    )
}

/// Adds when a dead letter died. Those of before get the time of this migration, so that they are kept as long as any
/// other.
fn version_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE dead_letter ADD COLUMN died INTEGER NOT NULL DEFAULT 0;
         UPDATE dead_letter SET died = CAST(unixepoch('subsec') * 1000 AS INTEGER);
         CREATE INDEX dead_letter_by_death ON dead_letter (died);",
    )
}

/// How many dead letters are deleted at once.
const FORGOTTEN_AT_ONCE: i64 = 200;

/// The open SQLite file.
pub(super) struct Deliveries {
    connection: Connection,
    /// The last row that an earlier process has left behind; 0 when there is none.
    left_behind: i64,
    /// How far it has come, when it belongs to a data folder.
    reached: Option<Reached>,
}

/// How far the deliveries have come, and the log that makes it safe from power loss.
#[derive(Clone)]
pub(super) struct Reached {
    /// How many times the file was written.
    pub changes: u64,
    /// The write-ahead log. SQLite keeps the file as long as a connection is open.
    pub log: Arc<File>,
}

impl Deliveries {
    /// Opens the file, which is made when it does not exist. With an identity it belongs to a data folder, and
    /// counts its changes.
    pub(super) fn open(path: &Path, identity: Option<&str>) -> Result<Self, super::Error> {
        let connection = Connection::open(path)?;
        MIGRATIONS.check(&connection, path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // With NORMAL, a crash of the process loses nothing. A power failure may lose what was not synced yet
        // (`EventBus::sync`). It is synced before the tables and the journal, so that these don't know of such events either:
        // the step that published them is made again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        MIGRATIONS.run(&connection)?;
        let left_behind =
            connection.query_row("SELECT coalesce(max(id), 0) FROM delivery", [], |row| row.get(0))?;
        let claimed = identity.map(|identity| Standing::claim(&connection, identity)).transpose()?;
        let reached = claimed.map(|standing| {
            let changes = standing.reached + 1;
            // The file is written to in any case, so that its log is there.
            Standing::raise(&connection, changes, 0)?;
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            let log = Arc::new(File::open(PathBuf::from(log)).map_err(super::Error::Log)?);
            Ok::<_, super::Error>(Reached { changes, log })
        });
        Ok(Self { reached: reached.transpose()?, left_behind, connection })
    }

    /// How far they have come; `None` when they belong to no data folder.
    pub(super) fn reached(&self) -> Option<Reached> {
        self.reached.clone()
    }

    /// Gives back the disk that the log takes, if that is much.
    pub(super) fn cut_log(&self) -> rusqlite::Result<()> {
        file_versions::cut_log(&self.connection)
    }

    /// Closes the file. Nothing can be read or written any more.
    pub(super) fn close(&mut self) -> rusqlite::Result<()> {
        self.connection = Connection::open_in_memory()?;
        self.reached = None;
        Ok(())
    }

    /// At most `limit` deliveries whose time has come, the earliest first, each with its row id: those that
    /// an earlier process left behind, and retries that are due. What this process has not tried yet, it has in memory.
    pub(super) fn due(&self, now: DateTime<Utc>, limit: usize) -> rusqlite::Result<Vec<(i64, Delivery)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, function, event, attempts FROM delivery
             WHERE due <= ?1 AND (attempts > 0 OR id <= ?3) ORDER BY due LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.timestamp_millis(), limit, self.left_behind], |row| {
            let attempts: i64 = row.get(3)?;
            let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
            Ok((row.get(0)?, Delivery { function: row.get(1)?, event: row.get(2)?, attempts }))
        })?;
        rows.collect()
    }

    /// How many deliveries are stored, and how many dead letters.
    pub(super) fn counts(&self) -> rusqlite::Result<(u64, u64)> {
        let mut counts = self
            .connection
            .prepare_cached("SELECT (SELECT COUNT(*) FROM delivery), (SELECT COUNT(*) FROM dead_letter)")?;
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        counts.query_row([], |row| Ok((count(row.get(0)?), count(row.get(1)?))))
    }

    /// The deliveries that have failed, the newest first, at most `limit` of each kind.
    pub(super) fn undelivered(&self, limit: usize) -> rusqlite::Result<Undelivered> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut waiting = self.connection.prepare_cached(
            "SELECT function, event, attempts, due FROM delivery WHERE attempts > 0 ORDER BY id DESC LIMIT ?1",
        )?;
        let waiting = waiting.query_map([limit], |row| {
            Ok(Waiting {
                function: row.get(0)?,
                event: json(&row.get::<_, String>(1)?),
                attempts: row.get(2)?,
                due: DateTime::from_timestamp_millis(row.get(3)?),
            })
        })?;
        let mut dead = self
            .connection
            .prepare_cached("SELECT function, event, failure FROM dead_letter ORDER BY id DESC LIMIT ?1")?;
        let dead = dead.query_map([limit], |row| {
            Ok(DeadLetter {
                function: row.get(0)?,
                event: json(&row.get::<_, String>(1)?),
                failure: row.get(2)?,
            })
        })?;
        Ok(Undelivered {
            waiting: waiting.collect::<Result<_, _>>()?,
            dead_letters: dead.collect::<Result<_, _>>()?,
        })
    }

    /// Deletes some of the dead letters that are older than this; `false` when there are none.
    pub(super) fn forget_dead_letters(&self, before: DateTime<Utc>) -> rusqlite::Result<bool> {
        let deleted = self
            .connection
            .prepare_cached(
                "DELETE FROM dead_letter WHERE id IN
                   (SELECT id FROM dead_letter WHERE died < ?1 ORDER BY died LIMIT ?2)",
            )?
            .execute(params![before.timestamp_millis(), FORGOTTEN_AT_ONCE])?;
        Ok(deleted > 0)
    }

    /// Makes all changes of `change` in one transaction, so that either all or none are stored.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&Change<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let next = self.reached.as_ref().map(|reached| reached.changes + 1);
        let transaction = self.connection.transaction()?;
        let changed = change(&Change(&transaction))?;
        if let Some(next) = next {
            Standing::raise(&transaction, next, 0)?;
        }
        transaction.commit()?;
        if let (Some(reached), Some(next)) = (&mut self.reached, next) {
            reached.changes = next;
        }
        Ok(changed)
    }
}

/// The changes that one transaction can make.
pub(super) struct Change<'a>(&'a Transaction<'a>);

impl Change<'_> {
    /// Stores a delivery that is due at `due`, and returns its row id.
    pub(super) fn add(&self, delivery: &Delivery, due: DateTime<Utc>) -> rusqlite::Result<i64> {
        let attempts = i64::try_from(delivery.attempts).unwrap_or(i64::MAX);
        self.0
            .prepare_cached("INSERT INTO delivery (function, event, attempts, due) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![delivery.function, delivery.event, attempts, due.timestamp_millis()])?;
        Ok(self.0.last_insert_rowid())
    }

    pub(super) fn remove(&self, row: i64) -> rusqlite::Result<()> {
        self.0.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([row])?;
        Ok(())
    }

    pub(super) fn bury(
        &self,
        delivery: &Delivery,
        failure: &str,
        now: DateTime<Utc>,
    ) -> rusqlite::Result<()> {
        self.0
            .prepare_cached(
                "INSERT INTO dead_letter (function, event, failure, died) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![delivery.function, delivery.event, failure, now.timestamp_millis()])?;
        Ok(())
    }
}
