//! The data folder: the databases of one runtime, which only make sense together.
//!
//! ```text
//!   lock           held by the process that uses the folder
//!   manifest       the folder's identity, how far each database has come, and seals after a clean end
//!   tables.db      DynamoDB         ┐ each carries the identity and how far it has come;
//!   journal.db     Step Functions   │ tables and journal also how far the other had come
//!   deliveries.db  EventBridge      ┘
//!   metrics        what was counted of orders, on which nothing depends
//!   control        the socket at which the process answers `omniflow backup`
//! ```
//!
//! Before anything is written, [`DataFolder::open`] compares what each file says with what the others know of
//! it, and refuses a folder with files that are missing, damaged, foreign or older than the rest.
//! `docs/running.md` says what is found out and what isn't.

mod checks;
mod copies;
mod manifest;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ambient::Randomness;
use rusqlite::{Connection, OpenFlags};

pub(crate) use copies::{Backup, restore};
use manifest::{Known, Manifest, ManifestFile, Seal};

use crate::StartError;
use crate::private_files;

/// The databases of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Tables,
    Journal,
    Deliveries,
}

impl Database {
    pub(crate) const ALL: [Self; 3] = [Self::Tables, Self::Journal, Self::Deliveries];

    /// The name of its file.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Tables => "tables.db",
            Self::Journal => "journal.db",
            Self::Deliveries => "deliveries.db",
        }
    }
}

/// A data folder that no other process can use meanwhile.
pub(crate) struct DataFolder {
    path: PathBuf,
    manifest: ManifestFile,
    _lock: File,
}

impl DataFolder {
    /// Takes the folder, which is made when it does not exist, and checks its files.
    ///
    /// # Errors
    /// When another process has it, or its files don't belong together or are damaged. Nothing in them is
    /// changed then.
    pub(crate) fn open(path: &Path, randomness: &Randomness) -> Result<Self, StartError> {
        let lock = take(path)?;
        let problem = |problem: String| StartError::Data { path: path.to_owned(), problem };
        let found = checked(path, randomness)?;
        // From now on the files change, and the seals say nothing any more.
        let mut manifest = found;
        for database in Database::ALL {
            manifest.set(database, Known { seal: None, ..manifest.of(database) });
        }
        let manifest = ManifestFile::create(path, manifest).map_err(|error| problem(error.to_string()))?;
        Ok(Self { path: path.to_owned(), manifest, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn identity(&self) -> String {
        self.manifest.identity()
    }

    /// Makes the names of the files safe from power loss, once all databases are open. Syncing a new log does not
    /// (fsync(2)).
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    /// Writes down how far databases have come. The numbers must be safe from power loss.
    pub(crate) fn reached(&self, databases: &[(Database, u64)]) {
        self.manifest.reached(databases);
    }

    /// The path of a database.
    ///
    /// # Errors
    /// When its file can't be made.
    pub(crate) fn database(&self, database: Database) -> io::Result<PathBuf> {
        private_files::database(&self.path, database.file())
    }

    /// Seals the databases, which nobody may write any more.
    ///
    /// # Errors
    /// When they can't be read, or the manifest can't be written. Then the next start checks them as after a
    /// crash.
    pub(crate) fn seal(&self) -> io::Result<()> {
        for database in Database::ALL {
            write_back(&self.path.join(database.file()))?;
        }
        // A log that a power failure brought back would not be what the seal says.
        self.sync_names()?;
        let seals = Database::ALL
            .into_iter()
            .map(|database| Ok((database, Seal::of(&self.path.join(database.file()))?)))
            .collect::<io::Result<Vec<_>>>()?;
        self.manifest.seal(&seals)
    }
}

/// Writes what is in the log of a database back to its file, safe from power loss. Connections that only read
/// may still be open.
fn write_back(path: &Path) -> io::Result<()> {
    let emptied = || {
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
    };
    if emptied().map_err(io::Error::other)? != 0 {
        return Err(io::Error::other(format!("the log of {} is still in use", path.display())));
    }
    match File::open(checks::log_of(path)) {
        Ok(log) => log.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the lock on a folder, which is made when it does not exist.
///
/// # Errors
/// When another process has it, or the folder can't be used.
pub(crate) fn take(path: &Path) -> Result<File, StartError> {
    let problem = |error: io::Error| StartError::Data { path: path.to_owned(), problem: error.to_string() };
    private_files::folder(path).map_err(problem)?;
    let lock = private_files::create(&path.join("lock")).map_err(problem)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::DataInUse { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(problem(error)),
    }
}

/// The manifest that the folder has or is to get, when its files are as they must be.
///
/// # Errors
/// When they are not. Nothing is changed.
fn checked(path: &Path, randomness: &Randomness) -> Result<Manifest, StartError> {
    let refused = |problems: Vec<String>| StartError::Folder { path: path.to_owned(), problems };
    if path.join(copies::RESTORING).exists() {
        let problem = "a restore was cut off here: empty the folder and restore once more".to_owned();
        return Err(StartError::Data { path: path.to_owned(), problem });
    }
    let manifest =
        Manifest::read(path).map_err(|problem| StartError::Data { path: path.to_owned(), problem })?;
    let is_new = manifest.is_none();
    let found = checks::look(path);
    let decided = checks::decide(manifest, &found, randomness.uuid_v4().to_string()).map_err(refused)?;
    checks::whole(path, &decided).map_err(refused)?;
    if is_new && found.iter().any(|(_, found)| matches!(found, checks::Found::Claimed(_))) {
        tracing::warn!(
            path = %path.display(),
            "the folder's manifest was missing or damaged and is made anew: whether files are older copies is only \
             known as far as they know it of each other"
        );
    }
    Ok(decided)
}
