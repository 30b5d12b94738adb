//! The state of one thread of control, as it is stored. Names are short because each waiting order keeps one of these.

use std::sync::Arc;

use chrono::serde::{ts_milliseconds, ts_milliseconds_option};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Timestamp;
use crate::api::{Resource, TaskId};
use crate::scope::{MapItem, Variables};
use crate::states::map::Tolerated;

/// The execution's main line, a branch of a Parallel, or an iteration of a Map.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Branch {
    /// What it has assigned.
    #[serde(rename = "v", default, skip_serializing_if = "Variables::is_empty")]
    pub(crate) variables: Variables,
    /// The event that its next event follows.
    #[serde(rename = "p")]
    pub(crate) previous: u64,
    /// The state it is in.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Active>,
    /// Its output, once it has ended.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Arc<Value>>,
    /// The item, of an iteration.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<MapItem>,
}

/// A state that has been entered and not left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Active {
    /// Its place in the graph.
    #[serde(rename = "s")]
    pub(crate) state: usize,
    /// The raw input. `None`: that of the execution, which is stored once.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub(crate) input: Option<Arc<Value>>,
    /// The event of entering it.
    #[serde(rename = "e")]
    pub(crate) entered: u64,
    /// The event before that.
    #[serde(rename = "b", default)]
    pub(crate) before: u64,
    #[serde(rename = "t", with = "ts_milliseconds")]
    pub(crate) entered_at: Timestamp,
    /// How often each retrier has been used.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attempts: Vec<u64>,
    /// How often the state has been retried.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub(crate) retries: u32,
    #[serde(rename = "w", default, skip_serializing_if = "Phase::is_idle")]
    pub(crate) phase: Phase,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// What an active state waits for.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Nothing: it runs, or has failed for good.
    #[default]
    #[serde(rename = "i")]
    Idle,
    /// The end of a Wait.
    #[serde(rename = "w")]
    Wait(#[serde(with = "ts_milliseconds")] Timestamp),
    /// The next try.
    #[serde(rename = "b")]
    Backoff(#[serde(with = "ts_milliseconds")] Timestamp),
    /// A task.
    #[serde(rename = "t")]
    Task(Box<TaskRun>),
    /// The branches of a Parallel.
    #[serde(rename = "p")]
    Parallel(Vec<Branch>),
    /// The iterations of a Map.
    #[serde(rename = "m")]
    Map(Box<MapRun>),
}

impl Phase {
    fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }
}

/// A task in flight.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskRun {
    #[serde(rename = "k")]
    pub(crate) id: TaskId,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// The call, as long as it may have to be repeated.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<Box<Call>>,
    /// Seconds.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<u64>,
    /// Seconds.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(crate) heartbeat: Option<u64>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    pub(crate) deadline: Option<Timestamp>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    pub(crate) beat_by: Option<Timestamp>,
}

/// What a task calls. It is kept apart from the definition so that a host can list the calls of a stored execution without it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    #[serde(rename = "r")]
    pub(crate) resource: Resource,
    #[serde(rename = "a")]
    pub(crate) arguments: Arc<Value>,
    #[serde(rename = "s")]
    pub(crate) state: Arc<str>,
}

impl TaskRun {
    /// When it times out, one way or the other.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        self.deadline.into_iter().chain(self.beat_by).min()
    }
}

/// A Map in flight.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MapRun {
    /// All items, an array.
    #[serde(rename = "i")]
    pub(crate) items: Arc<Value>,
    /// The first item that has no iteration yet.
    #[serde(rename = "n")]
    pub(crate) next: usize,
    /// How many iterations may run at once.
    #[serde(rename = "m")]
    pub(crate) limit: usize,
    /// The iterations that run.
    #[serde(rename = "r")]
    pub(crate) running: Vec<Branch>,
    /// The outputs of those that have ended.
    #[serde(rename = "o")]
    pub(crate) outputs: Vec<Option<Arc<Value>>>,
    /// How many have failed and were tolerated.
    #[serde(rename = "f", default)]
    pub(crate) failed: u64,
    #[serde(rename = "t", default)]
    pub(crate) tolerated: Tolerated,
    /// The event that the next iteration's start follows.
    #[serde(rename = "p")]
    pub(crate) previous: u64,
}

impl MapRun {
    pub(crate) fn items(&self) -> &[Value] {
        self.items.as_array().map(Vec::as_slice).unwrap_or_default()
    }
}

impl Branch {
    /// Calls `look` with every active state below, this branch's own first.
    pub(crate) fn each_active<'b>(&'b self, look: &mut dyn FnMut(&'b Active)) {
        let Some(active) = &self.at else { return };
        look(active);
        match &active.phase {
            Phase::Parallel(branches) => branches.iter().for_each(|b| b.each_active(look)),
            Phase::Map(run) => run.running.iter().for_each(|b| b.each_active(look)),
            _ => {}
        }
    }

    /// The earliest instant at which something in it is due.
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
