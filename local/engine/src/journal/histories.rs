//! The histories of executions, stored in chunks: the events that one execution had in one group. Those of executions
//! that have ended move to the [archives](super::archives).

use rusqlite::params;

use super::archives::HistoryChunk;
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

    /// The chunks that may hold events with ids in `from..=to`, in order, and perhaps more before them.
    pub(crate) fn history(&self, seq: Seq, from: u64, to: u64) -> Result<Vec<HistoryChunk>, JournalError> {
        let mut chunks = self.archived(seq)?;
        chunks.extend(self.history_rows(seq, from, to)?);
        Ok(chunks)
    }

    /// As [`Journal::history`], but only what is not archived.
    pub(super) fn history_rows(
        &self,
        seq: Seq,
        from: u64,
        to: u64,
    ) -> Result<Vec<HistoryChunk>, JournalError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT first, events FROM history WHERE execution = ?1 AND first <= ?3 AND first >= coalesce(
               (SELECT max(first) FROM history WHERE execution = ?1 AND first <= ?2), 0) ORDER BY first",
        )?;
        let (from, to) = (i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(to).unwrap_or(i64::MAX));
        let rows = statement.query_map(params![seq, from, to], |row| {
            Ok(HistoryChunk { first: row.get(0)?, events: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The last chunk; `None` when there is no history.
    pub(crate) fn last_chunk(&self, seq: Seq) -> Result<Option<HistoryChunk>, JournalError> {
        Ok(match self.history_rows(seq, u64::MAX, u64::MAX)?.pop() {
            Some(chunk) => Some(chunk),
            None => self.archived(seq)?.pop(),
        })
    }
}
