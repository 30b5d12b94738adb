//! What an AWS account carries: its quotas, the partitions of its tables and the environments of its functions, as the
//! system meets them in a run.
//!
//! ```text
//!   customers ──▶ gateway ──▶ environments ──▶ functions ──┬─▶ calls of Step Functions and EventBridge: token buckets
//!                 (bucket)    (Lambda)            ▲        └─▶ tables: partitions by key, transactions that meet
//!                                                 │
//!                          Task states ───────────┘  after their transitions: a bucket that makes them wait
//! ```
//!
//! [`Capacity`] is asked at the seams. What it refuses, it refuses as AWS does, with the error that the SDK knows and tries
//! again. Runs without it have no quotas.

mod bucket;
mod customer;
mod dynamo;
mod environments;
mod quotas;
mod report;
mod run;
mod shop;
mod tally;
mod throughput;
mod times;
mod transitions;
mod units;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use omniflow_figures::latency;
use omniflow_services::ServiceError;
use template::System;

use crate::clock::VirtualClock;
use crate::dice::Dice;
use bucket::Bucket;
pub use dynamo::Dynamo;
use environments::{Environments, Taken};
pub use quotas::Quotas;
pub use report::Report;
pub use run::{Products, Settings, run, system};
use tally::Tally;
use throughput::Throughput;
pub use times::Times;
use transitions::Transitions;
use units::Schemas;

/// How long a new environment takes to begin: Lambda makes it, and the program starts and connects.
const COLD: Duration = Duration::from_millis(200);
/// How long the payment gateway takes, and a warehouse: servers of others, somewhere else.
const GATEWAY: Duration = Duration::from_millis(250);
const WAREHOUSE: Duration = Duration::from_millis(150);
/// For how long a transaction holds its items of the time that it takes: two phases between the storage nodes of DynamoDB.
const HELD: Duration = Duration::from_millis(10);
/// The first pause after which Lambda tries an asynchronous invocation again that it throttled, and the longest (AWS Lambda
/// Developer Guide, "How Lambda handles errors and retries with asynchronous invocation").
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// An account with its quotas.
pub struct Capacity {
    clock: VirtualClock,
    schemas: Schemas,
    transitions: Transitions,
    state: Mutex<State>,
}

struct State {
    calls: Vec<(&'static str, Bucket)>,
    /// The share of the routes that are for customers.
    routes: Bucket,
    environments: Environments,
    throughput: Throughput,
    tally: Tally,
    dice: Dice,
}

impl Capacity {
    /// An account with these quotas, and with the tables and state machines of this system. The stage of its API lets
    /// through `routes`: the burst, and the requests a second.
    pub fn new(seed: u64, quotas: &Quotas, system: &System, routes: (f64, f64), clock: VirtualClock) -> Self {
        let calls = quotas.calls.iter().map(|(name, size, a_second)| (*name, Bucket::new(*size, *a_second)));
        let state = State {
            calls: calls.collect(),
            routes: Bucket::new(routes.0, routes.1),
            environments: Environments::new(quotas.concurrency),
            throughput: Throughput::new(quotas),
            tally: Tally::default(),
            dice: Dice::new(seed, "latency", 0),
        };
        Self {
            clock,
            schemas: Schemas::of(&system.tables),
            transitions: Transitions::of(&system.state_machines),
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// How long a call takes: most of them a little more or less than usual, and one in a hundred five times as long.
    pub fn latency(&self, what: &str) -> Duration {
        let usual = match what {
            "the gateway" => GATEWAY,
            "the warehouse" => WAREHOUSE,
            "TransactWriteItems" => latency::of(what) - HELD,
            operation => latency::of(operation),
        };
        let mut state = self.state();
        let factor = 0.7 + 0.6 * state.dice.fraction();
        usual.mul_f64(if state.dice.chance(0.01) { 5.0 * factor } else { factor })
    }

    /// Asks for a call of Step Functions or EventBridge, and gives the error with which it is refused.
    pub fn call(&self, call: &str) -> Option<ServiceError> {
        // Some calls are named with what they are for.
        let call = call.split(' ').next().unwrap_or(call);
        match self.try_take(call) {
            true => None,
            false => Some(ServiceError::new("ThrottlingException", "Rate exceeded")),
        }
    }

    fn try_take(&self, call: &str) -> bool {
        let now = self.now();
        let mut state = self.state();
        state.tally.ask(call, 1.0);
        let bucket = state.calls.iter_mut().find(|(name, _)| *name == call);
        let taken = bucket.is_none_or(|(_, bucket)| bucket.try_take(now, 1.0));
        if !taken {
            state.tally.refuse(call, "account");
        }
        taken
    }

    /// Takes tokens of a quota that makes its callers wait, and tells for how long.
    fn wait(&self, quota: &str, count: u32) -> Duration {
        let now = self.now();
        let mut state = self.state();
        state.tally.ask(quota, f64::from(count));
        let bucket = state.calls.iter_mut().find(|(name, _)| *name == quota);
        let wait = bucket.map(|(_, bucket)| bucket.wait(now, f64::from(count))).unwrap_or_default();
        if wait > Duration::ZERO {
            state.tally.refuse(quota, "account");
        }
        wait
    }

    /// Waits until an execution may make the transitions that lead to a call of this state. The time of the task runs
    /// meanwhile, which on AWS begins after the transition: a wait that is longer ends as the task's timeout.
    pub async fn transit(&self, execution_arn: &str, state: &str) {
        let count = self.transitions.of_call(execution_arn, state);
        self.state().tally.transitions += f64::from(count);
        tokio::time::sleep(self.wait(quotas::TRANSITION, count)).await;
    }

    /// Counts the transitions of an execution that begins.
    pub fn begins(&self, machine_arn: &str) {
        let machine = machine_arn.rsplit(':').next().unwrap_or_default();
        let count = self.transitions.of_start(machine);
        self.state().tally.transitions += f64::from(count);
        // The execution waits, and not whoever starts it.
        self.wait(quotas::TRANSITION, count);
    }

    /// Whether API Gateway lets a request through.
    pub fn admits(&self) -> bool {
        if !self.try_take(quotas::REQUEST) {
            return false;
        }
        let now = self.now();
        let mut state = self.state();
        let admitted = state.routes.try_take(now, 1.0);
        match admitted {
            true => state.tally.requests += 1.0,
            false => state.tally.refuse(quotas::REQUEST, "stage"),
        }
        admitted
    }

    /// Counts the events of a request that EventBridge took.
    pub fn published(&self, events: usize) {
        #[allow(clippy::cast_precision_loss)]
        let events = events as f64;
        self.state().tally.events += events;
    }

    fn take_environment(&self, function: &'static str) -> Option<Taken> {
        let now = self.now();
        let mut state = self.state();
        state.tally.ask("Invoke", 1.0);
        let taken = state.environments.take(function, now);
        if taken.is_none() {
            state.tally.refuse("Invoke", function);
        }
        taken
    }

    /// Waits for an environment for an asynchronous invocation, which Lambda keeps until there is one; any other gets one
    /// at once or not at all. The environment is ready when this returns.
    pub async fn environment(
        &self,
        function: &'static str,
        memory: u64,
        is_asynchronous: bool,
    ) -> Option<Environment<'_>> {
        let mut pause = AGAIN.0;
        let taken = loop {
            match self.take_environment(function) {
                Some(taken) => break taken,
                None if is_asynchronous => tokio::time::sleep(pause).await,
                None => return None,
            }
            pause = (2 * pause).min(AGAIN.1);
        };
        let Taken { number, is_new } = taken;
        let environment = Environment { of: self, function, memory, number, since: self.now() };
        if is_new {
            tokio::time::sleep(COLD).await;
        }
        tokio::time::sleep(latency::OWN).await;
        Some(environment)
    }

    /// Waits until EventBridge hands an event to a target.
    pub async fn delivered(&self) {
        tokio::time::sleep(self.wait(quotas::DELIVERY, 1)).await;
    }
}

/// An environment of a function at work; it waits for the next event once this is dropped.
pub struct Environment<'a> {
    of: &'a Capacity,
    function: &'static str,
    memory: u64,
    /// Its number among those of its function.
    pub number: usize,
    since: Duration,
}

impl Drop for Environment<'_> {
    fn drop(&mut self) {
        let worked = self.of.now().saturating_sub(self.since);
        let mut state = self.of.state();
        state.environments.give_back(self.function, self.number);
        state.tally.invocations += 1.0;
        #[allow(clippy::cast_precision_loss)]
        let gigabytes = self.memory as f64 / 1024.0;
        state.tally.seconds += worked.as_secs_f64();
        state.tally.gb_seconds += gigabytes * worked.as_secs_f64();
    }
}
