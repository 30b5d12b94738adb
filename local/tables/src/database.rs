//! dynoxide's operations on one SQLite connection, many of them in one transaction.
//!
//! dynoxide commits every operation by itself. Under load that is the greater part of what a small write costs, and the
//! same pages of the indexes go to the log again and again. So a group of operations is one transaction of ours; what
//! dynoxide says of transactions on the way is ignored by SQLite's authorizer, and a savepoint takes back the one
//! operation that fails.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use dynoxide::actions::vector_lifecycle::VectorIndexLifecycle;
use dynoxide::actions::{
    batch_execute_statement, batch_get_item, batch_write_item, create_table, delete_item, delete_table,
    describe_table, describe_time_to_live, execute_statement, execute_transaction, get_item, list_tables,
    list_tags_of_resource, put_item, query, scan, tag_resource, transact_get_items, transact_write_items,
    untag_resource, update_item, update_table, update_time_to_live,
};
use dynoxide::storage::Storage;
use dynoxide::{DynoxideError, Result, TableMetadata};
use futures::FutureExt;
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::tokens::Tokens;

/// Statements that stay prepared: dynoxide has a few for every table and index.
const STATEMENTS: usize = 256;

/// One connection, and what dynoxide's operations share beside it.
pub(crate) struct Database {
    storage: Storage,
    vector_indexes: VectorIndexLifecycle,
    tokens: RefCell<Tokens>,
    /// Whether a word about transactions is ours.
    ours: Arc<AtomicBool>,
}

/// Methods that answer a request by the operation of the same name. What writes is done as a whole or not at all.
macro_rules! operations {
    ($($effect:ident $module:ident($request:ident $(, $shared:ident)?) -> $response:ident;)*) => {$(
        pub(crate) fn $module(&self, request: $module::$request) -> Result<$module::$response> {
            self.$effect(|| now($module::execute(&self.storage, request $(, &self.$shared)?)))
        }
    )*};
}

impl Database {
    operations! {
        read get_item(GetItemRequest) -> GetItemResponse;
        read batch_get_item(BatchGetItemRequest) -> BatchGetItemResponse;
        read transact_get_items(TransactGetItemsRequest) -> TransactGetItemsResponse;
        read query(QueryRequest) -> QueryResponse;
        read scan(ScanRequest) -> ScanResponse;
        read list_tables(ListTablesRequest) -> ListTablesResponse;
        read describe_table(DescribeTableRequest, vector_indexes) -> DescribeTableResponse;
        read describe_time_to_live(DescribeTimeToLiveRequest) -> DescribeTimeToLiveResponse;
        read list_tags_of_resource(ListTagsOfResourceRequest) -> ListTagsOfResourceResponse;
        write put_item(PutItemRequest) -> PutItemResponse;
        write update_item(UpdateItemRequest) -> UpdateItemResponse;
        write delete_item(DeleteItemRequest) -> DeleteItemResponse;
        write batch_write_item(BatchWriteItemRequest) -> BatchWriteItemResponse;
        write transact_write_items(TransactWriteItemsRequest) -> TransactWriteItemsResponse;
        write execute_statement(ExecuteStatementRequest) -> ExecuteStatementResponse;
        write execute_transaction(ExecuteTransactionRequest) -> ExecuteTransactionResponse;
        write batch_execute_statement(BatchExecuteStatementRequest) -> BatchExecuteStatementResponse;
        write create_table(CreateTableRequest) -> CreateTableResponse;
        write update_table(UpdateTableRequest, vector_indexes) -> UpdateTableResponse;
        write delete_table(DeleteTableRequest, vector_indexes) -> DeleteTableResponse;
        write update_time_to_live(UpdateTimeToLiveRequest) -> UpdateTimeToLiveResponse;
        write tag_resource(TagResourceRequest) -> TagResourceResponse;
        write untag_resource(UntagResourceRequest) -> UntagResourceResponse;
    }

    pub(crate) fn in_memory() -> Result<Self> {
        Ok(Self::over(Storage::memory()?))
    }

    pub(crate) fn open(file: &str) -> Result<Self> {
        let storage = Storage::new(file)?;
        let connection = storage.conn();
        // A commit writes the log without an fsync of its own; the sync thread does one for many.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // The file is this process' alone, so that it needn't be locked for every transaction.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        Ok(Self::over(storage))
    }

    fn over(storage: Storage) -> Self {
        let ours = Arc::new(AtomicBool::new(false));
        let spoken = Arc::clone(&ours);
        // SQLite's documentation, "Compile-Time Authorization Callbacks": what is ignored is compiled to nothing.
        storage.conn().authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Transaction { .. } if !spoken.load(Relaxed) => Authorization::Ignore,
            _ => Authorization::Allow,
        }));
        storage.conn().set_prepared_statement_cache_capacity(STATEMENTS);
        Self { storage, vector_indexes: VectorIndexLifecycle::new(), tokens: RefCell::default(), ours }
    }

    /// All that `work` writes is committed together when it is done.
    ///
    /// # Errors
    /// When nothing of it was.
    pub(crate) fn together<T>(&self, work: impl FnOnce() -> T) -> rusqlite::Result<T> {
        self.transaction("BEGIN")?;
        let done = work();
        if let Err(error) = self.transaction("COMMIT") {
            // What failed may have ended the transaction already.
            let _ = self.transaction("ROLLBACK");
            self.tokens.take();
            return Err(error);
        }
        Ok(done)
    }

    fn transaction(&self, word: &str) -> rusqlite::Result<()> {
        self.ours.store(true, Relaxed);
        let said = say(self.storage.conn(), word);
        self.ours.store(false, Relaxed);
        said
    }

    fn read<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        operation()
    }

    /// Does this as a whole or not at all, whatever else the group does.
    pub(crate) fn write<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        let savepoint = Savepoint::set(self.storage.conn())?;
        let done = operation()?;
        savepoint.release()?;
        Ok(done)
    }

    /// What was done for transactions with a ClientRequestToken.
    pub(crate) fn tokens(&self) -> &RefCell<Tokens> {
        &self.tokens
    }

    /// The tables whose items have a time to live.
    pub(crate) fn expiring_tables(&self) -> Result<Vec<TableMetadata>> {
        self.storage.list_ttl_enabled_tables()
    }
}

/// SQLite never lets wait; what dynoxide's other databases do is why its operations are asynchronous.
fn now<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    let waited = || Err(DynoxideError::InternalServerError("the operation waited".to_owned()));
    operation.now_or_never().unwrap_or_else(waited)
}

fn say(connection: &Connection, word: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(word)?.execute([]).map(drop)
}

/// Takes back what was written since it was set, unless it is released.
struct Savepoint<'a>(Option<&'a Connection>);

impl<'a> Savepoint<'a> {
    fn set(connection: &'a Connection) -> Result<Self> {
        if connection.is_autocommit() {
            // A failure such as a full disk ends the whole transaction, and a savepoint would begin another.
            return Err(DynoxideError::InternalServerError("the group's transaction has ended".to_owned()));
        }
        say(connection, "SAVEPOINT operation")?;
        Ok(Self(Some(connection)))
    }

    fn release(mut self) -> rusqlite::Result<()> {
        self.0.take().map_or(Ok(()), |connection| say(connection, "RELEASE operation"))
    }
}

impl Drop for Savepoint<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            // When this fails, so does the commit.
            let _ =
                say(connection, "ROLLBACK TO operation").and_then(|()| say(connection, "RELEASE operation"));
        }
    }
}

#[cfg(test)]
mod tests {
    use dynoxide::actions::put_item::PutItemRequest;
    use dynoxide::{AttributeValue, Item};
    use serde_json::json;

    use super::*;

    fn database(file: &str) -> Database {
        let database = Database::open(file).unwrap();
        let create = json!({
            "TableName": "Things",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "N" }],
            "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
        });
        let create = serde_json::from_value(create).unwrap();
        database.together(|| database.create_table(create)).unwrap().unwrap();
        database
    }

    fn put(database: &Database, name: usize) -> Result<()> {
        let item = Item::from([
            ("name".to_owned(), AttributeValue::N(name.to_string())),
            ("filling".to_owned(), AttributeValue::S("x".repeat(1000))),
        ]);
        let put = PutItemRequest { table_name: "Things".to_owned(), item, ..PutItemRequest::default() };
        database.put_item(put).map(drop)
    }

    fn names(database: &Database) -> Vec<usize> {
        let scan = serde_json::from_value(json!({ "TableName": "Things" })).unwrap();
        let items = database.scan(scan).unwrap().items.unwrap_or_default();
        let mut names: Vec<usize> = items
            .iter()
            .map(|item| match &item["name"] {
                AttributeValue::N(name) => name.parse().unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        names.sort_unstable();
        names
    }

    /// Groups of five until nothing goes; the names that were committed.
    fn fill(database: &Database) -> Vec<usize> {
        let mut committed = Vec::new();
        let mut refused = 0;
        for group in 0..200 {
            let group = group * 5..group * 5 + 5;
            let done = database
                .together(|| group.clone().filter(|name| put(database, *name).is_ok()).collect::<Vec<_>>());
            let done = done.unwrap_or_default();
            refused += group.len() - done.len();
            committed.extend(done);
        }
        assert!(refused > 0, "the disk was never full");
        committed
    }

    #[test]
    fn on_a_full_disk_what_was_committed_is_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tables.db");
        let file = file.to_str().unwrap();
        let database = database(file);
        let pages: i64 =
            database.storage.conn().query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        database.storage.conn().pragma_update(None, "max_page_count", pages + 50).unwrap();
        let mut committed = fill(&database);
        assert_eq!(names(&database), committed);
        database.storage.conn().pragma_update(None, "max_page_count", 1_000_000).unwrap();
        database.together(|| put(&database, 5_000)).unwrap().unwrap();
        committed.push(5_000);
        assert_eq!(names(&database), committed);
        drop(database);
        assert_eq!(names(&Database::open(file).unwrap()), committed);
    }

    #[test]
    fn a_group_whose_transaction_ended_is_not_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tables.db");
        let database = database(file.to_str().unwrap());
        let group = database.together(|| {
            put(&database, 1).unwrap();
            // As SQLite does on its own after some failures of the disk.
            database.transaction("ROLLBACK").unwrap();
            assert!(put(&database, 2).is_err());
        });
        assert!(group.is_err());
        assert_eq!(names(&database), Vec::<usize>::new());
        database.together(|| put(&database, 3)).unwrap().unwrap();
        assert_eq!(names(&database), [3]);
    }
}
