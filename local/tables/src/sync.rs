//! Group commit of the tables: one fsync of the write-ahead log for all the writes before it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tokio::sync::watch;

use crate::counters::Counters;

/// How long after one fsync the next begins for those who are in no hurry: under load, one then serves many. Who comes
/// alone finds the time over.
const REST: Duration = Duration::from_millis(2);

/// How soon a sync is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At once.
    Now,
    /// When the thread has rested.
    Soon,
}

/// The log, and the way to the thread that syncs it.
pub(crate) struct WriteAheadLog {
    log: Arc<Log>,
    ask: Sender<When>,
}

/// SQLite keeps the log under this name as long as a connection is open, and writes it in place.
struct Log {
    file: File,
    /// Writes so far.
    written: AtomicU64,
    /// How many of them are safe.
    synced: watch::Sender<Synced>,
    counters: Arc<Counters>,
}

#[derive(Clone, Copy)]
enum Synced {
    UpTo(u64),
    /// After an fsync that failed nobody knows what is on the disk, and the next one would not tell.
    Failed,
}

impl Synced {
    fn covers(self, writes: u64) -> bool {
        matches!(self, Self::UpTo(safe) if safe >= writes)
    }

    fn ok(self) -> io::Result<()> {
        match self {
            Self::UpTo(_) => Ok(()),
            Self::Failed => Err(io::Error::other("the tables could not be synced; restart the runtime")),
        }
    }
}

impl WriteAheadLog {
    pub(crate) fn open(database: &Path, counters: Arc<Counters>) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        // Opening the database has written to it, so its log is there.
        let log = Arc::new(Log {
            file: File::open(PathBuf::from(path))?,
            written: AtomicU64::new(1),
            synced: watch::Sender::new(Synced::UpTo(0)),
            counters,
        });
        let (ask, asked) = mpsc::channel();
        let served = Arc::clone(&log);
        std::thread::Builder::new().name("tables-sync".to_owned()).spawn(move || serve(&served, &asked))?;
        Ok(Self { log, ask })
    }

    pub(crate) fn written(&self) {
        self.log.written.fetch_add(1, SeqCst);
    }

    /// Has the writes so far synced.
    pub(crate) fn sync(&self, when: When) -> Syncing {
        let (wanted, synced) = (self.log.written.load(SeqCst), self.log.synced.subscribe());
        if !synced.borrow().covers(wanted) {
            // A thread that is gone is found out by whoever waits.
            let _ = self.ask.send(when);
        }
        Syncing(Some((wanted, synced)))
    }
}

/// Writes that are being made safe.
pub struct Syncing(Option<(u64, watch::Receiver<Synced>)>);

impl Syncing {
    /// Nothing is to be made safe.
    pub(crate) const NOTHING: Self = Self(None);

    /// Waits until they are safe.
    ///
    /// # Errors
    /// When the file system fails; then nothing may be acknowledged any more.
    pub async fn done(self) -> io::Result<()> {
        let Some((wanted, mut synced)) = self.0 else { return Ok(()) };
        let synced = synced.wait_for(|synced| synced.covers(wanted) || synced.ok().is_err()).await;
        synced.map_err(io::Error::other)?.ok()
    }

    /// As [`Syncing::done`], for a thread that may sleep.
    ///
    /// # Errors
    /// As [`Syncing::done`].
    pub fn wait(self) -> io::Result<()> {
        block_on(self.done())
    }
}

/// Until nobody can ask any more.
fn serve(log: &Log, asked: &Receiver<When>) {
    let mut rested_at = Instant::now();
    while let Ok(mut when) = asked.recv() {
        while when == When::Soon {
            match asked.recv_timeout(rested_at.saturating_duration_since(Instant::now())) {
                Ok(next) => when = next,
                Err(_) => break,
            }
        }
        // Whoever has asked by now is served by this one.
        while asked.try_recv().is_ok() {}
        log.sync();
        rested_at = Instant::now() + REST;
    }
}

impl Log {
    fn sync(&self) {
        let covers = self.written.load(SeqCst);
        let synced = *self.synced.borrow();
        if synced.covers(covers) || synced.ok().is_err() {
            return;
        }
        let done = self.counters.syncs.time(|| self.file.sync_data());
        self.synced.send_replace(match done {
            Ok(()) => Synced::UpTo(covers),
            Err(error) => {
                tracing::error!(%error, "the tables can't be synced");
                Synced::Failed
            }
        });
    }
}
