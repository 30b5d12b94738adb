//! An expression that costs much is evaluated beside the groups: it holds nobody up, its execution goes on in order, and
//! a crash in the middle loses nothing. Which group does what is seen by what the engine tells of executions before each
//! commit, and what is dear is decided by work that is counted, so that no test depends on time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use ambient::Randomness;
use engine::{
    Committed, CreateStateMachine, Driver, Engine, ExecutionDescription, ExecutionStatus, ManualClock,
    Options, PageRequest, StateMachineKind, StatusChanges, TaskError, Verdict,
};
use serde_json::{Value, json};
use support::{Outside, create, ended, eventually, open, some_time, start};

/// Builds two million bytes, which is more than a group takes the time for.
const DEAR: &str = r#"{% $length($pad("x", 2000000)) %}"#;

fn dear() -> Value {
    json!({ "QueryLanguage": "JSONata", "StartAt": "Dear", "States": {
        "Dear": { "Type": "Pass", "Output": DEAR, "End": true } } })
}

fn cheap() -> Value {
    json!({ "StartAt": "Cheap", "States": { "Cheap": { "Type": "Pass", "End": true } } })
}

/// Asks twice, at the same time, for an answer to a token. What the first branch makes of it is dear.
fn asks() -> Value {
    let ask = |output: &str| {
        json!({ "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Arguments": { "FunctionName": "ask", "Payload": { "token": "{% $states.context.Task.Token %}" } },
            "Output": output, "End": true })
    };
    json!({ "QueryLanguage": "JSONata", "StartAt": "Both", "States": { "Both": { "Type": "Parallel", "End": true, "Branches": [
        { "StartAt": "Dear", "States": { "Dear": ask(DEAR) } },
        { "StartAt": "Cheap", "States": { "Cheap": ask("{% $states.result %}") } } ] } } })
}

/// The executions that each group has told of, by name and status.
type Groups = Arc<Mutex<Vec<Vec<(String, ExecutionStatus)>>>>;

/// Notes what each group tells, and refuses to have groups committed.
#[derive(Clone, Default)]
struct Listener {
    groups: Groups,
    refuses_ends: Arc<AtomicBool>,
}

impl StatusChanges for Listener {
    fn wants(&self, _: &str, _: ExecutionStatus) -> bool {
        true
    }

    fn changed(&mut self, executions: Vec<ExecutionDescription>) -> io::Result<Committed> {
        let ends = executions.iter().any(|one| one.status != ExecutionStatus::Running);
        if ends && self.refuses_ends.swap(false, SeqCst) {
            return Err(io::Error::other("the disk is full"));
        }
        let told = executions.into_iter().map(|one| (one.name, one.status)).collect();
        self.groups.lock().unwrap().push(told);
        Ok(Box::new(|_| ()))
    }
}

fn driven(folder: &Path, outside: &Outside, listener: &Listener) -> (Engine, Driver) {
    let options = Options {
        clock: Arc::new(ManualClock::starting_at(some_time())),
        randomness: Randomness::seeded(1),
        durable: false,
        status_changes: Box::new(listener.clone()),
        ..Options::at(folder.join("journal.db"))
    };
    Engine::open_driven(options, |_| Arc::new(outside.clone())).unwrap()
}

/// Runs the engine as long as the work goes on.
async fn while_driven<T>(driver: Driver, work: impl Future<Output = T>) -> T {
    tokio::select! {
        biased;
        done = work => done,
        () = driver.run() => panic!("the engine has ended"),
    }
}

fn types(engine: &Engine, arn: &str) -> Vec<String> {
    let events = engine.execution_history(arn, false, &PageRequest::default()).unwrap().events;
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_dear_expression_delays_no_execution_of_the_same_group() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::default();
    let (engine, driver) = driven(folder.path(), &Outside::echo(), &listener);
    while_driven(driver, async {
        let dear = create(&engine, "dear", &dear()).await;
        let cheap = create(&engine, "cheap", &cheap()).await;
        // All of them are asked for before the engine has its turn.
        let input = json!({});
        let (dear, _, _) = tokio::join!(
            start(&engine, &dear, "dear", &input),
            start(&engine, &cheap, "before", &input),
            start(&engine, &cheap, "after", &input),
        );
        let end = ended(&engine, &dear).await;
        assert_eq!((end.status, end.output.as_deref()), (ExecutionStatus::Succeeded, Some("2000000")));
        assert_eq!(
            types(&engine, &dear),
            ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
        );
    })
    .await;
    let groups = listener.groups.lock().unwrap().clone();
    let (first, later) = groups.split_first().unwrap();
    // Each is told of once in a group, as it is when the group ends.
    let told = |name: &str, status| (name.to_owned(), status);
    assert_eq!(
        *first,
        [
            told("dear", ExecutionStatus::Running),
            told("before", ExecutionStatus::Succeeded),
            told("after", ExecutionStatus::Succeeded)
        ]
    );
    assert_eq!(later, [[told("dear", ExecutionStatus::Succeeded)]]);
}

/// Starts an execution that asks for two answers, and returns its ARN and the two tokens, of the dear one first.
async fn asked(engine: &Engine, outside: &Outside) -> (String, [String; 2]) {
    let machine = create(engine, "asks", &asks()).await;
    let arn = start(engine, &machine, "one", &json!({})).await;
    eventually("both have asked", || {
        types(engine, &arn).iter().filter(|kind| *kind == "TaskSubmitted").count() == 2
    })
    .await;
    let token = |index: usize| outside.calls()[index].1["token"].as_str().unwrap().to_owned();
    (arn, [token(0), token(1)])
}

/// Answers both, at the same time. Both are committed before the dear step is taken, and the engine says so.
async fn answer(engine: &Engine, dear: String, cheap: String) {
    let (one, other) = tokio::join!(
        engine.send_task(dear, Verdict::Success(json!("first"))),
        engine.send_task(cheap, Verdict::Success(json!("second")))
    );
    one.unwrap();
    other.unwrap();
}

const OUTPUT: &str = r#"[2000000,"second"]"#;

#[tokio::test]
async fn what_happens_to_an_execution_meanwhile_waits_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (outside, listener) = (Outside::echo(), Listener::default());
    let (engine, driver) = driven(folder.path(), &outside, &listener);
    while_driven(driver, async {
        let (arn, [dear, cheap]) = asked(&engine, &outside).await;
        answer(&engine, dear, cheap).await;
        let end = ended(&engine, &arn).await;
        assert_eq!(end.output.as_deref(), Some(OUTPUT));
        let types = types(&engine, &arn);
        let results =
            types.iter().filter(|kind| ["TaskSucceeded", "TaskStateExited"].contains(&kind.as_str()));
        let results: Vec<_> = results.collect();
        assert_eq!(results, ["TaskSucceeded", "TaskStateExited", "TaskSucceeded", "TaskStateExited"]);
    })
    .await;
}

#[tokio::test]
async fn a_crash_before_the_step_is_committed_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::echo();
    let arn = {
        let (engine, driver) = driven(folder.path(), &outside, &Listener::default());
        while_driven(driver, async {
            let (arn, [dear, cheap]) = asked(&engine, &outside).await;
            answer(&engine, dear, cheap).await;
            assert!(!types(&engine, &arn).contains(&"TaskSucceeded".to_owned()), "it is not committed");
            arn
        })
        .await
        // The driver is gone, as after the death of its process.
    };
    for crash in [true, false] {
        let (engine, driver) = driven(folder.path(), &outside, &Listener::default());
        while_driven(driver, async {
            if crash {
                // It dies again, after it has found the events and before the step is committed.
                create(&engine, "cheap", &cheap()).await;
                return;
            }
            assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some(OUTPUT));
        })
        .await;
    }
}

#[tokio::test]
async fn a_step_whose_group_can_not_be_committed_is_taken_again() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::default();
    let (engine, driver) = driven(folder.path(), &Outside::echo(), &listener);
    while_driven(driver, async {
        let machine = create(&engine, "dear", &dear()).await;
        listener.refuses_ends.store(true, SeqCst);
        let arn = start(&engine, &machine, "one", &json!({})).await;
        assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("2000000"));
        assert!(!listener.refuses_ends.load(SeqCst), "one commit was refused");
    })
    .await;
}

#[tokio::test]
async fn an_execution_can_be_stopped_meanwhile_and_redriven() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::echo();
    let (engine, driver) = driven(folder.path(), &outside, &Listener::default());
    while_driven(driver, async {
        let machine = create(&engine, "dear", &dear()).await;
        let arn = engine.state_machine_arn("dear").replace(":stateMachine:", ":execution:") + ":one";
        let input = json!({});
        let (_, stopped) = tokio::join!(
            start(&engine, &machine, "one", &input),
            engine.stop_execution(arn.clone(), Some("Enough".to_owned()), None)
        );
        stopped.unwrap();
        let end = engine.describe_execution(&arn).unwrap();
        assert_eq!((end.status, end.error.as_deref()), (ExecutionStatus::Aborted, Some("Enough")));
        // What the step has led to comes too late.
        let other = start(&engine, &machine, "other", &json!({})).await;
        ended(&engine, &other).await;
        assert_eq!(engine.describe_execution(&arn).unwrap().status, ExecutionStatus::Aborted);
        engine.redrive_execution(arn.clone()).await.unwrap();
        assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("2000000"));
    })
    .await;
}

#[tokio::test]
async fn a_retry_and_a_catcher_work_as_they_do_for_cheap_expressions() {
    let folder = tempfile::tempdir().unwrap();
    let outside = Outside::new(|_, _| Err(TaskError { error: "Broken".into(), cause: "on purpose".into() }));
    let (engine, driver) = driven(folder.path(), &outside, &Listener::default());
    while_driven(driver, async {
        // It builds more than any expression may, and that only after it has cost much.
        let too_much = "{% $length($reduce([1..40], function($text) { $text & $text }, 'x')) %}";
        let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": DEAR }]);
        let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "Call", "States": {
            "Call": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Caught", "Catch": catch,
                "Arguments": { "FunctionName": "f", "Payload": {} } },
            "Caught": { "Type": "Parallel", "Next": "End", "Branches": [{ "StartAt": "TooMuch", "States": {
                "TooMuch": { "Type": "Pass", "Output": too_much, "End": true } } }],
                "Catch": [{ "ErrorEquals": ["States.QueryEvaluationError"], "Output": "{% $states.input %}", "Next": "End" }] },
            "End": { "Type": "Succeed" } } });
        let machine = create(&engine, "catches", &definition).await;
        let arn = start(&engine, &machine, "one", &json!({})).await;
        assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("2000000"));
    })
    .await;
}

#[tokio::test]
async fn children_whose_inputs_are_dear_are_started() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, driver) = driven(folder.path(), &Outside::echo(), &Listener::default());
    while_driven(driver, async {
        let items: Vec<_> = (0..70).collect();
        let each = json!({ "Type": "Map", "Items": items, "End": true, "ItemSelector": DEAR, "ItemProcessor": {
            "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" },
            "StartAt": "P", "States": { "P": { "Type": "Pass", "End": true } } } });
        let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "Each", "States": { "Each": each } });
        let machine = create(&engine, "children", &definition).await;
        let arn = start(&engine, &machine, "one", &json!({})).await;
        let output = ended(&engine, &arn).await.output.unwrap();
        assert_eq!(serde_json::from_str::<Vec<u64>>(&output).unwrap(), [2_000_000; 70]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_with_a_thread_has_steps_taken_on_others() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let engine = open(folder.path(), &clock, &outside);
    let machine = create(&engine, "dear", &dear()).await;
    let mut arns = Vec::new();
    for name in 0..20 {
        arns.push(start(&engine, &machine, &name.to_string(), &json!({})).await);
    }
    for arn in arns {
        assert_eq!(ended(&engine, &arn).await.output.as_deref(), Some("2000000"));
    }
    let express = CreateStateMachine {
        name: "express".to_owned(),
        kind: StateMachineKind::Express,
        definition: dear().to_string(),
        role_arn: "arn:aws:iam::000000000000:role/test".to_owned(),
    };
    let express = engine.create_state_machine(express).await.unwrap().arn;
    let end = engine.start_sync_execution(express, None, "{}".to_owned()).await.unwrap();
    assert_eq!((end.status, end.output.as_deref()), (ExecutionStatus::Succeeded, Some("2000000")));
    engine.shut_down();
}
