//! SQLite files that say their version, in `PRAGMA user_version`, and are brought from each version to the next; and
//! that say where they stand among the files of their folder ([`Standing`]). And their logs, which give back disk
//! ([`cut_log`]).
//!
//! ```
//! use file_versions::Migrations;
//! use rusqlite::Connection;
//!
//! const MIGRATIONS: Migrations = Migrations(&[|file| file.execute_batch("CREATE TABLE note (text TEXT)")]);
//!
//! let file = Connection::open_in_memory().unwrap();
//! MIGRATIONS.run(&file).unwrap();
//! assert_eq!(file_versions::version(&file).unwrap(), 1);
//! ```

mod log;
mod standing;

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use log::cut_log;
pub use standing::Standing;

/// Brings a file from the version before to its own.
pub type Migration = fn(&Connection) -> rusqlite::Result<()>;

/// All migrations of a kind of file, in their order: the first makes version 1, the last the version that this release
/// works with. Once released, a migration stays as it is; what changes the file is a new one at the end.
#[derive(Clone, Copy)]
pub struct Migrations(pub &'static [Migration]);

/// The file was written by a later release, whose form of it this release does not know. It is left as it was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{file} was written by a later release (its version is {found}, and this release knows none after {known}): run that \
     release, or choose another folder with --data"
)]
pub struct LaterRelease {
    /// The name of the file, without its folder.
    pub file: String,
    /// The version that the file says it has.
    pub found: i64,
    /// The last version that this release knows.
    pub known: i64,
}

/// Why a file can't be used as it is.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A later release wrote it.
    #[error(transparent)]
    LaterRelease(#[from] LaterRelease),
    /// Its version can't be read.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl Migrations {
    /// Refuses a file that a later release has written, and changes nothing in any case.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn check(self, file: &Connection, path: &Path) -> Result<(), Refused> {
        let found = version(file)?;
        let known = i64::try_from(self.0.len()).unwrap_or(i64::MAX);
        if found <= known {
            return Ok(());
        }
        let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Err(LaterRelease { file, found, known }.into())
    }

    /// Brings the file to the version that this release works with, in one transaction: a crash leaves it as it was, or
    /// as it is to be.
    ///
    /// # Errors
    /// Those of SQLite and of the migrations; then the file is as it was.
    pub fn run(self, file: &Connection) -> rusqlite::Result<()> {
        let done = usize::try_from(version(file)?).unwrap_or(0);
        let Some(pending @ [_, ..]) = self.0.get(done..) else { return Ok(()) };
        let transaction = Transaction::new_unchecked(file, TransactionBehavior::Immediate)?;
        for migration in pending {
            migration(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", self.0.len())?;
        transaction.commit()
    }
}

/// The version that the file says it has; 0 when it says none.
///
/// # Errors
/// When the file can't be read.
pub fn version(file: &Connection) -> rusqlite::Result<i64> {
    file.pragma_query_value(None, "user_version", |row| row.get(0))
}
