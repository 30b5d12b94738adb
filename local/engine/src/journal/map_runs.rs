//! Map Runs: what a Distributed Map has started. Their children are rows of `execution` that name the run.
//!
//! A run's row is small and says how far the items have been handed out. How its children stand is counted from their
//! rows, so that the two can't disagree.

use asl::{TaskId, Timestamp, Tolerated};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::connection::Journal;
use super::error::JournalError;
use super::executions::{ExecutionRow, SELECT, Seq, execution};
use super::state_machines::DefinitionId;
use super::times::from_millis;
use crate::map_runs::MapRunStatus;
use crate::state_machine::StateMachineKind;
use crate::status::ExecutionStatus;

/// The key of a Map Run in the journal.
pub(crate) type MapRunId = i64;

/// A row of `map_run`.
#[derive(Debug, Clone)]
pub(crate) struct MapRunRow {
    pub id: MapRunId,
    pub arn: String,
    /// The execution that has the Distributed Map, and the number of the run within it.
    pub execution: Seq,
    pub run: TaskId,
    /// What the children run.
    pub definition: DefinitionId,
    pub kind: StateMachineKind,
    pub status: MapRunStatus,
    pub started: Timestamp,
    pub stopped: Option<Timestamp>,
    pub items: u64,
    /// How many items a child gets at the most.
    pub items_a_child: u64,
    /// The index of the first item that no child has got yet.
    pub next: u64,
    /// How many children may run at once; 0 means that nobody has set a limit.
    pub max_concurrency: u64,
    pub tolerated: Tolerated,
    pub redrives: i64,
    pub redriven: Option<Timestamp>,
}

/// How many children of a run have a status, and how many items those work on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapRunCount {
    pub status: ExecutionStatus,
    pub executions: u64,
    pub items: u64,
}

/// The outputs of the children of a run.
pub(crate) enum MapRunOutputs {
    /// The text of a JSON array, in the order of the items.
    Text(String),
    /// They are longer than was asked for.
    TooLarge,
}

impl Journal {
    /// Stores a run, and gives it its key.
    pub(crate) fn insert_map_run(&self, row: &MapRunRow) -> Result<MapRunId, JournalError> {
        self.connection
            .prepare_cached(
                "INSERT INTO map_run (arn, execution, run, definition, kind, status, started, items, items_a_child, next,
                 max_concurrency, tolerated_count, tolerated_percentage)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                row.arn,
                row.execution,
                row.run.0,
                row.definition,
                row.kind.as_str(),
                row.status,
                row.started.timestamp_millis(),
                clamped(row.items),
                clamped(row.items_a_child),
                clamped(row.next),
                clamped(row.max_concurrency),
                row.tolerated.count.map(clamped),
                row.tolerated.percentage,
            ])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Stores what may have changed of a run.
    pub(crate) fn update_map_run(&self, row: &MapRunRow) -> Result<(), JournalError> {
        self.connection
            .prepare_cached(
                "UPDATE map_run SET status = ?2, stopped = ?3, next = ?4, max_concurrency = ?5, tolerated_count = ?6,
                 tolerated_percentage = ?7, redrives = ?8, redriven = ?9 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                row.status,
                row.stopped.map(|stopped| stopped.timestamp_millis()),
                clamped(row.next),
                clamped(row.max_concurrency),
                row.tolerated.count.map(clamped),
                row.tolerated.percentage,
                row.redrives,
                row.redriven.map(|redriven| redriven.timestamp_millis()),
            ])?;
        Ok(())
    }

    pub(crate) fn map_run_by_arn(&self, arn: &str) -> Result<Option<MapRunRow>, JournalError> {
        self.one_map_run("SELECT * FROM map_run WHERE arn = ?1", [arn])
    }

    /// The run that has this number within an execution.
    pub(crate) fn map_run_of(&self, seq: Seq, run: TaskId) -> Result<Option<MapRunRow>, JournalError> {
        self.one_map_run("SELECT * FROM map_run WHERE execution = ?1 AND run = ?2", params![seq, run.0])
    }

    fn one_map_run(&self, sql: &str, key: impl rusqlite::Params) -> Result<Option<MapRunRow>, JournalError> {
        Ok(self.connection.prepare_cached(sql)?.query_row(key, map_run).optional()?)
    }

    /// At most `limit` runs of an execution, newest first. With `before`, only those whose key is less.
    pub(crate) fn map_runs(
        &self,
        seq: Seq,
        before: Option<MapRunId>,
        limit: usize,
    ) -> Result<Vec<MapRunRow>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM map_run WHERE execution = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![seq, before.unwrap_or(i64::MAX), limit], map_run)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The runs for which there is something left to do: those that have not ended, and those that have ended while
    /// some of their children had not.
    pub(crate) fn unfinished_map_runs(&self) -> Result<Vec<MapRunRow>, JournalError> {
        let mut statement = self.connection.prepare(
            "SELECT * FROM map_run r WHERE stopped IS NULL OR EXISTS (
               SELECT 1 FROM execution e INDEXED BY execution_by_map_run_status
               WHERE e.map_run = r.id AND e.status = ?1) ORDER BY id",
        )?;
        let rows = statement.query_map([ExecutionStatus::Running], map_run)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How the children of a run stand that have been started.
    pub(crate) fn map_run_counts(&self, id: MapRunId) -> Result<Vec<MapRunCount>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT status, count(*), sum(map_items) FROM execution INDEXED BY execution_by_map_run_status
             WHERE map_run = ?1 GROUP BY status",
        )?;
        let rows = statement.query_map([id], |row| {
            Ok(MapRunCount { status: row.get(0)?, executions: unsigned(row, 1)?, items: unsigned(row, 2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// At most `limit` children of a run that have this status.
    pub(crate) fn map_run_children(
        &self,
        id: MapRunId,
        status: ExecutionStatus,
        limit: usize,
    ) -> Result<Vec<Seq>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM execution INDEXED BY execution_by_map_run_status
             WHERE map_run = ?1 AND status = ?2 LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![id, status, limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The outputs of the children that have succeeded, if they are at most `limit` bytes long together.
    pub(crate) fn map_run_outputs(&self, id: MapRunId, limit: usize) -> Result<MapRunOutputs, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT output FROM execution INDEXED BY execution_by_map_run_status
             WHERE map_run = ?1 AND status = ?2 ORDER BY map_first",
        )?;
        let mut rows = statement.query(params![id, ExecutionStatus::Succeeded])?;
        let mut text = "[".to_owned();
        while let Some(row) = rows.next()? {
            let output: Option<String> = row.get(0)?;
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(output.as_deref().unwrap_or("null"));
            if text.len() >= limit {
                return Ok(MapRunOutputs::TooLarge);
            }
        }
        text.push(']');
        Ok(MapRunOutputs::Text(text))
    }

    /// Notes that the children of a run that ended without success are to be redriven.
    pub(crate) fn await_redrive(&self, id: MapRunId) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE execution SET status = ?2 WHERE map_run = ?1 AND status IN (?3, ?4, ?5)")?
            .execute(params![
                id,
                ExecutionStatus::PendingRedrive,
                ExecutionStatus::Failed,
                ExecutionStatus::TimedOut,
                ExecutionStatus::Aborted,
            ])?;
        Ok(())
    }

    /// Notes that the children of a run that were still to be redriven are not, since the run has ended.
    pub(crate) fn give_up_redrives(&self, id: MapRunId) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE execution SET status = ?3 WHERE map_run = ?1 AND status = ?2")?
            .execute(params![id, ExecutionStatus::PendingRedrive, ExecutionStatus::Aborted])?;
        Ok(())
    }

    /// At most `limit` children of a run, newest first. With `after`, only those that come after the one with this
    /// start in milliseconds and this key.
    pub(crate) fn executions_of_map_run(
        &self,
        id: MapRunId,
        status: Option<ExecutionStatus>,
        after: Option<(i64, Seq)>,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let (started, seq) = after.unwrap_or((i64::MAX, i64::MAX));
        let mut statement = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE map_run = ?1 AND (?2 IS NULL OR status = ?2) AND (started, seq) < (?3, ?4)
             ORDER BY started DESC, seq DESC LIMIT ?5",
        ))?;
        let rows = statement.query_map(params![id, status, started, seq, limit], execution)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Some execution that lives only because of this one, as a child of its Map Runs or of theirs, with its archive:
    /// what is to be forgotten before it. `None` when there is none, and the runs are forgotten.
    pub(super) fn last_descendant(&self, seq: Seq) -> Result<Option<(Seq, Option<i64>)>, JournalError> {
        let mut found = None;
        let mut at = seq;
        let mut child = self.connection.prepare_cached(
            "SELECT seq, archive FROM execution INDEXED BY execution_by_map_run_status
             WHERE map_run IN (SELECT id FROM map_run WHERE execution = ?1) LIMIT 1",
        )?;
        while let Some(next) =
            child.query_row([at], |row| Ok((row.get::<_, Seq>(0)?, row.get(1)?))).optional()?
        {
            at = next.0;
            found = Some(next);
        }
        self.connection.prepare_cached("DELETE FROM map_run WHERE execution = ?1")?.execute([at])?;
        Ok(found)
    }
}

/// SQLite's integers have a sign. No number of items or executions comes near their end.
fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, Option<i64>>(column)?.unwrap_or(0)).unwrap_or(0))
}

fn map_run(row: &Row<'_>) -> rusqlite::Result<MapRunRow> {
    let number = |column: &str| -> rusqlite::Result<u64> {
        Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
    };
    let kind: String = row.get("kind")?;
    Ok(MapRunRow {
        id: row.get("id")?,
        arn: row.get("arn")?,
        execution: row.get("execution")?,
        run: TaskId(number("run")?),
        definition: row.get("definition")?,
        kind: StateMachineKind::parse(&kind).unwrap_or_default(),
        status: row.get("status")?,
        started: from_millis(row.get("started")?),
        stopped: row.get::<_, Option<i64>>("stopped")?.map(from_millis),
        items: number("items")?,
        items_a_child: number("items_a_child")?,
        next: number("next")?,
        max_concurrency: number("max_concurrency")?,
        tolerated: Tolerated {
            count: row
                .get::<_, Option<i64>>("tolerated_count")?
                .map(|count| u64::try_from(count).unwrap_or(0)),
            percentage: row.get("tolerated_percentage")?,
        },
        redrives: row.get("redrives")?,
        redriven: row.get::<_, Option<i64>>("redriven")?.map(from_millis),
    })
}

impl ToSql for MapRunStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.as_str()))
    }
}

impl FromSql for MapRunStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::parse(text)
            .ok_or_else(|| FromSqlError::Other(format!("{text:?} is no status of a Map Run").into()))
    }
}
