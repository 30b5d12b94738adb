//! Durability of the tables: one fsync of the write-ahead log makes all writes before it safe from power
//! loss.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use tokio::sync::watch;

use crate::counters::Counters;
use crate::progress::Progress;

/// The shortest time from the end of one fsync to the next that is not urgent, so that under load one serves
/// many. A write that comes alone finds that time over, and waits for nothing but its own fsync.
const PAUSE: Duration = Duration::from_millis(2);

/// How soon a sync is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// At once.
    Now,
    /// After the pause that follows the last fsync.
    Soon,
}

/// Makes safe from power loss what writes of the tables rely on.
pub(crate) type SyncFirst = Box<dyn Fn() -> io::Result<()> + Send + Sync>;

/// The write-ahead log, and the way to the thread that syncs it.
pub(crate) struct WriteAheadLog {
    log: Arc<Log>,
    /// `None` once the thread is to end.
    requests: Option<Sender<Urgency>>,
    thread: Option<JoinHandle<()>>,
}

/// The log's file. SQLite keeps it under one name as long as a connection is open, and writes it in place, so
/// that this second handle syncs what SQLite writes.
struct Log {
    file: File,
    /// How many writes there were, counted from 1 for opening the database.
    written: AtomicU64,
    /// How many of those writes are safe from power loss.
    synced: watch::Sender<Synced>,
    /// What is made safe before each fsync.
    first: OnceLock<SyncFirst>,
    counters: Arc<Counters>,
    progress: Arc<Progress>,
}

/// How far the log is safe from power loss.
#[derive(Clone, Copy)]
enum Synced {
    /// So many writes are, and so many groups ([`Progress::reached`]).
    UpTo { writes: u64, groups: u64 },
    /// An fsync failed. Nobody knows what is on the disk then, and the next fsync would not tell (PostgreSQL
    /// wiki, "Fsync Errors").
    Failed,
}

impl Synced {
    fn covers(self, writes: u64) -> bool {
        matches!(self, Self::UpTo { writes: safe, .. } if safe >= writes)
    }

    fn ok(self) -> io::Result<u64> {
        match self {
            Self::UpTo { groups, .. } => Ok(groups),
            Self::Failed => Err(io::Error::other("the tables could not be synced; restart the runtime")),
        }
    }
}

impl WriteAheadLog {
    pub(crate) fn open(
        database: &Path,
        counters: Arc<Counters>,
        progress: Arc<Progress>,
    ) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        // Opening the database has written to it, so the log is there.
        let log = Arc::new(Log {
            file: File::open(PathBuf::from(path))?,
            written: AtomicU64::new(1),
            synced: watch::Sender::new(Synced::UpTo { writes: 0, groups: 0 }),
            first: OnceLock::new(),
            counters,
            progress,
        });
        let (requests, inbox) = mpsc::channel();
        let served = Arc::clone(&log);
        let thread = std::thread::Builder::new()
            .name("tables-sync".to_owned())
            .spawn(move || serve(&served, &inbox))?;
        Ok(Self { log, requests: Some(requests), thread: Some(thread) })
    }

    /// Has `first` called before each further fsync; only the first call of this counts.
    pub(crate) fn rely_on(&self, first: SyncFirst) -> ReliedOn {
        let _ = self.log.first.set(first);
        ReliedOn(Arc::downgrade(&self.log))
    }

    /// Whether an fsync has failed, after which nothing can be made safe any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.log.synced.borrow().ok().is_err()
    }

    /// Returns when an fsync has failed; otherwise never.
    pub(crate) async fn failed(&self) {
        // The sender is held here, so the channel can't be closed.
        let _ = self.log.synced.subscribe().wait_for(|synced| synced.ok().is_err()).await;
    }

    /// Counts a write that was committed.
    pub(crate) fn written(&self) {
        self.log.written.fetch_add(1, SeqCst);
    }

    /// Has the writes so far made safe from power loss.
    pub(crate) fn sync(&self, urgency: Urgency) -> Syncing {
        let (wanted, synced) = (self.log.written.load(SeqCst), self.log.synced.subscribe());
        if !synced.borrow().covers(wanted) {
            // When the thread is gone, whoever waits learns it.
            let _ = self.requests.as_ref().map(|requests| requests.send(urgency));
        }
        Syncing(Some((wanted, synced)))
    }
}

/// What writes of the tables rely on, and what is made safe together with them.
#[derive(Default)]
pub struct ReliedOn(Weak<Log>);

impl ReliedOn {
    /// Counts a change of it, so that whoever waits until all is safe waits for it as well.
    pub fn changed(&self) {
        if let Some(log) = self.0.upgrade() {
            log.written.fetch_add(1, SeqCst);
        }
    }
}

impl Drop for WriteAheadLog {
    /// Ends the thread, which holds the database as long as it runs.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs the tables panicked");
        }
    }
}

/// Writes that are being made safe from power loss.
pub struct Syncing(Option<(u64, watch::Receiver<Synced>)>);

impl Syncing {
    /// For tables in memory, where there is nothing to make safe.
    pub(crate) const NOTHING: Self = Self(None);

    /// Waits until the writes are safe. Returns how far the tables have come by then, which their
    /// [`Standing`](crate::Standing) will have reached when they are opened again; 0 for tables that belong to
    /// no folder.
    ///
    /// # Errors
    /// When the file system fails. It fails for good: nothing may be acknowledged any more until the tables
    /// are opened again.
    pub async fn done(self) -> io::Result<u64> {
        let Some((wanted, mut synced)) = self.0 else { return Ok(0) };
        let synced = synced.wait_for(|synced| synced.covers(wanted) || synced.ok().is_err()).await;
        synced.map_err(io::Error::other)?.ok()
    }

    /// As [`Syncing::done`], on a thread that may block.
    ///
    /// # Errors
    /// As [`Syncing::done`].
    pub fn wait(self) -> io::Result<u64> {
        block_on(self.done())
    }
}

/// Syncs the log when asked to, until nobody can ask any more.
fn serve(log: &Log, inbox: &Receiver<Urgency>) {
    let mut pause_ends = Instant::now();
    while let Ok(mut urgency) = inbox.recv() {
        while urgency == Urgency::Soon {
            match inbox.recv_timeout(pause_ends.saturating_duration_since(Instant::now())) {
                Ok(next) => urgency = next,
                Err(_) => break,
            }
        }
        // This fsync serves all who have asked by now.
        while inbox.try_recv().is_ok() {}
        log.sync();
        pause_ends = Instant::now() + PAUSE;
    }
}

impl Log {
    fn sync(&self) {
        let covers = self.written.load(SeqCst);
        let synced = *self.synced.borrow();
        if synced.covers(covers) || synced.ok().is_err() {
            return;
        }
        // Before the fsync begins, all these groups are in the log.
        let groups = self.progress.reached();
        let first = self.first.get().map_or(Ok(()), |first| first());
        let done = first.and_then(|()| self.counters.syncs.time(|| self.file.sync_data()));
        self.synced.send_replace(match done {
            Ok(()) => Synced::UpTo { writes: covers, groups },
            Err(error) => {
                tracing::error!(%error, "the tables can't be synced");
                Synced::Failed
            }
        });
    }
}
