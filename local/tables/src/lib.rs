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
//! lost.

mod combiner;
mod connector;
mod counters;
mod database;
mod direct;
mod error;
mod expiry;
mod layout;
mod migrations;
mod operations;
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
pub use operations::ApiResponse;
use operations::Effect;
pub use sync::Syncing;
use sync::{Urgency, WriteAheadLog};

/// The tables of one file, or of one process. Clones share them.
#[derive(Clone)]
pub struct Tables {
    combiner: Arc<Combiner>,
    /// `None` for tables in memory.
    log: Option<Arc<WriteAheadLog>>,
    counters: Arc<Counters>,
}

impl Tables {
    /// Tables in memory, which are gone with the process.
    ///
    /// # Errors
    /// When the database can't be made.
    pub fn in_memory() -> Result<Self, Error> {
        let combiner = Arc::new(Combiner::new(Database::in_memory()?));
        Ok(Self { combiner, log: None, counters: Arc::default() })
    }

    /// Tables in a file. It is made when it does not exist, and brought to this release's version when it has
    /// an earlier one. No other process can read it as long as it is open.
    ///
    /// # Errors
    /// When the file or its write-ahead log can't be opened, or was written by a later release
    /// ([`Error::LaterRelease`]).
    pub fn open(path: &Path) -> Result<Self, Error> {
        let combiner = Arc::new(Combiner::new(Database::open(path)?));
        let counters = Arc::<Counters>::default();
        let log = WriteAheadLog::open(path, Arc::clone(&counters))?;
        Ok(Self { combiner, log: Some(Arc::new(log)), counters })
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
        self.combiner
            .perform(effect != Effect::Alone, counted, move || log.iter().for_each(|log| log.written()))
            .await
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
        self.begin(Urgency::Soon).done().await
    }

    fn begin(&self, urgency: Urgency) -> Syncing {
        self.log.as_ref().map_or(Syncing::NOTHING, |log| log.sync(urgency))
    }

    /// Counters that say where the time of the tables goes.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}
