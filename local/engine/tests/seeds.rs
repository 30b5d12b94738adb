//! One seed, one clock and the same requests give the same run, to the last generated name.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use ambient::Randomness;
use engine::{
    CreateStateMachine, Engine, ExecutionStatus, ManualClock, Options, PageRequest, StateMachineKind,
    TaskError, Verdict,
};
use serde_json::{Value, json};
use support::{Outside, eventually, some_time, task};

/// An outside where `flaky` always fails.
fn outside() -> Outside {
    Outside::new(|function, event| match function {
        "flaky" => Err(TaskError { error: "Flaky".to_owned(), cause: "always".to_owned() }),
        _ => Ok(event.clone()),
    })
}

/// A machine that draws all that a state machine can draw: UUIDs and numbers in both languages, jitter, and a
/// child whose name the engine makes.
fn draws(child: &str) -> Value {
    let mut flaky = task("flaky", Some("Ask"));
    flaky["Retry"] = json!([{ "ErrorEquals": ["Flaky"], "IntervalSeconds": 100, "MaxAttempts": 3,
        "JitterStrategy": "FULL" }]);
    flaky["Catch"] = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Ask" }]);
    json!({ "StartAt": "Draw", "States": {
        "Draw": { "Type": "Pass", "Next": "Calculate", "Parameters": {
            "uuid.$": "States.UUID()", "number.$": "States.MathRandom(1, 1000000000)" } },
        "Calculate": { "Type": "Pass", "QueryLanguage": "JSONata", "Next": "Child",
            "Output": { "uuid": "{% $uuid() %}", "number": "{% $random() %}" } },
        "Child": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Next": "Refused",
            "Parameters": { "StateMachineArn": child } },
        "Refused": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution",
            "Parameters": { "StateMachineArn": format!("{child}-missing") },
            "Catch": [{ "ErrorEquals": ["States.ALL"], "Next": "Flaky" }], "End": true },
        "Flaky": flaky,
        "Ask": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } }, "End": true } } })
}

async fn create(engine: &Engine, name: &str, kind: StateMachineKind, definition: &Value) -> String {
    let role_arn = "arn:aws:iam::000000000000:role/test".to_owned();
    let create =
        CreateStateMachine { name: name.to_owned(), kind, definition: definition.to_string(), role_arn };
    engine.create_state_machine(create).await.unwrap().arn
}

/// All that a run leaves: its calls, its state machines, its executions and their histories.
async fn run(seed: Option<u64>) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), outside());
    let options = Options {
        clock: Arc::new(clock.clone()),
        randomness: Randomness::new(seed),
        durable: false,
        ..Options::at(folder.path().join("journal.db"))
    };
    let engine = Engine::open(options, |_| Arc::new(outside.clone())).unwrap();
    let leaf = json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "End": true } } });
    let child = create(&engine, "child", StateMachineKind::Standard, &leaf).await;
    let parent = create(&engine, "parent", StateMachineKind::Standard, &draws(&child)).await;
    let express = create(&engine, "express", StateMachineKind::Express, &leaf).await;

    let started = engine.start_execution(parent.clone(), None, "{}".to_owned()).await.unwrap();
    let history = || engine.execution_history(&started.arn, false, &PageRequest::default()).unwrap().events;
    let count = |kind: &str| history().iter().filter(|event| event["type"] == kind).count();
    for failures in 1..=3 {
        eventually("flaky fails", || count("LambdaFunctionFailed") == failures).await;
        // The longest waits between the attempts are 100, 200 and 400 seconds; jitter makes them shorter.
        clock.advance(Duration::from_secs(400));
    }
    eventually("the function is asked", || count("TaskSubmitted") == 2).await;
    let calls = outside.calls();
    let token = calls.last().unwrap().1["token"].as_str().unwrap().to_owned();
    engine.send_task(token, Verdict::Success(json!({}))).await.unwrap();
    let sync = engine.start_sync_execution(express, None, "{}".to_owned()).await.unwrap();

    let mut left = vec![json!(calls), json!(sync.arn), json!(sync.name)];
    for machine in engine.list_state_machines().unwrap() {
        left.push(json!([machine.arn, machine.revision_id]));
        for execution in
            engine.list_executions(&machine.arn, None, &PageRequest::default()).unwrap().executions
        {
            assert_eq!(execution.status, ExecutionStatus::Succeeded);
            let page = engine.execution_history(&execution.arn, false, &PageRequest::default()).unwrap();
            left.push(json!([execution.arn, execution.input, execution.output, page.events]));
        }
    }
    engine.shut_down();
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_and_requests_give_the_same_histories_names_and_tokens() {
    let (first, again) = (run(Some(7)).await, run(Some(7)).await);
    assert_eq!(first.len(), 8, "two executions are kept: {first:#?}");
    assert_eq!(first, again);
    for other in [run(Some(8)).await, run(None).await] {
        for (one, another) in first.iter().zip(&other) {
            assert_ne!(one, another);
        }
    }
}
