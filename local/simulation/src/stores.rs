//! Where the tables are, and where the process keeps its journal and its deliveries. What a transaction has committed
//! outlives a kill, and nothing outlives the run.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use omniflow_tables::Tables;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::run::Error;

/// Databases of more orders are files. In memory, SQLite keeps all pages in one cache, and looks through it with each
/// transaction that has moved one: what an order costs grows with the number of orders that there are.
const FEW: u64 = 10_000;

/// How many runs of this program have had databases in memory: each needs names of its own.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// The databases of one run.
pub struct Stores {
    /// The journal.
    pub journal: PathBuf,
    /// The deliveries of the event bus.
    pub deliveries: PathBuf,
    /// A database in memory is gone with the last connection to it. These connections keep theirs while no process
    /// runs; nothing is asked of them.
    _kept: Vec<Connection>,
    /// The folder of databases that are files.
    folder: Option<TempDir>,
}

impl Stores {
    /// The databases of a run with so many orders, with a journal that can be copied if that is wanted.
    ///
    /// # Errors
    /// When they can't be made.
    pub fn new(orders: u64, copied: bool) -> Result<Self, Error> {
        let shared_memory = Path::new("/dev/shm");
        if copied && shared_memory.is_dir() {
            Self::in_files(tempfile::tempdir_in(shared_memory))
        } else if copied || orders > FEW {
            Self::in_files(tempfile::tempdir())
        } else {
            Self::in_memory()
        }
    }

    /// Databases in memory: a run pays for no calls to a file system.
    fn in_memory() -> Result<Self, Error> {
        let run = RUNS.fetch_add(1, Relaxed);
        let name = |what: &str| PathBuf::from(format!("file:{what}-{run}?mode=memory&cache=shared"));
        let (journal, deliveries) = (name("journal"), name("deliveries"));
        let kept = [&journal, &deliveries].map(Connection::open).into_iter().collect::<Result<_, _>>();
        Ok(Self { journal, deliveries, _kept: kept.map_err(Error::Memory)?, folder: None })
    }

    fn in_files(folder: io::Result<TempDir>) -> Result<Self, Error> {
        let folder = folder.map_err(Error::Folder)?;
        Ok(Self {
            journal: folder.path().join("journal.db"),
            deliveries: folder.path().join("deliveries.db"),
            _kept: Vec::new(),
            folder: Some(folder),
        })
    }

    /// Makes the tables, which outlive the process, too.
    ///
    /// # Errors
    /// When they can't be made.
    pub fn tables(&self) -> Result<Tables, Error> {
        Ok(match &self.folder {
            Some(folder) => Tables::in_scratch_file(&folder.path().join("tables.db"))?,
            None => Tables::in_memory()?,
        })
    }

    /// Copies the journal aside, if it is a file.
    ///
    /// # Errors
    /// When a file can't be copied.
    pub fn copy_journal(&self) -> io::Result<()> {
        self.copy("journal.db", "earlier.db")
    }

    /// Puts the copy of the journal back that [`Stores::copy_journal`] made.
    ///
    /// # Errors
    /// When a file can't be copied.
    pub fn restore_journal(&self) -> io::Result<()> {
        match &self.folder {
            Some(folder) if folder.path().join("earlier.db").exists() => {
                self.copy("earlier.db", "journal.db")
            }
            _ => Ok(()),
        }
    }

    fn copy(&self, from: &str, to: &str) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for end in ["", "-wal", "-shm"] {
            let file = |name: &str| folder.path().join(format!("{name}{end}"));
            let (from, to) = (file(from), file(to));
            if to.exists() {
                std::fs::remove_file(&to)?;
            }
            // SQLite makes the index of the write-ahead log again.
            if end != "-shm" && from.exists() {
                std::fs::copy(&from, &to)?;
            }
        }
        Ok(())
    }
}
