//! The engine says whether executions go on.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

use engine::{Engine, Health, ManualClock, TroubleKind, WritesLost};
use support::{Outside, eventually, open_with, some_time};

/// What becomes of the commits: they succeed, fail for now, fail for good, kill the thread, or don't end until
/// another fate is chosen.
#[derive(Default)]
struct Commits(AtomicU8);

impl Commits {
    fn next(&self) -> io::Result<()> {
        match self.0.load(SeqCst) {
            0 => Ok(()),
            1 => Err(io::Error::other("the disk is full")),
            2 => Err(io::Error::other(WritesLost("fsync failed".into()))),
            4 => {
                while self.0.load(SeqCst) == 4 {
                    std::thread::yield_now();
                }
                Ok(())
            }
            _ => panic!("the crash that this test is about"),
        }
    }
}

fn engine(folder: &tempfile::TempDir, clock: &ManualClock) -> (Engine, Arc<Commits>) {
    let commits = Arc::new(Commits::default());
    let asked = Arc::clone(&commits);
    (open_with(folder.path(), clock, &Outside::echo(), move || asked.next()), commits)
}

async fn commit(engine: &Engine) -> bool {
    engine.delete_state_machine(engine.state_machine_arn("none")).await.is_ok()
}

fn kind(engine: &Engine) -> Option<TroubleKind> {
    match engine.health() {
        Health::Healthy => None,
        Health::Unhealthy(trouble) => Some(trouble.kind),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_fail_are_a_trouble_until_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let (engine, commits) = engine(&folder, &clock);
    assert!(commit(&engine).await);
    assert_eq!(engine.health(), Health::Healthy);
    commits.0.store(1, SeqCst);
    assert!(!commit(&engine).await);
    clock.advance(Duration::from_secs(60));
    assert!(!commit(&engine).await);
    let Health::Unhealthy(trouble) = engine.health() else { panic!("commits fail") };
    assert_eq!((trouble.kind, trouble.since), (TroubleKind::NotCommitting, some_time()));
    assert!(!trouble.is_final() && trouble.to_string().contains("the disk is full"), "{trouble}");
    commits.0.store(0, SeqCst);
    assert!(commit(&engine).await);
    assert_eq!(engine.health(), Health::Healthy);
    engine.shut_down();
    assert_eq!(engine.health(), Health::Healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_may_be_lost_are_final_although_commits_succeed_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let (engine, commits) = engine(&folder, &clock);
    commits.0.store(2, SeqCst);
    assert!(!commit(&engine).await);
    let trouble = engine.broken().await;
    assert!(trouble.is_final() && trouble.kind == TroubleKind::Lost, "{trouble:?}");
    commits.0.store(0, SeqCst);
    assert!(commit(&engine).await);
    assert_eq!(engine.health(), Health::Unhealthy(trouble));
    engine.shut_down();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_whose_thread_is_gone_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let (engine, commits) = engine(&folder, &clock);
    commits.0.store(3, SeqCst);
    assert!(!commit(&engine).await);
    let trouble = engine.broken().await;
    assert_eq!((trouble.kind, trouble.is_final()), (TroubleKind::Gone, true));
    eventually("its health says it, too", || kind(&engine) == Some(TroubleKind::Gone)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_does_not_end_is_a_trouble_after_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::starting_at(some_time());
    let (engine, commits) = engine(&folder, &clock);
    commits.0.store(4, SeqCst);
    let asked = engine.clone();
    let held = tokio::spawn(async move { commit(&asked).await });
    // The clock wakes the engine, whose groups then begin anew: so it is moved until one has begun before.
    eventually("it stalls", || {
        clock.advance(Duration::from_secs(11));
        kind(&engine) == Some(TroubleKind::Stalled)
    })
    .await;
    commits.0.store(0, SeqCst);
    assert!(held.await.unwrap());
    eventually("it goes on", || engine.health() == Health::Healthy).await;
    engine.shut_down();
}
