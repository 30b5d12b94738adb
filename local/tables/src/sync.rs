//! Group commit of the tables: one fsync of the write-ahead log for all the writes before it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::counters::Counters;

/// How long after one fsync the next begins for those who wait: under load, one then serves many. Who comes alone
/// finds the time over.
const REST: Duration = Duration::from_millis(2);

/// The log, and the thread that syncs it for those who wait without a thread of their own.
pub(crate) struct WriteAheadLog {
    log: Arc<Log>,
    ask: SyncSender<()>,
}

/// SQLite keeps the log under this name as long as a connection is open, and writes it in place.
struct Log {
    file: File,
    /// Writes so far.
    written: AtomicU64,
    /// Held by whoever syncs; when that last ended.
    syncing: Mutex<Option<Instant>>,
    /// How many writes are safe, for whoever waits for theirs.
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

    fn failed(self) -> io::Result<()> {
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
            syncing: Mutex::default(),
            synced: watch::Sender::new(Synced::UpTo(0)),
            counters,
        });
        let (ask, asked) = mpsc::sync_channel(1);
        let served = Arc::clone(&log);
        std::thread::Builder::new().name("tables-sync".to_owned()).spawn(move || serve(&served, &asked))?;
        Ok(Self { log, ask })
    }

    pub(crate) fn written(&self) {
        self.log.written.fetch_add(1, SeqCst);
    }

    /// Waits until the writes so far are safe.
    pub(crate) async fn synced(&self) -> io::Result<()> {
        let wanted = self.log.written.load(SeqCst);
        let mut synced = self.log.synced.subscribe();
        if !synced.borrow().covers(wanted) {
            // Full: it was asked already and has not begun.
            let _ = self.ask.try_send(());
        }
        let synced = synced.wait_for(|synced| synced.covers(wanted) || synced.failed().is_err()).await;
        synced.map_err(io::Error::other)?.failed()
    }

    /// Makes the writes so far safe, on this thread.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }
}

/// Until nobody can ask any more.
fn serve(log: &Log, asked: &Receiver<()>) {
    while asked.recv().is_ok() {
        let ended = *log.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        let rested = ended.map_or(REST, |ended| ended.elapsed());
        std::thread::sleep(REST.saturating_sub(rested));
        if let Err(error) = log.sync() {
            tracing::error!(%error, "the tables can't be synced");
        }
    }
}

impl Log {
    fn sync(&self) -> io::Result<()> {
        let wanted = self.written.load(SeqCst);
        // Whoever waited here while another synced finds its writes synced too.
        let mut ended = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        self.synced.borrow().failed()?;
        if self.synced.borrow().covers(wanted) {
            return Ok(());
        }
        let covers = self.written.load(SeqCst);
        let done = self.counters.syncs.time(|| self.file.sync_data());
        *ended = Some(Instant::now());
        self.synced.send_replace(match done {
            Ok(()) => Synced::UpTo(covers),
            Err(_) => Synced::Failed,
        });
        done
    }
}
