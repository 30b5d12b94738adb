//! Writing the journal's log back into its file, beside the engine's work.
//!
//! SQLite does it inside of a commit: the engine would stand still while thousands of pages are written and synced. Here
//! a thread with a connection of its own writes back what there is. Then the engine, between two groups, writes back the
//! little that has come meanwhile; only when nothing is left does the log begin anew instead of growing (SQLite's
//! documentation, "Write-Ahead Logging", section "Avoiding Excessively Large WAL Files").

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::Error;

/// Pages of 4 KB after which the log is written back. A longer one costs disk, not memory, and a page that many groups
/// change is written back once for all of them.
const LONG: i32 = 4000;

thread_local! {
    /// The pages of the log after this thread's last commit.
    static LOGGED: Cell<i32> = const { Cell::new(0) };
}

/// The checkpoints of one connection's log.
pub(crate) struct Checkpoints {
    ask: Option<Sender<()>>,
    done: Receiver<()>,
    is_running: bool,
    thread: Option<JoinHandle<()>>,
}

impl Checkpoints {
    /// From now on `connection`, which writes from this thread only, writes nothing back inside of its commits.
    pub(crate) fn begin(journal: &Path, connection: &Connection, synchronous: &str) -> Result<Self, Error> {
        connection.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        let own = Connection::open(journal)?;
        own.pragma_update(None, "synchronous", synchronous)?;
        let (ask, asked) = mpsc::channel();
        let (say, done) = mpsc::channel();
        let serve = move || {
            while asked.recv().is_ok() {
                write_back(&own);
                // Nobody listens when the journal is being closed.
                let _ = say.send(());
            }
        };
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(serve)
            .map_err(|error| Error::Journal(format!("no thread for checkpoints: {error}")))?;
        Ok(Self { ask: Some(ask), done, is_running: false, thread: Some(thread) })
    }

    /// To be called between transactions: begins or finishes a checkpoint, if it is time to.
    pub(crate) fn tend(&mut self, connection: &Connection) {
        if self.is_running && self.done.try_recv().is_ok() {
            self.is_running = false;
            write_back(connection);
        } else if !self.is_running && LOGGED.get() >= LONG {
            self.is_running = self.ask.as_ref().is_some_and(|ask| ask.send(()).is_ok());
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.ask = None;
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the checkpoints panicked");
        }
    }
}

/// Readers and the writer go on meanwhile. What can't be written back now is the next time.
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
