//! Distributed Map: the children are executions of their own, counted, listed, aborted and redriven.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{
    CreateStateMachine, Engine, Error, ExecutionStatus, ManualClock, MapRunCounts, MapRunDescription,
    MapRunStatus, PageRequest, StateMachineKind, TaskError, UpdateMapRun, Verdict,
};
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, open_with, some_time, start, task};

/// A state that counts each of its items with the function `count`, in children of this type.
fn count(child: &str, fields: Value) -> Value {
    let mut state = json!({ "Type": "Map", "Label": "Shelves", "End": true, "ItemProcessor": {
        "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": child },
        "StartAt": "Shelf", "States": { "Shelf": task("count", None) } } });
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        state[name] = value;
    }
    state
}

fn alone(state: &Value) -> Value {
    json!({ "StartAt": "Count", "States": { "Count": state } })
}

fn standard(fields: Value) -> Value {
    alone(&count("STANDARD", fields))
}

/// Functions that count ten of everything, but fail for the items in `broken` while `is_broken`.
fn counter(broken: &'static [&'static str], is_broken: &Arc<AtomicBool>) -> Outside {
    let is_broken = Arc::clone(is_broken);
    Outside::new(move |_, event| {
        if is_broken.load(SeqCst) && event.as_str().is_some_and(|item| broken.contains(&item)) {
            return Err(TaskError { error: "Unreadable".into(), cause: "no label".into() });
        }
        Ok(json!(10))
    })
}

/// Functions that never answer.
struct Silent;

impl engine::Integrations for Silent {
    fn call(&self, _: engine::TaskCall) -> futures::future::BoxFuture<'static, Result<Value, TaskError>> {
        Box::pin(std::future::pending())
    }
}

fn silent(folder: &std::path::Path, clock: &ManualClock) -> Engine {
    let options = engine::Options {
        durable: false,
        clock: Arc::new(clock.clone()),
        ..engine::Options::at(folder.join("journal.db"))
    };
    Engine::open(options, |_| Arc::new(Silent)).unwrap()
}

fn only_run(engine: &Engine, execution: &str) -> MapRunDescription {
    let page = engine.list_map_runs(execution, &PageRequest::default()).unwrap();
    assert_eq!(page.map_runs.len(), 1);
    assert_eq!(page.map_runs[0].execution_arn, execution);
    engine.describe_map_run(&page.map_runs[0].arn).unwrap()
}

fn children(engine: &Engine, run: &str) -> Vec<engine::ExecutionSummary> {
    engine.list_map_run_executions(run, None, &PageRequest { limit: 1000, next: None }).unwrap().executions
}

fn types(engine: &Engine, arn: &str) -> Vec<String> {
    let page = PageRequest { limit: 1000, next: None };
    let events = engine.execution_history(arn, false, &page).unwrap().events;
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_item_has_an_execution_of_its_own_with_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &counter(&[], &Arc::default()));
    let machine = create(&engine, "nightly", &standard(json!({}))).await;
    let arn = start(&engine, &machine, "one", &json!(["mug", "jug", "cup"])).await;
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[10,10,10]"));

    let run = only_run(&engine, &arn);
    assert!(
        run.arn.starts_with("arn:aws:states:us-east-1:000000000000:mapRun:nightly/Shelves:"),
        "{}",
        run.arn
    );
    assert_eq!((run.status, run.stopped), (MapRunStatus::Succeeded, Some(some_time())));
    let all = MapRunCounts { succeeded: 3, total: 3, ..MapRunCounts::default() };
    assert_eq!((run.items, run.executions), (all, all));

    let children = children(&engine, &run.arn);
    assert_eq!(children.len(), 3);
    for child in &children {
        let child = engine.describe_execution(&child.arn).unwrap();
        let machine = "arn:aws:states:us-east-1:000000000000:stateMachine:nightly/Shelves";
        assert_eq!(child.state_machine_arn, machine);
        let arn = format!("arn:aws:states:us-east-1:000000000000:execution:nightly/Shelves:{}", child.name);
        assert_eq!(child.arn, arn);
        assert_eq!((child.map_run_arn.as_deref(), child.item_count), (Some(run.arn.as_str()), Some(1)));
        assert_eq!((child.status, child.output.as_deref()), (ExecutionStatus::Succeeded, Some("10")));
        let events = types(&engine, &child.arn);
        assert_eq!((events.first().unwrap().as_str(), events.len()), ("ExecutionStarted", 7));
    }
    let machine_of_child = engine.describe_state_machine_for_execution(&children[0].arn).unwrap();
    assert_eq!(machine_of_child.arn, children[0].state_machine_arn);
    let definition: Value = serde_json::from_str(&machine_of_child.definition).unwrap();
    assert_eq!(definition["StartAt"], "Shelf");
    // They are not among the executions of the machine, and the parent is the child of nothing.
    let listed = engine.list_executions(&machine, None, &PageRequest::default()).unwrap().executions;
    assert_eq!(listed.iter().map(|one| one.arn.as_str()).collect::<Vec<_>>(), [arn.as_str()]);
    assert_eq!((listed[0].map_run_arn.as_deref(), listed[0].item_count), (None, None));
    let of_parent = ["MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded"];
    assert_eq!(types(&engine, &arn)[2..6], of_parent);
    engine.shut_down();
}

#[tokio::test]
async fn children_see_a_context_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::echo());
    let mut machine = standard(json!({ "Items": "{% $states.input %}" }));
    machine["QueryLanguage"] = json!("JSONata");
    machine["States"]["Count"]["ItemProcessor"]["States"]["Shelf"] = json!({
        "Type": "Pass", "End": true, "Output": "{% $states.context %}" });
    let machine = create(&engine, "nightly", &machine).await;
    let arn = start(&engine, &machine, "one", &json!(["mug"])).await;
    let output: Value = serde_json::from_str(&ended(&engine, &arn).await.output.unwrap()).unwrap();
    let child = &children(&engine, &only_run(&engine, &arn).arn)[0];
    assert_eq!(output[0]["Execution"]["Id"], json!(child.arn));
    assert_eq!(output[0]["Execution"]["Name"], json!(child.name));
    assert_eq!(output[0]["Execution"]["Input"], json!("mug"));
    assert_eq!(output[0]["StateMachine"]["Id"], json!(child.state_machine_arn));
    assert_eq!(output[0]["StateMachine"]["Name"], json!("nightly/Shelves"));
    assert_eq!(output[0].get("Map"), None);
    engine.shut_down();
}

#[tokio::test]
async fn no_items_need_no_children() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::echo());
    let machine = create(&engine, "nightly", &standard(json!({}))).await;
    let arn = start(&engine, &machine, "one", &json!([])).await;
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[]"));
    let run = only_run(&engine, &arn);
    assert_eq!((run.status, run.executions), (MapRunStatus::Succeeded, MapRunCounts::default()));
    engine.shut_down();
}

#[tokio::test]
async fn batches_are_counted_in_items_and_in_executions() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let fields = json!({ "ItemBatcher": { "MaxItemsPerBatch": 2 }, "MaxConcurrency": 1 });
    let machine = create(&engine, "nightly", &standard(fields)).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b", "c", "d", "e"])).await;
    eventually("the first child runs", || only_run(&engine, &arn).executions.running == 1).await;
    let run = only_run(&engine, &arn);
    let items = MapRunCounts { pending: 3, running: 2, total: 5, ..MapRunCounts::default() };
    let executions = MapRunCounts { pending: 2, running: 1, total: 3, ..MapRunCounts::default() };
    assert_eq!((run.items, run.executions, run.max_concurrency), (items, executions, 1));
    let child = &children(&engine, &run.arn)[0];
    assert_eq!((child.item_count, child.input.as_str()), (Some(2), r#"{"Items":["a","b"]}"#));
    engine.shut_down();
}

#[tokio::test]
async fn no_more_children_run_at_once_than_the_run_allows_and_the_limit_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let machine = create(&engine, "nightly", &standard(json!({ "MaxConcurrency": 3 }))).await;
    let items: Vec<_> = (0..1500).collect();
    let arn = start(&engine, &machine, "one", &json!(items)).await;
    let running = || only_run(&engine, &arn).executions.running;
    eventually("three run", || running() == 3).await;
    let run = only_run(&engine, &arn).arn;
    let update = |max_concurrency| UpdateMapRun {
        arn: run.clone(),
        max_concurrency: Some(max_concurrency),
        ..UpdateMapRun::default()
    };
    engine.update_map_run(update(5)).await.unwrap();
    eventually("five run", || running() == 5).await;
    // Without a limit of its own, a run has the engine's.
    engine.update_map_run(update(0)).await.unwrap();
    eventually("a thousand run", || running() == 1000).await;
    let unchanged = UpdateMapRun { arn: run.clone(), ..UpdateMapRun::default() };
    engine.update_map_run(unchanged.clone()).await.unwrap();
    assert_eq!((running(), only_run(&engine, &arn).executions.pending), (1000, 500));

    let wrong = UpdateMapRun { tolerated_percentage: Some(100.5), ..unchanged.clone() };
    assert!(matches!(engine.update_map_run(wrong).await, Err(Error::Validation(_))));
    engine.stop_execution(arn.clone(), None, None).await.unwrap();
    assert!(matches!(engine.update_map_run(unchanged).await, Err(Error::Validation(_))));
    let none = UpdateMapRun { arn: format!("{run}0"), ..UpdateMapRun::default() };
    assert!(matches!(engine.update_map_run(none).await, Err(Error::ResourceNotFound(_))));
    engine.shut_down();
}

#[tokio::test]
async fn failures_within_the_tolerance_are_left_out_of_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let outside = Outside::new(|_, event| match event.as_str() {
        Some("jug") => Err(TaskError { error: "Unreadable".into(), cause: "no label".into() }),
        _ => Ok(event.clone()),
    });
    let engine = open(folder.path(), &clock, &outside);
    for (name, tolerated) in [
        ("count", json!({ "ToleratedFailureCount": 1 })),
        ("share", json!({ "ToleratedFailurePercentage": 34 })),
    ] {
        let machine = create(&engine, name, &standard(tolerated)).await;
        let arn = start(&engine, &machine, "one", &json!(["mug", "jug", "cup"])).await;
        assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some(r#"["mug","cup"]"#));
        let counts = MapRunCounts { succeeded: 2, failed: 1, total: 3, ..MapRunCounts::default() };
        assert_eq!(only_run(&engine, &arn).executions, counts);
    }
    engine.shut_down();
}

#[tokio::test]
async fn one_failure_too_many_fails_the_run_and_a_redrive_takes_up_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let is_broken = Arc::new(AtomicBool::new(true));
    let outside = counter(&["c"], &is_broken);
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "nightly", &standard(json!({ "MaxConcurrency": 1 }))).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b", "c", "d", "e"])).await;
    let failed = ended(&engine, &arn).await;
    assert_eq!(failed.error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    let run = only_run(&engine, &arn);
    let counts = MapRunCounts { succeeded: 2, failed: 1, pending: 2, total: 5, ..MapRunCounts::default() };
    assert_eq!((run.status, run.executions), (MapRunStatus::Failed, counts));
    let child = children(&engine, &run.arn).into_iter().find(|child| child.status == ExecutionStatus::Failed);
    let child = child.unwrap();
    // A child alone can't be redriven.
    let refused = engine.redrive_execution(child.arn.clone()).await;
    assert!(matches!(refused, Err(Error::ExecutionNotRedrivable(_))));

    is_broken.store(false, SeqCst);
    engine.redrive_execution(arn.clone()).await.unwrap();
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[10,10,10,10,10]"));
    let run = only_run(&engine, &arn);
    let all = MapRunCounts { succeeded: 5, total: 5, ..MapRunCounts::default() };
    assert_eq!((run.status, run.executions, run.redrive_count), (MapRunStatus::Succeeded, all, 1));
    assert_eq!(engine.describe_execution(&child.arn).unwrap().redrive_count, 1);
    let events = types(&engine, &arn);
    assert!(
        events.contains(&"MapRunFailed".to_owned()) && events.contains(&"MapRunRedriven".to_owned()),
        "{events:?}"
    );
    assert!(types(&engine, &child.arn).contains(&"ExecutionRedriven".to_owned()));
    // What had succeeded was not run again.
    let items: Vec<_> = outside.calls().into_iter().map(|(_, event)| event).collect();
    assert_eq!(items, ["a", "b", "c", "c", "d", "e"].map(Value::from));
    engine.shut_down();
}

#[tokio::test]
async fn express_children_are_kept_without_a_history_and_start_anew_when_they_are_redriven() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let is_broken = Arc::new(AtomicBool::new(true));
    let outside = counter(&["b"], &is_broken);
    let engine = open(folder.path(), &clock, &outside);
    let mut state = count("EXPRESS", json!({ "MaxConcurrency": 1 }));
    state["ItemProcessor"]["States"] =
        json!({ "Shelf": task("first", Some("Again")), "Again": task("second", None) });
    state["ItemProcessor"]["States"]["Shelf"]["ResultPath"] = Value::Null;
    let machine = create(&engine, "nightly", &alone(&state)).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b"])).await;
    assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Failed);
    let run = only_run(&engine, &arn);
    let failed =
        children(&engine, &run.arn).into_iter().find(|child| child.status == ExecutionStatus::Failed);
    let failed = failed.unwrap();
    let prefix = format!("arn:aws:states:us-east-1:000000000000:express:nightly/Shelves:{}:", failed.name);
    assert!(failed.arn.starts_with(&prefix), "{}", failed.arn);
    let described = engine.describe_execution(&failed.arn).unwrap();
    assert_eq!(
        (described.error.as_deref(), described.map_run_arn),
        (Some("Unreadable"), Some(run.arn.clone()))
    );
    let history = engine.execution_history(&failed.arn, false, &PageRequest::default());
    assert!(matches!(history, Err(Error::InvalidArn(_))));

    is_broken.store(false, SeqCst);
    engine.redrive_execution(arn.clone()).await.unwrap();
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[10,10]"));
    let calls: Vec<_> = outside.calls().into_iter().map(|(name, event)| format!("{name} {event}")).collect();
    assert_eq!(calls, [r#"first "a""#, r#"second "a""#, r#"first "b""#, r#"first "b""#, r#"second "b""#]);
    engine.shut_down();
}

#[tokio::test]
async fn stopping_the_parent_aborts_its_children_and_stopping_a_child_is_a_failure_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let fields = json!({ "ToleratedFailureCount": 1, "MaxConcurrency": 100 });
    let machine = create(&engine, "nightly", &standard(fields)).await;
    let items: Vec<_> = (0..200).collect();
    let arn = start(&engine, &machine, "one", &json!(items)).await;
    eventually("children run", || only_run(&engine, &arn).executions.running == 100).await;
    let run = only_run(&engine, &arn).arn;
    let child = children(&engine, &run)[0].arn.clone();
    engine.stop_execution(child.clone(), Some("Closed".into()), None).await.unwrap();
    let stopped = engine.describe_execution(&child).unwrap();
    assert_eq!((stopped.status, stopped.error.as_deref()), (ExecutionStatus::Aborted, Some("Closed")));
    eventually("the next takes its place", || only_run(&engine, &arn).executions.running == 100).await;
    assert_eq!(only_run(&engine, &arn).status, MapRunStatus::Running);

    engine.stop_execution(arn.clone(), None, None).await.unwrap();
    eventually("no child runs", || only_run(&engine, &arn).executions.running == 0).await;
    let run = only_run(&engine, &arn);
    let counts = MapRunCounts { aborted: 101, pending: 99, total: 200, ..MapRunCounts::default() };
    assert_eq!((run.status, run.executions), (MapRunStatus::Aborted, counts));
    assert!(types(&engine, &arn).ends_with(&["MapRunAborted".to_owned(), "ExecutionAborted".to_owned()]));
    engine.shut_down();
}

#[tokio::test]
async fn children_that_wait_for_their_redrive_are_listed_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let machine = create(&engine, "nightly", &standard(json!({ "MaxConcurrency": 4 }))).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b", "c", "d"])).await;
    eventually("children run", || only_run(&engine, &arn).executions.running == 4).await;
    let run = only_run(&engine, &arn).arn;
    let update = UpdateMapRun { arn: run.clone(), max_concurrency: Some(1), ..UpdateMapRun::default() };
    engine.update_map_run(update).await.unwrap();
    for redrives in 1..3 {
        engine.stop_execution(arn.clone(), None, None).await.unwrap();
        eventually("no child runs", || only_run(&engine, &arn).executions.aborted == 4).await;
        engine.redrive_execution(arn.clone()).await.unwrap();
        eventually("one is redriven", || only_run(&engine, &arn).executions.running == 1).await;
        let described = only_run(&engine, &arn);
        let counts = MapRunCounts { running: 1, pending_redrive: 3, total: 4, ..MapRunCounts::default() };
        assert_eq!((described.executions, described.redrive_count), (counts, redrives));
        let status = Some(ExecutionStatus::PendingRedrive);
        let pending = engine.list_map_run_executions(&run, status, &PageRequest::default()).unwrap();
        assert_eq!(pending.executions.len(), 3);
    }
    engine.shut_down();
}

#[tokio::test]
async fn a_parent_whose_stored_state_is_damaged_fails_with_its_children_and_goes_on_once_it_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let machine = create(&engine, "nightly", &standard(json!({ "MaxConcurrency": 2 }))).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b", "c"])).await;
    eventually("children run", || only_run(&engine, &arn).executions.running == 2).await;
    engine.shut_down();
    let journal = rusqlite::Connection::open(folder.path().join("journal.db")).unwrap();
    let stored: Vec<u8> =
        journal.query_row("SELECT state FROM progress WHERE seq = 1", [], |row| row.get(0)).unwrap();
    journal.execute("UPDATE progress SET state = x'00' WHERE seq = 1", []).unwrap();

    let engine = silent(folder.path(), &clock);
    engine.stop_execution(arn.clone(), None, None).await.unwrap();
    assert_eq!(engine.describe_execution(&arn).unwrap().error.as_deref(), Some("States.Runtime"));
    eventually("no child runs", || only_run(&engine, &arn).executions.aborted == 2).await;
    assert_eq!(only_run(&engine, &arn).status, MapRunStatus::Aborted);
    engine.shut_down();
    journal.execute("UPDATE progress SET state = ?1 WHERE seq = 1", [stored]).unwrap();
    drop(journal);

    let engine = open(folder.path(), &clock, &counter(&[], &Arc::default()));
    engine.redrive_execution(arn.clone()).await.unwrap();
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[10,10,10]"));
    engine.shut_down();
}

#[tokio::test]
async fn a_commit_that_fails_is_made_again_and_no_child_is_counted_twice() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let mut commits = 0;
    // The first two commits are those of the calls below, which nobody would repeat.
    let fails = move || {
        commits += 1;
        if [3, 5].contains(&commits) { Err(std::io::Error::other("the disk is full")) } else { Ok(()) }
    };
    let engine = open_with(folder.path(), &clock, &Outside::echo(), fails);
    let machine = create(&engine, "nightly", &standard(json!({ "MaxConcurrency": 10 }))).await;
    let items: Vec<_> = (0..100).collect();
    let arn = start(&engine, &machine, "one", &json!(items)).await;
    assert_eq!(ended(&engine, &arn).await.output, Some(json!(items).to_string()));
    let all = MapRunCounts { succeeded: 100, total: 100, ..MapRunCounts::default() };
    assert_eq!(only_run(&engine, &arn).executions, all);
    engine.shut_down();
}

#[tokio::test]
async fn many_runs_share_the_engine_and_each_ends() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::echo());
    let mut state = count("STANDARD", json!({}));
    state["ItemProcessor"]["States"]["Shelf"] = json!({ "Type": "Pass", "End": true });
    let machine = create(&engine, "nightly", &alone(&state)).await;
    let items: Vec<_> = (0..300).collect();
    let mut arns = Vec::new();
    for name in ["one", "two", "three"] {
        arns.push(start(&engine, &machine, name, &json!(items)).await);
    }
    for arn in arns {
        assert_eq!(ended(&engine, &arn).await.output, Some(json!(items).to_string()));
    }
    engine.shut_down();
}

#[tokio::test]
async fn outputs_larger_than_a_payload_fail_the_execution() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::new(|_, _| Ok(json!("x".repeat(100_000)))));
    let machine = create(&engine, "nightly", &standard(json!({}))).await;
    let arn = start(&engine, &machine, "one", &json!(["a", "b", "c"])).await;
    assert_eq!(ended(&engine, &arn).await.error.as_deref(), Some("States.DataLimitExceeded"));
    let run = only_run(&engine, &arn);
    assert_eq!((run.status, run.executions.succeeded), (MapRunStatus::Failed, 3));
    engine.shut_down();
}

#[tokio::test]
async fn a_child_may_have_a_distributed_map_itself_and_wait_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&tokens);
    let outside = Outside::new(move |_, event| {
        kept.lock().unwrap().push(event["token"].as_str().unwrap().to_owned());
        Ok(json!({}))
    });
    let engine = open(folder.path(), &clock, &outside);
    let mut inner = count("STANDARD", json!({ "Label": "Inner" }));
    inner["ItemProcessor"]["States"]["Shelf"] = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "End": true,
        "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } } });
    let mut outer = count("STANDARD", json!({ "Label": "Outer" }));
    outer["ItemProcessor"]["StartAt"] = json!("Floor");
    outer["ItemProcessor"]["States"] = json!({ "Floor": inner });
    let machine = create(&engine, "nightly", &alone(&outer)).await;
    let arn = start(&engine, &machine, "one", &json!([[1, 2], [3]])).await;
    eventually("three tokens wait", || tokens.lock().unwrap().len() == 3).await;
    let outer_child = &children(&engine, &only_run(&engine, &arn).arn)[0];
    let inner_run = only_run(&engine, &outer_child.arn);
    assert!(inner_run.arn.contains(":mapRun:nightly/Inner:"), "{}", inner_run.arn);
    let waiting: Vec<_> = tokens.lock().unwrap().clone();
    for token in waiting {
        engine.send_task(token, Verdict::success("7").unwrap()).await.unwrap();
    }
    assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("[[7,7],[7]]"));
    engine.shut_down();
}

#[tokio::test]
async fn a_child_times_out_by_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = silent(folder.path(), &clock);
    let machine = create(&engine, "nightly", &standard(json!({}))).await;
    let arn = start(&engine, &machine, "one", &json!(["a"])).await;
    eventually("the child runs", || only_run(&engine, &arn).executions.running == 1).await;
    clock.advance(Duration::from_secs(61));
    let failed = ended(&engine, &arn).await;
    assert_eq!(failed.error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
    let child = &children(&engine, &only_run(&engine, &arn).arn)[0];
    assert_eq!(child.error.as_deref(), Some("States.Timeout"));
    engine.shut_down();
}

#[tokio::test]
async fn lists_of_runs_and_of_children_have_pages() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::echo());
    // Each retry is a run of its own.
    let fields = json!({ "Retry": [{ "ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 2 }] });
    let mut state = count("STANDARD", fields);
    state["ItemProcessor"]["States"]["Shelf"] = json!({ "Type": "Fail", "Error": "Closed" });
    let machine = create(&engine, "nightly", &alone(&state)).await;
    let arn = start(&engine, &machine, "one", &json!(["a"])).await;
    for runs in [1, 2] {
        eventually("a run has failed", || {
            let page = engine.list_map_runs(&arn, &PageRequest::default()).unwrap();
            page.map_runs.len() == runs && page.map_runs.iter().all(|run| run.stopped.is_some())
        })
        .await;
        clock.advance(Duration::from_secs(1));
    }
    ended(&engine, &arn).await;
    let first = engine.list_map_runs(&arn, &PageRequest { limit: 2, next: None }).unwrap();
    let second = engine.list_map_runs(&arn, &PageRequest { limit: 2, next: first.next.clone() }).unwrap();
    assert_eq!((first.map_runs.len(), second.map_runs.len(), second.next), (2, 1, None));
    assert!(first.map_runs[0].started > second.map_runs[0].started);
    assert!(matches!(engine.describe_map_run(&arn), Err(Error::InvalidArn(_))));
    engine.shut_down();
}

#[tokio::test]
async fn a_definition_with_a_reader_or_a_writer_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let engine = open(folder.path(), &clock, &Outside::echo());
    let place =
        json!({ "Resource": "arn:aws:states:::s3:getObject", "Parameters": { "Bucket": "b", "Key": "k" } });
    for field in ["ItemReader", "ResultWriter"] {
        let refused = engine
            .create_state_machine(CreateStateMachine {
                name: "nightly".into(),
                kind: StateMachineKind::Standard,
                definition: standard(json!({ field: place })).to_string(),
                role_arn: "arn:aws:iam::000000000000:role/test".into(),
            })
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(&format!("{field} is not supported here")), "{refused}");
    }
    engine.shut_down();
}
