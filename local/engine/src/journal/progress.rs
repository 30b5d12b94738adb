//! What goes on: the interpreter's state of each execution, its next wake-up, and whether calls are in
//! flight.

use asl::Timestamp;
use chrono::DateTime;
use rusqlite::{OptionalExtension, params};

use super::connection::Journal;
use super::error::JournalError;
use super::executions::Seq;
use super::state_machines::DefinitionId;
use super::times::not_before;
use crate::status::ExecutionStatus;

impl Journal {
    /// Stores how far an execution has come: the interpreter's state, when it is to be woken, and whether
    /// calls are in flight.
    pub(crate) fn put_progress(
        &self,
        seq: Seq,
        state: &[u8],
        wake: Option<Timestamp>,
        busy: bool,
    ) -> Result<(), JournalError> {
        self.connection
            .prepare_cached(
                "INSERT INTO progress VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (seq) DO UPDATE SET state = ?2, wake = ?3, busy = ?4",
            )?
            .execute(params![seq, state, wake.map(not_before), busy])?;
        Ok(())
    }

    pub(crate) fn delete_progress(&self, seq: Seq) -> Result<(), JournalError> {
        self.connection.prepare_cached("DELETE FROM progress WHERE seq = ?1")?.execute([seq])?;
        Ok(())
    }

    /// The interpreter's state of an execution that has not succeeded, and the definition that it runs.
    pub(crate) fn progress(&self, seq: Seq) -> Result<Option<(Vec<u8>, DefinitionId)>, JournalError> {
        let current = self
            .connection
            .prepare_cached(
                "SELECT p.state, e.definition FROM progress p JOIN execution e USING (seq) WHERE seq = ?1",
            )?
            .query_row([seq], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if current.is_some() {
            return Ok(current);
        }
        // What is archived of one that was redriven then, and has succeeded since, is its past.
        let archived: Option<DefinitionId> = self
            .connection
            .prepare_cached(
                "SELECT definition FROM execution WHERE seq = ?1 AND archive IS NOT NULL AND status <> ?2",
            )?
            .query_row(params![seq, ExecutionStatus::Succeeded], |row| row.get(0))
            .optional()?;
        let Some(definition) = archived else { return Ok(None) };
        Ok(self.archived_state(seq)?.map(|state| (state, definition)))
    }

    /// Has an execution rest: nothing wakes it, and no call of it is made again. What it was is kept.
    pub(crate) fn rest(&self, seq: Seq) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE progress SET wake = NULL, busy = 0 WHERE seq = ?1")?
            .execute([seq])?;
        Ok(())
    }

    /// At most `limit` executions whose wake-up is due, earliest first.
    pub(crate) fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Seq>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM progress WHERE wake IS NOT NULL AND wake <= ?1 ORDER BY wake LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![now.timestamp_millis(), limit], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the first execution is to be woken, if any is.
    pub(crate) fn next_wake(&self) -> Result<Option<Timestamp>, JournalError> {
        let millis: Option<i64> = self
            .connection
            // What is no number sorts after all numbers, and would hide none of them.
            .prepare_cached(
                "SELECT CAST(min(wake) AS INTEGER) FROM progress WHERE wake < 9223372036854775807",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(millis.and_then(DateTime::from_timestamp_millis))
    }

    /// The executions whose wake-up can't be read, so that it would never come.
    pub(crate) fn without_readable_wake(&self) -> Result<Vec<Seq>, JournalError> {
        let mut statement = self.connection.prepare(
            "SELECT seq FROM progress INDEXED BY progress_by_wake
             WHERE typeof(wake) NOT IN ('integer', 'null') OR typeof(busy) <> 'integer'",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The executions that had calls in flight at the last commit, oldest first.
    pub(crate) fn busy(&self) -> Result<Vec<Seq>, JournalError> {
        // Most rows are of executions that wait, and the rows take many more pages than the index.
        let mut statement = self
            .connection
            .prepare("SELECT seq FROM progress INDEXED BY progress_by_wake WHERE busy ORDER BY seq")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
