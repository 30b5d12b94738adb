//! The versions of the journal's file, and the way from each to the next.
//!
//! A file of each earlier version is in `tests/journals`.

use file_versions::Migrations;
use rusqlite::Connection;

pub(super) const MIGRATIONS: Migrations = Migrations(&[version_1, version_2, version_3]);

const VERSION_1: &str = "
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS definition (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS state_machine (
        arn TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, role_arn TEXT NOT NULL,
        definition INTEGER NOT NULL REFERENCES definition, revision TEXT NOT NULL,
        created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS execution (
        seq INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, name TEXT NOT NULL,
        definition INTEGER NOT NULL REFERENCES definition, role_arn TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, stopped INTEGER, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
        redrives INTEGER NOT NULL DEFAULT 0, redriven INTEGER,
        parent INTEGER, parent_task INTEGER, parent_parses INTEGER);
    CREATE INDEX IF NOT EXISTS execution_by_machine ON execution (machine, started DESC, seq DESC);
    CREATE TABLE IF NOT EXISTS progress (
        seq INTEGER PRIMARY KEY, state BLOB NOT NULL, wake INTEGER, busy INTEGER NOT NULL);
    DROP INDEX IF EXISTS progress_wake;
    DROP INDEX IF EXISTS progress_busy;
    CREATE INDEX IF NOT EXISTS progress_by_wake ON progress (wake, busy);
    CREATE TABLE IF NOT EXISTS history (
        id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, first INTEGER NOT NULL, events TEXT NOT NULL);
    CREATE UNIQUE INDEX IF NOT EXISTS history_by_execution ON history (execution, first);
";

/// Makes the tables, in a new file or in one from before files said their version. Those had three forms:
///
/// 1. `history` had no row ids and lay in the order of the executions, and `progress` had the indexes
///    `progress_wake` and `progress_busy`;
/// 2. `history` had row ids, and `progress` the same two indexes;
/// 3. all as in version 1.
fn version_1(connection: &Connection) -> rusqlite::Result<()> {
    let lies_by_execution: bool = connection.query_row(
        "SELECT count(*) > 0 AND sum(name = 'id') = 0 FROM pragma_table_info('history')",
        [],
        |row| row.get(0),
    )?;
    if !lies_by_execution {
        return connection.execute_batch(VERSION_1);
    }
    connection.execute_batch("ALTER TABLE history RENAME TO earlier_history")?;
    connection.execute_batch(VERSION_1)?;
    connection.execute_batch(
        "INSERT INTO history (execution, first, events) SELECT execution, first, events FROM earlier_history;
         DROP TABLE earlier_history;",
    )
}

const VERSION_2: &str = "
    CREATE TABLE backlog (id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, work BLOB NOT NULL);
    CREATE INDEX backlog_by_execution ON backlog (execution);
    CREATE INDEX execution_by_end ON execution (stopped);
    CREATE TABLE archive (id INTEGER PRIMARY KEY, members INTEGER NOT NULL, histories BLOB NOT NULL);
    ALTER TABLE execution ADD COLUMN archive INTEGER;
    CREATE INDEX execution_to_archive ON execution (seq) WHERE stopped IS NOT NULL AND archive IS NULL;
";

/// Adds the backlog and the archives, and finds executions by when they ended: NULL are those that have not. Histories
/// of earlier versions are archived later, by the engine.
fn version_2(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(VERSION_2)
}

const VERSION_3: &str = "
    CREATE TABLE map_run (
        id INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, execution INTEGER NOT NULL, run INTEGER NOT NULL,
        definition INTEGER NOT NULL REFERENCES definition, kind TEXT NOT NULL, status TEXT NOT NULL,
        started INTEGER NOT NULL, stopped INTEGER, items INTEGER NOT NULL, items_a_child INTEGER NOT NULL,
        next INTEGER NOT NULL, max_concurrency INTEGER NOT NULL, tolerated_count INTEGER,
        tolerated_percentage REAL, redrives INTEGER NOT NULL DEFAULT 0, redriven INTEGER);
    CREATE UNIQUE INDEX map_run_by_execution ON map_run (execution, run);
    ALTER TABLE execution ADD COLUMN map_run INTEGER;
    ALTER TABLE execution ADD COLUMN map_first INTEGER;
    ALTER TABLE execution ADD COLUMN map_items INTEGER;
    CREATE INDEX execution_by_map_run ON execution (map_run, started DESC, seq DESC) WHERE map_run IS NOT NULL;
    CREATE INDEX execution_by_map_run_status ON execution (map_run, status, map_first, map_items)
        WHERE map_run IS NOT NULL;
";

/// Adds the runs of Distributed Maps and says of an execution which of their children it is. The indexes hold nothing
/// of other executions, whose writing they don't slow down.
fn version_3(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(VERSION_3)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use chrono::DateTime;
    use file_versions::{LaterRelease, version};
    use tempfile::TempDir;

    use super::super::connection::Journal;
    use super::*;
    use crate::JournalError;

    const CONTENT: &str = include_str!("../../tests/journals/content.sql");
    const FORMS: [&str; 5] = [
        include_str!("../../tests/journals/unversioned-1.sql"),
        include_str!("../../tests/journals/unversioned-2.sql"),
        include_str!("../../tests/journals/unversioned-3.sql"),
        include_str!("../../tests/journals/version-1.sql"),
        include_str!("../../tests/journals/version-2.sql"),
    ];

    /// The version, the definitions of all tables and indexes, and all rows but those ids that a migration
    /// gives.
    type Dump = (i64, Vec<String>, Vec<String>);

    fn dump(connection: &Connection) -> Dump {
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        let squeezed = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let schema = texts("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name");
        let mut rows = texts("SELECT execution || ' ' || first || ' ' || events FROM history ORDER BY 1");
        for table in ["meta", "definition", "state_machine", "execution", "progress"] {
            let columns = texts(&format!("SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"));
            rows.extend(texts(&format!(
                "SELECT concat_ws(' ', '{table}', {}) FROM {table} ORDER BY 1",
                columns.join(", ")
            )));
        }
        (version(connection).unwrap(), schema.into_iter().map(squeezed).collect(), rows)
    }

    fn made(folder: &TempDir, sql: &[&str]) -> std::path::PathBuf {
        let path = folder.path().join("journal.db");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch(&sql.concat()).unwrap();
        path
    }

    fn opened(sql: &[&str]) -> Dump {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, sql);
        drop(Journal::open(&path, false).unwrap());
        dump(&Connection::open(path).unwrap())
    }

    #[test]
    fn every_earlier_form_becomes_what_a_new_journal_is_and_keeps_its_rows() {
        let new = opened(&[]);
        let current = opened(&[FORMS[4], CONTENT]);
        assert_eq!(current.1, new.1);
        assert_eq!(current.2.iter().filter(|row| row.starts_with("execution")).count(), 4);
        for form in FORMS {
            assert_eq!(opened(&[form, CONTENT]), current, "{form}");
        }
    }

    #[test]
    fn an_earlier_journal_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let earlier = Connection::open(&path).unwrap();
        earlier
            .execute_batch(
                "CREATE TABLE history (
                    execution INTEGER NOT NULL, first INTEGER NOT NULL, events TEXT NOT NULL,
                    PRIMARY KEY (execution, first)) WITHOUT ROWID;
                 INSERT INTO history VALUES (7, 1, '[1]'), (7, 2, '[2]'), (8, 1, '[3]');
                 CREATE TABLE progress (
                    seq INTEGER PRIMARY KEY, state BLOB NOT NULL, wake INTEGER, busy INTEGER NOT NULL);
                 CREATE INDEX progress_wake ON progress (wake) WHERE wake IS NOT NULL;
                 CREATE INDEX progress_busy ON progress (seq) WHERE busy;
                 INSERT INTO progress VALUES (7, x'00', 5000, 0), (8, x'00', NULL, 1);",
            )
            .unwrap();
        drop(earlier);
        for _ in 0..2 {
            let journal = Journal::open(&path, true).unwrap();
            let history = |seq| -> Vec<String> {
                journal.history(seq, 1, 9).unwrap().into_iter().map(|chunk| chunk.events).collect()
            };
            assert_eq!(history(7), ["[1]", "[2]"]);
            assert_eq!(history(8), ["[3]"]);
            assert_eq!(journal.last_chunk(7).unwrap().map(|chunk| chunk.first), Some(2));
            assert_eq!(journal.busy().unwrap(), [8]);
            assert_eq!(journal.next_wake().unwrap(), DateTime::from_timestamp(5, 0));
        }
    }

    #[test]
    fn a_file_of_a_later_release_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, &[FORMS[4], CONTENT, "PRAGMA user_version = 99;"]);
        let before = fs::read(&path).unwrap();
        let refused = Journal::open(&path, true).err().unwrap();
        assert!(matches!(refused, JournalError::LaterRelease(LaterRelease { found: 99, .. })), "{refused:?}");
        let said = refused.to_string();
        assert!(said.contains("journal.db was written by a later release"), "{said}");
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
        let connection = Connection::open(made(&folder, &[FORMS[0], CONTENT])).unwrap();
        let before = dump(&connection);
        Migrations(&[version_1, version_2, version_3, fails]).run(&connection).unwrap_err();
        assert_eq!(dump(&connection), before);
        MIGRATIONS.run(&connection).unwrap();
        assert_eq!(dump(&connection), opened(&[FORMS[4], CONTENT]));
    }

    /// A kill leaves any part of what was written to the write-ahead log.
    #[test]
    fn a_migration_that_is_killed_leaves_the_old_form_or_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = made(&folder, &[FORMS[0], CONTENT]);
        let connection = Connection::open(&path).unwrap();
        let old = dump(&connection);
        MIGRATIONS.run(&connection).unwrap();
        let new = dump(&connection);
        assert_ne!(old, new);
        let (database, log) =
            (fs::read(&path).unwrap(), fs::read(folder.path().join("journal.db-wal")).unwrap());
        drop(connection);

        // The log is a header of 32 bytes and frames of a header of 24 bytes and a page ("WAL File Format").
        let frames = (log.len() - 32) / (24 + 4096);
        assert!(frames > 4, "{frames}");
        let mut seen = Vec::new();
        for frame in 0..=frames {
            for more in [0, 2000] {
                let end = (32 + frame * (24 + 4096) + more).min(log.len());
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("journal.db");
                fs::write(&path, &database).unwrap();
                fs::write(folder.path().join("journal.db-wal"), &log[..end]).unwrap();
                let left = dump(&Connection::open(&path).unwrap());
                assert!(left == old || left == new, "{left:?} after {frame} frames");
                seen.push(left == new);
                drop(Journal::open(&path, true).unwrap());
                assert_eq!(dump(&Connection::open(&path).unwrap()), new);
            }
        }
        assert_eq!((seen.first(), seen.last()), (Some(&false), Some(&true)));
    }
}
