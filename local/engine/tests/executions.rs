//! Executions through the engine's public interface, while a test moves time by hand.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use engine::{
    Engine, Error, ExecutionStatus, Integrations, ManualClock, Options, PageRequest, TaskCall, TaskError,
    Verdict,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, some_time, start, task};

fn waits_for_token() -> Value {
    json!({ "QueryLanguage": "JSONata", "StartAt": "Ask", "States": { "Ask": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 3600,
        "Arguments": { "FunctionName": "ask", "Payload": { "token": "{% $states.context.Task.Token %}" } }, "End": true } } })
}

/// Two tasks, one after the other.
fn chain() -> Value {
    json!({ "StartAt": "A", "States": { "A": task("a", Some("B")), "B": task("b", None) } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_tasks_runs_to_its_end_and_leaves_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let arn = start(&engine, &machine, "one", &json!({ "x": 1 })).await;
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status.as_str(), end.output.as_deref()), ("SUCCEEDED", Some(r#"{"x":1}"#)));
    let page = engine.execution_history(&arn, false, &PageRequest::default()).unwrap();
    let types: Vec<_> = page.events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types.first(), Some(&"ExecutionStarted"));
    assert_eq!(types.last(), Some(&"ExecutionSucceeded"));
    assert_eq!(types.iter().filter(|kind| **kind == "TaskStateEntered").count(), 2);
    let ids: Vec<_> = page.events.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_paged_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    ended(&engine, &arn).await;
    let whole = engine.execution_history(&arn, false, &PageRequest::default()).unwrap().events;
    for reverse in [false, true] {
        let (mut paged, mut next) = (Vec::new(), None);
        loop {
            let page = engine.execution_history(&arn, reverse, &PageRequest { limit: 3, next }).unwrap();
            assert!(page.events.len() <= 3);
            paged.extend(page.events);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        if reverse {
            paged.reverse();
        }
        assert_eq!(paged, whole);
    }
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_waiting_takes_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let year = 31_536_000;
    let machine = create(
        &engine,
        "wait",
        &json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": year, "End": true } } }),
    )
    .await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    clock.advance(Duration::from_secs(year - 1));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(engine.describe_execution(&arn).unwrap().status, ExecutionStatus::Running);
    clock.advance(Duration::from_secs(1));
    assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Succeeded);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_once() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "ask", &waits_for_token()).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    eventually("the function is asked", || !outside.calls().is_empty()).await;
    let token = outside.calls()[0].1["token"].as_str().unwrap().to_owned();
    engine.send_task(token.clone(), Verdict::Success(json!({ "paid": true }))).await.unwrap();
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some(r#"{"paid":true}"#));
    let again = engine.send_task(token, Verdict::Success(json!({}))).await;
    assert!(matches!(again, Err(Error::TaskTimedOut)), "{again:?}");
    let forged = engine.send_task("AAAA".to_owned(), Verdict::Heartbeat).await;
    assert!(matches!(forged, Err(Error::InvalidToken)), "{forged:?}");
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_start_twice_is_one_execution_and_another_input_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "ask", &waits_for_token()).await;
    let first = start(&engine, &machine, "one", &json!({ "a": 1 })).await;
    assert_eq!(start(&engine, &machine, "one", &json!({ "a": 1 })).await, first);
    let other = engine.start_execution(machine.clone(), Some("one".into()), r#"{"a":2}"#.into()).await;
    assert!(matches!(other, Err(Error::ExecutionAlreadyExists(_))), "{other:?}");
    engine.stop_execution(first.clone(), Some("E".into()), None).await.unwrap();
    let end = ended(&engine, &first).await;
    assert_eq!((end.status.as_str(), end.error.as_deref()), ("ABORTED", Some("E")));
    let closed = engine.start_execution(machine, Some("one".into()), r#"{"a":1}"#.into()).await;
    assert!(matches!(closed, Err(Error::ExecutionAlreadyExists(_))), "{closed:?}");
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_waits_for_its_child_and_gets_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let child =
        create(&engine, "child", &json!({ "StartAt": "A", "States": { "A": task("a", None) } })).await;
    let parent = create(
        &engine,
        "parent",
        &json!({ "StartAt": "Run", "States": { "Run": {
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": { "StateMachineArn": child, "Input": { "n": 7 }, "Name": "c" },
        "OutputPath": "$.Output", "End": true } } }),
    )
    .await;
    let arn = start(&engine, &parent, "p", &json!({})).await;
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status.as_str(), end.output.as_deref()), ("SUCCEEDED", Some(r#"{"n":7}"#)));
    engine.shut_down();
}

/// An outside whose function `slow` answers when it is let go; all others fail.
struct Slow(Arc<tokio::sync::Notify>);

impl Integrations for Slow {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
        let let_go = Arc::clone(&self.0);
        Box::pin(async move {
            if call.state != "Slow" {
                return Err(TaskError { error: "Broken".into(), cause: String::new() });
            }
            let_go.notified().await;
            Ok(json!({}))
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_comes_after_the_end_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let let_go = Arc::new(tokio::sync::Notify::new());
    let options = Options { clock: Arc::new(clock.clone()), ..Options::at(folder.path().join("journal.db")) };
    let engine = Engine::open(options, |_| Arc::new(Slow(Arc::clone(&let_go)))).unwrap();
    let branch = |state: &str| json!({ "StartAt": state, "States": { state: task(state, None) } });
    let both = json!({ "StartAt": "Both", "States": { "Both": {
        "Type": "Parallel", "End": true, "Branches": [branch("Slow"), branch("Fails")] } } });
    let machine = create(&engine, "both", &both).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status, end.stopped), (ExecutionStatus::Failed, Some(some_time())));

    let handled = engine.stats().snapshot().requests;
    clock.advance(Duration::from_secs(60));
    let_go.notify_one();
    // The moved clock and the late result.
    eventually("the result is in", || engine.stats().snapshot().requests >= handled + 2).await;
    assert_eq!(engine.describe_execution(&arn).unwrap().stopped, end.stopped);
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_execution_is_redriven_from_the_state_that_failed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let broken = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let switch = std::sync::Arc::clone(&broken);
    let outside = Outside::new(move |function, event| {
        if function == "b" && switch.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(TaskError { error: "Broken".into(), cause: "for now".into() });
        }
        Ok(event.clone())
    });
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "chain", &chain()).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status.as_str(), end.error.as_deref()), ("FAILED", Some("Broken")));
    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    engine.redrive_execution(arn.clone()).await.unwrap();
    let end = ended(&engine, &arn).await;
    assert_eq!((end.status.as_str(), end.redrive_count), ("SUCCEEDED", 1));
    let names: Vec<_> = outside.calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "b"]);
    engine.shut_down();
}
