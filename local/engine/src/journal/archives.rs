//! Archives: the histories of executions that have ended, many together and compressed.
//!
//! The histories of a state machine's executions are nearly the same text, so that together they take a twentieth of
//! their size. A history is read far more often while its execution runs than afterwards, and it is written in the way
//! of every step; so it is compressed only later, in small steps beside the engine's work.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rusqlite::{OptionalExtension, params};

use super::connection::Journal;
use super::error::JournalError;
use super::executions::Seq;

/// How many executions an archive holds at most, and how many bytes of their histories: reading one history takes the
/// time to decompress that, some milliseconds.
const EXECUTIONS: i64 = 64;
const BYTES: usize = 1 << 20;
/// The `archive` of an execution whose history can't be read, and so can't be archived.
const NONE: i64 = 0;

/// What a step that makes the journal smaller found to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// Nothing.
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
            match self.history_rows(*seq, 0, u64::MAX) {
                Ok(chunks) => {
                    chunks.iter().for_each(|chunk| push_frame(&mut frames, *seq, chunk));
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

    fn note_archive(&self, seq: Seq, archive: i64) -> Result<(), JournalError> {
        self.connection
            .prepare_cached("UPDATE execution SET archive = ?2 WHERE seq = ?1")?
            .execute([seq, archive])?;
        Ok(())
    }

    /// What is archived of a history, in order.
    pub(super) fn archived(&self, seq: Seq) -> Result<Vec<HistoryChunk>, JournalError> {
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
                "SELECT seq, archive FROM execution INDEXED BY execution_by_end WHERE stopped < ?1 ORDER BY stopped
                 LIMIT ?2",
            )?;
            let rows = statement.query_map([before, EXECUTIONS], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        if ended.is_empty() {
            return Ok(Found::Nothing);
        }
        self.begin()?;
        let purged = ended.iter().try_for_each(|(seq, archive)| self.purge(*seq, *archive));
        let purged = purged.and_then(|()| self.commit_uncounted());
        if purged.is_err() {
            self.rollback();
        }
        purged.map(|()| Found::of(ended.len()))
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

/// Each chunk is stored as its execution, the id of its first event and its length, all little-endian, and its text.
fn push_frame(frames: &mut Vec<u8>, seq: Seq, chunk: &HistoryChunk) {
    frames.extend_from_slice(&seq.to_le_bytes());
    frames.extend_from_slice(&chunk.first.to_le_bytes());
    frames.extend_from_slice(&(chunk.events.len() as u64).to_le_bytes());
    frames.extend_from_slice(chunk.events.as_bytes());
}

/// The chunks of one execution; `None` when the frames are not what [`push_frame`] writes.
fn read_frames(mut frames: &[u8], wanted: Seq) -> Option<Vec<HistoryChunk>> {
    let mut chunks = Vec::new();
    while !frames.is_empty() {
        let (seq, rest) = frames.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (events, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        if Seq::from_le_bytes(*seq) == wanted {
            let events = String::from_utf8(events.to_vec()).ok()?;
            chunks.push(HistoryChunk { first: u64::from_le_bytes(*first), events });
        }
        frames = rest;
    }
    Some(chunks)
}

fn compress(frames: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(frames)?;
    encoder.finish()
}
