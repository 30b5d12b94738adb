//! The histories of executions, stored in chunks: the events that one execution had in one group.

use rusqlite::params;

use super::connection::Journal;
use super::error::JournalError;
use super::executions::Seq;

impl Journal {
    /// Appends events as a chunk. `first` is the id of the first of them, and `events` the text of a JSON array.
    pub(crate) fn append_history(&self, seq: Seq, first: u64, events: &str) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("INSERT INTO history (execution, first, events) VALUES (?1, ?2, ?3)")?
            .execute(params![seq, first, events])?;
        Ok(())
    }

    /// The chunks that may hold events with ids in `from..=to`, in order. Each is the text of a JSON array of
    /// events.
    pub(crate) fn history(&self, seq: Seq, from: u64, to: u64) -> Result<Vec<String>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT events FROM history WHERE execution = ?1 AND first <= ?3 AND first >= coalesce(
               (SELECT max(first) FROM history WHERE execution = ?1 AND first <= ?2), 0) ORDER BY first",
        )?;
        let to = i64::try_from(to).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![seq, from, to], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The id of the first event in the last chunk; `None` when there is no history.
    pub(crate) fn last_chunk(&self, seq: Seq) -> Result<Option<u64>, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT max(first) FROM history WHERE execution = ?1")?
            .query_row([seq], |row| row.get(0))?)
    }
}
