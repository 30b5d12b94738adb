//! Where a database stands: to which folder it belongs, and how far it has come.
//!
//! The databases of one folder only make sense together. Each says in one row which folder it was made for
//! and how many times it was written, and how far another database, on which it relies, had come by then. So
//! whoever opens the folder finds out that one of them is missing, is an older copy, or comes from elsewhere.
//!
//! The row is no migration: a release that doesn't know it works with the file all the same, and a file
//! without it gets one when it is claimed.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The folder that the database was made for.
    pub identity: String,
    /// How far the database has come: a number that only grows.
    pub reached: u64,
    /// How far the database that this one relies on had come, at least, when this one was last written.
    pub relies_on: u64,
}

/// Its name has characters that no table of DynamoDB has.
const CREATE: &str = "CREATE TABLE IF NOT EXISTS \"omniflow::standing\" (
    id INTEGER PRIMARY KEY CHECK (id = 1), identity TEXT NOT NULL, reached INTEGER NOT NULL, relies_on INTEGER NOT NULL)";
const READ: &str = "SELECT identity, reached, relies_on FROM \"omniflow::standing\" WHERE id = 1";

impl Standing {
    /// What the file says of itself; `None` when it was never claimed. Nothing is changed in it.
    ///
    /// # Errors
    /// When it is no database, or a damaged one.
    pub fn of(path: &Path) -> rusqlite::Result<Option<Self>> {
        Self::read(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
    }

    /// As [`Standing::of`], on an open connection.
    ///
    /// # Errors
    /// As [`Standing::of`].
    pub fn read(file: &Connection) -> rusqlite::Result<Option<Self>> {
        let claimed: bool = file.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name = 'omniflow::standing'",
            [],
            |row| row.get(0),
        )?;
        if !claimed {
            return Ok(None);
        }
        let number = |value: i64| u64::try_from(value).unwrap_or(0);
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Self { identity: row.get(0)?, reached: number(row.get(1)?), relies_on: number(row.get(2)?) })
        };
        file.query_row(READ, [], read).optional()
    }

    /// Makes the database one of the folder with this identity, unless it belongs to one already. Returns
    /// where it stands now.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn claim(file: &Connection, identity: &str) -> rusqlite::Result<Self> {
        if let Some(standing) = Self::read(file)? {
            return Ok(standing);
        }
        file.execute_batch(CREATE)?;
        file.execute("INSERT INTO \"omniflow::standing\" VALUES (1, ?1, 0, 0)", [identity])?;
        Ok(Self { identity: identity.to_owned(), reached: 0, relies_on: 0 })
    }

    /// Stores, in the transaction that the caller has begun or in one of its own, how far the database has
    /// come and how far the one has that it relies on.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn raise(file: &Connection, reached: u64, relies_on: u64) -> rusqlite::Result<()> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        file.prepare_cached("UPDATE \"omniflow::standing\" SET reached = ?1, relies_on = ?2 WHERE id = 1")?
            .execute(params![number(reached), number(relies_on)])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_belongs_to_the_folder_that_claims_it_first_and_says_how_far_it_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("any.db");
        let file = Connection::open(&path).unwrap();
        assert_eq!(Standing::of(&path).unwrap(), None);
        let claimed = Standing::claim(&file, "this").unwrap();
        assert_eq!(claimed, Standing { identity: "this".into(), reached: 0, relies_on: 0 });
        Standing::raise(&file, 7, 3).unwrap();
        let raised = Standing { reached: 7, relies_on: 3, ..claimed };
        assert_eq!(Standing::claim(&file, "that").unwrap(), raised);
        assert_eq!(Standing::of(&path).unwrap(), Some(raised));
    }
}
