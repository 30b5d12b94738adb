//! Group commit of the tables: one fsync of the write-ahead log for all the writes before it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// SQLite keeps the log under this name as long as a connection is open, and writes it in place.
pub(crate) struct WriteAheadLog {
    file: File,
    written: AtomicU64,
    synced: Mutex<u64>,
    last: AtomicU64,
}

impl WriteAheadLog {
    pub(crate) fn open(database: &Path) -> io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        // Opening the database has written to it, so its log is there.
        let file = File::open(PathBuf::from(path))?;
        Ok(Self { file, written: AtomicU64::new(1), synced: Mutex::new(0), last: AtomicU64::new(0) })
    }

    pub(crate) fn written(&self) {
        self.written.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn is_dirty(&self) -> bool {
        self.last.load(Ordering::SeqCst) < self.written.load(Ordering::SeqCst)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        let wanted = self.written.load(Ordering::SeqCst);
        if self.last.load(Ordering::SeqCst) >= wanted {
            return Ok(());
        }
        // Whoever waited here while another synced finds its writes synced too.
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= wanted {
            return Ok(());
        }
        let covers = self.written.load(Ordering::SeqCst);
        self.file.sync_data()?;
        *synced = covers;
        self.last.store(covers, Ordering::SeqCst);
        Ok(())
    }
}
