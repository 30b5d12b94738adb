//! The engine dies at each of its commits in turn, and goes on with the same journal.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use engine::{Engine, ManualClock, TaskError};
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, open_with, some_time, start, task};

/// Tasks in a chain, in parallel and in a Map, a retry, a wait, a catch.
fn machine() -> Value {
    let mut flaky = task("flaky", Some("Pause"));
    flaky["Retry"] = json!([{ "ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3 }]);
    let mut bad = task("bad", Some("Done"));
    bad["Catch"] = json!([{ "ErrorEquals": ["Bad"], "ResultPath": "$.caught", "Next": "Done" }]);
    json!({ "StartAt": "First", "States": {
        "First": task("first", Some("Both")),
        "Both": { "Type": "Parallel", "ResultPath": "$.both", "Next": "Each", "Branches": [
            { "StartAt": "Left", "States": { "Left": task("left", None) } },
            { "StartAt": "Right", "States": { "Right": task("right", None) } } ] },
        "Each": { "Type": "Map", "ItemsPath": "$.items", "ResultPath": "$.each", "Next": "Flaky", "ItemProcessor": {
            "StartAt": "Item", "States": { "Item": task("item", None) } } },
        "Flaky": flaky,
        "Pause": { "Type": "Wait", "Seconds": 60, "Next": "Bad" },
        "Bad": bad,
        "Done": { "Type": "Succeed" } } })
}

fn outside() -> Outside {
    let failed = std::sync::Mutex::new(0);
    Outside::new(move |function, event| match function {
        "flaky" => {
            let mut failed = failed.lock().unwrap();
            *failed += 1;
            if *failed <= 2 {
                return Err(TaskError { error: "Flaky".into(), cause: "again".into() });
            }
            Ok(event.clone())
        }
        "bad" => Err(TaskError { error: "Bad".into(), cause: "never".into() }),
        "item" => Ok(json!(event.as_i64().unwrap() * 10)),
        "left" | "right" => Ok(json!(function)),
        _ => Ok(event.clone()),
    })
}

async fn finish(engine: &Engine, arn: &str, clock: &ManualClock) -> String {
    for _ in 0..400 {
        let description = engine.describe_execution(arn).unwrap();
        if description.status != "RUNNING" {
            return format!("{} {:?}", description.status, description.output);
        }
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it hangs");
}

fn counts(outside: &Outside) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (name, _) in outside.calls() {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Runs with an engine that dies in its `fatal`th commit; whether it got so far, and what it was by then.
async fn run_until_crash(folder: &Path, clock: &ManualClock, outside: &Outside, fatal: usize) -> bool {
    let mut commits = 0;
    let engine = open_with(
        folder,
        clock,
        outside,
        Box::new(move || {
            commits += 1;
            assert!(commits != fatal, "the crash that this test is about");
            Ok(())
        }),
    );
    let crash = async {
        let machine = machine();
        let create = engine::CreateStateMachine {
            name: "m".into(),
            kind: engine::StateMachineKind::Standard,
            definition: machine.to_string(),
            role_arn: "arn:aws:iam::000000000000:role/test".into(),
        };
        let arn = engine.create_state_machine(create).await.ok()?.arn;
        let started =
            engine.start_execution(arn, Some("one".into()), r#"{"items":[1,2,3]}"#.into()).await.ok()?;
        for _ in 0..400 {
            if engine.describe_execution(&started.arn).ok()?.status != "RUNNING" {
                return Some(());
            }
            clock.advance(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
            // A dead engine answers nothing any more.
            engine
                .redrive_execution("arn:aws:states:us-east-1:000000000000:execution:m:none".into())
                .await
                .err()
                .filter(|error| !error.is_internal())?;
        }
        None
    };
    let survived = crash.await.is_some();
    engine.shut_down();
    survived
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_at_any_commit_the_outcome_is_that_of_an_undisturbed_run() {
    std::panic::set_hook(Box::new(|_| {}));
    let undisturbed = {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), outside());
        let engine = open(folder.path(), &clock, &outside);
        let machine = create(&engine, "m", &machine()).await;
        let arn = start(&engine, &machine, "one", &json!({ "items": [1, 2, 3] })).await;
        let end = finish(&engine, &arn, &clock).await;
        engine.shut_down();
        (end, counts(&outside))
    };
    assert!(undisturbed.0.starts_with("SUCCEEDED"), "{}", undisturbed.0);
    let mut crashes = 0;
    for fatal in 1..200 {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), outside());
        if run_until_crash(folder.path(), &clock, &outside, fatal).await {
            break;
        }
        crashes += 1;
        let engine = open(folder.path(), &clock, &outside);
        let machine = create(&engine, "m", &machine()).await;
        let arn = start(&engine, &machine, "one", &json!({ "items": [1, 2, 3] })).await;
        assert_eq!(finish(&engine, &arn, &clock).await, undisturbed.0, "crash at commit {fatal}");
        engine.shut_down();
        let calls = counts(&outside);
        let more: usize = calls
            .iter()
            .map(|(name, count)| count - undisturbed.1.get(name).copied().unwrap_or(0).min(*count))
            .sum();
        // Only what was in flight in the lost group may have been attempted again: at most the five branches and items.
        assert!(more <= 5, "crash at commit {fatal}: {calls:?} against {:?}", undisturbed.1);
    }
    assert!(crashes >= 8, "only {crashes} commits were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_is_made_again_with_the_same_token_and_a_due_timer_fires_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let outside = Outside::echo();
    let engine = open(folder.path(), &clock, &outside);
    let wait = create(
        &engine,
        "wait",
        &json!({ "StartAt": "W", "States": {
        "W": { "Type": "Wait", "Seconds": 1800, "End": true } } }),
    )
    .await;
    let waiting = start(&engine, &wait, "w", &json!({})).await;
    engine.shut_down();
    clock.advance(Duration::from_secs(1800));
    let engine = open(folder.path(), &clock, &outside);
    assert_eq!(ended(&engine, &waiting).await.status, "SUCCEEDED");

    let ask = create(&engine, "ask", &json!({ "QueryLanguage": "JSONata", "StartAt": "Ask", "States": { "Ask": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 3600,
        "Arguments": { "FunctionName": "ask", "Payload": { "token": "{% $states.context.Task.Token %}" } }, "End": true } } })).await;
    let asked = start(&engine, &ask, "a", &json!({})).await;
    eventually("the function is asked", || outside.calls().len() == 1).await;
    engine.shut_down();
    let engine = open(folder.path(), &clock, &outside);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let calls = outside.calls();
    assert!(calls.iter().all(|call| call == &calls[0]), "{calls:?}");
    let token = calls[0].1["token"].as_str().unwrap().to_owned();
    engine.send_task(token, engine::Verdict::Success(json!(1))).await.unwrap();
    assert_eq!(ended(&engine, &asked).await.output.as_deref(), Some("1"));
    engine.shut_down();
}
