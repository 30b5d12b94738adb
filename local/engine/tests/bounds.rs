//! A group is bounded in work: whatever one execution leads to, others get their turn, and nothing of it is lost.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use engine::{Engine, Error, ExecutionStatus, ManualClock, Options, PageRequest};
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, some_time, start};

fn passes() -> Value {
    json!({ "StartAt": "A", "States": { "A": { "Type": "Pass", "End": true } } })
}

/// A machine that starts itself.
fn starts(itself: &str, how: &str) -> Value {
    json!({ "StartAt": "Again", "States": { "Again": {
        "Type": "Task", "Resource": format!("arn:aws:states:::states:startExecution{how}"),
        "Parameters": { "StateMachineArn": itself }, "End": true } } })
}

fn running(engine: &Engine, machine: &str) -> usize {
    let page = PageRequest { limit: 1000, next: None };
    engine.list_executions(machine, Some(ExecutionStatus::Running), &page).unwrap().executions.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_starts_itself_is_spread_over_groups_and_survives_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    // Not with a seed: after the stop it would give the names of earlier generations again.
    let clock = ManualClock::starting_at(some_time());
    let mut engine = open_with_quota(folder.path(), &clock, 1000);
    let arn = engine.state_machine_arn("itself");
    let machine = create(&engine, "itself", &starts(&arn, "")).await;
    let other = create(&engine, "other", &passes()).await;
    start(&engine, &machine, "first", &json!({})).await;
    for round in 0..2 {
        for index in 0..2 {
            let arn = start(&engine, &other, &format!("{round}-{index}"), &json!({})).await;
            assert_eq!(engine.describe_execution(&arn).unwrap().status, ExecutionStatus::Succeeded);
        }
        let stats = engine.stats().snapshot();
        assert!(stats.events / stats.groups <= 40_000, "{stats:?}");
        engine.shut_down();
        engine = open_with_quota(folder.path(), &clock, 1000);
        assert_eq!(running(&engine, &machine), 1, "one generation waits for the next group");
    }
    engine.delete_state_machine(machine.clone()).await.unwrap();
    // The last one is refused its child, and fails.
    let other = create(&engine, "itself", &starts(&arn, "")).await;
    eventually("it ends", || running(&engine, &other) == 0).await;
    let stats = engine.stats().snapshot();
    engine.delete_state_machine(engine.state_machine_arn("none")).await.unwrap();
    assert_eq!(engine.stats().snapshot().events, stats.events, "nothing goes on");
    engine.shut_down();
}

fn open_with_quota(folder: &std::path::Path, clock: &ManualClock, max_open_executions: u64) -> Engine {
    let options = Options {
        clock: Arc::new(clock.clone()),
        durable: false,
        max_open_executions,
        ..Options::at(folder.join("journal.db"))
    };
    Engine::open(options, |_| Arc::new(Outside::echo())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_executions_are_open_as_the_quota_allows() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open_with_quota(folder.path(), &clock, 3);
    let waits = json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 60, "End": true } } });
    let machine = create(&engine, "waits", &waits).await;
    let first = start(&engine, &machine, "0", &json!({})).await;
    for name in ["1", "2"] {
        start(&engine, &machine, name, &json!({})).await;
    }
    let refused = engine.start_execution(machine.clone(), None, "{}".to_owned()).await;
    assert!(matches!(refused, Err(Error::ExecutionLimitExceeded)), "{refused:?}");
    // The same start again is no new execution.
    assert_eq!(start(&engine, &machine, "0", &json!({})).await, first);
    engine.stop_execution(first.clone(), None, None).await.unwrap();
    let again = start(&engine, &machine, "3", &json!({})).await;
    let refused = engine.redrive_execution(first.clone()).await;
    assert!(matches!(refused, Err(Error::ExecutionLimitExceeded)), "{refused:?}");
    engine.shut_down();

    let engine = open_with_quota(folder.path(), &clock, 3);
    let refused = engine.start_execution(machine.clone(), None, "{}".to_owned()).await;
    assert!(matches!(refused, Err(Error::ExecutionLimitExceeded)), "{refused:?}");
    clock.advance(Duration::from_secs(60));
    assert_eq!(ended(&engine, &again).await.status, ExecutionStatus::Succeeded);
    eventually("all have ended", || running(&engine, &machine) == 0).await;
    start(&engine, &machine, "4", &json!({})).await;
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_waits_for_itself_ends_at_the_quota() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open_with_quota(folder.path(), &clock, 200);
    let arn = engine.state_machine_arn("itself");
    let machine = create(&engine, "itself", &starts(&arn, ".sync:2")).await;
    let first = start(&engine, &machine, "first", &json!({})).await;
    let end = ended(&engine, &first).await;
    assert_eq!((end.status, end.error.as_deref()), (ExecutionStatus::Failed, Some("States.TaskFailed")));
    let all =
        engine.list_executions(&machine, None, &PageRequest { limit: 1000, next: None }).unwrap().executions;
    assert_eq!(all.len(), 200);
    let refused = Some("StepFunctions.ExecutionLimitExceededException");
    assert_eq!(all.iter().filter(|one| one.error.as_deref() == refused).count(), 1);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_without_a_wait_ends_with_its_history_and_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let turns = json!({ "StartAt": "A", "States": {
        "A": { "Type": "Pass", "Next": "B" },
        "B": { "Type": "Choice", "Choices": [{ "Variable": "$.n", "IsPresent": true, "Next": "A" }], "Default": "C" },
        "C": { "Type": "Succeed" } } });
    let machine = create(&engine, "turns", &turns).await;
    let arn = start(&engine, &machine, "one", &json!({ "n": 1 })).await;
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status, end.error.as_deref()), (ExecutionStatus::Failed, Some("States.Runtime")));
    // The rule: AWS Step Functions Developer Guide, "Service quotas", "Maximum execution history size".
    let newest = engine.execution_history(&arn, true, &PageRequest::default()).unwrap().events;
    assert_eq!(
        (newest[0]["id"].as_u64(), newest[0]["type"].as_str()),
        (Some(25_000), Some("ExecutionFailed"))
    );
    assert!(engine.stats().snapshot().groups >= 3, "it took several groups");
    engine.shut_down();
}
