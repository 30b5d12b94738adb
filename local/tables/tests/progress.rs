//! How far the tables of a data folder have come is stored with what they write, and with nothing else.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use omniflow_tables::{Health, Standing, Tables};
use serde_json::{Value, json};

fn ask(tables: &Tables, operation: &str, request: &Value) -> u16 {
    tables.blocking_answer(operation, request.to_string().as_bytes()).status
}

fn opened(folder: &Path) -> Tables {
    let tables = Tables::open_in_folder(&folder.join("tables.db"), "this").unwrap();
    let create = json!({
        "TableName": "Things",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
    });
    ask(&tables, "CreateTable", &create);
    tables
}

fn put(tables: &Tables, name: &str) -> u16 {
    let put = json!({
        "TableName": "Things",
        "Item": { "name": { "S": name } },
        "ConditionExpression": "attribute_not_exists(#name)",
        "ExpressionAttributeNames": { "#name": "name" },
    });
    ask(tables, "PutItem", &put)
}

fn log(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("tables.db-wal")).unwrap()
}

/// How far the tables have come when their process ends now and this is left of the log.
fn left_with(folder: &Path, log: &[u8]) -> u64 {
    let left = tempfile::tempdir().unwrap();
    fs::copy(folder.join("tables.db"), left.path().join("tables.db")).unwrap();
    fs::write(left.path().join("tables.db-wal"), log).unwrap();
    Standing::of(&left.path().join("tables.db")).unwrap().unwrap().reached
}

#[test]
fn every_write_is_counted_where_it_is_made_and_a_sync_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tables = opened(folder.path());
    let insert = json!({ "Statement": "INSERT INTO \"Things\" VALUE {'name': 'by statement'}" });
    let mut before = tables.sync().wait().unwrap();
    for write in 0..4 {
        assert_eq!(
            if write == 3 {
                ask(&tables, "ExecuteStatement", &insert)
            } else {
                put(&tables, &write.to_string())
            },
            200
        );
        let written = log(folder.path());
        let reached = tables.sync().wait().unwrap();
        assert!(log(folder.path()) == written, "the sync after write {write} wrote");
        assert_eq!(reached, before + 1);
        assert_eq!(left_with(folder.path(), &written), reached);
        before = reached;
    }
}

#[test]
fn what_changes_nothing_is_not_counted() {
    let folder = tempfile::tempdir().unwrap();
    let tables = opened(folder.path());
    put(&tables, "a");
    let (reached, written) = (tables.sync().wait().unwrap(), log(folder.path()));
    assert_eq!(put(&tables, "a"), 400);
    assert_eq!(ask(&tables, "Scan", &json!({ "TableName": "Things" })), 200);
    assert_eq!(tables.sync().wait().unwrap(), reached);
    assert!(log(folder.path()) == written);
}

#[test]
fn whoever_lost_a_synced_write_has_not_come_as_far() {
    let folder = tempfile::tempdir().unwrap();
    let tables = opened(folder.path());
    for name in ["a", "b", "c"] {
        put(&tables, name);
    }
    let (reached, written) = (tables.sync().wait().unwrap(), log(folder.path()));
    assert_eq!(left_with(folder.path(), &written), reached);
    // The last frame says that the transaction is complete.
    assert_eq!(left_with(folder.path(), &written[..written.len() - 1]), reached - 1);
}

#[test]
fn the_count_goes_on_when_the_tables_are_opened_again_with_what_is_known_of_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let tables = opened(folder.path());
    put(&tables, "a");
    tables.journal_reached(7);
    put(&tables, "b");
    let reached = tables.sync().wait().unwrap();
    tables.close().unwrap();
    drop(tables);
    let standing = || Standing::of(&folder.path().join("tables.db")).unwrap().unwrap();
    assert_eq!(standing(), Standing { identity: "this".to_owned(), reached, relies_on: 7 });
    let tables = Tables::open_in_folder(&folder.path().join("tables.db"), "this").unwrap();
    put(&tables, "c");
    assert_eq!(tables.sync().wait().unwrap(), reached + 1);
    tables.close().unwrap();
    drop(tables);
    assert_eq!(standing(), Standing { identity: "this".to_owned(), reached: reached + 1, relies_on: 7 });
}

#[test]
fn what_the_tables_rely_on_is_made_safe_before_each_fsync_and_when_that_fails_nothing_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let tables = opened(folder.path());
    tables.sync().wait().unwrap();
    let (calls, fails) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let (called, failing) = (Arc::clone(&calls), Arc::clone(&fails));
    let relied_on = tables.rely_on(move || {
        called.fetch_add(1, SeqCst);
        if failing.load(SeqCst) { Err(io::Error::other("no disk")) } else { Ok(()) }
    });
    let syncs = || tables.counters().syncs.count();
    let before = syncs();
    put(&tables, "a");
    tables.sync().wait().unwrap();
    tables.sync().wait().unwrap();
    assert_eq!((calls.load(SeqCst), syncs()), (1, before + 1), "there is nothing to do twice");
    relied_on.changed();
    tables.sync().wait().unwrap();
    assert_eq!(calls.load(SeqCst), 2, "it is made safe although no table was written");
    let before = syncs() - 1;

    fails.store(true, SeqCst);
    put(&tables, "b");
    tables.sync().wait().unwrap_err();
    assert_eq!((syncs(), tables.health()), (before + 1, Health::Lost));
    fails.store(false, SeqCst);
    put(&tables, "c");
    tables.sync().wait().unwrap_err();
}
