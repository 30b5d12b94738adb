//! One execution: its whole state as data, and the one function that changes it.
//!
//! ```text
//!   Event ──▶ Execution::apply ──▶ Runner ──▶ Visit (states/*): what does this state want?
//!                    │               │  ▲
//!                    │               ▼  └──── branches, iterations: the same, one level down
//!                    ▼            Effects: history, invocations, cancelled
//!            the next state
//! ```
//!
//! Nothing here acts. A host stores the state and the history first and then does what the effects say, so that live running, recovery
//! and redrive are the same code.

mod branch;
mod compound;
mod failing;
mod runner;
mod tasks;

use std::sync::Arc;

use chrono::TimeDelta;
use chrono::serde::ts_milliseconds_option;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::{Ambient, Effects, Event, Invocation, Outcome, Start, TaskId};
use crate::history::Details;
use crate::machine::Machine;
use crate::scope::{Identity, Redriven};
use crate::{Timestamp, size, time};
use branch::{Branch, Phase};
use runner::{Runner, Stimulus};
use tasks::Report;

/// The whole persistent state of one execution: JSON, or MessagePack with field names. It is compact; an order that waits for a token
/// takes well under a kibibyte besides its own data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Execution {
    #[serde(rename = "x")]
    identity: Identity,
    /// How many events there are.
    #[serde(rename = "e")]
    events: u64,
    /// How many tasks there have been.
    #[serde(rename = "k")]
    tasks: u64,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    deadline: Option<Timestamp>,
    #[serde(rename = "b")]
    root: Branch,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl Execution {
    /// Starts an execution and runs it until it waits or ends.
    pub fn start(machine: &Machine, start: Start, ambient: &mut dyn Ambient) -> (Self, Effects) {
        Self::begin(machine, start, ambient, false)
    }

    /// The same for StartSyncExecution, whose context object has no RedriveCount.
    pub fn start_synchronous(machine: &Machine, start: Start, ambient: &mut dyn Ambient) -> (Self, Effects) {
        Self::begin(machine, start, ambient, true)
    }

    fn begin(
        machine: &Machine,
        start: Start,
        ambient: &mut dyn Ambient,
        synchronous: bool,
    ) -> (Self, Effects) {
        let identity = Identity {
            execution_arn: start.execution_arn.into(),
            execution_name: start.execution_name.into(),
            state_machine_arn: start.state_machine_arn.into(),
            state_machine_name: start.state_machine_name.into(),
            role_arn: start.role_arn.into(),
            start_time: start.start_time,
            input: Arc::new(start.input),
            synchronous,
            redriven: None,
        };
        let deadline = deadline(machine, start.start_time);
        let mut execution =
            Self { identity, events: 0, tasks: 0, deadline, root: Branch::default(), outcome: None };
        let details = Details::Started {
            input: Arc::clone(&execution.identity.input),
            role_arn: Arc::clone(&execution.identity.role_arn),
        };
        let input = Arc::clone(&execution.identity.input);
        let effects = execution.drive(machine, ambient, |runner, root, machine| {
            // The first state's event follows none, not this one: so AWS has it.
            runner.record(0, "ExecutionStarted", Some(details));
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Begin(input))
        });
        (execution, effects)
    }

    /// The only way an execution changes: live running, recovery and redrive all come through here. An event that no longer concerns the
    /// execution (a late result, a wake-up too early, a stop after the end) changes nothing and has no effects.
    pub fn apply(&mut self, machine: &Machine, event: Event, ambient: &mut dyn Ambient) -> Effects {
        if let Event::Redrive = event {
            return self.redrive(machine, ambient);
        }
        if self.outcome.is_some() {
            return Effects::default();
        }
        let (task, report) = match event {
            Event::Wake => return self.wake(machine, ambient),
            Event::Abort { error, cause } => return self.abort(ambient, error, cause),
            Event::TaskSubmitted { task, output } => (task, Report::Submitted(output)),
            Event::TaskSucceeded { task, output } => (task, Report::Succeeded(output)),
            Event::TaskFailed { task, error, cause } => (task, Report::Failed("Failed", error, cause)),
            Event::TaskSubmitFailed { task, error, cause } => {
                (task, Report::Failed("SubmitFailed", error, cause))
            }
            Event::TaskStartFailed { task, error, cause } => {
                (task, Report::Failed("StartFailed", error, cause))
            }
            Event::TaskHeartbeat { task } => (task, Report::Heartbeat),
            Event::Redrive => return Effects::default(),
        };
        if !self.pending(task) {
            return Effects::default();
        }
        self.drive(machine, ambient, |runner, root, machine| {
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Task(task, Some(report)))
        })
    }

    /// The earliest instant at which [`Event::Wake`] would do something: the end of a Wait, a retry, a task's timeout or heartbeat, the
    /// execution's own timeout. `None`: only another event can change it.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if self.outcome.is_some() {
            return None;
        }
        self.deadline.into_iter().chain(self.root.due()).min()
    }

    /// The calls that a host has to make again after a crash. A task whose call has been submitted waits for its result or its token and
    /// isn't among them.
    pub fn invocations(&self) -> Vec<Invocation> {
        let mut calls = Vec::new();
        if self.outcome.is_none() {
            self.root.each_active(&mut |active| {
                if let Phase::Task(run) = &active.phase {
                    calls.extend(tasks::invocation(run));
                }
            });
        }
        calls
    }

    /// Whether a task is still awaited. For a token that once was valid, `false` means TaskTimedOut.
    pub fn pending(&self, task: TaskId) -> bool {
        let mut found = false;
        if self.outcome.is_none() {
            self.root.each_active(&mut |active| {
                found |= matches!(&active.phase, Phase::Task(run) if run.id == task);
            });
        }
        found
    }

    /// How it ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The input of the execution.
    pub fn input(&self) -> &Value {
        &self.identity.input
    }

    /// When it started.
    pub fn start_time(&self) -> Timestamp {
        self.identity.start_time
    }

    /// Its ARN.
    pub fn execution_arn(&self) -> &str {
        &self.identity.execution_arn
    }

    /// Its name.
    pub fn execution_name(&self) -> &str {
        &self.identity.execution_name
    }

    /// The ARN of its state machine.
    pub fn state_machine_arn(&self) -> &str {
        &self.identity.state_machine_arn
    }

    /// How many history events it has so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How often it has been redriven.
    pub fn redrive_count(&self) -> u64 {
        self.identity.redriven.as_ref().map_or(0, |r| r.count)
    }

    /// When it was last redriven.
    pub fn redrive_time(&self) -> Option<Timestamp> {
        self.identity.redriven.as_ref().map(|r| r.time)
    }

    /// Whether RedriveExecution would do something: it failed, timed out or was stopped.
    pub fn is_redrivable(&self) -> bool {
        self.root.at.is_some()
            && self.outcome.as_ref().is_some_and(|o| !matches!(o, Outcome::Succeeded { .. }))
    }

    /// The name of the state it is in, at the top level.
    pub fn current_state<'m>(&self, machine: &'m Machine) -> Option<&'m str> {
        let active = self.root.at.as_ref()?;
        machine.graph.states.get(active.state).map(|state| &*state.name)
    }

    fn wake(&mut self, machine: &Machine, ambient: &mut dyn Ambient) -> Effects {
        let now = ambient.now();
        let due = self.root.due().filter(|due| *due <= now);
        let timed_out = self.deadline.filter(|deadline| *deadline <= now);
        if let Some(deadline) = timed_out
            && due.is_none_or(|due| deadline <= due)
        {
            return self.end_now(
                ambient,
                "ExecutionTimedOut",
                None,
                Outcome::TimedOut { error: None, cause: None },
            );
        }
        if due.is_none() {
            return Effects::default();
        }
        let mut effects = self.drive(machine, ambient, |runner, root, machine| {
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Wake)
        });
        if timed_out.is_some() && self.outcome.is_none() {
            let more = self.wake(machine, ambient);
            effects.history.extend(more.history);
            effects.invocations.extend(more.invocations);
            effects.cancelled.extend(more.cancelled);
        }
        effects
    }

    fn abort(&mut self, ambient: &mut dyn Ambient, error: Option<String>, cause: Option<String>) -> Effects {
        let details = Details::Failure { service: None, error: error.clone(), cause: cause.clone() };
        self.end_now(ambient, "ExecutionAborted", Some(details), Outcome::Aborted { error, cause })
    }

    fn end_now(
        &mut self,
        ambient: &mut dyn Ambient,
        event: &'static str,
        details: Option<Details>,
        outcome: Outcome,
    ) -> Effects {
        let mut cancelled = Vec::new();
        self.root.each_active(&mut |active| {
            if let Phase::Task(run) = &active.phase {
                cancelled.push(run.id);
            }
        });
        let mut runner = Runner::new(&self.identity, &mut self.events, &mut self.tasks, ambient);
        self.root.previous = runner.record_last(self.root.previous, event, details);
        runner.effects.cancelled = cancelled;
        self.outcome = Some(outcome);
        runner.effects
    }

    fn redrive(&mut self, machine: &Machine, ambient: &mut dyn Ambient) -> Effects {
        if !self.is_redrivable() {
            return Effects::default();
        }
        let count = self.redrive_count() + 1;
        let now = ambient.now();
        self.identity.redriven = Some(Redriven { count, time: now });
        self.deadline = deadline(machine, now);
        self.outcome = None;
        self.drive(machine, ambient, |runner, root, machine| {
            root.previous =
                runner.record(root.previous, "ExecutionRedriven", Some(Details::Redriven { count }));
            runner.stimulate(&machine.graph, root, None, &mut Stimulus::Redrive)
        })
    }

    fn drive(
        &mut self,
        machine: &Machine,
        ambient: &mut dyn Ambient,
        work: impl FnOnce(&mut Runner<'_>, &mut Branch, &Machine) -> Result<(), crate::error::Failure>,
    ) -> Effects {
        let mut runner = Runner::new(&self.identity, &mut self.events, &mut self.tasks, ambient);
        let result = work(&mut runner, &mut self.root, machine);
        match result {
            Ok(()) => {
                if let Some(output) = self.root.output.clone() {
                    let details = Details::Output { service: None, output: Arc::clone(&output) };
                    self.root.previous =
                        runner.record_last(self.root.previous, "ExecutionSucceeded", Some(details));
                    self.outcome = Some(Outcome::Succeeded { output });
                }
            }
            Err(failure) => {
                let error = failure.error.map(std::borrow::Cow::into_owned);
                let cause = failure.cause;
                let details = (error.is_some() || cause.is_some()).then(|| Details::Failure {
                    service: None,
                    error: error.clone(),
                    cause: cause.clone(),
                });
                self.root.previous = runner.record_last(self.root.previous, "ExecutionFailed", details);
                self.outcome = Some(Outcome::Failed { error, cause });
            }
        }
        runner.effects
    }
}

fn deadline(machine: &Machine, from: Timestamp) -> Option<Timestamp> {
    let seconds = i64::try_from(machine.timeout_seconds?).ok()?;
    from.checked_add_signed(TimeDelta::try_seconds(seconds)?).map(time::floor)
}

/// Whether StartExecution would refuse this input for its size (256 KiB).
pub fn input_is_too_large(input: &Value) -> bool {
    size::is_too_large(input)
}
