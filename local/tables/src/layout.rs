//! How dynoxide's tables lie in the file: in the order of their keys.
//!
//! dynoxide makes tables whose rows lie in the order in which they came, with an index of their keys beside
//! them: two B-trees for a table and three for each index of it, all of which every write of an item goes
//! through. Without row ids, rows lie in the order of their keys, and it is one B-tree and two (SQLite's
//! documentation, "Clustered Indexes and the WITHOUT ROWID Optimization"). Nothing but SQLite sees a
//! difference.

use rusqlite::{Connection, Transaction, TransactionBehavior};

const WITH_ROW_IDS: &str = "SELECT name, sql FROM sqlite_schema
    WHERE type = 'table' AND sql LIKE '%PRIMARY KEY (%' AND sql NOT LIKE '%WITHOUT ROWID'";
const INDEXES: &str =
    "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL";

/// Lays out by their keys all tables that dynoxide has made since the last time. It is called after dynoxide
/// has made a table or an index, and at each start, because a crash may have come between.
///
/// # Errors
/// When SQLite refuses; then all tables are as they were.
pub(crate) fn lay_out_new_tables(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    by_keys(&transaction)?;
    transaction.commit()
}

/// Lays out by their keys all tables that are not yet, in the transaction that the caller has begun.
pub(crate) fn by_keys(connection: &Connection) -> rusqlite::Result<()> {
    let tables: Vec<(String, String)> = connection
        .prepare(WITH_ROW_IDS)?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    tables.iter().try_for_each(|(name, definition)| lay_out(connection, name, definition))
}

fn lay_out(connection: &Connection, name: &str, definition: &str) -> rusqlite::Result<()> {
    let indexes: Vec<String> =
        connection.prepare(INDEXES)?.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let (table, old) = (quoted(name), quoted(&format!("{name}::with-row-ids")));
    connection.execute_batch(&format!(
        "ALTER TABLE {table} RENAME TO {old};
         {definition} WITHOUT ROWID;
         INSERT INTO {table} SELECT * FROM {old};
         DROP TABLE {old};"
    ))?;
    indexes.iter().try_for_each(|index| connection.execute_batch(index))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
