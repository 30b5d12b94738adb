//! DynamoDB on one machine: dynoxide's engine over one SQLite file, made durable in groups.
//!
//! A table write goes to the write-ahead log and is safe from the death of the process at once. It is safe from power
//! loss after [`Tables::sync`], which one fsync does for all writes before it. Whoever acknowledges a write to the
//! outside waits for that first ([`Tables::synced`]), and so does the engine before each commit of its journal, so that
//! the journal never knows of a step whose writes could still be lost.

mod connector;
mod counters;
mod direct;
mod operations;
mod sync;
mod turns;

use std::io;
use std::path::Path;
use std::sync::Arc;

use dynoxide::Database;

pub use connector::{InProcess, Service};
pub use counters::{Counter, Counters};
use operations::Effect;
pub use sync::Syncing;
use sync::{When, WriteAheadLog};
use turns::Turns;

/// Why the tables could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused.
    #[error("the tables can't be opened: {0}")]
    Database(String),
    /// The write-ahead log can't be opened for syncing.
    #[error("the write-ahead log of the tables can't be opened: {0}")]
    Log(#[from] io::Error),
}

impl From<dynoxide::DynoxideError> for Error {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Database(error.to_string())
    }
}

/// The answer to a DynamoDB request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// All tables. Clones share them.
#[derive(Clone)]
pub struct Tables {
    database: Database,
    turns: Arc<Turns>,
    log: Option<Arc<WriteAheadLog>>,
    counters: Arc<Counters>,
}

impl Tables {
    /// Tables that are gone with the process.
    ///
    /// # Errors
    /// When the database can't be made.
    pub fn in_memory() -> Result<Self, Error> {
        Ok(Self { database: Database::memory()?, turns: Arc::default(), log: None, counters: Arc::default() })
    }

    /// Tables in a file, made when it doesn't exist.
    ///
    /// # Errors
    /// When the file or its log can't be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.to_str().ok_or_else(|| Error::Database("its path is not UTF-8".to_owned()))?;
        let database = Database::new(file)?;
        // Leaving the bulk mode sets `synchronous = NORMAL`, the only door that the library has to that setting:
        // a commit then writes the log without an fsync of its own, and `sync` does one for many.
        database.enable_bulk_loading()?;
        database.disable_bulk_loading()?;
        let counters = Arc::<Counters>::default();
        let log = WriteAheadLog::open(path, Arc::clone(&counters))?;
        Ok(Self { database, turns: Arc::default(), log: Some(Arc::new(log)), counters })
    }

    /// Answers one request of the DynamoDB API; `operation` is the part of `X-Amz-Target` behind the dot.
    /// (The functions of this process have a shorter way: the tables are a
    /// [`DynamoDb`](omniflow_domain::services::DynamoDb).)
    pub fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        self.perform(operations::effect(operation), |database| operations::answer(database, operation, body))
    }

    fn perform<T>(&self, effect: Effect, work: impl FnOnce(&Database) -> T) -> T {
        let done = self.counters.calls.time(|| work(&self.database));
        if let (Effect::Writes, Some(log)) = (effect, &self.log) {
            log.written();
        }
        done
    }

    /// Begins at once to make all writes so far safe from power loss. Costs nothing when there were none since the last
    /// time.
    pub fn sync(&self) -> Syncing {
        self.begin(When::Now)
    }

    /// Waits until all writes so far are safe from power loss; many who wait share one fsync.
    ///
    /// # Errors
    /// As [`Syncing::done`].
    pub async fn synced(&self) -> io::Result<()> {
        self.begin(When::Soon).done().await
    }

    fn begin(&self, when: When) -> Syncing {
        self.log.as_ref().map_or(Syncing::NOTHING, |log| log.sync(when))
    }

    /// What the tables did and how long it took.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Deletes the items whose time to live is over; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sweep_expired(&self) -> Result<usize, Error> {
        Ok(self.database.sweep_ttl()?)
    }
}
