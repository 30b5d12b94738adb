//! Measures the engine without orders: how many state transitions per second it makes durable, and how many
//! the interpreter alone makes.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use asl::{Ambient, Machine, Start, TaskId, Timestamp};
use chrono::Utc;
use engine::{
    CreateStateMachine, Engine, ExecutionStatus, Integrations, Options, PageRequest, StateMachineKind,
    TaskCall, TaskError,
};
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};

use crate::Error;
use crate::latency::round;

const CHAIN: usize = 10;

/// Answers every call of a task with the call's arguments.
struct Echo;

impl Integrations for Echo {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
        Box::pin(async move { Ok((*call.arguments).clone()) })
    }
}

fn chain(state: &Value) -> Value {
    let states = (0..CHAIN).map(|index| {
        let mut state = state.clone();
        match index + 1 {
            CHAIN => state["End"] = json!(true),
            next => state["Next"] = json!(format!("S{next}")),
        }
        (format!("S{index}"), state)
    });
    json!({ "StartAt": "S0", "States": states.collect::<serde_json::Map<_, _>>() })
}

/// Each machine's name, definition and input, and the number of states that one execution enters.
fn machines() -> [(&'static str, Value, Value, usize); 3] {
    let task = json!({ "Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:echo" });
    let map = json!({ "StartAt": "Each", "States": { "Each": { "Type": "Map", "End": true, "ItemProcessor": {
        "StartAt": "One", "States": { "One": { "Type": "Pass", "End": true } } } } } });
    let items: Vec<_> = (0..100).collect();
    [
        ("pass_chain", chain(&json!({ "Type": "Pass" })), json!({ "n": 1 }), CHAIN),
        ("lambda_chain", chain(&task), json!({ "n": 1 }), CHAIN),
        ("map_of_100", map, json!(items), 101),
    ]
}

fn open(journal: &Path) -> Result<Engine, Error> {
    Ok(Engine::open(Options::at(journal), |_| Arc::new(Echo))?)
}

pub(crate) async fn run(concurrency: usize, executions: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let engine = open(&folder.path().join("journal.db"))?;
    let mut rates = serde_json::Map::new();
    for (name, definition, input, states) in machines() {
        let executions = (executions * CHAIN / states).max(concurrency.min(executions));
        let create = CreateStateMachine {
            name: name.to_owned(),
            kind: StateMachineKind::Standard,
            definition: definition.to_string(),
            role_arn: "arn:aws:iam::000000000000:role/bench".to_owned(),
        };
        let machine = engine.create_state_machine(create).await?.arn;
        let begun = Instant::now();
        let runs = (0..executions).map(|_| execute(&engine, &machine, &input));
        stream::iter(runs).buffer_unordered(concurrency).try_collect::<Vec<_>>().await?;
        while engine
            .list_executions(&machine, Some(ExecutionStatus::Running), &PageRequest { limit: 1, next: None })?
            .executions
            .len()
            == 1
        {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        #[allow(clippy::cast_precision_loss)]
        let rate = (executions * states) as f64 / begun.elapsed().as_secs_f64();
        rates.insert(name.to_owned(), json!(rate.round()));
    }
    let stats = engine.stats().snapshot();
    engine.shut_down();
    Ok(json!({
        "bench": "engine",
        "concurrency": concurrency,
        "transitions_per_second": rates,
        "engine": stats,
        "interpreter_ns_a_transition": interpreter(),
    }))
}

async fn execute(engine: &Engine, machine: &str, input: &Value) -> Result<(), Error> {
    engine.start_execution(machine.to_owned(), None, input.to_string()).await?;
    Ok(())
}

struct Fixed(Timestamp);

impl Ambient for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn random(&mut self) -> u64 {
        4
    }

    fn task_token(&mut self, _: TaskId) -> String {
        String::new()
    }
}

/// The Pass states per second that the interpreter alone runs, with nothing stored.
fn interpreter() -> f64 {
    let Ok(machine) = Machine::parse(&chain(&json!({ "Type": "Pass" })).to_string()) else { return f64::NAN };
    let now = Utc::now();
    let mut ambient = Fixed(now);
    let runs = 20_000;
    let begun = Instant::now();
    for _ in 0..runs {
        let start = Start {
            execution_arn: "arn:aws:states:us-east-1:000000000000:execution:m:e".to_owned(),
            execution_name: "e".to_owned(),
            state_machine_arn: "arn:aws:states:us-east-1:000000000000:stateMachine:m".to_owned(),
            state_machine_name: "m".to_owned(),
            role_arn: "arn:aws:iam::000000000000:role/bench".to_owned(),
            start_time: now,
            input: json!({ "n": 1 }),
        };
        std::hint::black_box(asl::Execution::start(&machine, start, &mut ambient));
    }
    #[allow(clippy::cast_precision_loss)]
    let transitions = (runs * CHAIN) as f64;
    round(begun.elapsed().as_secs_f64() * 1e9 / transitions)
}

/// Measures the memory and the disk space of executions that wait for a task token, and how long the engine
/// takes to recover them.
pub(crate) async fn waiting(executions: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let journal = folder.path().join("journal.db");
    let engine = open(&journal)?;
    let ask = json!({ "QueryLanguage": "JSONata", "StartAt": "Ask", "States": { "Ask": {
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 86_400,
        "Arguments": { "FunctionName": "ask", "Payload": { "token": "{% $states.context.Task.Token %}" } },
        "End": true } } });
    let create = CreateStateMachine {
        name: "ask".to_owned(),
        kind: StateMachineKind::Standard,
        definition: ask.to_string(),
        role_arn: "arn:aws:iam::000000000000:role/bench".to_owned(),
    };
    let machine = engine.create_state_machine(create).await?.arn;
    let input = json!({ "order_id": "ORD-1795240432395886130" });
    // The first tenth fills caches and pools, whose memory must not count for the executions that follow.
    let warm = (executions / 10).max(1);
    start_all(&engine, &machine, &input, warm).await?;
    let before = crate::process::memory_of("self")?;
    start_all(&engine, &machine, &input, executions - warm).await?;
    let memory = crate::process::memory_of("self")?;
    engine.shut_down();
    let disk = crate::process::size(folder.path())?;
    let begun = Instant::now();
    let engine = open(&journal)?;
    let running = engine.list_executions(
        &machine,
        Some(ExecutionStatus::Running),
        &PageRequest { limit: 1, next: None },
    )?;
    let recovered = begun.elapsed();
    engine.shut_down();
    Ok(json!({
        "bench": "engine-waiting",
        "executions": executions,
        "still_running": !running.executions.is_empty(),
        "memory_bytes_each": memory.saturating_sub(before) / (executions - warm) as u64,
        "disk_bytes_each": disk / executions as u64,
        "recovery_ms": round(recovered.as_secs_f64() * 1000.0),
    }))
}

async fn start_all(engine: &Engine, machine: &str, input: &Value, count: usize) -> Result<(), Error> {
    let starts = (0..count).map(|_| execute(engine, machine, input));
    stream::iter(starts).buffer_unordered(512).try_for_each(|()| async { Ok(()) }).await?;
    // All calls have returned once the number of events stops growing.
    let mut seen = 0;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        match engine.stats().snapshot().events {
            events if events == seen => return Ok(()),
            events => seen = events,
        }
    }
}
