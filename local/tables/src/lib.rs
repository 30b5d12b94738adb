//! DynamoDB on one machine: dynoxide's engine over one SQLite file, committed and made durable in groups.
//!
//! A table write goes to the write-ahead log and is safe from the death of the process at once. It is safe from power
//! loss after [`Tables::sync`], which one fsync does for all writes before it. Whoever acknowledges a write to the
//! outside waits for that first ([`Tables::synced`]), and so does the engine before each commit of its journal, so that
//! the journal never knows of a step whose writes could still be lost.

mod connector;
mod counters;
mod database;
mod direct;
mod expiry;
mod layout;
mod operations;
mod sync;
mod tokens;
mod turns;

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::executor::block_on;

pub use connector::{InProcess, Service};
pub use counters::{Counter, Counters};
use database::Database;
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
        Ok(Self { turns: Arc::new(Turns::at(Database::in_memory()?)), log: None, counters: Arc::default() })
    }

    /// Tables in a file, made when it doesn't exist. No other process can read it as long as these are open.
    ///
    /// # Errors
    /// When the file or its log can't be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = path.to_str().ok_or_else(|| Error::Database("its path is not UTF-8".to_owned()))?;
        let database = Database::open(file)?;
        let counters = Arc::<Counters>::default();
        let log = WriteAheadLog::open(path, Arc::clone(&counters))?;
        Ok(Self { turns: Arc::new(Turns::at(database)), log: Some(Arc::new(log)), counters })
    }

    /// Answers one request of the DynamoDB API; `operation` is the part of `X-Amz-Target` behind the dot.
    /// (The functions of this process have a shorter way: the tables are a
    /// [`DynamoDb`](omniflow_services::DynamoDb).)
    pub async fn answer(&self, operation: &str, body: Bytes) -> Answer {
        let (effect, operation) = (operations::effect(operation), operation.to_owned());
        let answered = self.perform(effect, move |database| operations::answer(database, &operation, &body));
        answered.await.unwrap_or_else(operations::failed)
    }

    /// As [`Tables::answer`], for a thread that may sleep.
    pub fn blocking_answer(&self, operation: &str, body: &[u8]) -> Answer {
        block_on(self.answer(operation, Bytes::copy_from_slice(body)))
    }

    /// Does this when its turn has come; nothing when the tables failed.
    async fn perform<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce(&Database) -> T + Send + 'static,
    ) -> Option<T> {
        let counters = Arc::clone(&self.counters);
        let log = self.log.clone().filter(|_| effect != Effect::Reads);
        let counted = move |database: &Database| counters.calls.time(|| work(database));
        self.turns
            .take(effect != Effect::Alone, counted, move || log.iter().for_each(|log| log.written()))
            .await
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
}
