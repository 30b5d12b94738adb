//! The state of one thread of control, as it is stored. The stored names are short because each waiting order
//! keeps one of these.

use std::sync::Arc;

use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::TaskId;
use crate::graph::{Graph, State};
use crate::resource::Resource;
use crate::scope::{Identity, MapItem, Variables};
use crate::size;
use crate::states::map::{self, BatchLimits};
use crate::time::Timestamp;

/// A thread of control: the execution's main line, a branch of a Parallel, or an iteration of a Map.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Branch {
    /// The variables that the branch has set.
    #[serde(rename = "v", default, skip_serializing_if = "Variables::is_empty")]
    pub(crate) variables: Variables,
    /// The number of the event that the branch's next event follows.
    #[serde(rename = "p")]
    pub(crate) previous: u64,
    /// The state that the branch is in; absent once it has ended.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Active>,
    /// The branch's output; absent until it has ended.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Arc<Value>>,
    /// The item that an iteration works on; absent for other branches.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<MapItem>,
}

/// A state that has been entered and not left.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Active {
    /// The state's place in the graph.
    #[serde(rename = "s")]
    pub(crate) state: usize,
    /// The raw input; absent when it is that of the execution, which is stored once.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Arc<Value>>,
    /// The number of the event that says that the state was entered.
    #[serde(rename = "e")]
    pub(crate) entered: u64,
    /// The number of the event before that.
    #[serde(rename = "b", default)]
    pub(crate) before: u64,
    /// When the state was entered.
    #[serde(rename = "t", with = "ts_milliseconds")]
    pub(crate) entered_at: Timestamp,
    /// How often each retrier has been used, by its index.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attempts: Vec<u64>,
    /// How often the state has been retried, whichever retrier it was.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub(crate) retries: u32,
    /// What the state waits for.
    #[serde(rename = "w", default, skip_serializing_if = "Phase::is_idle")]
    pub(crate) phase: Phase,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What an active state waits for.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// The state waits for nothing: it runs, or has failed for good.
    #[default]
    #[serde(rename = "i")]
    Idle,
    /// The state is a Wait, which ends at this instant.
    #[serde(rename = "w")]
    Wait(#[serde(with = "ts_milliseconds")] Timestamp),
    /// The state starts at this instant: it has failed and is tried again, or the execution has paused before it.
    #[serde(rename = "b")]
    Backoff(#[serde(with = "ts_milliseconds")] Timestamp),
    /// The state waits for its task.
    #[serde(rename = "t")]
    Task(Box<TaskRun>),
    /// The state is a Parallel and waits for its branches.
    #[serde(rename = "p")]
    Parallel(Vec<Branch>),
    /// The state is a Map and waits for its iterations.
    #[serde(rename = "m")]
    Map(Box<Iterations>),
    /// The state is a Distributed Map and waits for its Map Run, whose child executions the host runs.
    #[serde(rename = "d")]
    Distributed(Box<MapRun>),
}

impl Phase {
    fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }
}

/// A task in flight.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskRun {
    #[serde(rename = "k")]
    pub(crate) id: TaskId,
    /// The task token, of a `.waitForTaskToken` task.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The call; absent once it has been submitted, since it is not to be repeated then.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<Box<ScheduledCall>>,
    /// The task's timeout in seconds.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u64>,
    /// Seconds that may pass between two heartbeats.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat: Option<u64>,
    /// When the task times out.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    pub(crate) deadline: Option<Timestamp>,
    /// When the task times out unless a heartbeat comes before.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    pub(crate) beat_by: Option<Timestamp>,
}

/// What a task calls. It is stored with the execution so that a host can list the calls of a stored execution
/// without the definition.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduledCall {
    #[serde(rename = "r")]
    pub(crate) resource: Resource,
    #[serde(rename = "a")]
    pub(crate) arguments: Arc<Value>,
    /// The name of the Task state.
    #[serde(rename = "s")]
    pub(crate) state: Arc<str>,
}

impl TaskRun {
    /// When the task times out, of the two instants.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.deadline.into_iter().chain(self.beat_by).min()
    }
}

/// A Map in flight.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Iterations {
    /// All items, as an array, or as an object whose members are the items.
    #[serde(rename = "i")]
    pub(crate) items: Arc<Value>,
    /// The index of the first item that has no iteration yet.
    #[serde(rename = "n")]
    pub(crate) next: usize,
    /// How many iterations may run at once.
    #[serde(rename = "m")]
    pub(crate) limit: usize,
    /// The iterations that run now.
    #[serde(rename = "r")]
    pub(crate) running: Vec<Branch>,
    /// The outputs of the iterations that have ended, by the index of the item.
    #[serde(rename = "o")]
    pub(crate) outputs: Vec<Option<Arc<Value>>>,
    /// A member of the forms before the third, which said nothing in a Map of this mode.
    #[expect(dead_code, reason = "executions of an earlier form have it")]
    #[serde(rename = "f", default, skip_serializing)]
    pub(crate) failed: IgnoredAny,
    /// Another such member.
    #[expect(dead_code, reason = "executions of an earlier form have it")]
    #[serde(rename = "t", default, skip_serializing)]
    pub(crate) tolerated: IgnoredAny,
    /// The number of the event that the next iteration's start follows.
    #[serde(rename = "p")]
    pub(crate) previous: u64,
    /// How many bytes the outputs have, once they have been counted.
    #[serde(skip)]
    pub(crate) output_bytes: Option<usize>,
}

impl Iterations {
    /// Keeps the output of the iteration at an index. `false` means that the outputs, as an array, are larger than a
    /// payload may be.
    pub(crate) fn keep(&mut self, index: usize, output: Arc<Value>) -> bool {
        let counted = self.output_bytes.unwrap_or_else(|| {
            // Each has a comma or a bracket behind it.
            self.outputs.iter().flatten().map(|output| size::of(output) + 1).sum::<usize>() + 1
        });
        let bytes = counted + size::of(&output) + 1;
        self.output_bytes = Some(bytes);
        if let Some(slot) = self.outputs.get_mut(index) {
            *slot = Some(output);
        }
        bytes <= size::MAX_PAYLOAD
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        map::count(&self.items)
    }
}

/// A Distributed Map in flight. How far its children have come the host knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MapRun {
    /// The number that events about the run give. It is one of those that tasks have.
    #[serde(rename = "k")]
    pub(crate) id: TaskId,
    #[serde(rename = "a")]
    pub(crate) arn: Arc<str>,
    /// All items, as an array, or as an object whose members are the items.
    #[serde(rename = "i")]
    pub(crate) items: Arc<Value>,
    /// How items are put together; absent when each has a child of its own.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) batches: Option<BatchLimits>,
    /// How often the run was redriven.
    #[serde(rename = "r", default, skip_serializing_if = "is_none_yet")]
    pub(crate) redrives: u64,
    /// The number of the event that says that the run was started or redriven.
    #[serde(rename = "e")]
    pub(crate) begun: u64,
}

fn is_none_yet(n: &u64) -> bool {
    *n == 0
}

/// How many bytes the variables of all these branches have together.
pub(crate) fn variable_bytes(branches: &[Branch]) -> usize {
    branches.iter().map(Branch::variable_bytes).sum()
}

/// The item at an index of an array, or of an object whose members are the items.
pub(crate) fn item(items: &Value, index: usize) -> MapItem {
    let (key, value) = match items {
        Value::Array(items) => (None, items.get(index)),
        Value::Object(members) => match members.iter().nth(index) {
            Some((key, value)) => (Some(Arc::from(key.as_str())), Some(value)),
            None => (None, None),
        },
        _ => (None, None),
    };
    MapItem { index: index as u64, value: Arc::new(value.cloned().unwrap_or_default()), key }
}

impl Active {
    /// The raw input of the state.
    pub(crate) fn raw_input(&self, identity: &Identity) -> Arc<Value> {
        Arc::clone(self.input.as_ref().unwrap_or(&identity.input))
    }
}

/// The active state of a branch, with its definition.
pub(crate) fn active<'a, 'g>(
    graph: &'g Graph,
    at: &'a mut Option<Active>,
) -> Option<(&'a mut Active, &'g State)> {
    let active = at.as_mut()?;
    let state = graph.states.get(active.state)?;
    Some((active, state))
}

impl Branch {
    /// Calls `look` with every active state in the branch: its own first, then those of the branches inside.
    pub(crate) fn each_active<'b>(&'b self, look: &mut dyn FnMut(&'b Active)) {
        let Some(active) = &self.at else { return };
        look(active);
        match &active.phase {
            Phase::Parallel(branches) => branches.iter().for_each(|b| b.each_active(look)),
            Phase::Map(run) => run.running.iter().for_each(|b| b.each_active(look)),
            _ => {}
        }
    }

    /// How many bytes the variables of the branch, and of the branches inside of it, have together.
    pub(crate) fn variable_bytes(&self) -> usize {
        let own: usize = self.variables.values().map(|value| size::of(value)).sum();
        own + match self.at.as_ref().map(|active| &active.phase) {
            Some(Phase::Parallel(branches)) => variable_bytes(branches),
            Some(Phase::Map(run)) => variable_bytes(&run.running),
            _ => 0,
        }
    }

    /// The earliest instant at which something in the branch is due.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let mut due: Option<Timestamp> = None;
        self.each_active(&mut |active| {
            let at = match &active.phase {
                Phase::Wait(until) | Phase::Backoff(until) => Some(*until),
                Phase::Task(run) => run.due(),
                _ => None,
            };
            due = due.into_iter().chain(at).min();
        });
        due
    }
}
