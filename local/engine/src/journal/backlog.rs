//! The backlog: work of one group that was too much for it, and that later groups do.

use asl::{Event, TaskId};
use rusqlite::{Row, params};
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

/// The number of postponed work. The order of the numbers is that in which the work is done.
pub(crate) type PostponedId = i64;

/// The execution of postponed work, and the work, if it can be read.
pub(crate) type Taken = (Seq, Result<Postponed, JournalError>);

fn read(row: &Row<'_>, column: usize) -> Result<Postponed, JournalError> {
    let work: Vec<u8> = row.get(column)?;
    serde_json::from_slice(&work).map_err(|error| JournalError::damaged("postponed work", error))
}

impl Journal {
    /// Stores work behind all that is stored already.
    pub(crate) fn postpone(&self, seq: Seq, work: &Postponed) -> Result<PostponedId, JournalError> {
        let work = serde_json::to_vec(work).map_err(JournalError::Unwritable)?;
        self.connection
            .prepare_cached("INSERT INTO backlog (execution, work) VALUES (?1, ?2)")?
            .execute(params![seq, work])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Stores work before all that is stored for the same execution already.
    pub(crate) fn postpone_first(&self, seq: Seq, work: &Postponed) -> Result<PostponedId, JournalError> {
        let id = self.postpone(seq, work)?;
        // Numbers above the newest one are free, and the order of these stays as it is.
        self.connection
            .prepare_cached("UPDATE backlog SET id = id + ?1 WHERE execution = ?2 AND id < ?1")?
            .execute(params![id, seq])?;
        Ok(id)
    }

    /// Takes the oldest work out of the backlog whose execution needn't wait; `None` when there is none. Work that can't
    /// be read is an error beside its execution.
    pub(crate) fn take_postponed(&self, waits: impl Fn(Seq) -> bool) -> Result<Option<Taken>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT id, execution, work FROM backlog ORDER BY id")?;
        let mut rows = statement.query([])?;
        let (id, seq, row): (PostponedId, Seq, _) = loop {
            let Some(row) = rows.next()? else { return Ok(None) };
            let seq = row.get(1)?;
            if !waits(seq) {
                break (row.get(0)?, seq, row);
            }
        };
        let work = read(row, 2);
        drop(rows);
        self.forget_postponed(id)?;
        Ok(Some((seq, work)))
    }

    /// Takes all work of an execution out of the backlog, oldest first.
    pub(crate) fn take_postponed_of(
        &self,
        seq: Seq,
    ) -> Result<Vec<Result<Postponed, JournalError>>, JournalError> {
        let mut statement =
            self.connection.prepare_cached("SELECT work FROM backlog WHERE execution = ?1 ORDER BY id")?;
        let work = statement.query_map([seq], |row| Ok(read(row, 0)))?.collect::<Result<Vec<_>, _>>()?;
        if !work.is_empty() {
            self.drop_postponed(seq)?;
        }
        Ok(work)
    }

    /// Forgets one piece of postponed work.
    pub(crate) fn forget_postponed(&self, id: PostponedId) -> Result<(), JournalError> {
        self.connection.prepare_cached("DELETE FROM backlog WHERE id = ?1")?.execute([id])?;
        Ok(())
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
