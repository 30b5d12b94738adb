//! A group that can't be committed: nothing of it is kept, in the journal or in memory, and nobody waits for
//! it in vain.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{CreateStateMachine, Engine, Error, ManualClock, PageRequest, StateMachineKind};
use serde_json::{Value, json};
use support::{Outside, create, ended, open_with, some_time, start, task};

fn refused() -> io::Error {
    io::Error::other("the disk is full")
}

fn one_state(name: &str) -> Value {
    json!({ "StartAt": name, "States": { name: { "Type": "Pass", "End": true } } })
}

fn machine(name: &str, kind: StateMachineKind, definition: &Value) -> CreateStateMachine {
    CreateStateMachine {
        name: name.to_owned(),
        kind,
        definition: definition.to_string(),
        role_arn: "arn:aws:iam::000000000000:role/test".to_owned(),
    }
}

/// A request that changes nothing and yet is committed.
async fn commit(engine: &Engine) -> Result<(), Error> {
    engine.delete_state_machine(engine.state_machine_arn("none")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_execution_that_was_not_committed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    let fails = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&fails);
    let engine =
        open_with(
            folder.path(),
            &clock,
            &outside,
            move || {
                if switch.load(SeqCst) { Err(refused()) } else { Ok(()) }
            },
        );
    let calls = json!({ "StartAt": "A", "States": { "A": task("a", None) } });
    let express = machine("express", StateMachineKind::Express, &calls);
    let express = engine.create_state_machine(express).await.unwrap().arn;
    fails.store(true, SeqCst);
    let waits = engine.start_sync_execution(express.clone(), None, "{}".to_owned());
    let told = tokio::time::timeout(Duration::from_secs(20), waits).await;
    assert!(matches!(told, Ok(Err(Error::Journal(_)))), "{told:?}");
    assert!(outside.calls().is_empty());
    fails.store(false, SeqCst);
    let again = engine.start_sync_execution(express, None, r#"{"n":1}"#.to_owned()).await.unwrap();
    assert_eq!(again.output.as_deref(), Some(r#"{"n":1}"#));
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_was_not_committed_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, outside) = (ManualClock::starting_at(some_time()), Outside::echo());
    // The first commit waits, so that what comes meanwhile is one group: the second, which fails.
    let (let_go, held) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let (held, mut commits) = (Mutex::new(held), 0);
    let engine = open_with(folder.path(), &clock, &outside, move || {
        commits += 1;
        match commits {
            1 => {
                begun.send(()).unwrap();
                held.lock().unwrap().recv().map_err(io::Error::other)
            }
            2 => Err(refused()),
            _ => Ok(()),
        }
    });
    let holder = tokio::spawn({
        let engine = engine.clone();
        async move { commit(&engine).await }
    });
    tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
    let lost = machine("lost", StateMachineKind::Standard, &one_state("Lost"));
    let arn = engine.state_machine_arn("lost");
    let (created, started, ()) = tokio::join!(
        engine.create_state_machine(lost),
        engine.start_execution(arn, Some("one".to_owned()), "{}".to_owned()),
        async { let_go.send(()).unwrap() },
    );
    holder.await.unwrap().unwrap();
    assert!(matches!(created, Err(Error::Journal(_))), "{created:?}");
    assert!(matches!(started, Err(Error::Journal(_))), "{started:?}");

    let kept = create(&engine, "kept", &one_state("Kept")).await;
    let arn = start(&engine, &kept, "one", &json!({})).await;
    ended(&engine, &arn).await;
    let history = engine.execution_history(&arn, false, &PageRequest::default()).unwrap().events;
    assert_eq!(history[1]["stateEnteredEventDetails"]["name"], "Kept");
    engine.shut_down();
}
