//! What the engine's tests share: an engine on a journal in a temporary folder, hand-moved time, and an
//! outside that remembers every call.

#![allow(dead_code, clippy::unwrap_used, reason = "test support: each test file uses a part of it")]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ambient::Randomness;
use asl::Resource;
use chrono::{DateTime, Utc};
use engine::{
    Clock, CreateStateMachine, Engine, ExecutionDescription, ExecutionStatus, Integrations, ManualClock,
    Options, StateMachineKind, TaskCall, TaskError,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};

pub fn some_time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

type Behaviour = Arc<dyn Fn(&str, &Value) -> Result<Value, TaskError> + Send + Sync>;

/// An outside whose functions answer by `behaviour`, and which remembers the calls.
#[derive(Clone)]
pub struct Outside {
    behaviour: Behaviour,
    calls: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Outside {
    pub fn new(behaviour: impl Fn(&str, &Value) -> Result<Value, TaskError> + Send + Sync + 'static) -> Self {
        Self { behaviour: Arc::new(behaviour), calls: Arc::default() }
    }

    pub fn echo() -> Self {
        Self::new(|_, event| Ok(event.clone()))
    }

    /// Name and event of every call so far.
    pub fn calls(&self) -> Vec<(String, Value)> {
        self.calls.lock().unwrap().clone()
    }
}

impl Integrations for Outside {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
        let (function, event) = match &call.resource {
            Resource::LambdaFunction { arn } => {
                (arn.rsplit(':').next().unwrap().to_owned(), (*call.arguments).clone())
            }
            _ => (
                call.arguments["FunctionName"].as_str().unwrap_or_default().to_owned(),
                call.arguments["Payload"].clone(),
            ),
        };
        self.calls.lock().unwrap().push((function.clone(), event.clone()));
        let result = (self.behaviour)(&function, &event);
        let optimised = !matches!(call.resource, Resource::LambdaFunction { .. });
        Box::pin(
            async move { result.map(|output| if optimised { json!({ "Payload": output }) } else { output }) },
        )
    }
}

pub fn open(folder: &Path, clock: &ManualClock, outside: &Outside) -> Engine {
    open_with(folder, clock, outside, || Ok(()))
}

/// An engine each of whose commits waits for `before_commit`.
pub fn open_with(
    folder: &Path,
    clock: &ManualClock,
    outside: &Outside,
    before_commit: impl FnMut() -> std::io::Result<()> + Send + 'static,
) -> Engine {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let before_commit = Arc::new(Mutex::new(before_commit));
    let options = Options {
        durable: false,
        clock,
        randomness: Randomness::seeded(1),
        before_commit: Box::new(move || {
            let before_commit = Arc::clone(&before_commit);
            Box::new(move || before_commit.lock().unwrap()().map(|()| 0))
        }),
        ..Options::at(folder.join("journal.db"))
    };
    Engine::open(options, |_| Arc::new(outside.clone())).unwrap()
}

pub async fn create(engine: &Engine, name: &str, definition: &Value) -> String {
    let create = CreateStateMachine {
        name: name.to_owned(),
        kind: StateMachineKind::Standard,
        definition: definition.to_string(),
        role_arn: "arn:aws:iam::000000000000:role/test".to_owned(),
    };
    engine.create_state_machine(create).await.unwrap().arn
}

pub async fn start(engine: &Engine, machine: &str, name: &str, input: &Value) -> String {
    engine.start_execution(machine.to_owned(), Some(name.to_owned()), input.to_string()).await.unwrap().arn
}

/// Waits until `check` holds; the calls of the outside are made on other threads.
pub async fn eventually(what: &str, check: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never: {what}");
}

pub async fn ended(engine: &Engine, arn: &str) -> ExecutionDescription {
    eventually("the execution ends", || {
        engine.describe_execution(arn).unwrap().status != ExecutionStatus::Running
    })
    .await;
    engine.describe_execution(arn).unwrap()
}

pub fn task(function: &str, next: Option<&str>) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
        "TimeoutSeconds": 60,
    });
    match next {
        Some(next) => state["Next"] = json!(next),
        None => state["End"] = json!(true),
    }
    state
}
