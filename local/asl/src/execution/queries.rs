//! What a host can ask of an execution.

use serde_json::Value;

use super::branch::Phase;
use super::snapshot::Execution;
use super::task;
use crate::api::{Invocation, Outcome, TaskId};
use crate::machine::Machine;
use crate::time::Timestamp;

impl Execution {
    /// The earliest instant at which [`Event::Wake`](crate::Event::Wake) would do something: the end of a
    /// Wait, a retry, a task's timeout or missing heartbeat, or the execution's own timeout. `None` means
    /// that only another event can change the execution.
    pub fn wake_at(&self) -> Option<Timestamp> {
        if self.outcome.is_some() {
            return None;
        }
        self.deadline.into_iter().chain(self.root.due()).min()
    }

    /// The calls that a host has to make again after a crash. A task whose call has been submitted waits for
    /// its result or its token and isn't among them.
    pub fn invocations(&self) -> Vec<Invocation> {
        let mut calls = Vec::new();
        if self.outcome.is_none() {
            self.root.each_active(&mut |active| {
                if let Phase::Task(run) = &active.phase {
                    calls.extend(task::invocation(run));
                }
            });
        }
        calls
    }

    /// Whether a task, or a Map Run, is still awaited. For a token that once was valid, `false` means that SendTaskSuccess
    /// and its relatives answer TaskTimedOut.
    pub fn pending(&self, task: TaskId) -> bool {
        let mut found = false;
        if self.outcome.is_none() {
            self.root.each_active(&mut |active| {
                found |= match &active.phase {
                    Phase::Task(run) => run.id == task,
                    Phase::Distributed(run) => run.id == task,
                    _ => false,
                };
            });
        }
        found
    }

    /// How the execution ended; `None` while it runs.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// The input of the execution.
    pub fn input(&self) -> &Value {
        &self.identity.input
    }

    /// When the execution was started.
    pub fn start_time(&self) -> Timestamp {
        self.identity.start_time
    }

    /// The ARN of the execution.
    pub fn execution_arn(&self) -> &str {
        &self.identity.execution_arn
    }

    /// The name of the execution.
    pub fn execution_name(&self) -> &str {
        &self.identity.execution_name
    }

    /// The ARN of the execution's state machine.
    pub fn state_machine_arn(&self) -> &str {
        &self.identity.state_machine_arn
    }

    /// How many history events there have been so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// How often the execution has been redriven.
    pub fn redrive_count(&self) -> u64 {
        self.identity.redriven.as_ref().map_or(0, |r| r.count)
    }

    /// When the execution was last redriven.
    pub fn redrive_time(&self) -> Option<Timestamp> {
        self.identity.redriven.as_ref().map(|r| r.time)
    }

    /// Whether RedriveExecution would do something, because the execution has failed, timed out or was
    /// stopped.
    pub fn is_redrivable(&self) -> bool {
        self.root.at.is_some()
            && self.outcome.as_ref().is_some_and(|o| !matches!(o, Outcome::Succeeded { .. }))
    }

    /// The name of the state that the execution is in, at the top level of its machine.
    pub fn current_state<'m>(&self, machine: &'m Machine) -> Option<&'m str> {
        let active = self.root.at.as_ref()?;
        machine.graph.states.get(active.state).map(|state| &*state.name)
    }
}
