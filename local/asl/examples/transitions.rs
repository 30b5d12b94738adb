//! Measures how many nanoseconds a transition takes in the interpreter alone, without a host:
//! `cargo run --release -p asl --example transitions`.

use std::hint::black_box;
use std::time::Instant;

use asl::{Ambient, Event, Execution, Machine, Start, TaskId, Timestamp};
use serde_json::{Value, json};

struct Still(Timestamp, u64);

impl Ambient for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn random(&mut self) -> u64 {
        self.1 = self.1.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.1
    }

    fn task_token(&mut self, task: TaskId) -> String {
        format!("{}", task.0)
    }
}

fn chain(length: usize, language: &str, state: &Value) -> Value {
    let mut states = serde_json::Map::new();
    for i in 0..length {
        let mut state = state.clone();
        if i + 1 == length {
            state["End"] = true.into();
        } else {
            state["Next"] = format!("S{}", i + 1).into();
        }
        states.insert(format!("S{i}"), state);
    }
    json!({"QueryLanguage": language, "StartAt": "S0", "States": states})
}

fn start(input: &Value, now: Timestamp) -> Start {
    Start {
        execution_arn: "arn:aws:states:eu-central-1:000000000000:execution:bench:1".into(),
        execution_name: "1".into(),
        state_machine_arn: "arn:aws:states:eu-central-1:000000000000:stateMachine:bench".into(),
        state_machine_name: "bench".into(),
        role_arn: "arn:aws:iam::000000000000:role/bench".into(),
        start_time: now,
        input: input.clone(),
    }
}

fn measure(name: &str, definition: &Value, transitions: usize) -> Result<(), asl::Invalid> {
    let machine = Machine::parse(&definition.to_string())?;
    let mut still = Still(Timestamp::UNIX_EPOCH, 1);
    let input = json!({"orderId": "order-1", "items": [{"sku": "prod-001", "quantity": 2}], "amount": "12.50", "n": 1});
    let runs = 20_000 / transitions.max(1) * 10;
    let begun = Instant::now();
    for _ in 0..runs.max(1) {
        let (mut execution, mut effects) = Execution::start(&machine, start(&input, still.0), &mut still);
        while let Some(call) = effects.invocations.pop() {
            let answer = Event::TaskSucceeded { task: call.task, output: call.arguments };
            effects = execution.apply(&machine, answer, &mut still);
        }
        black_box(&execution);
    }
    let nanos = begun.elapsed().as_nanos() as f64 / (runs.max(1) * transitions) as f64;
    println!("{name:32} {nanos:8.0} ns/transition {:10.0}/s", 1e9 / nanos);
    Ok(())
}

fn main() -> Result<(), asl::Invalid> {
    let pass = json!({"Type": "Pass"});
    measure("Pass, JSONata", &chain(100, "JSONata", &pass), 100)?;
    measure("Pass, JSONPath", &chain(100, "JSONPath", &pass), 100)?;
    let pick = json!({"Type": "Pass", "Output": {"n": "{% $states.input.n %}", "orderId": "{% $states.input.orderId %}"}});
    measure("Pass, JSONata picks", &chain(100, "JSONata", &pick), 100)?;
    let add = json!({"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}});
    measure("Pass, JSONata computes", &chain(100, "JSONata", &add), 100)?;
    let map = json!({"Type": "Pass", "Output": {"n": "{% $sum($map($states.input.items, function($i) { $i.quantity })) %}", "items": "{% $states.input.items %}"}});
    measure("Pass, JSONata with a function", &chain(100, "JSONata", &map), 100)?;
    let path = json!({"Type": "Pass", "Parameters": {"n.$": "$.n", "text.$": "States.Format('{}', $.n)"}});
    measure("Pass, Parameters", &chain(100, "JSONPath", &path), 100)?;
    let task = json!({"Type": "Task", "Resource": "arn:aws:lambda:eu-central-1:000000000000:function:f"});
    measure("Task (scheduled and answered)", &chain(100, "JSONata", &task), 100)?;
    let map = json!({"QueryLanguage": "JSONata", "StartAt": "M", "States": {"M": {
        "Type": "Map", "Items": "{% [1..100] %}", "End": true,
        "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}
    }}});
    measure("Map of 100", &map, 101)
}
