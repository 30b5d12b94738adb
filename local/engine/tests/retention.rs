//! Executions that have ended take little room, and are forgotten after the retention time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{Clock, Engine, Error, ExecutionStatus, ManualClock, Options, PageRequest, TaskError};
use rusqlite::Connection;
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, some_time, start, task};

const DAY: Duration = Duration::from_secs(86_400);

fn chain() -> Value {
    json!({ "StartAt": "A", "States": { "A": task("a", Some("B")), "B": task("b", None) } })
}

fn count(folder: &Path, sql: &str) -> i64 {
    let journal = Connection::open(folder.join("journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    journal.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Moves time on, a little at a time, until all that has ended is archived and what is old is forgotten.
async fn tidied(clock: &ManualClock, folder: &Path, done: &str) {
    eventually("it is tidied", || {
        clock.advance(Duration::from_secs(11));
        count(folder, done) == 0
    })
    .await;
}

fn history(engine: &Engine, arn: &str) -> Vec<Value> {
    let page = PageRequest { limit: 1000, next: None };
    engine.execution_history(arn, false, &page).unwrap().events
}

const UNARCHIVED: &str =
    "SELECT count(*) FROM history JOIN execution ON execution = seq WHERE stopped IS NOT NULL";

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_history_reads_as_before_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let mut before = Vec::new();
    for index in 0..100 {
        let arn = start(&engine, &machine, &format!("e{index}"), &json!({ "index": index })).await;
        ended(&engine, &arn).await;
        before.push((arn.clone(), history(&engine, &arn)));
    }
    tidied(&clock, folder.path(), UNARCHIVED).await;
    assert!(count(folder.path(), "SELECT count(*) FROM archive") >= 2);
    let stored = count(folder.path(), "SELECT sum(length(histories)) FROM archive");
    let text: usize = before.iter().map(|(_, events)| json!(events).to_string().len()).sum();
    assert!(stored < i64::try_from(text).unwrap() / 10, "{stored} of {text}");
    for (arn, events) in &before {
        assert_eq!(&history(&engine, arn), events);
    }
    let (arn, events) = &before[57];
    let newest = PageRequest { limit: 5, next: None };
    let mut page = engine.execution_history(arn, true, &newest).unwrap();
    let mut backwards = page.events;
    while let Some(next) = page.next {
        page = engine.execution_history(arn, true, &PageRequest { limit: 5, next: Some(next) }).unwrap();
        backwards.extend(page.events);
    }
    backwards.reverse();
    assert_eq!(&backwards, events);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_execution_is_redriven_and_its_history_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let failed = std::sync::atomic::AtomicBool::new(false);
    let outside = Outside::new(move |function, event| {
        if function == "b" && !failed.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return Err(TaskError { error: "Broken".into(), cause: "once".into() });
        }
        Ok(event.clone())
    });
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Failed);
    tidied(&clock, folder.path(), UNARCHIVED).await;
    assert_eq!(count(folder.path(), "SELECT count(*) FROM progress"), 0, "the state is archived, too");
    let before = history(&engine, &arn);
    engine.redrive_execution(arn.clone()).await.unwrap();
    assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Succeeded);
    let after = history(&engine, &arn);
    assert_eq!(&after[..before.len()], &before[..]);
    let ids: Vec<_> = after.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=after.len() as u64).collect::<Vec<_>>());
    assert_eq!(after.last().unwrap()["type"], "ExecutionSucceeded");
    let again = engine.redrive_execution(arn.clone()).await;
    assert!(matches!(again, Err(Error::ExecutionNotRedrivable(_))), "{again:?}");
    engine.shut_down();
}

/// A clock that goes with tokio's.
struct Virtual(tokio::time::Instant);

impl Clock for Virtual {
    fn now(&self) -> DateTime<Utc> {
        some_time() + self.0.elapsed()
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        Some((deadline - self.now()).to_std().unwrap_or_default())
    }
}

fn bytes(folder: &Path, file: &str) -> u64 {
    folder.join(file).metadata().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn an_engine_to_which_nothing_happens_any_more_compresses_what_has_ended_and_gives_back_disk() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::echo();
    let options = Options {
        clock: Arc::new(Virtual(tokio::time::Instant::now())),
        durable: false,
        ..Options::at(folder.path().join("journal.db"))
    };
    let (engine, driver) = Engine::open_driven(options, |_| Arc::new(outside.clone())).unwrap();
    tokio::join!(driver.run(), works_and_rests(&engine, folder.path()));
}

async fn works_and_rests(engine: &Engine, folder: &Path) {
    let machine = create(engine, "chain", &chain()).await;
    let filling = "x".repeat(10_000);
    let mut all = Vec::new();
    for index in 0..200 {
        let input = json!({ "index": index, "filling": filling });
        all.push(start(engine, &machine, &format!("e{index}"), &input).await);
    }
    for arn in &all {
        ended(engine, arn).await;
    }
    let full = bytes(folder, "journal.db") + bytes(folder, "journal.db-wal");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(count(folder, UNARCHIVED), 0);
    assert!(count(folder, "SELECT freelist_count FROM pragma_freelist_count") <= 64);
    assert_eq!(bytes(folder, "journal.db-wal"), 0);
    let left = bytes(folder, "journal.db");
    assert!(left < full / 3, "{left} of {full}");
    assert_eq!(
        history(engine, &all[7])[0]["executionStartedEventDetails"]["input"].as_str().unwrap().len(),
        10_024
    );
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_forgotten_after_ninety_days_and_their_names_are_free_again() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let year =
        json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 31_536_000, "End": true } } });
    let waits = create(&engine, "waits", &year).await;
    let waiting = start(&engine, &waits, "waiting", &json!({})).await;
    let mut old = Vec::new();
    for index in 0..150 {
        let arn = start(&engine, &machine, &format!("e{index}"), &json!({})).await;
        ended(&engine, &arn).await;
        old.push(arn);
    }
    tidied(&clock, folder.path(), UNARCHIVED).await;
    clock.advance(89 * DAY);
    let young = start(&engine, &machine, "young", &json!({})).await;
    ended(&engine, &young).await;
    assert_eq!(engine.describe_execution(&old[0]).unwrap().status, ExecutionStatus::Succeeded);
    clock.advance(DAY);
    tidied(&clock, folder.path(), "SELECT count(*) - 2 FROM execution").await;
    for arn in &old {
        let gone = engine.describe_execution(arn);
        assert!(matches!(gone, Err(Error::ExecutionDoesNotExist(_))), "{gone:?}");
    }
    assert_eq!(engine.describe_execution(&young).unwrap().status, ExecutionStatus::Succeeded);
    assert_eq!(engine.describe_execution(&waiting).unwrap().status, ExecutionStatus::Running);
    assert!(count(folder.path(), "SELECT count(*) FROM archive") <= 1);
    assert_eq!(start(&engine, &machine, "e0", &json!({ "again": true })).await, old[0]);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_a_distributed_map_are_kept_as_long_as_their_parent_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = json!({ "StartAt": "Each", "States": {
        "Each": { "Type": "Map", "Next": "Wait", "ItemProcessor": {
            "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" },
            "StartAt": "A", "States": { "A": { "Type": "Pass", "End": true } } } },
        "Wait": { "Type": "Wait", "Seconds": 30 * 86_400, "End": true } } });
    let machine = create(&engine, "each", &machine).await;
    let items: Vec<_> = (0..200).collect();
    let parent = start(&engine, &machine, "one", &json!(items)).await;
    let children = || {
        count(
            folder.path(),
            "SELECT count(*) FROM execution WHERE map_run IS NOT NULL AND stopped IS NOT NULL",
        )
    };
    eventually("the children have ended", || children() == 200).await;
    tidied(&clock, folder.path(), UNARCHIVED).await;
    clock.advance(31 * DAY);
    ended(&engine, &parent).await;
    let young = start(&engine, &machine, "two", &json!([1])).await;
    // The children are older than ninety days, and their parent is not.
    clock.advance(60 * DAY);
    tidied(&clock, folder.path(), UNARCHIVED).await;
    assert_eq!(children(), 201);
    clock.advance(30 * DAY);
    tidied(&clock, folder.path(), "SELECT count(*) - 2 FROM execution").await;
    assert_eq!(engine.describe_execution(&young).unwrap().status, ExecutionStatus::Succeeded);
    // Of the runs and the archives those are left that the other execution has, and its child.
    assert_eq!(count(folder.path(), "SELECT count(*) FROM map_run"), 1);
    assert!(count(folder.path(), "SELECT count(*) FROM archive") <= 2);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_can_not_be_read_keeps_no_other_from_being_archived() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    for name in ["sick", "well"] {
        ended(&engine, &start(&engine, &machine, name, &json!({})).await).await;
    }
    count(folder.path(), "UPDATE history SET events = x'FF' WHERE id = 1 RETURNING 0");
    tidied(&clock, folder.path(), "SELECT count(*) FROM execution WHERE archive IS NULL").await;
    let well = "arn:aws:states:us-east-1:000000000000:execution:chain:well";
    assert_eq!(history(&engine, well).last().unwrap()["type"], "ExecutionSucceeded");
    engine.shut_down();
}
