//! Checkpoints: the write-ahead log is written back into the journal's file beside the engine's work.
//!
//! By itself, SQLite makes a checkpoint inside of a commit, and the engine would stand still while thousands
//! of pages are written and synced. Here a thread with a connection of its own writes back what the log
//! holds. Then the engine, between two groups, writes back the little that has come meanwhile: only when
//! nothing is left does the log begin anew instead of growing (SQLite's documentation, "Write-Ahead Logging",
//! section "Avoiding Excessively Large WAL Files").

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::error::JournalError;

/// How many pages of 4 KB the log has before it is written back. A longer log costs disk space but no memory,
/// and a page that many groups change is written back once for all of them.
const LONG: i32 = 4000;

thread_local! {
    /// How many pages the log had after this thread's last commit.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

/// The checkpoints of the log that one connection writes.
pub(super) struct Checkpoints {
    /// `None` without a thread, and once the thread is to end.
    requests: Option<Sender<()>>,
    done: Option<Receiver<()>>,
    is_running: bool,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// Takes over the checkpoints of `connection`, which from now on makes none inside of its commits, and
    /// makes them between its transactions. It must be used from this thread only.
    pub(super) fn on_this_thread(connection: &Connection) -> Self {
        connection.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        Self { requests: None, done: None, is_running: false, thread: None }
    }

    /// As [`Checkpoints::on_this_thread`], but a thread makes the greater part of each checkpoint beside the
    /// transactions.
    pub(super) fn begin(
        journal: &Path,
        connection: &Connection,
        synchronous: &str,
    ) -> Result<Self, JournalError> {
        let mut checkpoints = Self::on_this_thread(connection);
        let own = Connection::open(journal)?;
        own.pragma_update(None, "synchronous", synchronous)?;
        let (requests, inbox) = mpsc::channel();
        let (finished, done) = mpsc::channel();
        let serve = move || {
            while inbox.recv().is_ok() {
                write_back(&own);
                // Nobody listens when the journal is being closed.
                let _ = finished.send(());
            }
        };
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(serve)
            .map_err(|source| JournalError::Thread { what: "checkpoints", source })?;
        checkpoints.requests = Some(requests);
        checkpoints.done = Some(done);
        checkpoints.thread = Some(thread);
        Ok(checkpoints)
    }

    /// Begins a checkpoint when the log is long, or finishes the one that is under way. It is called between
    /// transactions.
    pub(super) fn tend(&mut self, connection: &Connection) {
        if self.is_running && self.done.as_ref().is_some_and(|done| done.try_recv().is_ok()) {
            self.is_running = false;
            write_back(connection);
        } else if !self.is_running && LOGGED.get() >= LONG {
            match &self.requests {
                Some(requests) => self.is_running = requests.send(()).is_ok(),
                None => write_back(connection),
            }
        }
    }

    /// Cuts a long log to nothing, unless it is being written back. It is called between transactions, when there will
    /// be few for a while.
    pub(super) fn cut(&self, connection: &Connection) -> Result<(), JournalError> {
        if self.is_running {
            return Ok(());
        }
        Ok(file_versions::cut_log(connection)?)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.requests = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the checkpoints panicked");
        }
    }
}

/// Writes back what no reader still needs in the log, without blocking readers or the writer. The rest is
/// left for the next time.
fn write_back(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the journal's log can't be written back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_begins_anew_while_the_writer_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, filling BLOB)").unwrap();
        let mut checkpoints = Checkpoints::begin(&path, &connection, "OFF").unwrap();
        let (mut rows, mut begun_anew, mut longest) = (0, 0, 0);
        while begun_anew < 3 {
            let before = LOGGED.get();
            connection.execute("INSERT INTO t (filling) VALUES (zeroblob(400000))", []).unwrap();
            rows += 1;
            longest = longest.max(before);
            begun_anew += usize::from(LOGGED.get() < before);
            checkpoints.tend(&connection);
        }
        assert!(longest >= LONG, "{longest}");
        drop(checkpoints);
        let kept: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, rows);
    }
}
