//! A host in miniature: virtual time, seeded randomness, and the events that a test sends by hand.

#![allow(dead_code, reason = "each test file uses what it needs")]

use asl::{
    Ambient, Effects, Event, Execution, HistoryEvent, Invocation, Machine, MapChild, MapRunChange, Outcome,
    Start, TaskId, Timestamp,
};
use chrono::TimeDelta;
use serde_json::{Value, json};

pub struct Outside {
    pub now: Timestamp,
    pub seed: u64,
}

impl Ambient for Outside {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.seed
    }

    fn task_token(&mut self, task: TaskId) -> String {
        format!("token-{}", task.0)
    }
}

pub struct Host {
    pub machine: Machine,
    pub execution: Execution,
    pub outside: Outside,
    pub history: Vec<HistoryEvent>,
    pub calls: Vec<Invocation>,
    /// Every task that was ever called, in the order of the calls.
    pub tasks: Vec<TaskId>,
    /// The tasks that are no longer awaited though nothing has answered them: timed out, or given up.
    pub cancelled: Vec<TaskId>,
    /// What has become of Map Runs, in order.
    pub map_runs: Vec<MapRunChange>,
    /// The children that the last [`Host::children`] got.
    pub children: Vec<MapChild>,
}

/// The task that an event answers for good.
fn answered(event: &Event) -> Option<TaskId> {
    match event {
        Event::TaskSucceeded { task, .. }
        | Event::TaskFailed { task, .. }
        | Event::TaskSubmitFailed { task, .. }
        | Event::TaskStartFailed { task, .. } => Some(*task),
        _ => None,
    }
}

pub fn begin() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a timestamp")
}

pub fn start(input: Value) -> Start {
    Start {
        execution_arn: "arn:aws:states:eu-central-1:000000000000:execution:machine:order-1".into(),
        execution_name: "order-1".into(),
        state_machine_arn: "arn:aws:states:eu-central-1:000000000000:stateMachine:machine".into(),
        state_machine_name: "machine".into(),
        role_arn: "arn:aws:iam::000000000000:role/machine".into(),
        start_time: begin(),
        input,
    }
}

impl Host {
    pub fn run(definition: &Value, input: Value) -> Self {
        let machine = Machine::parse(&definition.to_string()).unwrap_or_else(|invalid| panic!("{invalid}"));
        let mut outside = Outside { now: begin(), seed: 1 };
        let (execution, effects) = Execution::start(&machine, start(input), &mut outside);
        let mut host = Self::load(machine, execution, outside);
        host.take(effects);
        host
    }

    /// A host that knows nothing but the execution itself.
    pub fn load(machine: Machine, execution: Execution, outside: Outside) -> Self {
        let (history, calls, tasks, cancelled) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (map_runs, children) = (Vec::new(), Vec::new());
        Self { machine, execution, outside, history, calls, tasks, cancelled, map_runs, children }
    }

    fn take(&mut self, effects: Effects) {
        self.history.extend(effects.history);
        self.tasks.extend(effects.invocations.iter().map(|call| call.task));
        self.calls.extend(effects.invocations);
        self.map_runs.extend(effects.map_runs);
        self.children = effects.children;
    }

    /// The inputs of at most `at_most` children of a Map Run, each with how many items it works on.
    pub fn children(&mut self, run: TaskId, from: u64, at_most: usize) -> Vec<(u64, Value)> {
        self.send(Event::MapChildren { run, from, at_most });
        self.children.iter().map(|child| (child.items, (*child.input).clone())).collect()
    }

    pub fn send(&mut self, event: Event) {
        let answered = answered(&event);
        let mut awaited = self.tasks.clone();
        awaited.retain(|task| Some(*task) != answered && self.execution.pending(*task));
        let effects = self.execution.apply(&self.machine, event, &mut self.outside);
        self.cancelled.extend(awaited.into_iter().filter(|task| !self.execution.pending(*task)));
        self.take(effects);
    }

    pub fn advance(&mut self, seconds: i64) {
        self.outside.now += TimeDelta::seconds(seconds);
        self.send(Event::Wake);
    }

    /// Seconds until the execution wants to be woken.
    pub fn due(&self) -> Option<f64> {
        Some((self.execution.wake_at()? - self.outside.now).num_milliseconds() as f64 / 1000.0)
    }

    /// Wakes the execution whenever it wants to be, until it waits for something else.
    pub fn wake_until_quiet(&mut self) {
        while let Some(at) = self.execution.wake_at() {
            self.outside.now = at;
            self.send(Event::Wake);
        }
    }

    pub fn call(&mut self) -> Invocation {
        assert!(!self.calls.is_empty(), "nothing was called; {:?}", self.execution.outcome());
        self.calls.remove(0)
    }

    pub fn succeed(&mut self, task: TaskId, output: Value) {
        self.send(Event::TaskSucceeded { task, output: output.into() });
    }

    pub fn fail(&mut self, task: TaskId, error: &str) {
        self.send(Event::TaskFailed { task, error: Some(error.into()), cause: Some("because".into()) });
    }

    pub fn output(&self) -> Value {
        match self.execution.outcome() {
            Some(Outcome::Succeeded { output }) => (**output).clone(),
            other => panic!("{other:?}"),
        }
    }

    pub fn error(&self) -> (String, String) {
        match self.execution.outcome() {
            Some(Outcome::Failed { error, cause }) => {
                (error.clone().unwrap_or_default(), cause.clone().unwrap_or_default())
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn types(&self) -> Vec<&'static str> {
        self.history.iter().map(|event| event.event_type).collect()
    }
}

/// A machine of one Task with these extra fields, and two states to end in.
pub fn task(extra: Value) -> Value {
    let mut state = json!({
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
        "Next": "Done"
    });
    for (name, value) in extra.as_object().expect("an object") {
        state[name] = value.clone();
    }
    let mut states = json!({"Work": state, "Done": {"Type": "Succeed"}});
    if extra.get("Catch").is_some() {
        states["Rescue"] = json!({"Type": "Pass", "End": true});
    }
    json!({"QueryLanguage": "JSONata", "StartAt": "Work", "States": states})
}
