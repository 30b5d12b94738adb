//! DynamoDB on one machine: dynoxide's engine over one SQLite file, committed and made durable in groups.
//!
//! ```text
//!   AWS SDK ──HTTP──▶ operations ─┐
//!                                 ├──▶ combiner ──▶ database ──▶ dynoxide ──▶ tables.db-wal ──▶ sync
//!   handlers ───────▶ direct ─────┘   (flat        (group                                      (fsync)
//!                                      combining)   commit)
//! ```
//!
//! A write goes to SQLite's write-ahead log, and from then on the death of the process does not lose it.
//! Power loss may, until [`Tables::sync`] has made it safe: one fsync does for all writes before it. Whoever
//! acknowledges a write to the outside waits for that first ([`Tables::synced`]), and so does the engine
//! before each commit of its journal, so that the journal never knows of a step whose writes could still be
//! lost. What the writes themselves rely on is made safe before them ([`Tables::rely_on`]).

mod combiner;
mod connector;
mod counters;
mod database;
mod direct;
mod error;
mod expiry;
mod failing;
mod layout;
mod migrations;
mod operations;
mod progress;
mod sync;
mod tokens;
mod unreadable;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;

use combiner::Combiner;
pub use connector::{InProcess, Service};
pub use counters::{Counter, Counters};
use database::Database;
pub use error::Error;
use failing::Failing;
pub use file_versions::Standing;
pub use operations::ApiResponse;
use operations::Effect;
use progress::Progress;
pub use sync::{ReliedOn, Syncing};
use sync::{Urgency, WriteAheadLog};

/// The tables of one file, or of one process. Clones share them.
#[derive(Clone)]
pub struct Tables {
    combiner: Arc<Combiner>,
    /// `None` for tables in memory.
    log: Option<Arc<WriteAheadLog>>,
    counters: Arc<Counters>,
    failing: Arc<Failing>,
    progress: Arc<Progress>,
}

/// Whether the tables do their work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// They do.
    Good,
    /// The last write failed, as on a full disk; the text says how. Later ones may succeed.
    Failing(String),
    /// An fsync failed. Nobody knows what is on the disk, until the tables are opened again.
    Lost,
}

impl Tables {
    /// Tables in memory, which are gone with the process.
    ///
    /// # Errors
    /// When the database can't be made.
    pub fn in_memory() -> Result<Self, Error> {
        Ok(Self::over(Database::in_memory()?, Arc::default()))
    }

    /// Tables in a file. It is made when it does not exist, and brought to this release's version when it has
    /// an earlier one. No other process can read it as long as it is open.
    ///
    /// # Errors
    /// When the file or its write-ahead log can't be opened, or was written by a later release
    /// ([`Error::LaterRelease`]).
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::over(Database::open(path)?, Arc::default()).with_log(path)
    }

    /// Tables in a file that nobody needs after a power failure: nothing is synced, and nothing waits for it. For very many
    /// items it is quicker than memory, where SQLite keeps all pages in one cache and looks through it with each
    /// transaction that has moved a page.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub fn in_scratch_file(path: &Path) -> Result<Self, Error> {
        Ok(Self::over(Database::scratch(path)?, Arc::default()))
    }

    /// As [`Tables::open`], for the tables of a data folder: they are told its identity, and store how far
    /// they have come with all that they write.
    ///
    /// # Errors
    /// As [`Tables::open`].
    pub fn open_in_folder(path: &Path, identity: &str) -> Result<Self, Error> {
        let (mut database, progress) = (Database::open(path)?, Arc::default());
        database.claim(identity, &progress)?;
        Self::over(database, progress).with_log(path)
    }

    fn over(database: Database, progress: Arc<Progress>) -> Self {
        let failing = Arc::clone(database.failing());
        let combiner = Arc::new(Combiner::new(database));
        Self { combiner, log: None, counters: Arc::default(), failing, progress }
    }

    fn with_log(mut self, path: &Path) -> Result<Self, Error> {
        let log = WriteAheadLog::open(path, Arc::clone(&self.counters), Arc::clone(&self.progress))?;
        self.log = Some(Arc::new(log));
        Ok(self)
    }

    /// Has `first` make safe from power loss, before each fsync of the tables, what their writes rely on: a table may say
    /// that something was written elsewhere. When it fails, nothing of the tables is acknowledged any more, as after a failed
    /// fsync of their own. It is set once, before anything is written that relies on it; tables in memory never call it.
    ///
    /// Whoever tells [`ReliedOn::changed`] after a change has it made safe by [`Tables::sync`] also where no table says
    /// anything of it.
    pub fn rely_on(&self, first: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> ReliedOn {
        self.log.as_ref().map_or_else(ReliedOn::default, |log| log.rely_on(Box::new(first)))
    }

    /// Tells the tables how far the journal has come that relies on them. They store it with what is
    /// next written.
    pub fn journal_reached(&self, commit: u64) {
        self.progress.journal_reached(commit);
    }

    /// Whether the tables do their work. It costs no write.
    pub fn health(&self) -> Health {
        if self.log.as_ref().is_some_and(|log| log.has_failed()) {
            return Health::Lost;
        }
        self.failing.why().map_or(Health::Good, Health::Failing)
    }

    /// Returns when the tables can't go on in this process ([`Health::Lost`]); otherwise never.
    pub async fn lost(&self) {
        match &self.log {
            Some(log) => log.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Tries whether the tables can be written again, so that [`Tables::health`] tells it although nobody
    /// writes.
    pub async fn probe(&self) {
        // The answer is in the health.
        let _ = self.combiner.perform(Effect::Alone, Database::try_to_write, || ()).await;
        if let Some(log) = &self.log {
            log.written();
            let _ = log.sync(Urgency::Now).done().await;
        }
    }

    /// Writes all that is in the log back to the file, and keeps the file as it is until
    /// [`Tables::thaw`]; what is written meanwhile stays in the log. Without waiting, `and_then` is called
    /// before any further write.
    ///
    /// # Errors
    /// When the log can't be written back.
    pub async fn freeze<T: Send + 'static>(
        &self,
        and_then: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let frozen =
            self.combiner.perform(Effect::Alone, |database| database.freeze().map(|()| and_then()), || ());
        Ok(frozen.await.ok_or(Error::Failed)??)
    }

    /// Ends what [`Tables::freeze`] began.
    pub async fn thaw(&self) {
        // Tables that are closed have nothing to end.
        let _ = self.combiner.perform(Effect::Alone, Database::thaw, || ()).await;
    }

    /// How many groups have changed something since the tables were made.
    pub fn groups(&self) -> u64 {
        self.progress.reached()
    }

    /// Gives back the disk that the log takes, if that is much. It is for quiet times: a log that is written over is
    /// faster than one that grows, and what comes meanwhile waits for some milliseconds.
    ///
    /// # Errors
    /// When the log can't be written back.
    pub async fn cut_log(&self) -> Result<(), Error> {
        let cut = self.combiner.perform(Effect::Alone, Database::cut_log, || ());
        Ok(cut.await.ok_or(Error::Failed)??)
    }

    /// Makes all writes safe from power loss and closes the file. Nothing can be read or written any more.
    ///
    /// # Errors
    /// As [`Syncing::done`].
    pub fn close(&self) -> io::Result<()> {
        let synced = self.sync().wait();
        self.combiner.close();
        synced.map(drop)
    }

    /// Answers one request of the DynamoDB API; `operation` is the part of `X-Amz-Target` after the dot.
    /// Functions in this process need no JSON: for them the tables are a
    /// [`DynamoDb`](omniflow_services::DynamoDb).
    pub async fn answer(&self, operation: &str, body: Bytes) -> ApiResponse {
        let (effect, operation) = (operations::effect(operation), operation.to_owned());
        let answered = self.perform(effect, move |database| operations::answer(database, &operation, &body));
        answered.await.unwrap_or_else(operations::failed)
    }

    /// As [`Tables::answer`], on a thread that may block.
    pub fn blocking_answer(&self, operation: &str, body: &[u8]) -> ApiResponse {
        block_on(self.answer(operation, Bytes::copy_from_slice(body)))
    }

    /// Does the work when its turn comes; `None` when it panicked or could not be committed.
    async fn perform<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce(&Database) -> T + Send + 'static,
    ) -> Option<T> {
        let counters = Arc::clone(&self.counters);
        let log = self.log.clone().filter(|_| effect != Effect::Reads);
        let counted = move |database: &Database| counters.calls.time(|| work(database));
        self.combiner.perform(effect, counted, move || log.iter().for_each(|log| log.written())).await
    }

    /// Begins at once to make all writes so far safe from power loss. It costs nothing when there were none
    /// since the last time.
    pub fn sync(&self) -> Syncing {
        self.begin(Urgency::Now)
    }

    /// Waits until all writes so far are safe from power loss. Many who wait share one fsync.
    ///
    /// # Errors
    /// As [`Syncing::done`].
    pub async fn synced(&self) -> io::Result<()> {
        self.begin(Urgency::Soon).done().await.map(drop)
    }

    fn begin(&self, urgency: Urgency) -> Syncing {
        self.log.as_ref().map_or(Syncing::NOTHING, |log| log.sync(urgency))
    }

    /// Counters that say where the time of the tables goes.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
