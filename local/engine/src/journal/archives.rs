//! Archives: what is left of executions that have ended, many together and compressed: their histories, and the states
//! of those that failed, from which they may be redriven.
//!
//! The histories of a state machine's executions are nearly the same text, so that together they take a twentieth of
//! their size. A history is read far more often while its execution runs than afterwards, and it is written in the way
//! of every step; so it is compressed only later, in small steps beside the engine's work.

use std::io::{Read, Write};

use asl::Execution;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::{OptionalExtension, params};

use super::connection::Journal;
use super::error::JournalError;
use super::executions::Seq;
use crate::error::RUNTIME;

/// How many executions an archive holds at most, and how many bytes of their histories: reading one history takes the
/// time to decompress that, some milliseconds.
const EXECUTIONS: i64 = 64;
const BYTES: usize = 1 << 20;
/// The `archive` of an execution whose history can't be read, and so can't be archived.
const NONE: i64 = 0;

/// The `first` of a frame that holds a state instead of a part of a history. The first event has the id 1.
const STATE: u64 = 0;

/// What a step that makes the journal smaller found to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// Nothing.
    #[default]
    Nothing,
    /// Less than a step can do.
    Some,
    /// As much as a step can do, so that there may be more.
    Much,
}

impl Found {
    fn of(executions: usize) -> Self {
        match executions {
            0 => Self::Nothing,
            some if i64::try_from(some).is_ok_and(|some| some < EXECUTIONS) => Self::Some,
            _ => Self::Much,
        }
    }
}

/// A part of a history: the events from the one with the id `first` on, as the text of a JSON array.
pub(crate) struct HistoryChunk {
    pub first: u64,
    pub events: String,
}

impl Journal {
    /// Archives the histories of some executions that have ended, in a transaction of its own.
    pub(crate) fn archive_some(&self) -> Result<Found, JournalError> {
        let ended: Vec<Seq> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT seq FROM execution INDEXED BY execution_to_archive
                 WHERE stopped IS NOT NULL AND archive IS NULL LIMIT ?1",
            )?;
            let rows = statement.query_map([EXECUTIONS], |row| row.get(0))?;
            rows.collect::<Result<_, _>>()?
        };
        if ended.is_empty() {
            return Ok(Found::Nothing);
        }
        self.begin()?;
        let archived = self.archive(&ended).and_then(|found| self.commit_uncounted().map(|()| found));
        if archived.is_err() {
            self.rollback();
        }
        archived
    }

    fn archive(&self, ended: &[Seq]) -> Result<Found, JournalError> {
        let mut found = Found::of(ended.len());
        let mut frames = Vec::new();
        let mut members = Vec::new();
        for seq in ended {
            if frames.len() >= BYTES {
                found = Found::Much;
                break;
            }
            match self.left_of(*seq) {
                Ok((chunks, state)) => {
                    for HistoryChunk { first, events } in &chunks {
                        push_frame(&mut frames, *seq, *first, events.as_bytes());
                    }
                    if let Some(state) = state {
                        push_frame(&mut frames, *seq, STATE, &state);
                        self.delete_progress(*seq)?;
                    }
                    members.push(*seq);
                }
                Err(error) if error.is_damage() => self.note_archive(*seq, NONE)?,
                Err(error) => return Err(error),
            }
        }
        let compressed = compress(&frames).map_err(|error| JournalError::damaged("an archive", error))?;
        self.connection
            .prepare_cached("INSERT INTO archive (members, histories) VALUES (?1, ?2)")?
            .execute(params![members.len(), compressed])?;
        let archive = self.connection.last_insert_rowid();
        for seq in members {
            self.note_archive(seq, archive)?;
            self.connection.prepare_cached("DELETE FROM history WHERE execution = ?1")?.execute([seq])?;
        }
        Ok(found)
    }

    /// What can be archived of an execution that has ended: its history, and its state unless it has succeeded. A state
    /// that the engine couldn't go on with stays where it is, to be looked at and mended.
    fn left_of(&self, seq: Seq) -> Result<(Vec<HistoryChunk>, Option<Vec<u8>>), JournalError> {
        let history = self.history_rows(seq, 0, u64::MAX)?;
        let state = self
            .connection
            .prepare_cached(
                "SELECT state FROM progress JOIN execution USING (seq)
                 WHERE seq = ?1 AND typeof(state) = 'blob' AND error IS NOT ?2",
            )?
            .query_row(params![seq, RUNTIME], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        let has_ended = |state: &Vec<u8>| {
            Execution::from_json(state).is_ok_and(|execution| execution.outcome().is_some())
        };
        Ok((history, state.filter(has_ended)))
    }

    fn note_archive(&self, seq: Seq, archive: i64) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE execution SET archive = ?2 WHERE seq = ?1")?
            .execute([seq, archive])?;
        Ok(())
    }

    /// What is archived of a history, in order.
    pub(super) fn archived(&self, seq: Seq) -> Result<Vec<HistoryChunk>, JournalError> {
        let is_event = |(first, _): &(u64, Vec<u8>)| *first != STATE;
        let chunk = |(first, events)| {
            let events = String::from_utf8(events)
                .map_err(|error| JournalError::damaged("an archive of histories", error))?;
            Ok(HistoryChunk { first, events })
        };
        self.archived_frames(seq)?.into_iter().filter(is_event).map(chunk).collect()
    }

    /// The state of an execution that has ended without success, if it is archived.
    pub(super) fn archived_state(&self, seq: Seq) -> Result<Option<Vec<u8>>, JournalError> {
        let state = |(first, state)| (first == STATE).then_some(state);
        Ok(self.archived_frames(seq)?.into_iter().find_map(state))
    }

    /// The frames of one execution, in order.
    fn archived_frames(&self, seq: Seq) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
        let compressed: Option<Vec<u8>> = self
            .connection
            .prepare_cached(
                "SELECT histories FROM archive WHERE id = (SELECT archive FROM execution WHERE seq = ?1)",
            )?
            .query_row([seq], |row| row.get(0))
            .optional()?;
        let Some(compressed) = compressed else { return Ok(Vec::new()) };
        let mut frames = Vec::new();
        DeflateDecoder::new(&*compressed)
            .read_to_end(&mut frames)
            .map_err(|error| JournalError::damaged("an archive of histories", error))?;
        read_frames(&frames, seq).ok_or_else(|| {
            JournalError::damaged("an archive of histories", "it ends in the middle of a history")
        })
    }

    /// Forgets some executions that ended before an instant, given in milliseconds since 1970, with all that is stored
    /// of them, in a transaction of its own.
    pub(crate) fn purge_some(&self, before: i64) -> Result<Found, JournalError> {
        let ended: Vec<(Seq, Option<i64>)> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT seq, archive FROM execution INDEXED BY execution_by_end
                 WHERE stopped < ?1 AND map_run IS NULL ORDER BY stopped LIMIT ?2",
            )?;
            let rows = statement.query_map([before, EXECUTIONS], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        if ended.is_empty() {
            return Ok(Found::Nothing);
        }
        self.begin()?;
        let purged = self.purge_all(&ended);
        let purged = purged.and_then(|()| self.commit_uncounted());
        if purged.is_err() {
            self.rollback();
        }
        purged.map(|()| Found::of(ended.len()))
    }

    /// Forgets as many of these executions as a step may. The children of Distributed Maps are kept as long as the
    /// execution that has the Map, whose redrive needs them, and go before it.
    fn purge_all(&self, ended: &[(Seq, Option<i64>)]) -> Result<(), JournalError> {
        let mut left = ended.len();
        for (seq, archive) in ended {
            while left > 0
                && let Some((child, archive)) = self.last_descendant(*seq)?
            {
                self.purge(child, archive)?;
                left -= 1;
            }
            if left == 0 {
                return Ok(());
            }
            self.purge(*seq, *archive)?;
            left -= 1;
        }
        Ok(())
    }

    fn purge(&self, seq: Seq, archive: Option<i64>) -> Result<(), JournalError> {
        self.drop_postponed(seq)?;
        self.forget_execution(seq)?;
        let Some(archive) = archive else { return Ok(()) };
        self.connection
            .prepare_cached("UPDATE archive SET members = members - 1 WHERE id = ?1")?
            .execute([archive])?;
        self.connection
            .prepare_cached("DELETE FROM archive WHERE id = ?1 AND members <= 0")?
            .execute([archive])?;
        Ok(())
    }
}

/// A frame is its execution, the id of its first event or [`STATE`], and its length, all little-endian, and what it
/// holds.
fn push_frame(frames: &mut Vec<u8>, seq: Seq, first: u64, held: &[u8]) {
    frames.extend_from_slice(&seq.to_le_bytes());
    frames.extend_from_slice(&first.to_le_bytes());
    frames.extend_from_slice(&(held.len() as u64).to_le_bytes());
    frames.extend_from_slice(held);
}

/// The frames of one execution; `None` when the frames are not what [`push_frame`] writes.
fn read_frames(mut frames: &[u8], wanted: Seq) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    while !frames.is_empty() {
        let (seq, rest) = frames.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (held, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        if Seq::from_le_bytes(*seq) == wanted {
            found.push((u64::from_le_bytes(*first), held.to_vec()));
        }
        frames = rest;
    }
    Some(found)
}

fn compress(frames: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(frames)?;
    encoder.finish()
}
