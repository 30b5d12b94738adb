//! What executions are known by, and how they ended.

use asl::{TaskId, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension, Row, params};

use super::connection::Journal;
use super::error::{JournalError, is_damage};
use super::map_runs::MapRunId;
use super::state_machines::DefinitionId;
use super::times::from_millis;
use crate::status::ExecutionStatus;

/// The key of an execution in the journal: 1 for the first, and one more for each that follows.
pub(crate) type Seq = i64;

/// What started this execution and waits for its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parent {
    Task(ParentTask),
    MapRun(MapMember),
}

/// The place of a child in its Map Run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapMember {
    pub run: MapRunId,
    /// The index of its first item.
    pub first: u64,
    /// How many items it works on.
    pub items: u64,
}

/// A task of another execution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ParentTask {
    pub seq: Seq,
    pub task: TaskId,
    /// Whether the parent gets the child's output as JSON (`.sync:2`) rather than as JSON text (`.sync`).
    pub parses_output: bool,
}

/// A row of `execution`.
#[derive(Debug, Clone)]
pub(crate) struct ExecutionRow {
    pub seq: Seq,
    pub arn: String,
    pub machine: String,
    pub name: String,
    pub definition: DefinitionId,
    pub role_arn: String,
    pub status: ExecutionStatus,
    pub started: Timestamp,
    pub stopped: Option<Timestamp>,
    pub input: String,
    pub output: Option<String>,
    pub error: Option<String>,
    pub cause: Option<String>,
    pub redrives: i64,
    pub redriven: Option<Timestamp>,
    pub parent: Option<Parent>,
    /// The ARN of the Map Run that it is a child of, if it is one and is stored.
    pub map_run_arn: Option<String>,
}

impl ExecutionRow {
    fn task(&self) -> Option<ParentTask> {
        match self.parent {
            Some(Parent::Task(task)) => Some(task),
            _ => None,
        }
    }

    fn member(&self) -> Option<MapMember> {
        match self.parent {
            Some(Parent::MapRun(member)) => Some(member),
            _ => None,
        }
    }
}

/// What reads rows of `execution`.
pub(super) const SELECT: &str =
    "SELECT *, (SELECT r.arn FROM map_run r WHERE r.id = execution.map_run) AS map_run_arn FROM execution";

/// How an execution ended.
pub(crate) struct Ending<'a> {
    pub status: ExecutionStatus,
    pub stopped: Timestamp,
    pub output: Option<String>,
    pub error: Option<&'a str>,
    pub cause: Option<&'a str>,
}

impl Journal {
    pub(crate) fn insert_execution(&self, row: &ExecutionRow) -> Result<(), JournalError> {
        self.connection
            .prepare_cached(
                "INSERT INTO execution (seq, arn, machine, name, definition, role_arn, status, started, input,
                 parent, parent_task, parent_parses, map_run, map_first, map_items)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
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
                row.task().map(|parent| parent.seq),
                row.task().map(|parent| parent.task.0),
                row.task().map(|parent| parent.parses_output),
                row.member().map(|member| member.run),
                row.member().map(|member| member.first),
                row.member().map(|member| member.items),
            ])?;
        Ok(())
    }

    /// The key of the last execution; 0 when there is none.
    pub(crate) fn last_seq(&self) -> Result<Seq, JournalError> {
        Ok(self.connection.query_row("SELECT coalesce(max(seq), 0) FROM execution", [], |row| row.get(0))?)
    }

    pub(crate) fn end_execution(&self, seq: Seq, ending: &Ending<'_>) -> Result<(), JournalError> {
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

    /// Notes that an execution that had ended runs again.
    pub(crate) fn reopen_execution(&self, seq: Seq, at: Timestamp) -> Result<(), JournalError> {
        self.connection.execute(
            "UPDATE execution SET status = ?3, stopped = NULL, error = NULL, cause = NULL,
             redrives = redrives + 1, redriven = ?2 WHERE seq = ?1",
            params![seq, at.timestamp_millis(), ExecutionStatus::Running],
        )?;
        Ok(())
    }

    /// How many executions have not ended.
    pub(crate) fn open_executions(&self) -> Result<u64, JournalError> {
        // The index alone answers it.
        Ok(self.connection.query_row(
            "SELECT count(*) FROM execution INDEXED BY execution_by_end WHERE stopped IS NULL",
            [],
            |row| row.get(0),
        )?)
    }

    /// Deletes all that is known of an Express execution; AWS keeps nothing of one either.
    pub(crate) fn forget_execution(&self, seq: Seq) -> Result<(), JournalError> {
        self.connection.execute("DELETE FROM history WHERE execution = ?1", [seq])?;
        self.connection.execute("DELETE FROM progress WHERE seq = ?1", [seq])?;
        self.connection.execute("DELETE FROM execution WHERE seq = ?1", [seq])?;
        Ok(())
    }

    pub(crate) fn execution_by_arn(&self, arn: &str) -> Result<Option<ExecutionRow>, JournalError> {
        self.execution(&format!("{SELECT} WHERE arn = ?1"), [arn])
    }

    pub(crate) fn execution_by_seq(&self, seq: Seq) -> Result<Option<ExecutionRow>, JournalError> {
        self.execution(&format!("{SELECT} WHERE seq = ?1"), [seq])
    }

    fn execution(&self, sql: &str, key: impl rusqlite::Params) -> Result<Option<ExecutionRow>, JournalError> {
        Ok(self.connection.prepare_cached(sql)?.query_row(key, execution).optional()?)
    }

    /// At most `limit` executions of a state machine, newest first. With `after`, only those that come after
    /// the one with this start in milliseconds and this key.
    pub(crate) fn executions(
        &self,
        machine: &str,
        status: Option<ExecutionStatus>,
        after: Option<(i64, Seq)>,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, JournalError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // The first page has no bound, so that it shows a start that is no time as well.
        let Some((started, seq)) = after else {
            let mut statement = self.connection.prepare_cached(&format!(
                "{SELECT} WHERE machine = ?1 AND (?2 IS NULL OR status = ?2)
                 ORDER BY started DESC, seq DESC LIMIT ?3",
            ))?;
            let rows = statement.query_map(params![machine, status, limit], execution)?;
            return Ok(rows.collect::<Result<_, _>>()?);
        };
        let mut statement = self.connection.prepare_cached(&format!(
            "{SELECT} WHERE machine = ?1 AND (?2 IS NULL OR status = ?2)
             AND (started, seq) < (?3, ?4) ORDER BY started DESC, seq DESC LIMIT ?5",
        ))?;
        let rows = statement.query_map(params![machine, status, started, seq, limit], execution)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Reads a row. One that is damaged is read as far as it can be, as an execution that has failed because of that: it
/// must be seen, and must not hide the others of its list.
pub(super) fn execution(row: &Row<'_>) -> rusqlite::Result<ExecutionRow> {
    let mut damage = Damage(None);
    let member = match (row.get("map_run"), row.get("map_first"), row.get("map_items")) {
        (Ok(Some(run)), Ok(Some(first)), Ok(Some(items))) => Some(MapMember { run, first, items }),
        _ => None,
    };
    let task = match (row.get("parent"), row.get("parent_task"), row.get("parent_parses")) {
        (Ok(Some(seq)), Ok(Some(task)), Ok(Some(parses_output))) => {
            Some(ParentTask { seq, task: TaskId(task), parses_output })
        }
        _ => None,
    };
    let mut read = ExecutionRow {
        seq: row.get("seq")?,
        arn: damage.text(row, "arn")?,
        machine: damage.text(row, "machine")?,
        name: damage.text(row, "name")?,
        definition: damage.value(row, "definition", 0)?,
        role_arn: damage.text(row, "role_arn")?,
        status: damage.value(row, "status", ExecutionStatus::Failed)?,
        started: from_millis(damage.value(row, "started", 0)?),
        stopped: damage.value::<Option<i64>>(row, "stopped", None)?.map(from_millis),
        input: damage.text(row, "input")?,
        output: damage.value(row, "output", None)?,
        error: damage.value(row, "error", None)?,
        cause: damage.value(row, "cause", None)?,
        redrives: damage.value(row, "redrives", 0)?,
        redriven: damage.value::<Option<i64>>(row, "redriven", None)?.map(from_millis),
        parent: member.map(Parent::MapRun).or(task.map(Parent::Task)),
        map_run_arn: damage.value(row, "map_run_arn", None)?,
    };
    if let Some(damage) = damage.0 {
        read.error = Some("States.Runtime".to_owned());
        read.cause = Some(format!("The record of the execution can't be read: {damage}"));
    }
    Ok(read)
}

/// What is damaged in a row, if anything is.
struct Damage(Option<String>);

impl Damage {
    /// The value of a column, or `otherwise` when the column holds another type of value.
    fn value<T: FromSql>(&mut self, row: &Row<'_>, column: &str, otherwise: T) -> rusqlite::Result<T> {
        match row.get(column) {
            Ok(value) => Ok(value),
            Err(error) if is_damage(&error) => {
                self.0.get_or_insert_with(|| error.to_string());
                Ok(otherwise)
            }
            Err(error) => Err(error),
        }
    }

    fn text(&mut self, row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
        self.value(row, column, String::new())
    }
}

impl ToSql for ExecutionStatus {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.as_str()))
    }
}

impl FromSql for ExecutionStatus {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        Self::parse(text)
            .ok_or_else(|| FromSqlError::Other(format!("{text:?} is no status of an execution").into()))
    }
}
