//! Connections that read what is committed.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::connection::Journal;
use super::error::JournalError;

/// A pool of connections that only read. It has as many as were in use at one time.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Journal>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::new(Vec::new()) }
    }

    /// Runs `read` on an idle connection, or on a new one when none is idle.
    pub(crate) fn read<T, E: From<JournalError>>(
        &self,
        read: impl FnOnce(&Journal) -> Result<T, E>,
    ) -> Result<T, E> {
        // A statement of its own, so that the pool is not locked while a new connection is opened.
        let taken = self.idle().pop();
        let journal = match taken {
            Some(journal) => journal,
            None => Journal::open_reader(&self.path)?,
        };
        let result = read(&journal);
        self.idle().push(journal);
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Journal>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
