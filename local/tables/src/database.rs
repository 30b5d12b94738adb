//! dynoxide's operations on one SQLite connection, with group commit: many operations are one transaction.
//!
//! By itself, dynoxide commits every operation. Under load that is the greater part of what a small write
//! costs, and the same pages of the indexes go to the log again and again. So this module begins and commits
//! a transaction around a group of operations, and SQLite's authorizer ignores the BEGINs and COMMITs that
//! dynoxide executes meanwhile.
//!
//! In a group, an operation that is refused must not leave half of its writes behind. An operation on one
//! item checks everything before it writes, so one that is refused has written nothing. TransactWriteItems
//! writes as it goes, and here a savepoint takes back what it wrote. No other operation that writes is let
//! into a group.

use std::cell::{Cell, RefCell};
use std::path::Path;
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
use file_versions::Standing;
use futures::FutureExt;
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::error::Error;
use crate::failing::Failing;
use crate::progress::Progress;
use crate::tokens::Tokens;
use crate::{layout, migrations};

/// How many statements stay prepared; dynoxide has a few for every table and index.
const STATEMENTS: usize = 256;

/// The bytes of a page in a new file. A table without row ids keeps rows of up to a quarter of a page in its tree;
/// a longer one takes a page more for itself alone (SQLite's documentation, "Database File Format", section 1.6). An
/// order's item is longer than a quarter of SQLite's usual 4,096 bytes, and shorter than one of these.
const PAGE_SIZE: i64 = 8192;

/// The tables on one connection.
pub(crate) struct Database {
    storage: Storage,
    vector_indexes: VectorIndexLifecycle,
    tokens: RefCell<Tokens>,
    /// Whether a group is under way; SQLite's authorizer looks at it.
    grouped: Arc<AtomicBool>,
    /// Whether an operation of the group failed in the middle of its writes, so that the group must not be
    /// committed.
    spoiled: Cell<bool>,
    failing: Arc<Failing>,
    /// How far the tables have come; `None` for tables that belong to no folder.
    progress: Option<Arc<Progress>>,
    /// While the file is not to change, the number of pages after which the log is written back otherwise.
    frozen: Cell<Option<i64>>,
}

/// Makes a method for each operation, which does the operation in the manner of its kind (`read`, `write`,
/// `transact`, `alone`, `define`).
macro_rules! operations {
    ($($kind:ident $module:ident($request:ident $(, $shared:ident)?) -> $response:ident;)*) => {$(
        pub(crate) fn $module(&self, request: $module::$request) -> Result<$module::$response> {
            self.$kind(|| ready($module::execute(&self.storage, request $(, &self.$shared)?)))
        }
    )*};
}

/// Gives a new file its size of pages, which can't be changed later. A file that has content keeps its own.
fn choose_page_size(path: &Path) -> rusqlite::Result<()> {
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    // It writes the first page.
    connection.pragma_update(None, "journal_mode", "WAL")
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
        transact transact_write_items(TransactWriteItemsRequest) -> TransactWriteItemsResponse;
        alone batch_write_item(BatchWriteItemRequest) -> BatchWriteItemResponse;
        alone execute_statement(ExecuteStatementRequest) -> ExecuteStatementResponse;
        alone execute_transaction(ExecuteTransactionRequest) -> ExecuteTransactionResponse;
        alone batch_execute_statement(BatchExecuteStatementRequest) -> BatchExecuteStatementResponse;
        define create_table(CreateTableRequest) -> CreateTableResponse;
        define update_table(UpdateTableRequest, vector_indexes) -> UpdateTableResponse;
        alone delete_table(DeleteTableRequest, vector_indexes) -> DeleteTableResponse;
        alone update_time_to_live(UpdateTimeToLiveRequest) -> UpdateTimeToLiveResponse;
        alone tag_resource(TagResourceRequest) -> TagResourceResponse;
        alone untag_resource(UntagResourceRequest) -> UntagResourceResponse;
    }

    pub(crate) fn in_memory() -> Result<Self> {
        Ok(Self::over(Storage::memory()?))
    }

    /// Opens the tables in a file. It is made when it does not exist, and brought to this release's version
    /// when it has an earlier one.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, Error> {
        let file = path.to_str().ok_or_else(|| Error::PathNotUtf8(path.to_owned()))?;
        migrations::refuse_later_release(path)?;
        choose_page_size(path)?;
        let storage = Storage::new(file)?;
        let connection = storage.conn();
        // A commit writes to the log without an fsync of its own; the sync thread does one for many.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // The file is this process's alone, so that it needn't be locked for every transaction.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        migrations::MIGRATIONS.run(connection)?;
        layout::lay_out_new_tables(connection)?;
        Ok(Self::over(storage))
    }

    /// As [`Database::open`], for a file that needn't survive a power failure.
    pub(crate) fn scratch(path: &Path) -> std::result::Result<Self, Error> {
        let database = Self::open(path)?;
        database.storage.conn().pragma_update(None, "synchronous", "OFF")?;
        Ok(database)
    }

    fn over(storage: Storage) -> Self {
        let grouped = Arc::new(AtomicBool::new(false));
        let ignoring = Arc::clone(&grouped);
        // What the authorizer ignores is compiled to nothing (SQLite's documentation, "Compile-Time
        // Authorization Callbacks").
        storage.conn().authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Transaction { .. } if ignoring.load(Relaxed) => Authorization::Ignore,
            _ => Authorization::Allow,
        }));
        storage.conn().set_prepared_statement_cache_capacity(STATEMENTS);
        Self {
            storage,
            vector_indexes: VectorIndexLifecycle::new(),
            tokens: RefCell::default(),
            grouped,
            spoiled: Cell::default(),
            failing: Arc::default(),
            progress: None,
            frozen: Cell::default(),
        }
    }

    /// Whether writes fail.
    pub(crate) fn failing(&self) -> &Arc<Failing> {
        &self.failing
    }

    /// Makes this the tables of the folder with this identity, unless they belong to one already. From now on
    /// they count, in `progress`, the groups that change something.
    pub(crate) fn claim(&mut self, identity: &str, progress: &Arc<Progress>) -> Result<()> {
        let Standing { reached, relies_on, .. } = Standing::claim(self.storage.conn(), identity)?;
        progress.raise(reached);
        progress.journal_reached(relies_on);
        self.progress = Some(Arc::clone(progress));
        Ok(())
    }

    /// Writes all that the log holds back to the file, and has new writes stay in the log until
    /// [`Database::thaw`], so that the file doesn't change meanwhile.
    pub(crate) fn freeze(&self) -> Result<()> {
        let connection = self.storage.conn();
        if self.frozen.get().is_none() {
            let pages = connection.pragma_query_value(None, "wal_autocheckpoint", |row| row.get(0))?;
            self.frozen.set(Some(pages));
        }
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy != 0 {
            self.thaw();
            return Err(failed("the log of the tables can't be written back"));
        }
        Ok(())
    }

    /// Cuts a long log to nothing, unless the file is not to change.
    pub(crate) fn cut_log(&self) -> Result<()> {
        match self.frozen.get() {
            Some(_) => Ok(()),
            None => Ok(file_versions::cut_log(self.storage.conn())?),
        }
    }

    /// Ends what [`Database::freeze`] began.
    pub(crate) fn thaw(&self) {
        let Some(pages) = self.frozen.take() else { return };
        if let Err(error) = self.storage.conn().pragma_update(None, "wal_autocheckpoint", pages) {
            tracing::warn!(%error, "the log of the tables isn't written back until the next start");
        }
    }

    /// Does the work as one group: all that it writes is committed in one transaction.
    ///
    /// # Errors
    /// When the group could not be committed; then nothing that it wrote was kept.
    pub(crate) fn together<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        let changes = self.storage.conn().total_changes();
        run(self.storage.conn(), "BEGIN")?;
        self.grouped.store(true, Relaxed);
        let done = work();
        self.grouped.store(false, Relaxed);
        let committed = match self.spoiled.take() {
            false => self.counted(changes, || run(self.storage.conn(), "COMMIT")),
            true => Err(failed("an operation failed in the middle of its writes")),
        };
        if committed.is_err() {
            // It fails when what went wrong has ended the transaction already.
            let _ = run(self.storage.conn(), "ROLLBACK");
        }
        self.failing.heed(&committed);
        committed.map(|()| done)
    }

    /// Does work that commits by itself, and counts what it changed in a transaction of its own. When that
    /// fails, as on a full disk, the number stays behind until the next group.
    pub(crate) fn by_itself<T>(&self, work: impl FnOnce() -> T) -> T {
        let changes = self.storage.conn().total_changes();
        let done = work();
        if let Err(error) = self.counted(changes, || Ok(())) {
            tracing::warn!(%error, "it can't be noted how far the tables have come");
        }
        done
    }

    /// Writes something, so that it shows whether the tables can be written again: how far they have come. Tables
    /// that belong to no folder show it with the next write.
    pub(crate) fn try_to_write(&self) {
        let Some(progress) = &self.progress else { return };
        let next = progress.reached() + 1;
        let written = Standing::raise(self.storage.conn(), next, progress.journal());
        if written.is_ok() {
            progress.raise(next);
        }
        self.failing.heed(&written.map_err(DynoxideError::from));
    }

    /// Stores how far the tables have come, if they have changed since there were so many `changes`, and
    /// commits.
    fn counted(&self, changes: u64, commit: impl FnOnce() -> rusqlite::Result<()>) -> Result<()> {
        let connection = self.storage.conn();
        let progress = self.progress.as_ref().filter(|_| connection.total_changes() != changes);
        let Some(progress) = progress else { return Ok(commit()?) };
        let next = progress.reached() + 1;
        Standing::raise(connection, next, progress.journal())?;
        commit()?;
        progress.raise(next);
        Ok(())
    }

    /// Notes that an operation ended in the middle of its writes, so that nothing of it and of its group is
    /// committed.
    pub(crate) fn spoil(&self) {
        let connection = self.storage.conn();
        if self.grouped.load(Relaxed) {
            self.spoiled.set(true);
        } else if !connection.is_autocommit() {
            // When this fails, the next operation can't begin.
            let _ = run(connection, "ROLLBACK");
        }
    }

    fn read<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        operation()
    }

    /// Does an operation on one item, which writes all or nothing unless the disk fails.
    fn write<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        self.check_group()?;
        let written = self.storage.conn().total_changes();
        let done = operation().inspect_err(|_| {
            if self.storage.conn().total_changes() != written {
                self.spoil();
            }
        });
        self.heed(done)
    }

    /// Notes whether the disk failed. In a group only the commit tells that it did not.
    fn heed<T>(&self, done: Result<T>) -> Result<T> {
        if done.is_err() || !self.grouped.load(Relaxed) {
            self.failing.heed(&done);
        }
        done
    }

    /// Does TransactWriteItems, which writes as it goes: in a group, a savepoint takes back what it wrote
    /// when it is refused.
    fn transact<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        if !self.grouped.load(Relaxed) {
            return self.heed(operation());
        }
        self.check_group()?;
        run(self.storage.conn(), "SAVEPOINT operation")?;
        let done = operation();
        let back = if done.is_err() { run(self.storage.conn(), "ROLLBACK TO operation") } else { Ok(()) };
        back.and_then(|()| run(self.storage.conn(), "RELEASE operation")).inspect_err(|_| self.spoil())?;
        done
    }

    /// Refuses to go on in a group whose transaction has ended, as a full disk ends it: what is written after
    /// that would be committed at once.
    fn check_group(&self) -> Result<()> {
        if self.grouped.load(Relaxed) && self.storage.conn().is_autocommit() {
            self.spoil();
            return Err(failed("the group's transaction has ended"));
        }
        Ok(())
    }

    /// Does an operation that may not be in a group, because it can leave half of its writes behind when it
    /// is refused.
    fn alone<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        if self.grouped.load(Relaxed) {
            return Err(failed("the operation is not for groups"));
        }
        self.heed(operation())
    }

    /// Does an operation that makes tables or indexes, and lays them out by their keys.
    fn define<T>(&self, operation: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = self.alone(operation)?;
        if let Err(error) = layout::lay_out_new_tables(self.storage.conn()) {
            tracing::warn!(%error, "tables can't be laid out by their keys; it is tried again at the next start");
        }
        Ok(done)
    }

    /// The transactions with a `ClientRequestToken` that were done lately.
    pub(crate) fn tokens(&self) -> &RefCell<Tokens> {
        &self.tokens
    }

    /// The tables whose items have a time to live.
    pub(crate) fn expiring_tables(&self) -> Result<Vec<TableMetadata>> {
        self.storage.list_ttl_enabled_tables()
    }
}

/// The result of an operation, which on SQLite is ready at the first poll. dynoxide's operations are
/// asynchronous for the sake of its other databases.
fn ready<T>(operation: impl Future<Output = Result<T>>) -> Result<T> {
    operation.now_or_never().unwrap_or_else(|| Err(failed("the operation waited")))
}

fn failed(how: &str) -> DynoxideError {
    DynoxideError::InternalServerError(how.to_owned())
}

fn run(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use dynoxide::actions::put_item::PutItemRequest;
    use dynoxide::{AttributeValue, Item};
    use serde_json::json;

    use super::*;

    impl Database {
        /// With a table `Things`, whose key is the text `name`.
        pub(crate) fn with_things(self) -> Self {
            let create = json!({
                "TableName": "Things",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
            });
            self.create_table(serde_json::from_value(create).unwrap()).unwrap();
            self
        }

        /// Leaves the connection as an operation of dynoxide does that panics.
        pub(crate) fn leave_a_transaction_open(&self) {
            run(self.storage.conn(), "BEGIN").unwrap();
        }
    }

    /// A table of this name with an index `by-filling`.
    fn table(name: &str) -> create_table::CreateTableRequest {
        let key = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
        let create = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "name", "AttributeType": "S" },
                { "AttributeName": "filling", "AttributeType": "S" },
            ],
            "KeySchema": key("name"),
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-filling",
                "KeySchema": key("filling"),
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        });
        serde_json::from_value(create).unwrap()
    }

    #[test]
    fn tables_lie_by_their_keys_also_those_that_did_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tables.db");
        let before = Database::over(Storage::new(file.to_str().unwrap()).unwrap());
        ready(create_table::execute(&before.storage, table("Things"))).unwrap();
        put(&before, 1).unwrap();
        drop(before);

        let database = Database::open(&file).unwrap();
        database.create_table(table("Others")).unwrap();
        put(&database, 2).unwrap();
        assert_eq!(tables_with_row_ids(&database), 0);
        let query = json!({
            "TableName": "Things",
            "IndexName": "by-filling",
            "KeyConditionExpression": "filling = :filling",
            "ExpressionAttributeValues": { ":filling": { "S": "x".repeat(1000) } },
        });
        let found = database.query(serde_json::from_value(query).unwrap()).unwrap();
        assert_eq!((found.count, names(&database)), (2, vec![1, 2]));
    }

    fn tables_with_row_ids(database: &Database) -> i64 {
        let count = "SELECT count(*) FROM sqlite_schema WHERE sql LIKE '%pk TEXT%' AND sql LIKE '%TABLE%'
                     AND sql NOT LIKE '%WITHOUT ROWID'";
        database.storage.conn().query_row(count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_table_whose_making_was_interrupted_is_laid_out_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tables.db");
        let database = Database::open(&file).unwrap();
        ready(create_table::execute(&database.storage, table("Things"))).unwrap();
        put(&database, 1).unwrap();
        assert_eq!(tables_with_row_ids(&database), 2);
        drop(database);
        let database = Database::open(&file).unwrap();
        assert_eq!((tables_with_row_ids(&database), names(&database)), (0, vec![1]));
    }

    fn put(database: &Database, name: usize) -> Result<()> {
        let item = Item::from([
            ("name".to_owned(), AttributeValue::S(name.to_string())),
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
                AttributeValue::S(name) => name.parse().unwrap(),
                other => panic!("{other:?}"),
            })
            .collect();
        names.sort_unstable();
        names
    }

    /// Writes groups of five until the disk is full, and returns the names that were committed.
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
        let database = Database::open(&file).unwrap().with_things();
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
        assert_eq!(names(&Database::open(&file).unwrap()), committed);
    }

    #[test]
    fn a_group_whose_transaction_ended_is_not_half_written() {
        let database = Database::in_memory().unwrap().with_things();
        let group = database.together(|| {
            put(&database, 1).unwrap();
            // As SQLite does on its own after some failures of the disk.
            database.grouped.store(false, Relaxed);
            run(database.storage.conn(), "ROLLBACK").unwrap();
            database.grouped.store(true, Relaxed);
            put(&database, 2).unwrap_err();
            transact(&database, &[4], "").unwrap_err();
        });
        assert!(group.is_err());
        assert_eq!(names(&database), Vec::<usize>::new());
        database.together(|| put(&database, 3)).unwrap().unwrap();
        assert_eq!(names(&database), [3]);
    }

    #[test]
    fn a_transaction_that_is_cancelled_takes_back_itself_only() {
        let database = Database::in_memory().unwrap().with_things();
        let group = database.together(|| {
            put(&database, 1).unwrap();
            // Its first write is made before its second is refused.
            transact(&database, &[2, 1], "attribute_not_exists(#name)").unwrap_err();
            transact(&database, &[3, 4], "attribute_not_exists(#name)").unwrap();
        });
        group.unwrap();
        assert_eq!(names(&database), [1, 3, 4]);
    }

    #[test]
    fn a_write_that_fails_half_way_takes_the_group_with_it() {
        let database = Database::in_memory().unwrap().with_things();
        let group = database.together(|| {
            put(&database, 1).unwrap();
            let half = database.write(|| {
                put(&database, 2)?;
                Err::<(), _>(failed("as a disk does"))
            });
            half.unwrap_err();
            put(&database, 3).unwrap();
        });
        group.unwrap_err();
        assert_eq!(names(&database), Vec::<usize>::new());
    }

    fn transact(database: &Database, names: &[usize], condition: &str) -> Result<()> {
        let puts: Vec<_> = names
            .iter()
            .map(|name| {
                let mut put = json!({ "TableName": "Things", "Item": { "name": { "S": name.to_string() } } });
                if !condition.is_empty() {
                    put["ConditionExpression"] = condition.into();
                    put["ExpressionAttributeNames"] = json!({ "#name": "name" });
                }
                json!({ "Put": put })
            })
            .collect();
        let transaction = serde_json::from_value(json!({ "TransactItems": puts })).unwrap();
        database.transact_write_items(transaction).map(drop)
    }
}
