//! The versions of the tables' file, and the way from each to the next.
//!
//! Two versions live in the file. dynoxide keeps that of its own schema in its table `_config`, and brings it
//! forward by itself. What this crate makes of that file has a version of its own in `PRAGMA user_version`,
//! which dynoxide does not use. A release whose dynoxide has a newer schema adds a migration too, even an empty
//! one, so that the releases before it refuse the file in words of ours.

use std::path::Path;

use file_versions::Migrations;
use rusqlite::{Connection, OpenFlags};

use crate::error::Error;
use crate::layout;

pub(crate) const MIGRATIONS: Migrations = Migrations(&[
    // Files from before versions have tables with row ids, tables without, or both.
    layout::by_keys,
]);

/// Refuses a file that a later release has written. It is asked before dynoxide opens the file, so that
/// dynoxide changes nothing in it either.
pub(crate) fn refuse_later_release(path: &Path) -> Result<(), Error> {
    if !path.exists() {
        return Ok(());
    }
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(MIGRATIONS.check(&file, path)?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use file_versions::{LaterRelease, version};
    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;
    use crate::Tables;

    /// From before versions: tables with row ids.
    const UNVERSIONED: &str = include_str!("../tests/files/unversioned.sql");
    const VERSION_1: &str = include_str!("../tests/files/version-1.sql");

    /// The version, and each table with its definition and the number of its rows.
    fn dump(path: &Path) -> (i64, Vec<(String, String, i64)>) {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let tables = rows.map(|row| {
            let (name, sql): (String, String) = row.unwrap();
            let count = format!("SELECT count(*) FROM \"{name}\"");
            // An index has no rows of its own.
            let rows = connection.query_row(&count, [], |row| row.get(0)).unwrap_or(0);
            (name, sql.split_whitespace().collect::<Vec<_>>().join(" "), rows)
        });
        (version(&connection).unwrap(), tables.collect())
    }

    fn made(folder: &TempDir, sql: &str) -> PathBuf {
        let path = folder.path().join("tables.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch(sql).unwrap();
        path
    }

    fn ask(tables: &Tables, operation: &str, request: &Value) -> Value {
        serde_json::from_str(&tables.blocking_answer(operation, request.to_string().as_bytes()).body).unwrap()
    }

    /// Whether the item is there, whole.
    fn has(tables: &Tables, name: &str, colour: &str) -> bool {
        let get = json!({ "TableName": "Things", "Key": { "name": { "S": name } } });
        let item = json!({ "name": { "S": name }, "colour": { "S": colour } });
        ask(tables, "GetItem", &get)["Item"] == item
    }

    fn count_of(tables: &Tables, colour: &str) -> Value {
        let query = json!({
            "TableName": "Things",
            "IndexName": "by-colour",
            "KeyConditionExpression": "colour = :colour",
            "ExpressionAttributeValues": { ":colour": { "S": colour } },
        });
        ask(tables, "Query", &query)["Count"].clone()
    }

    #[test]
    fn every_earlier_form_becomes_the_present_one_and_keeps_its_items() {
        let mut forms = Vec::new();
        // The second is from before versions, too: tables by keys.
        for form in
            [UNVERSIONED.to_owned(), format!("{VERSION_1} PRAGMA user_version = 0;"), VERSION_1.to_owned()]
        {
            let folder = tempfile::tempdir().unwrap();
            let path = made(&folder, &form);
            let tables = Tables::open(&path).unwrap();
            assert!(has(&tables, "one", "red") && has(&tables, "three", "blue"));
            assert_eq!(count_of(&tables, "red"), 2);
            drop(tables);
            forms.push(dump(&path));
        }
        assert_eq!(forms[0], forms[2]);
        assert_eq!(forms[1], forms[2]);
        assert_eq!(forms[2].0, 1);
    }

    #[test]
    fn a_new_file_has_the_present_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tables.db");
        drop(Tables::open(&path).unwrap());
        assert_eq!(dump(&path).0, 1);
    }

    #[test]
    fn a_file_of_a_later_release_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, &format!("{VERSION_1} PRAGMA user_version = 99;"));
        let before = fs::read(&path).unwrap();
        let refused = Tables::open(&path).err().unwrap();
        assert!(
            matches!(refused, Error::LaterRelease(LaterRelease { found: 99, known: 1, .. })),
            "{refused:?}"
        );
        let said = refused.to_string();
        assert!(said.contains("tables.db was written by a later release"), "{said}");
        assert!(said.contains("run that release, or choose another folder with --data"), "{said}");
        assert_eq!(said.lines().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_migration_that_fails_leaves_the_file_as_it_was() {
        fn fails(connection: &Connection) -> rusqlite::Result<()> {
            connection.execute_batch("CREATE TABLE half (id INTEGER); SELECT * FROM none;")
        }
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, UNVERSIONED);
        let before = dump(&path);
        Migrations(&[layout::by_keys, fails]).run(&Connection::open(&path).unwrap()).unwrap_err();
        assert_eq!(dump(&path), before);
    }

    /// A kill leaves any part of what was written to the write-ahead log.
    #[test]
    fn a_migration_that_is_killed_leaves_the_old_form_or_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, UNVERSIONED);
        let old = dump(&path);
        let connection = Connection::open(&path).unwrap();
        MIGRATIONS.run(&connection).unwrap();
        let (database, log) =
            (fs::read(&path).unwrap(), fs::read(folder.path().join("tables.db-wal")).unwrap());
        let new = dump(&path);
        drop(connection);
        assert_ne!(old, new);
        drop(Tables::open(&path).unwrap());
        let opened = dump(&path);

        // The log is a header of 32 bytes and frames of a header of 24 bytes and a page ("WAL File Format").
        let frames = (log.len() - 32) / (24 + 4096);
        assert!(frames > 4, "{frames}");
        let mut seen = Vec::new();
        for frame in 0..=frames {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("tables.db");
            let left = |path: &Path| {
                fs::write(path, &database).unwrap();
                fs::write(folder.path().join("tables.db-wal"), &log[..32 + frame * (24 + 4096)]).unwrap();
            };
            left(&path);
            let found = dump(&path);
            assert!(found == old || found == new, "{found:?} after {frame} frames");
            seen.push(found == new);
            left(&path);
            let tables = Tables::open(&path).unwrap();
            assert!(has(&tables, "one", "red") && has(&tables, "three", "blue"));
            drop(tables);
            assert_eq!(dump(&path), opened);
        }
        assert_eq!((seen.first(), seen.last()), (Some(&false), Some(&true)));
    }
}
