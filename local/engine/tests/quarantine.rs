//! What can't be read of one execution, and what crashes the interpreter, is that execution's failure. It is named,
//! it can be redriven once the cause is gone, and nobody else notices.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::path::Path;
use std::time::Duration;

use engine::{Engine, Error, ExecutionStatus, ManualClock, PageRequest, Verdict};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, some_time, start, task};

fn waits() -> Value {
    json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 60, "End": true } } })
}

/// A machine of its own definition, so that damage to that concerns nobody else.
fn waits_alone() -> Value {
    json!({ "Comment": "alone", "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 60, "End": true } } })
}

fn journal(folder: &Path) -> Connection {
    let journal = Connection::open(folder.join("journal.db")).unwrap();
    journal.busy_timeout(Duration::from_secs(5)).unwrap();
    // A damaged file keeps to no rule.
    journal.pragma_update(None, "foreign_keys", false).unwrap();
    journal
}

/// Changes the stored state of the execution of this ARN.
fn change_state(folder: &Path, arn: &str, change: impl FnOnce(Value) -> Vec<u8>) {
    let journal = journal(folder);
    let sql = "SELECT p.seq, p.state FROM progress p JOIN execution e USING (seq) WHERE e.arn = ?1";
    let (seq, state): (i64, Vec<u8>) =
        journal.query_row(sql, [arn], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let state = change(serde_json::from_slice(&state).unwrap());
    journal.execute("UPDATE progress SET state = ?2 WHERE seq = ?1", params![seq, state]).unwrap();
}

async fn is_idle(engine: &Engine) {
    // Every group that a wake-up leads to would follow the one before at once.
    let before = engine.stats().snapshot();
    for _ in 0..3 {
        engine.delete_state_machine(engine.state_machine_arn("none")).await.unwrap();
    }
    assert_eq!(engine.stats().snapshot().groups, before.groups + 3);
}

const STUCK: &str = "a state that the definition does not have";

/// Damages what is stored of one of two executions that wait, and mends it again.
async fn one_of_two_fails(what: &str, damage: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let (waits, alone) =
        (create(&engine, "waits", &waits()).await, create(&engine, "alone", &waits_alone()).await);
    let well = start(&engine, &waits, "well", &json!({ "n": 1 })).await;
    let sick = start(&engine, &alone, "sick", &json!({ "n": 2 })).await;
    engine.shut_down();
    let kept = folder.path().join("kept.db");
    let damaged = journal(folder.path());
    damaged.execute("VACUUM INTO ?1", [kept.to_str().unwrap()]).unwrap();
    damaged.execute_batch(damage).unwrap();
    drop(damaged);

    let engine = open(folder.path(), &clock, &outside);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ended(&engine, &well).await.status, ExecutionStatus::Succeeded, "{what}");
    let failed = ended(&engine, &sick).await;
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (ExecutionStatus::Failed, Some("States.Runtime")),
        "{what}"
    );
    assert!(!failed.cause.unwrap().is_empty(), "{what}");
    let listed = engine.list_executions(&alone, None, &PageRequest::default()).unwrap().executions;
    assert_eq!(listed.iter().map(|one| one.status).collect::<Vec<_>>(), [ExecutionStatus::Failed], "{what}");
    is_idle(&engine).await;
    let refused = engine.redrive_execution(sick.clone()).await;
    if what == STUCK {
        // That shows only when it is woken: it goes on, and fails again.
        refused.unwrap();
        assert_eq!(ended(&engine, &sick).await.error.as_deref(), Some("States.Runtime"), "{what}");
    } else {
        assert!(matches!(refused, Err(Error::ExecutionNotRedrivable(_))), "{what}: {refused:?}");
    }

    // The engine may have the state in memory.
    engine.shut_down();
    let engine = open(folder.path(), &clock, &outside);
    let mended = journal(folder.path());
    mended.execute("ATTACH ?1 AS kept", [kept.to_str().unwrap()]).unwrap();
    mended
        .execute_batch(
            "INSERT OR IGNORE INTO main.definition SELECT * FROM kept.definition;
             UPDATE main.definition SET text = (SELECT text FROM kept.definition k WHERE k.id = main.definition.id);
             UPDATE main.execution SET definition = (SELECT definition FROM kept.execution k WHERE k.seq = main.execution.seq);
             UPDATE main.progress SET state = (SELECT state FROM kept.progress k WHERE k.seq = main.progress.seq);",
        )
        .unwrap();
    engine.redrive_execution(sick.clone()).await.unwrap();
    let again = ended(&engine, &sick).await;
    let redrives = if what == STUCK { 2 } else { 1 };
    assert_eq!((again.status, again.redrive_count), (ExecutionStatus::Succeeded, redrives), "{what}");
    assert_eq!(again.output.as_deref(), Some(r#"{"n":2}"#), "{what}");
    let history = engine.execution_history(&sick, false, &PageRequest::default()).unwrap().events;
    assert_eq!(history.last().unwrap()["type"], "ExecutionSucceeded", "{what}");
    engine.shut_down();
}

/// Runs this state machine as the execution `c`, and catches its failure.
fn runs(child: &str) -> Value {
    json!({ "StartAt": "Run", "States": {
        "Run": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": { "StateMachineArn": child, "Name": "c" },
            "Catch": [{ "ErrorEquals": ["States.TaskFailed"], "Next": "Caught" }], "End": true },
        "Caught": { "Type": "Pass", "Result": "caught", "End": true } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_read_of_one_execution_is_its_failure_alone() {
    for (what, damage) in [
        ("no JSON", "UPDATE progress SET state = x'00' WHERE seq = 2"),
        ("no blob", "UPDATE progress SET state = 5 WHERE seq = 2"),
        ("text that is no UTF-8", "UPDATE progress SET state = CAST(x'FF' AS TEXT) WHERE seq = 2"),
        (
            "a later version",
            r#"UPDATE progress SET state = CAST('{"v":99,' || substr(CAST(state AS TEXT), 2) AS BLOB) WHERE seq = 2"#,
        ),
        ("half of it", "UPDATE progress SET state = substr(state, 1, length(state) / 2) WHERE seq = 2"),
        (
            STUCK,
            r#"UPDATE progress SET state = CAST(replace(CAST(state AS TEXT), '"s":{"s":0', '"s":{"s":999') AS BLOB) WHERE seq = 2"#,
        ),
        ("no definition", "DELETE FROM definition WHERE text LIKE '%alone%'"),
        ("a definition that is none", "UPDATE definition SET text = '{' WHERE text LIKE '%alone%'"),
        ("a definition of another type", "UPDATE definition SET text = x'FF00' WHERE text LIKE '%alone%'"),
        ("a key of a definition that is none", "UPDATE execution SET definition = 'none' WHERE seq = 2"),
    ] {
        one_of_two_fails(what, damage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_that_nobody_can_take_does_not_come_again() {
    for damage in [
        "DELETE FROM execution WHERE seq = 1",
        "UPDATE progress SET state = x'00' WHERE seq = 1; UPDATE execution SET status = 'FAILED', stopped = 1 WHERE seq = 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
        let engine = open(folder.path(), &clock, &outside);
        let machine = create(&engine, "waits", &waits()).await;
        start(&engine, &machine, "one", &json!({})).await;
        let other = start(&engine, &machine, "other", &json!({})).await;
        engine.shut_down();
        journal(folder.path()).execute_batch(damage).unwrap();
        let engine = open(folder.path(), &clock, &outside);
        clock.advance(Duration::from_secs(60));
        assert_eq!(ended(&engine, &other).await.status, ExecutionStatus::Succeeded);
        is_idle(&engine).await;
        engine.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_that_can_not_be_read_is_worked_out_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "waits", &waits()).await;
    let arns = [
        start(&engine, &machine, "one", &json!({})).await,
        start(&engine, &machine, "two", &json!({})).await,
    ];
    engine.shut_down();
    journal(folder.path())
        .execute_batch(
            "UPDATE progress SET wake = 'soon' WHERE seq = 1; UPDATE progress SET busy = 'maybe' WHERE seq = 2",
        )
        .unwrap();
    let engine = open(folder.path(), &clock, &outside);
    clock.advance(Duration::from_secs(60));
    for arn in arns {
        assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Succeeded);
    }
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_damaged_is_seen_and_hides_no_other() {
    for damage in
        ["status = 'LOST'", "input = x'FF00'", "started = 'never'", "output = 3.5, redrives = 'many'"]
    {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
        let engine = open(folder.path(), &clock, &outside);
        let pass = json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "End": true } } });
        let machine = create(&engine, "pass", &pass).await;
        let sick = start(&engine, &machine, "sick", &json!({})).await;
        start(&engine, &machine, "well", &json!({})).await;
        journal(folder.path())
            .execute(&format!("UPDATE execution SET {damage} WHERE name = 'sick'"), [])
            .unwrap();
        let seen = engine.describe_execution(&sick).unwrap();
        let listed = engine.list_executions(&machine, None, &PageRequest::default()).unwrap().executions;
        if damage.starts_with("output") {
            // What SQLite converts to the column's type is no damage.
            assert_eq!(seen.redrive_count, 0);
        }
        assert_eq!(seen.error.as_deref(), Some("States.Runtime"), "{damage}");
        assert!(seen.cause.unwrap().contains("can't be read"), "{damage}");
        assert_eq!(listed.len(), 2, "{damage}");
        engine.shut_down();
    }
}

/// A task that is asked for after a wait: the number of the attempt is counted then.
fn waits_then_calls() -> Value {
    json!({ "StartAt": "W", "States": {
        "W": { "Type": "Wait", "Seconds": 60, "Next": "T" }, "T": task("t", None) } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_interpreter_is_the_failure_of_its_execution_alone() {
    // Counters at their ends overflow, which panics where overflows are checked: in the call (`k`), or already when
    // an event is recorded (`e`), so that not even the failure can be.
    for counter in ["k", "e"] {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
        let engine = open(folder.path(), &clock, &outside);
        let machine = create(&engine, "calls", &waits_then_calls()).await;
        let sick = start(&engine, &machine, "sick", &json!({ "n": 1 })).await;
        let well = start(&engine, &machine, "well", &json!({ "n": 2 })).await;
        engine.shut_down();
        let mut counted = 0;
        change_state(folder.path(), &sick, |mut state| {
            counted = state[counter].as_u64().unwrap();
            state[counter] = json!(u64::MAX);
            state.to_string().into_bytes()
        });
        let engine = open(folder.path(), &clock, &outside);
        clock.advance(Duration::from_secs(60));
        assert_eq!(ended(&engine, &well).await.output.as_deref(), Some(r#"{"n":2}"#));
        let failed = ended(&engine, &sick).await;
        assert_eq!(
            (failed.status, failed.error.as_deref()),
            (ExecutionStatus::Failed, Some("States.Runtime"))
        );
        assert!(failed.cause.as_deref().unwrap().contains("overflow"), "{failed:?}");
        let history = engine.execution_history(&sick, false, &PageRequest::default()).unwrap().events;
        let last = history.last().unwrap()["type"].as_str().unwrap();
        assert_eq!(last, if counter == "k" { "ExecutionFailed" } else { "WaitStateEntered" });
        engine.shut_down();
        change_state(folder.path(), &sick, |mut state| {
            state[counter] = json!(counted);
            state.to_string().into_bytes()
        });
        let engine = open(folder.path(), &clock, &outside);
        engine.redrive_execution(sick.clone()).await.unwrap();
        // The step that crashed was undone, and with it the end of the wait.
        clock.advance(Duration::from_secs(60));
        assert_eq!(ended(&engine, &sick).await.output.as_deref(), Some(r#"{"n":1}"#), "{counter}");
        engine.shut_down();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_execution_did_in_a_group_before_it_crashed_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let outside = Outside::echo();
    let engine = open(folder.path(), &clock, &outside);
    // Both branches are due in the same group; the second crashes.
    let branch = |name: &str, next: &str| {
        let mut states = serde_json::Map::new();
        states.insert(name.to_owned(), json!({ "Type": "Wait", "Seconds": 60, "Next": next }));
        states.insert(next.to_owned(), task(next, None));
        json!({ "StartAt": name, "States": states })
    };
    let both = json!({ "StartAt": "Both", "States": { "Both": {
        "Type": "Parallel", "End": true, "Branches": [branch("W1", "a"), branch("W2", "b")] } } });
    let machine = create(&engine, "both", &both).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    engine.shut_down();
    change_state(folder.path(), &arn, |mut state| {
        // The first call gets the last number there is.
        state["k"] = json!(u64::MAX - 1);
        state.to_string().into_bytes()
    });
    let engine = open(folder.path(), &clock, &outside);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ended(&engine, &arn).await.error.as_deref(), Some("States.Runtime"));
    is_idle(&engine).await;
    let history = engine.execution_history(&arn, false, &PageRequest::default()).unwrap().events;
    let ids: Vec<_> = history.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    assert_eq!(history.last().unwrap()["type"], "ExecutionFailed");
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_can_not_go_on_fails_its_parent_and_a_token_of_it_has_timed_out() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let asks = json!({ "StartAt": "Ask", "States": { "Ask": { "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "End": true,
        "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } } } } });
    let child = create(&engine, "child", &asks).await;
    let parent = create(&engine, "parent", &runs(&child)).await;
    let arn = start(&engine, &parent, "p", &json!({})).await;
    eventually("the child asks", || !outside.calls().is_empty()).await;
    // Its call was answered, so that the child only waits.
    eventually("it waits", || {
        let child = "arn:aws:states:us-east-1:000000000000:execution:child:c";
        let history = engine.execution_history(child, false, &PageRequest::default()).unwrap().events;
        history.last().unwrap()["type"] == "TaskSubmitted"
    })
    .await;
    engine.shut_down();
    journal(folder.path()).execute_batch("UPDATE progress SET state = x'00' WHERE seq = 2").unwrap();
    let engine = open(folder.path(), &clock, &outside);
    let token = outside.calls()[0].1["token"].as_str().unwrap().to_owned();
    let told = engine.send_task(token, Verdict::Success(json!({}))).await;
    assert!(matches!(told, Err(Error::TaskTimedOut)), "{told:?}");
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some(r#""caught""#));
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_whose_history_contradicts_it_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "waits", &waits()).await;
    let sick = start(&engine, &machine, "sick", &json!({})).await;
    let well = start(&engine, &machine, "well", &json!({})).await;
    engine.shut_down();
    change_state(folder.path(), &sick, |mut state| {
        state["e"] = json!(0);
        state.to_string().into_bytes()
    });
    let engine = open(folder.path(), &clock, &outside);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ended(&engine, &well).await.status, ExecutionStatus::Succeeded);
    assert_eq!(ended(&engine, &sick).await.error.as_deref(), Some("States.Runtime"));
    engine.shut_down();
}

/// The child fails when its group is written, after all work of the group is done.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_execution_whose_history_contradicts_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let twice = json!({ "StartAt": "First", "States": {
        "First": { "Type": "Wait", "Seconds": 60, "Next": "Second" },
        "Second": { "Type": "Wait", "Seconds": 60, "End": true } } });
    let child = create(&engine, "twice", &twice).await;
    let parent = create(&engine, "parent", &runs(&child)).await;
    let arn = start(&engine, &parent, "p", &json!({})).await;
    let child = "arn:aws:states:us-east-1:000000000000:execution:twice:c";
    eventually("the child waits", || {
        let history = engine.execution_history(child, false, &PageRequest::default());
        history.is_ok_and(|history| history.events.last().unwrap()["type"] == "WaitStateEntered")
    })
    .await;
    engine.shut_down();
    change_state(folder.path(), child, |mut state| {
        state["e"] = json!(0);
        state.to_string().into_bytes()
    });
    let engine = open(folder.path(), &clock, &outside);
    clock.advance(Duration::from_secs(60));
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some(r#""caught""#));
    assert_eq!(ended(&engine, child).await.error.as_deref(), Some("States.Runtime"));
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_machine_is_refused_to_its_caller_and_the_group_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let sick = create(&engine, "alone", &waits_alone()).await;
    let well = create(&engine, "waits", &waits()).await;
    journal(folder.path())
        .execute_batch("UPDATE state_machine SET created = 'never' WHERE name = 'alone'")
        .unwrap();
    for _ in 0..2 {
        let (refused, started) = tokio::join!(
            engine.start_execution(sick.clone(), None, "{}".to_owned()),
            engine.start_execution(well.clone(), None, "{}".to_owned())
        );
        assert!(matches!(refused, Err(Error::Journal(_))), "{refused:?}");
        started.unwrap();
    }
    engine.shut_down();
}
