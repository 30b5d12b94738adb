//! Whether the tables can be written, as their last writes have shown.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use dynoxide::{DynoxideError, Result};

/// The failure of the last write, if it failed because of the disk or the database and not because of what
/// was asked for.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    /// Whether there is one: the usual case costs no lock.
    is: AtomicBool,
    why: Mutex<Option<String>>,
}

impl Failing {
    /// Notes how a write ended.
    pub(crate) fn heed<T>(&self, done: &Result<T>) {
        match done {
            Err(DynoxideError::SqliteError(_) | DynoxideError::InternalServerError(_)) => {
                let why = done.as_ref().err().map(ToString::to_string);
                *self.why.lock().unwrap_or_else(PoisonError::into_inner) = why;
                self.is.store(true, Relaxed);
            }
            Ok(_) if self.is.load(Relaxed) => {
                *self.why.lock().unwrap_or_else(PoisonError::into_inner) = None;
                self.is.store(false, Relaxed);
            }
            _ => {}
        }
    }

    /// Why writes fail; `None` while they don't.
    pub(crate) fn why(&self) -> Option<String> {
        if !self.is.load(Relaxed) {
            return None;
        }
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
