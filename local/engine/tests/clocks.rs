//! Timers are due by the time of day, however the clock moves.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Clock, Engine, ExecutionStatus, Options};
use serde_json::json;
use support::{Outside, create, ended, some_time, start};

/// The machine's clock as others set it: it moves by leaps that nobody tells the engine of. The sleeps are those of a
/// machine on which a second is short.
#[derive(Clone, Default)]
struct Leaping(Arc<AtomicI64>);

impl Clock for Leaping {
    fn now(&self) -> DateTime<Utc> {
        some_time() + TimeDelta::seconds(self.0.load(SeqCst))
    }

    fn sleep_until(&self, deadline: DateTime<Utc>) -> Option<Duration> {
        let left = (deadline - self.now()).to_std().unwrap_or(Duration::ZERO);
        Some(left.min(Duration::from_millis(5)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_its_time_has_come_after_leaps_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Leaping::default();
    let options = Options { clock: Arc::new(clock.clone()), ..Options::at(folder.path().join("journal.db")) };
    let engine = Engine::open(options, |_| Arc::new(Outside::echo())).unwrap();
    let waits =
        json!({ "StartAt": "W", "States": { "W": { "Type": "Wait", "Seconds": 3600, "End": true } } });
    let machine = create(&engine, "waits", &waits).await;
    let arn = start(&engine, &machine, "one", &json!({})).await;
    for seconds in [-86_400, 3599] {
        clock.0.store(seconds, SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(engine.describe_execution(&arn).unwrap().status, ExecutionStatus::Running);
    }
    clock.0.store(3600, SeqCst);
    assert_eq!(ended(&engine, &arn).await.status, ExecutionStatus::Succeeded);
    engine.shut_down();
}
