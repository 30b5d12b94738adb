//! The engine dies at each of its commits in turn, and goes on with the same journal.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use engine::{
    CreateStateMachine, Engine, Error, ExecutionStatus, ManualClock, PageRequest, StateMachineKind, TaskError,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, open_with, some_time, start, task};

/// Tasks in a chain, in parallel and in a Map, a dear expression, a retry, a wait, a catch.
fn machine() -> Value {
    let mut flaky = task("flaky", Some("Pause"));
    flaky["Retry"] = json!([{ "ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 3 }]);
    let mut bad = task("bad", Some("Done"));
    bad["Catch"] = json!([{ "ErrorEquals": ["Bad"], "ResultPath": "$.caught", "Next": "Done" }]);
    json!({ "StartAt": "First", "States": {
        "First": task("first", Some("Dear")),
        "Dear": { "Type": "Pass", "QueryLanguage": "JSONata", "Next": "Both",
            "Output": r#"{% $merge([$states.input, { "dear": $length($pad("x", 2000000)) }]) %}"# },
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

const INPUT: &str = r#"{"items":[1,2,3]}"#;

/// Whether the execution waits for the result of a call.
fn is_calling(engine: &Engine, arn: &str) -> bool {
    let page = PageRequest { limit: 1000, next: None };
    let events = engine.execution_history(arn, false, &page).unwrap().events;
    let count = |types: &[&str]| {
        events.iter().filter(|event| types.contains(&event["type"].as_str().unwrap())).count()
    };
    count(&["LambdaFunctionScheduled"]) > count(&["LambdaFunctionSucceeded", "LambdaFunctionFailed"])
}

/// Moves time on until the execution has ended, and returns how it ended, or `None` when the engine died.
async fn finish(engine: &Engine, arn: &str, clock: &ManualClock) -> Option<String> {
    for _ in 0..2000 {
        let description = engine.describe_execution(arn).ok()?;
        if description.status != ExecutionStatus::Running {
            return Some(format!("{} {:?} {:?}", description.status, description.output, description.error));
        }
        // While a call is in flight time stands still: on a busy machine its timeout might come before its
        // result.
        if !is_calling(engine, arn) {
            clock.advance(Duration::from_secs(5));
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        // A dead engine answers nothing any more.
        let alive =
            engine.delete_state_machine("arn:aws:states:us-east-1:000000000000:stateMachine:none".into());
        alive.await.ok()?;
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

/// Creates the machine, starts the execution and runs it to its end; both calls may be repeated.
async fn run(engine: &Engine, machine: &Value, clock: &ManualClock) -> Option<String> {
    let create = CreateStateMachine {
        name: "m".into(),
        kind: StateMachineKind::Standard,
        definition: machine.to_string(),
        role_arn: "arn:aws:iam::000000000000:role/test".into(),
    };
    let machine = engine.create_state_machine(create).await.ok()?.arn;
    let started = engine.start_execution(machine.clone(), Some("one".into()), INPUT.into()).await;
    let arn = match started {
        Ok(started) => started.arn,
        // It had ended when the engine died.
        Err(Error::ExecutionAlreadyExists(arn)) => arn,
        Err(_) => return None,
    };
    finish(engine, &arn, clock).await
}

/// Runs the machine undisturbed, and then once for each commit of that run with an engine that dies in it.
/// Returns how many commits those were.
async fn crash_everywhere(machine: &Value) -> usize {
    let (undisturbed, calls) = {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), outside());
        let engine = open(folder.path(), &clock, &outside);
        let end = run(&engine, machine, &clock).await.unwrap();
        engine.shut_down();
        (end, counts(&outside))
    };
    for fatal in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let (clock, outside) = (ManualClock::starting_at(some_time()), outside());
        let mut commits = 0;
        let dies = move || {
            commits += 1;
            assert!(commits != fatal, "the crash that this test is about");
            Ok(())
        };
        let engine = open_with(folder.path(), &clock, &outside, dies);
        let survived = run(&engine, machine, &clock).await;
        engine.shut_down();
        if survived.is_some() {
            assert_eq!(survived.as_deref(), Some(undisturbed.as_str()));
            return fatal - 1;
        }
        let engine = open(folder.path(), &clock, &outside);
        let end = run(&engine, machine, &clock).await;
        engine.shut_down();
        assert_eq!(end.as_deref(), Some(undisturbed.as_str()), "crash at commit {fatal} of {machine}");
        let again = counts(&outside);
        for (function, count) in &again {
            // Only what was in flight when the engine died may have been attempted again, each attempt once.
            let usual = calls.get(function).copied().unwrap_or(0);
            assert!(
                *count <= usual + in_flight_at_once(function),
                "crash at commit {fatal}: {again:?} against {calls:?}"
            );
        }
    }
    unreachable!("it returns when a run survives")
}

fn in_flight_at_once(function: &str) -> usize {
    if function == "item" { 3 } else { 1 }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_at_any_commit_the_outcome_is_that_of_an_undisturbed_run() {
    let crashes = crash_everywhere(&machine()).await;
    assert!(crashes >= 8, "only {crashes} commits were tried");
}

/// A Distributed Map of children that call a function and wait. Their calls don't show in the history of their parent,
/// so they have no timeout that could come while time is moved.
fn distributed() -> Value {
    let mut shelf = task("item", Some("Pause"));
    shelf.as_object_mut().unwrap().remove("TimeoutSeconds");
    json!({ "StartAt": "First", "States": {
        "First": task("first", Some("Every")),
        "Every": { "Type": "Map", "ItemsPath": "$.items", "ResultPath": "$.every", "Next": "Done", "ItemProcessor": {
            "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" },
            "StartAt": "Shelf",
            "States": { "Shelf": shelf, "Pause": { "Type": "Wait", "Seconds": 20, "End": true } } } },
        "Done": { "Type": "Succeed" } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_distributed_map_ends_after_a_crash_at_any_commit_as_if_nothing_had_happened() {
    let crashes = crash_everywhere(&distributed()).await;
    assert!(crashes >= 5, "only {crashes} commits were tried");
}

/// One state of a generated machine; each keeps its input, so that any order of them makes sense.
#[derive(Debug, Clone, Copy)]
enum GeneratedState {
    Pass,
    Task,
    Wait,
    Both,
    Each,
    Flaky,
    Caught,
}

/// A state's name is unique in the whole machine, in branches too.
fn renamed(state: &Value, index: usize) -> Value {
    let text = ["Left", "Right", "Item"].iter().fold(state.to_string(), |text, name| {
        text.replace(&format!("\"{name}\""), &format!("\"{name}{index}\""))
    });
    serde_json::from_str(&text).unwrap()
}

fn generated(steps: &[GeneratedState]) -> Value {
    let states = steps.iter().enumerate().map(|(index, step)| {
        let mut state = match step {
            GeneratedState::Pass => {
                json!({ "Type": "Pass", "Result": index, "ResultPath": format!("$.pass{index}") })
            }
            GeneratedState::Task => task("first", None),
            GeneratedState::Wait => json!({ "Type": "Wait", "Seconds": 20 }),
            GeneratedState::Both => renamed(&machine()["States"]["Both"], index),
            GeneratedState::Each => renamed(&machine()["States"]["Each"], index),
            GeneratedState::Flaky => machine()["States"]["Flaky"].clone(),
            GeneratedState::Caught => {
                let mut state = machine()["States"]["Bad"].clone();
                state["Catch"][0]["Next"] = json!(format!("S{}", index + 1));
                state
            }
        };
        let fields = state.as_object_mut().unwrap();
        fields.remove("End");
        fields.insert("Next".into(), json!(format!("S{}", index + 1)));
        (format!("S{index}"), state)
    });
    let mut states: serde_json::Map<_, _> = states.collect();
    states.insert(format!("S{}", steps.len()), json!({ "Type": "Succeed" }));
    json!({ "StartAt": "S0", "States": states })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn generated_machines_end_as_if_nothing_had_happened(
        steps in proptest::collection::vec(
            prop_oneof![
                Just(GeneratedState::Pass),
                Just(GeneratedState::Task),
                Just(GeneratedState::Wait),
                Just(GeneratedState::Both),
                Just(GeneratedState::Each),
                Just(GeneratedState::Flaky),
                Just(GeneratedState::Caught),
            ],
            1..5,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(crash_everywhere(&generated(&steps)));
    }
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
    assert_eq!(ended(&engine, &waiting).await.status, ExecutionStatus::Succeeded);

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
