//! The backlog: work of one group that was too much for it, and that later groups do.

use asl::{Event, TaskId};
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::connection::Journal;
use super::error::JournalError;
use super::executions::Seq;

/// Work on an execution that is to be done in a later group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Postponed {
    /// The event is to be applied.
    Apply(Event),
    /// The nested execution that this task asks for is to be started.
    Start(TaskId),
}

/// The execution of postponed work, and the work, if it can be read.
pub(crate) type Taken = (Seq, Result<Postponed, JournalError>);

impl Journal {
    /// Stores work behind all that is stored already.
    pub(crate) fn postpone(&self, seq: Seq, work: &Postponed) -> Result<(), JournalError> {
        let work = serde_json::to_vec(work).map_err(JournalError::Unwritable)?;
        self.connection
            .prepare_cached("INSERT INTO backlog (execution, work) VALUES (?1, ?2)")?
            .execute(params![seq, work])?;
        Ok(())
    }

    /// Takes the oldest work out of the backlog; `None` when there is none. Work that can't be read is an error
    /// beside its execution.
    pub(crate) fn take_postponed(&self) -> Result<Option<Taken>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, execution, work FROM backlog ORDER BY id LIMIT 1")?;
        let mut rows = statement.query([])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (id, seq): (i64, Seq) = (row.get(0)?, row.get(1)?);
        let work = row.get::<_, Vec<u8>>(2).map_err(JournalError::from).and_then(|work| {
            serde_json::from_slice(&work).map_err(|error| JournalError::damaged("postponed work", error))
        });
        self.connection.prepare_cached("DELETE FROM backlog WHERE id = ?1")?.execute([id])?;
        Ok(Some((seq, work)))
    }

    /// Forgets the postponed work of an execution.
    pub(crate) fn drop_postponed(&self, seq: Seq) -> Result<(), JournalError> {
        self.connection.prepare_cached("DELETE FROM backlog WHERE execution = ?1")?.execute([seq])?;
        Ok(())
    }

    /// Whether any work is postponed.
    pub(crate) fn has_backlog(&self) -> Result<bool, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM backlog)")?
            .query_row([], |row| row.get(0))?)
    }
}
