//! Deliveries on disk: what is to be delivered, and the dead letters.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

/// One event on its way to one function.
#[derive(Debug)]
pub(super) struct Delivery {
    pub id: i64,
    pub function: String,
    pub event: String,
    pub attempts: usize,
}

/// How an attempt ended.
pub(super) enum Settled {
    Done,
    Again(DateTime<Utc>),
    Dead(String),
}

pub(super) struct Deliveries(Mutex<Connection>);

impl Deliveries {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // A crash of the process loses nothing; power loss may lose what the activity's retry publishes again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS delivery (id INTEGER PRIMARY KEY, function TEXT NOT NULL, event TEXT NOT NULL,
               attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL);
             CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due);
             CREATE TABLE IF NOT EXISTS dead_letter (id INTEGER PRIMARY KEY, function TEXT NOT NULL, event TEXT NOT NULL,
               failure TEXT NOT NULL);",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, deliveries: &[(String, String)], due: DateTime<Utc>) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (function, event) in deliveries {
            transaction
                .prepare_cached("INSERT INTO delivery (function, event, due) VALUES (?1, ?2, ?3)")?
                .execute(params![function, event, due.timestamp_millis()])?;
        }
        transaction.commit()
    }

    pub(super) fn due(&self, now: DateTime<Utc>, limit: usize) -> rusqlite::Result<Vec<Delivery>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, function, event, attempts FROM delivery WHERE due <= ?1 ORDER BY due LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.timestamp_millis(), limit], |row| {
            let attempts: i64 = row.get(3)?;
            Ok(Delivery {
                id: row.get(0)?,
                function: row.get(1)?,
                event: row.get(2)?,
                attempts: usize::try_from(attempts).unwrap_or(usize::MAX),
            })
        })?;
        rows.collect()
    }

    pub(super) fn settle(&self, results: &[(Delivery, Settled)]) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for (delivery, settled) in results {
            if let Settled::Again(due) = settled {
                transaction.execute(
                    "UPDATE delivery SET attempts = attempts + 1, due = ?2 WHERE id = ?1",
                    params![delivery.id, due.timestamp_millis()],
                )?;
                continue;
            }
            if let Settled::Dead(failure) = settled {
                transaction.execute(
                    "INSERT INTO dead_letter (function, event, failure) VALUES (?1, ?2, ?3)",
                    params![delivery.function, delivery.event, failure],
                )?;
            }
            transaction.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([delivery.id])?;
        }
        transaction.commit()
    }
}
