//! Copies of a data folder: `omniflow backup` makes one, also of a folder in use, and `omniflow restore` makes
//! a folder of it again.
//!
//! A backup is a data folder that was closed: three databases without logs, and a manifest with their seals.
//!
//! ```text
//!   tables    ── write the log back ── from here on the file stays as it is, until it is copied
//!                     │ nothing is written to the tables at this point …
//!   journal   ────────┴── … while the copies of these two are fixed, by a read transaction in each
//!   deliveries ───────┘
//! ```
//!
//! At that one point the three are as a crash would leave them: whatever the journal relies on has been
//! written to the tables, and no step that it doesn't know of has written to them since. Only this point
//! holds up writes; the copying goes on beside them.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use file_versions::Standing;
use omniflow_tables::Tables;
use rusqlite::backup::Backup as SqliteBackup;
use rusqlite::{Connection, OpenFlags};

use super::manifest::{Known, MANIFEST, Manifest, ManifestFile, Seal};
use super::{Database, checked, take};
use crate::StartError;
use crate::private_files;

/// A file that a folder has while a restore into it is not finished.
pub(super) const RESTORING: &str = "restoring";
/// How many pages are copied at a time.
const PAGES: i32 = 1_000;
/// How long opening a database waits while another connection of this process opens or closes it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The folder that the copy is to be made in holds something already.
    #[error("{} is not empty: give a folder that is empty or does not exist", .0.display())]
    NotEmpty(PathBuf),
    /// The folder that is to be restored has no manifest of a finished backup.
    #[error("{} is no backup, or one that was not finished: it has no readable file `{MANIFEST}` with seals", .0.display())]
    NoBackup(PathBuf),
    /// A file of the backup isn't what it was when the backup was made.
    #[error("{} in the backup is damaged or missing: restore another backup", .0.display())]
    Damaged(PathBuf),
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or the folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A database can't be copied.
    #[error("{file} can't be copied: {source}")]
    Sqlite {
        /// The name of the database's file.
        file: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The tables can't be copied.
    #[error("tables.db can't be copied: {0}")]
    Tables(#[from] omniflow_tables::Error),
    /// The data folder can't be used.
    #[error(transparent)]
    Folder(#[from] Box<StartError>),
}

fn failed(path: &Path) -> impl Fn(io::Error) -> CopyError {
    move |source| CopyError::File { path: path.to_owned(), source }
}

/// A backup that is being made.
pub(crate) struct Backup {
    from: PathBuf,
    to: PathBuf,
}

impl Backup {
    /// A backup of the data folder `from` in `to`, which must be empty or not exist.
    ///
    /// # Errors
    /// When it is not empty or can't be made.
    pub(crate) fn new(from: &Path, to: &Path) -> Result<Self, CopyError> {
        let backup = Self { from: from.to_owned(), to: to.to_owned() };
        make_empty(to)?;
        Ok(backup)
    }

    /// Makes it, of a folder that this process is using. On an error the files that were made are removed.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub(crate) async fn of_running(self, tables: &Tables, identity: String) -> Result<(), CopyError> {
        let from = self.from.clone();
        // The file of the tables stays as it is only as long as this is waited for.
        let frozen = Arc::new(());
        let is_frozen = Arc::downgrade(&frozen);
        let fixed = tables
            .freeze(move || [Database::Journal, Database::Deliveries].map(|one| Fixed::at(&from, one)))
            .await;
        let copied = match fixed {
            Ok([journal, deliveries]) => {
                let copying = tokio::task::spawn_blocking(move || {
                    self.finish(identity, |backup| {
                        backup.copy_file(Database::Tables)?;
                        check_still(&is_frozen, &backup.from)?;
                        journal?.copy_to(&backup.to)?;
                        deliveries?.copy_to(&backup.to)
                    })
                });
                copying
                    .await
                    .unwrap_or_else(|error| Err(failed(Path::new("backup"))(io::Error::other(error))))
            }
            Err(error) => {
                self.remove();
                Err(error.into())
            }
        };
        tables.thaw().await;
        drop(frozen);
        copied
    }

    /// Makes it, of a folder that no process is using. On an error the files that were made are removed.
    ///
    /// # Errors
    /// See [`CopyError`]; and when the folder is not as it must be.
    pub(crate) fn of_stopped(self, randomness: &ambient::Randomness) -> Result<(), CopyError> {
        let locked = take(&self.from).and_then(|lock| Ok((lock, checked(&self.from, randomness)?)));
        match locked {
            Ok((_lock, manifest)) => self.finish(manifest.identity, |backup| {
                Database::ALL
                    .into_iter()
                    .try_for_each(|one| Fixed::at(&backup.from, one)?.copy_to(&backup.to))
            }),
            Err(error) => {
                self.remove();
                Err(Box::new(error).into())
            }
        }
    }

    /// Copies, and writes the manifest when all is copied.
    fn finish(
        self,
        identity: String,
        copy: impl FnOnce(&Self) -> Result<(), CopyError>,
    ) -> Result<(), CopyError> {
        let made = copy(&self).and_then(|()| {
            let mut manifest = Manifest::new(identity);
            for database in Database::ALL {
                let path = self.to.join(database.file());
                let standing = Standing::of(&path).map_err(|source| sqlite(database, source))?;
                let seal = Seal::of(&path).map_err(failed(&path))?;
                let reached = standing.map_or(0, |standing| standing.reached);
                manifest.set(database, Known { reached, seal: Some(seal) });
                remove_beside(&path);
            }
            ManifestFile::create(&self.to, manifest).map(drop).map_err(failed(&self.to))
        });
        if made.is_err() {
            self.remove();
        }
        made
    }

    /// Copies the file of a database that nobody writes to meanwhile.
    fn copy_file(&self, database: Database) -> Result<(), CopyError> {
        let (from, to) = (self.from.join(database.file()), self.to.join(database.file()));
        copy_sealed(&from, &to).map(drop)
    }

    /// Removes what was made of a backup that failed.
    fn remove(&self) {
        for database in Database::ALL {
            let path = self.to.join(database.file());
            // It may not have been made yet.
            let _ = std::fs::remove_file(&path);
            remove_beside(&path);
        }
    }
}

/// Fails when the process has begun to stop, and so to write to the file of the tables, while it was copied.
fn check_still(frozen: &Weak<()>, folder: &Path) -> Result<(), CopyError> {
    if frozen.strong_count() > 0 {
        return Ok(());
    }
    Err(failed(folder)(io::Error::other("the process that uses the folder stopped meanwhile")))
}

/// A database whose state at one moment is going to be copied.
struct Fixed {
    database: Database,
    connection: Connection,
}

impl Fixed {
    /// Fixes the state that the database has now.
    fn at(folder: &Path, database: Database) -> Result<Self, CopyError> {
        let begin = || {
            let path = folder.join(database.file());
            let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.busy_timeout(PATIENCE)?;
            // The transaction sees the state of its first read, until its end.
            connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
            Ok(connection)
        };
        let connection = begin().map_err(|source| sqlite(database, source))?;
        Ok(Self { database, connection })
    }

    fn copy_to(self, folder: &Path) -> Result<(), CopyError> {
        let path = folder.join(self.database.file());
        private_files::create(&path).map_err(failed(&path))?;
        let copy = || {
            let mut copy = Connection::open(&path)?;
            let backup = SqliteBackup::new(&self.connection, &mut copy)?;
            backup.run_to_completion(PAGES, Duration::ZERO, None)
        };
        copy().map_err(|source| sqlite(self.database, source))?;
        File::open(&path).and_then(|file| file.sync_all()).map_err(failed(&path))
    }
}

fn sqlite(database: Database, source: rusqlite::Error) -> CopyError {
    CopyError::Sqlite { file: database.file(), source }
}

/// Makes a data folder of a backup. The folder must be empty or not exist.
///
/// # Errors
/// See [`CopyError`]. A restore that was cut off leaves a file that says so, and the folder can't be used.
pub(crate) fn restore(backup: &Path, to: &Path) -> Result<(), CopyError> {
    let manifest = Manifest::read(backup).ok().flatten();
    let manifest = manifest.ok_or_else(|| CopyError::NoBackup(backup.to_owned()))?;
    make_empty(to)?;
    let restoring = to.join(RESTORING);
    private_files::create(&restoring).map_err(failed(&restoring))?;
    for database in Database::ALL {
        let seal = manifest.of(database).seal.ok_or_else(|| CopyError::NoBackup(backup.to_owned()))?;
        let (from, copy) = (backup.join(database.file()), to.join(database.file()));
        match copy_sealed(&from, &copy) {
            Ok(copied) if copied == seal => {}
            Ok(_) => return Err(CopyError::Damaged(from)),
            Err(CopyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(CopyError::Damaged(from));
            }
            Err(error) => return Err(error),
        }
    }
    ManifestFile::create(to, manifest).map_err(failed(to))?;
    std::fs::remove_file(&restoring).map_err(failed(&restoring))?;
    File::open(to).and_then(|folder| folder.sync_all()).map_err(failed(to))
}

/// Copies a file, safe from power loss, and returns the seal of what was read.
fn copy_sealed(from: &Path, to: &Path) -> Result<Seal, CopyError> {
    let content = File::open(from).map_err(failed(from))?;
    let mut copy = private_files::create(to).map_err(failed(to))?;
    let seal = Seal::copying(content, &mut copy).map_err(failed(to))?;
    copy.flush().and_then(|()| copy.sync_all()).map_err(failed(to))?;
    Ok(seal)
}

/// Makes the folder, or takes an empty one.
fn make_empty(path: &Path) -> Result<(), CopyError> {
    private_files::folder(path).map_err(failed(path))?;
    let mut entries = std::fs::read_dir(path).map_err(failed(path))?;
    if entries.next().is_some() { Err(CopyError::NotEmpty(path.to_owned())) } else { Ok(()) }
}

/// Removes the files that SQLite makes beside a database that was only read.
fn remove_beside(database: &Path) {
    for added in ["-wal", "-shm", "-journal"] {
        let mut path = database.as_os_str().to_owned();
        path.push(added);
        // Most of the time there is none.
        let _ = std::fs::remove_file(PathBuf::from(path));
    }
}
