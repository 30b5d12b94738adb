//! States of all types, and how they hang together.

use std::sync::Arc;

use serde_json::Value;

use super::choice::Choice;
use super::data::Io;
use super::handlers::{Catcher, Retrier};
use crate::api::MachineType;
use crate::jsonata::Expression;
use crate::jsonpath::JsonPath;
use crate::resource::Resource;
use crate::template::{JsonataTemplate, PathTemplate};

/// A set of states with a start: the machine itself, a branch of a Parallel, or the processor of a Map.
#[derive(Debug)]
pub(crate) struct Graph {
    /// The place of the first state in `states`.
    pub(crate) start: usize,
    pub(crate) states: Vec<State>,
}

/// One state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) io: Io,
    pub(crate) next: Next,
    pub(crate) retry: Vec<Retrier>,
    pub(crate) catch: Vec<Catcher>,
}

/// What follows a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The graph ends here.
    End,
    /// The state at this place of the graph follows.
    To(usize),
}

/// The type of a state, with the fields that only this type has.
#[derive(Debug)]
pub(crate) enum Kind {
    Pass { result: Option<Arc<Value>> },
    Task(Box<Task>),
    Choice(Choice),
    Wait(Wait),
    Succeed,
    Fail { error: FailText, cause: FailText },
    Parallel { branches: Vec<Graph> },
    Map(Box<MapState>),
}

impl Kind {
    /// Whether a state of this type can have a Retry. Such a state has a RetryCount in the context object,
    /// and its failures are what States.TaskFailed stands for.
    pub(crate) fn retries(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Parallel { .. } | Self::Map(_))
    }
}

/// The fields of a Task.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) resource: Resource,
    /// The `resourceType` of history events, such as `lambda`; absent for a Lambda function named by its ARN.
    pub(crate) resource_type: Option<Arc<str>>,
    /// The `resource` of history events: the action, such as `invoke`, or the function's ARN.
    pub(crate) resource_name: Arc<str>,
    /// The task's timeout in seconds.
    pub(crate) timeout: Option<Number>,
    /// Seconds that may pass between two heartbeats.
    pub(crate) heartbeat: Option<Number>,
}

/// A number in the definition, or the way to one.
#[derive(Debug)]
pub(crate) enum Number {
    Literal(f64),
    Path(JsonPath),
    Expression(Expression),
}

/// The field that says how long a Wait waits.
#[derive(Debug)]
pub(crate) enum Wait {
    Seconds(Number),
    Timestamp(String),
    TimestampPath(JsonPath),
    TimestampExpression(Expression),
}

/// The Error or the Cause of a Fail.
#[derive(Debug)]
pub(crate) enum FailText {
    Absent,
    Literal(String),
    Path(PathTemplate),
    Expression(Expression),
}

/// The fields of a Map.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) processor: Processor,
    pub(crate) items: Items,
    pub(crate) item_selector: ItemSelector,
    pub(crate) max_concurrency: Option<Number>,
    pub(crate) tolerated_count: Option<Number>,
    pub(crate) tolerated_percentage: Option<Number>,
}

/// How the iterations of a Map run: the `Mode` of its ProcessorConfig.
#[derive(Debug)]
pub(crate) enum Processor {
    /// INLINE: inside of the execution that the Map is in.
    Inline(Graph),
    /// DISTRIBUTED: each in an execution of its own, which the host starts.
    Distributed(Box<Distributed>),
}

/// The fields that only a Distributed Map has.
#[derive(Debug)]
pub(crate) struct Distributed {
    /// The processor as the definition of a state machine of its own, which the child executions run.
    pub(crate) definition: Arc<str>,
    /// The ExecutionType of the child executions.
    pub(crate) child_type: MachineType,
    pub(crate) label: Option<String>,
    /// How items are put together; absent when each item has a child execution of its own.
    pub(crate) batcher: Option<Batcher>,
}

/// The field ItemBatcher: child executions that get many items each.
#[derive(Debug)]
pub(crate) struct Batcher {
    /// MaxItemsPerBatch.
    pub(crate) max_items: Option<Number>,
    /// MaxInputBytesPerBatch.
    pub(crate) max_bytes: Option<Number>,
    /// What every batch has besides its items.
    pub(crate) input: Option<BatchInput>,
}

/// The field BatchInput of an ItemBatcher.
#[derive(Debug)]
pub(crate) enum BatchInput {
    Path(PathTemplate),
    Jsonata(JsonataTemplate),
}

/// Where a Map's items come from: the state's input, ItemsPath or Items.
#[derive(Debug)]
pub(crate) enum Items {
    Input,
    Path(JsonPath),
    Template(JsonataTemplate),
}

/// What an iteration of a Map gets as its input: the item as it is, or what ItemSelector makes of it
/// (Parameters in definitions of the older form).
#[derive(Debug)]
pub(crate) enum ItemSelector {
    Item,
    Path(PathTemplate),
    Jsonata(JsonataTemplate),
}
