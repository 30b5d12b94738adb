//! The journal: state machines, executions, their progress and their histories, in SQLite.
//!
//! One connection writes, from the engine's thread, in one transaction a group. Others read, and never block it (WAL).
//!
//! - `execution` is what an execution is known by and how it ended; a row changes once, at the end.
//! - `progress` is what runs: the interpreter's state, the next wake-up, and whether calls are in flight.
//! - `history` holds the events of one group of one execution in a row. Rows lie in the order in which they came: a
//!   group's lie together, on few pages, whatever executions they are of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use asl::{HistoryEvent, TaskId, Timestamp};
use chrono::DateTime;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::checkpoints::Checkpoints;
use crate::error::Error;
use crate::state_machines::{StateMachine, StateMachineKind};

/// The key of an execution in the journal.
pub(crate) type Seq = i64;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS definition (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS state_machine (
        arn TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, role_arn TEXT NOT NULL,
        definition INTEGER NOT NULL REFERENCES definition, revision TEXT NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS execution (
        seq INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, name TEXT NOT NULL,
        definition INTEGER NOT NULL REFERENCES definition, role_arn TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, stopped INTEGER, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
        redrives INTEGER NOT NULL DEFAULT 0, redriven INTEGER,
        parent INTEGER, parent_task INTEGER, parent_parses INTEGER);
    CREATE INDEX IF NOT EXISTS execution_by_machine ON execution (machine, started DESC, seq DESC);
    CREATE TABLE IF NOT EXISTS progress (
        seq INTEGER PRIMARY KEY, state BLOB NOT NULL, wake INTEGER, busy INTEGER NOT NULL);
    DROP INDEX IF EXISTS progress_wake;
    DROP INDEX IF EXISTS progress_busy;
    CREATE INDEX IF NOT EXISTS progress_by_wake ON progress (wake, busy);
    CREATE TABLE IF NOT EXISTS history (
        id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, first INTEGER NOT NULL, events TEXT NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS history_by_execution ON history (execution, first);
";

/// Earlier journals had the histories in the order of the executions.
const HAS_EARLIER_HISTORY: &str =
    "SELECT count(*) FROM sqlite_schema WHERE name = 'history' AND sql LIKE '%WITHOUT ROWID'";
/// Before the schema is made.
const SET_HISTORY_ASIDE: &str = "ALTER TABLE history RENAME TO earlier_history;";
/// After it.
const TAKE_OVER_HISTORY: &str = "
    INSERT INTO history (execution, first, events) SELECT execution, first, events FROM earlier_history;
    DROP TABLE earlier_history;
";

/// Where an execution came from, when another one started it and waits for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parent {
    pub seq: Seq,
    pub task: TaskId,
    /// `.sync:2` gives the child's output as JSON, `.sync` as text.
    pub parses_output: bool,
}

/// A row of `execution`.
#[derive(Debug, Clone)]
pub(crate) struct ExecutionRow {
    pub seq: Seq,
    pub arn: String,
    pub machine: String,
    pub name: String,
    pub definition: i64,
    pub role_arn: String,
    pub status: String,
    pub started: Timestamp,
    pub stopped: Option<Timestamp>,
    pub input: String,
    pub output: Option<String>,
    pub error: Option<String>,
    pub cause: Option<String>,
    pub redrives: i64,
    pub redriven: Option<Timestamp>,
    pub parent: Option<Parent>,
}

/// How an execution ended, as the row keeps it.
pub(crate) struct Ending<'a> {
    pub status: &'static str,
    pub stopped: Timestamp,
    pub output: Option<String>,
    pub error: Option<&'a str>,
    pub cause: Option<&'a str>,
}

/// A connection to the journal.
pub(crate) struct Journal {
    /// Dropped first: the last connection to be closed writes the log back.
    checkpoints: Option<Checkpoints>,
    connection: Connection,
}

impl Journal {
    /// Opens the journal for writing and creates what is missing.
    pub(crate) fn open(path: &Path, durable: bool) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = if durable { "FULL" } else { "OFF" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // Else a statement is compiled again for every new value of a parameter that a partial index looks at.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let (before, after) = match connection.query_row(HAS_EARLIER_HISTORY, [], |row| row.get(0))? {
            true => (SET_HISTORY_ASIDE, TAKE_OVER_HISTORY),
            false => ("", ""),
        };
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {before} {SCHEMA} {after} COMMIT;"))?;
        connection.set_prepared_statement_cache_capacity(64);
        let checkpoints = Some(Checkpoints::begin(path, &connection, synchronous)?);
        Ok(Self { checkpoints, connection })
    }

    fn open_reader(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(Self { checkpoints: None, connection })
    }

    pub(crate) fn begin(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("BEGIN IMMEDIATE")?)
    }

    pub(crate) fn commit(&self) -> Result<(), Error> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Keeps the log short; to be called between groups.
    pub(crate) fn tend_log(&mut self) {
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.tend(&self.connection);
        }
    }

    pub(crate) fn rollback(&self) {
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::debug!(%error, "nothing to roll back");
        }
    }

    /// Reads the value under `key`, or stores what `make` gives.
    pub(crate) fn meta(&self, key: &str, make: impl FnOnce() -> Vec<u8>) -> Result<Vec<u8>, Error> {
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

    pub(crate) fn definition_id(&self, text: &str) -> Result<i64, Error> {
        self.connection
            .prepare_cached("INSERT INTO definition (text) VALUES (?1) ON CONFLICT DO NOTHING")?
            .execute([text])?;
        Ok(self
            .connection
            .prepare_cached("SELECT id FROM definition WHERE text = ?1")?
            .query_row([text], |row| row.get(0))?)
    }

    pub(crate) fn definition(&self, id: i64) -> Result<String, Error> {
        Ok(self
            .connection
            .prepare_cached("SELECT text FROM definition WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?)
    }

    pub(crate) fn put_state_machine(&self, machine: &StateMachine, definition: i64) -> Result<(), Error> {
        self.connection.execute(
            "INSERT OR REPLACE INTO state_machine VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                machine.arn,
                machine.name,
                machine.kind.as_str(),
                machine.role_arn,
                definition,
                machine.revision_id,
                machine.created.timestamp_millis(),
                machine.updated.timestamp_millis(),
            ],
        )?;
        Ok(())
    }

    pub(crate) fn delete_state_machine(&self, arn: &str) -> Result<(), Error> {
        self.connection.execute("DELETE FROM state_machine WHERE arn = ?1", [arn])?;
        Ok(())
    }

    pub(crate) fn state_machine(&self, arn: &str) -> Result<Option<(StateMachine, i64)>, Error> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT arn, name, kind, role_arn, d.text, revision, created, updated, d.id
                 FROM state_machine m JOIN definition d ON d.id = m.definition WHERE arn = ?1",
            )?
            .query_row([arn], |row| Ok((state_machine(row)?, row.get(8)?)))
            .optional()?)
    }

    pub(crate) fn state_machines(&self) -> Result<Vec<StateMachine>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT arn, name, kind, role_arn, d.text, revision, created, updated
             FROM state_machine m JOIN definition d ON d.id = m.definition ORDER BY created, arn",
        )?;
        let rows = statement.query_map([], state_machine)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn insert_execution(&self, row: &ExecutionRow) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, input,
                 parent, parent_task, parent_parses) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                row.seq,
                row.arn,
                row.machine,
                row.name,
                row.definition,
                row.role_arn,
                row.status,
                row.started.timestamp_millis(),
                row.input,
                row.parent.map(|parent| parent.seq),
                row.parent.map(|parent| parent.task.0),
                row.parent.map(|parent| parent.parses_output),
            ])?;
        Ok(())
    }

    pub(crate) fn last_seq(&self) -> Result<Seq, Error> {
        Ok(self.connection.query_row("SELECT coalesce(max(seq), 0) FROM execution", [], |row| row.get(0))?)
    }

    pub(crate) fn end_execution(&self, seq: Seq, ending: &Ending<'_>) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "UPDATE execution SET status = ?2, stopped = ?3, output = ?4, error = ?5, cause = ?6 WHERE seq = ?1",
            )?
            .execute(params![
                seq,
                ending.status,
                ending.stopped.timestamp_millis(),
                ending.output,
                ending.error,
                ending.cause
            ])?;
        Ok(())
    }

    pub(crate) fn reopen_execution(&self, seq: Seq, at: Timestamp) -> Result<(), Error> {
        self.connection.execute(
            "UPDATE execution SET status = 'RUNNING', stopped = NULL, error = NULL, cause = NULL,
             redrives = redrives + 1, redriven = ?2 WHERE seq = ?1",
            params![seq, at.timestamp_millis()],
        )?;
        Ok(())
    }

    /// Forgets an Express execution; AWS keeps none either.
    pub(crate) fn forget_execution(&self, seq: Seq) -> Result<(), Error> {
        self.connection.execute("DELETE FROM history WHERE execution = ?1", [seq])?;
        self.connection.execute("DELETE FROM progress WHERE seq = ?1", [seq])?;
        self.connection.execute("DELETE FROM execution WHERE seq = ?1", [seq])?;
        Ok(())
    }

    pub(crate) fn execution_by_arn(&self, arn: &str) -> Result<Option<ExecutionRow>, Error> {
        self.execution("SELECT * FROM execution WHERE arn = ?1", [arn])
    }

    pub(crate) fn execution_by_seq(&self, seq: Seq) -> Result<Option<ExecutionRow>, Error> {
        self.execution("SELECT * FROM execution WHERE seq = ?1", [seq])
    }

    fn execution(&self, sql: &str, key: impl rusqlite::Params) -> Result<Option<ExecutionRow>, Error> {
        Ok(self.connection.prepare_cached(sql)?.query_row(key, execution).optional()?)
    }

    /// Executions of a state machine, newest first, after the one that `after` names by start (ms) and key.
    pub(crate) fn executions(
        &self,
        machine: &str,
        status: Option<&str>,
        after: Option<(i64, Seq)>,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, Error> {
        let (started, seq) = after.unwrap_or((i64::MAX, i64::MAX));
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM execution WHERE machine = ?1 AND (?2 IS NULL OR status = ?2)
             AND (started, seq) < (?3, ?4) ORDER BY started DESC, seq DESC LIMIT ?5",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![machine, status, started, seq, limit], execution)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn put_progress(
        &self,
        seq: Seq,
        state: &[u8],
        wake: Option<Timestamp>,
        busy: bool,
    ) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO progress VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (seq) DO UPDATE SET state = ?2, wake = ?3, busy = ?4",
            )?
            .execute(params![seq, state, wake.map(not_before), busy])?;
        Ok(())
    }

    pub(crate) fn delete_progress(&self, seq: Seq) -> Result<(), Error> {
        self.connection.prepare_cached("DELETE FROM progress WHERE seq = ?1")?.execute([seq])?;
        Ok(())
    }

    /// The interpreter's state of an execution and the definition it runs.
    pub(crate) fn progress(&self, seq: Seq) -> Result<Option<(Vec<u8>, i64)>, Error> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT p.state, e.definition FROM progress p JOIN execution e USING (seq) WHERE seq = ?1",
            )?
            .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?)
    }

    /// The executions whose wake-up is due, earliest first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Seq>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM progress WHERE wake IS NOT NULL AND wake <= ?1 ORDER BY wake LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.timestamp_millis(), limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn next_wake(&self) -> Result<Option<Timestamp>, Error> {
        let millis: Option<i64> = self
            .connection
            .prepare_cached("SELECT min(wake) FROM progress WHERE wake IS NOT NULL")?
            .query_row([], |row| row.get(0))?;
        Ok(millis.and_then(DateTime::from_timestamp_millis))
    }

    /// The executions that had calls in flight when the journal was last written.
    pub(crate) fn busy(&self) -> Result<Vec<Seq>, Error> {
        // The rows themselves are many more pages, and most of them are waiting.
        let mut statement = self
            .connection
            .prepare("SELECT seq FROM progress INDEXED BY progress_by_wake WHERE busy ORDER BY seq")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn append_history(&self, seq: Seq, events: &[HistoryEvent]) -> Result<(), Error> {
        let Some(first) = events.first() else { return Ok(()) };
        let text = serde_json::to_string(events).map_err(|error| Error::Journal(error.to_string()))?;
        self.connection
            .prepare_cached("INSERT INTO history (execution, first, events) VALUES (?1, ?2, ?3)")?
            .execute(params![seq, first.id, text])?;
        Ok(())
    }

    /// Chunks of the history, each a JSON array of events, that may hold events with ids in `from..=to`.
    pub(crate) fn history(&self, seq: Seq, from: u64, to: u64) -> Result<Vec<String>, Error> {
        let mut statement = self.connection.prepare_cached(
            "SELECT events FROM history WHERE execution = ?1 AND first <= ?3 AND first >= coalesce(
               (SELECT max(first) FROM history WHERE execution = ?1 AND first <= ?2), 0) ORDER BY first",
        )?;
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![seq, from, to], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The first id of the last chunk of the history, if there is one.
    pub(crate) fn last_chunk(&self, seq: Seq) -> Result<Option<u64>, Error> {
        Ok(self
            .connection
            .prepare_cached("SELECT max(first) FROM history WHERE execution = ?1")?
            .query_row([seq], |row| row.get(0))?)
    }
}

/// Connections that read what is committed, kept for reuse.
pub(crate) struct Readers {
    path: PathBuf,
    idle: std::sync::Mutex<Vec<Journal>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: std::sync::Mutex::new(Vec::new()) }
    }

    /// Runs `read` on an idle connection, or on a new one.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Journal) -> Result<T, Error>) -> Result<T, Error> {
        let idle = || self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let taken = idle().pop();
        let journal = match taken {
            Some(journal) => journal,
            None => Journal::open_reader(&self.path)?,
        };
        let result = read(&journal);
        idle().push(journal);
        result
    }
}

/// The first whole millisecond that is not before `at`, so that a wake-up is never too early.
fn not_before(at: Timestamp) -> i64 {
    at.timestamp_micros().saturating_add(999).div_euclid(1000)
}

fn at(millis: i64) -> Timestamp {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn state_machine(row: &Row<'_>) -> rusqlite::Result<StateMachine> {
    let kind: String = row.get(2)?;
    Ok(StateMachine {
        arn: row.get(0)?,
        name: row.get(1)?,
        kind: StateMachineKind::parse(&kind).unwrap_or(StateMachineKind::Standard),
        role_arn: row.get(3)?,
        definition: row.get(4)?,
        revision_id: row.get(5)?,
        created: at(row.get(6)?),
        updated: at(row.get(7)?),
    })
}

fn execution(row: &Row<'_>) -> rusqlite::Result<ExecutionRow> {
    let parent = match (row.get("parent")?, row.get("parent_task")?, row.get("parent_parses")?) {
        (Some(seq), Some(task), Some(parses_output)) => {
            Some(Parent { seq, task: TaskId(task), parses_output })
        }
        _ => None,
    };
    Ok(ExecutionRow {
        seq: row.get("seq")?,
        arn: row.get("arn")?,
        machine: row.get("machine")?,
        name: row.get("name")?,
        definition: row.get("definition")?,
        role_arn: row.get("role_arn")?,
        status: row.get("status")?,
        started: at(row.get("started")?),
        stopped: row.get::<_, Option<i64>>("stopped")?.map(at),
        input: row.get("input")?,
        output: row.get("output")?,
        error: row.get("error")?,
        cause: row.get("cause")?,
        redrives: row.get("redrives")?,
        redriven: row.get::<_, Option<i64>>("redriven")?.map(at),
        parent,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_journal_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let earlier = Connection::open(&path).unwrap();
        earlier
            .execute_batch(
                "CREATE TABLE history (
                    execution INTEGER NOT NULL, first INTEGER NOT NULL, events TEXT NOT NULL,
                    PRIMARY KEY (execution, first)) WITHOUT ROWID;
                 INSERT INTO history VALUES (7, 1, '[1]'), (7, 2, '[2]'), (8, 1, '[3]');
                 CREATE TABLE progress (
                    seq INTEGER PRIMARY KEY, state BLOB NOT NULL, wake INTEGER, busy INTEGER NOT NULL);
                 CREATE INDEX progress_wake ON progress (wake) WHERE wake IS NOT NULL;
                 CREATE INDEX progress_busy ON progress (seq) WHERE busy;
                 INSERT INTO progress VALUES (7, x'00', 5000, 0), (8, x'00', NULL, 1);",
            )
            .unwrap();
        drop(earlier);
        for _ in 0..2 {
            let journal = Journal::open(&path, true).unwrap();
            assert_eq!(journal.history(7, 1, 9).unwrap(), ["[1]", "[2]"]);
            assert_eq!(journal.history(8, 1, 9).unwrap(), ["[3]"]);
            assert_eq!(journal.last_chunk(7).unwrap(), Some(2));
            assert_eq!(journal.busy().unwrap(), [8]);
            assert_eq!(journal.next_wake().unwrap(), DateTime::from_timestamp(5, 0));
        }
    }
}
