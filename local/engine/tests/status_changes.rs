//! Whoever listens hears of every execution whose status changes, before that is committed, and whether it was.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use engine::{
    Committed, Engine, ExecutionDescription, ExecutionStatus, ManualClock, Options, StatusChanges, TaskError,
};
use serde_json::json;
use support::{Outside, create, ended, eventually, some_time, start, task};

/// What a listener was told: the name and status of each execution, and whether it was committed.
type Told = Arc<Mutex<Vec<(String, ExecutionStatus, Option<String>, bool)>>>;

/// Listens to failures, and refuses to store the first few.
struct Listener {
    told: Told,
    refuses: Arc<AtomicUsize>,
}

impl StatusChanges for Listener {
    fn wants(&self, state_machine_arn: &str, status: ExecutionStatus) -> bool {
        state_machine_arn.ends_with(":stateMachine:m") && status != ExecutionStatus::Succeeded
    }

    fn changed(&mut self, executions: Vec<ExecutionDescription>) -> io::Result<Committed> {
        let left = self.refuses.load(SeqCst);
        if left > 0 {
            self.refuses.store(left - 1, SeqCst);
            return Err(io::Error::other("the disk is full"));
        }
        let told = Arc::clone(&self.told);
        Ok(Box::new(move |committed| {
            let of = executions.into_iter().map(|it| (it.name, it.status, it.error, committed));
            told.lock().unwrap().extend(of);
        }))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_redrives_are_told_and_what_can_not_be_told_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let outside = Outside::new(|_, event| match event["fails"].as_bool() {
        Some(true) => Err(TaskError { error: "Broken".to_owned(), cause: "on purpose".to_owned() }),
        _ => Ok(event.clone()),
    });
    let (told, refuses) = (Told::default(), Arc::new(AtomicUsize::new(0)));
    let options = Options {
        clock: Arc::new(clock.clone()),
        durable: false,
        status_changes: Box::new(Listener { told: Arc::clone(&told), refuses: Arc::clone(&refuses) }),
        ..Options::at(folder.path().join("journal.db"))
    };
    let engine = Engine::open(options, |_| Arc::new(outside.clone())).unwrap();
    let definition = json!({ "StartAt": "A", "States": { "A": task("a", None) } });
    let machine = create(&engine, "m", &definition).await;
    let other = create(&engine, "other", &definition).await;
    let heard = || told.lock().unwrap().clone();
    let running = |name: &str| (name.to_owned(), ExecutionStatus::Running, None, true);
    let failed = |name: &str| (name.to_owned(), ExecutionStatus::Failed, Some("Broken".to_owned()), true);

    let good = start(&engine, &machine, "good", &json!({})).await;
    ended(&engine, &good).await;
    ended(&engine, &start(&engine, &other, "elsewhere", &json!({ "fails": true })).await).await;
    let bad = start(&engine, &machine, "bad", &json!({ "fails": true })).await;
    ended(&engine, &bad).await;
    eventually("the failure is told", || heard() == [running("good"), running("bad"), failed("bad")]).await;

    // What can't be stored is not committed.
    refuses.store(1, SeqCst);
    let again = engine
        .start_execution(machine.clone(), Some("late".to_owned()), r#"{"fails":true}"#.to_owned())
        .await;
    assert!(again.is_err(), "nothing of it was kept");
    let late = start(&engine, &machine, "late", &json!({ "fails": true })).await;
    ended(&engine, &late).await;
    eventually("the failure is told", || heard().ends_with(&[running("late"), failed("late")])).await;

    engine.redrive_execution(bad).await.unwrap();
    eventually("the redrive is told", || heard().ends_with(&[running("bad"), failed("bad")])).await;
    engine.shut_down();
}
