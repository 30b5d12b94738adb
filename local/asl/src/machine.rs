//! A definition, compiled: names resolved to places, paths and expressions parsed, so that running it never parses anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::api::{MachineType, Resource};
use crate::compile;
use crate::error::Failure;
use crate::jsonata;
use crate::jsonpath::{JsonPath, Step};
use crate::states::choice::Condition;
use crate::template::{JsonataTemplate, PathTemplate};
use crate::unsupported::Unsupported;
use crate::validate::{self, Invalid};

/// A state machine, compiled once per definition: JSONata and JSONPath are parsed here, never per use. It is not `Send`: the JSONata
/// library's values are reference-counted without atomics, so a host keeps its machines on one thread.
#[derive(Debug)]
pub struct Machine {
    pub(crate) comment: Option<String>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) graph: Graph,
    pub(crate) resources: BTreeSet<String>,
    pub(crate) references: BTreeMap<String, Vec<String>>,
    pub(crate) unsupported: Vec<Unsupported>,
}

impl Machine {
    /// Compiles a definition.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when CreateStateMachine would refuse the definition; its text is that of AWS's InvalidDefinition exception.
    pub fn parse(definition: &str) -> Result<Self, Invalid> {
        Self::parse_as(definition, MachineType::Standard)
    }

    /// The same for a machine of the given type: Express machines may not use `.sync` and task tokens.
    ///
    /// # Errors
    ///
    /// [`Invalid`] as for [`Machine::parse`].
    pub fn parse_as(definition: &str, kind: MachineType) -> Result<Self, Invalid> {
        let parsed = validate::parse(definition);
        validate::reject(validate::validate(definition, kind))?;
        let definition = parsed.map_err(|diagnostic| Invalid { diagnostics: vec![diagnostic] })?;
        compile::machine(&definition).map_err(|error| Invalid::from_compile(&error))
    }

    /// The top-level Comment.
    pub fn comment(&self) -> Option<&str> {
        self.comment.as_deref()
    }

    /// Every `Resource` of a Task, once, for the host's check that it can serve them all.
    pub fn task_resources(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().map(String::as_str)
    }

    /// The variables that each state refers to, as DescribeStateMachine's `variableReferences`.
    pub fn variable_references(&self) -> BTreeMap<String, Vec<String>> {
        self.references.clone()
    }

    /// What the definition uses that this runtime does not have. A host refuses such a machine instead of running it wrongly.
    pub fn unsupported(&self) -> &[Unsupported] {
        &self.unsupported
    }
}

/// A set of states with a start: the machine itself, a branch of a Parallel, the processor of a Map.
#[derive(Debug)]
pub(crate) struct Graph {
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
    End,
    To(usize),
}

/// What is particular to each type.
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
    /// Whether the context object has a RetryCount in this state.
    pub(crate) fn retries(&self) -> bool {
        matches!(self, Self::Task(_) | Self::Parallel { .. } | Self::Map(_))
    }
}

/// How data goes in and out, by query language.
#[derive(Debug)]
pub(crate) enum Io {
    Path(Box<PathIo>),
    Jsonata(Box<JsonataIo>),
}

/// JSONPath's five fields, and Assign.
#[derive(Debug, Default)]
pub(crate) struct PathIo {
    pub(crate) input_path: Source,
    pub(crate) parameters: Option<PathTemplate>,
    pub(crate) result_selector: Option<PathTemplate>,
    pub(crate) result_path: ResultPath,
    pub(crate) output_path: Source,
    pub(crate) assign: Option<Vec<(Arc<str>, PathTemplate)>>,
}

/// JSONata's three fields.
#[derive(Debug, Default)]
pub(crate) struct JsonataIo {
    pub(crate) arguments: Option<JsonataTemplate>,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Option<Vec<(Arc<str>, JsonataTemplate)>>,
}

/// InputPath and OutputPath.
#[derive(Debug, Default)]
pub(crate) enum Source {
    /// `$`, or the field is absent.
    #[default]
    All,
    /// `null`: an empty object.
    Nothing,
    /// A path.
    Path(JsonPath),
}

/// ResultPath.
#[derive(Debug, Default)]
pub(crate) enum ResultPath {
    /// `$`, or the field is absent: the result replaces the input.
    #[default]
    Replace,
    /// `null`: the result is dropped.
    Discard,
    /// A reference path: the result goes there.
    At(Vec<Step>),
}

/// A Task's own fields.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) resource: Resource,
    /// `resourceType` and `resource` of history events; the first is absent for a Lambda function.
    pub(crate) resource_type: Option<Arc<str>>,
    pub(crate) resource_name: Arc<str>,
    pub(crate) timeout: Option<Number>,
    pub(crate) heartbeat: Option<Number>,
}

/// A number in the definition, or a way to one.
#[derive(Debug)]
pub(crate) enum Number {
    Literal(f64),
    Path(JsonPath),
    Expression(jsonata::Expression),
}

/// A Choice's own fields.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) rules: Vec<Rule>,
    pub(crate) default: Option<usize>,
}

/// One top-level rule of a Choice.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) condition: Condition,
    pub(crate) next: usize,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Assign,
}

/// An Assign in either language.
#[derive(Debug, Default)]
pub(crate) enum Assign {
    #[default]
    None,
    Path(Vec<(Arc<str>, PathTemplate)>),
    Jsonata(Vec<(Arc<str>, JsonataTemplate)>),
}

/// How long a Wait waits.
#[derive(Debug)]
pub(crate) enum Wait {
    Seconds(Number),
    Timestamp(String),
    TimestampPath(JsonPath),
    TimestampExpression(jsonata::Expression),
}

/// Error and Cause of a Fail.
#[derive(Debug)]
pub(crate) enum FailText {
    Absent,
    Literal(String),
    Path(PathTemplate),
    Expression(jsonata::Expression),
}

/// A Map's own fields.
#[derive(Debug)]
pub(crate) struct MapState {
    pub(crate) processor: Graph,
    pub(crate) items: Items,
    pub(crate) item_selector: ItemSelector,
    pub(crate) max_concurrency: Option<Number>,
    pub(crate) tolerated_count: Option<Number>,
    pub(crate) tolerated_percentage: Option<Number>,
    /// DISTRIBUTED: a history of its own for each item, none of it in the parent's.
    pub(crate) distributed: bool,
    pub(crate) label: Option<String>,
}

/// Where a Map's items come from.
#[derive(Debug)]
pub(crate) enum Items {
    /// The input itself.
    Input,
    /// ItemsPath.
    Path(JsonPath),
    /// Items.
    Template(JsonataTemplate),
}

/// ItemSelector (Parameters in the old form).
#[derive(Debug)]
pub(crate) enum ItemSelector {
    /// The item as it is.
    Item,
    Path(PathTemplate),
    Jsonata(JsonataTemplate),
}

/// One retrier.
#[derive(Debug)]
pub(crate) struct Retrier {
    pub(crate) error_equals: Vec<String>,
    pub(crate) interval_seconds: f64,
    pub(crate) max_attempts: u64,
    pub(crate) backoff_rate: f64,
    pub(crate) max_delay_seconds: Option<f64>,
    pub(crate) full_jitter: bool,
}

impl Retrier {
    /// The wait before the next try, in seconds, without jitter. `used`: how often the retrier has been used.
    pub(crate) fn delay_seconds(&self, used: u64) -> f64 {
        let exponent = i32::try_from(used).unwrap_or(i32::MAX);
        let delay = self.interval_seconds * self.backoff_rate.powi(exponent);
        delay.min(self.max_delay_seconds.unwrap_or(MAX_DELAY)).clamp(0.0, MAX_DELAY)
    }
}

/// The longest a retry may be put off, in seconds: the documented maximum of MaxDelaySeconds.
const MAX_DELAY: f64 = 31_622_400.0;

/// One catcher.
#[derive(Debug)]
pub(crate) struct Catcher {
    pub(crate) error_equals: Vec<String>,
    pub(crate) next: usize,
    pub(crate) result_path: ResultPath,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Assign,
}

/// What comes of evaluating something in a state.
pub(crate) type Evaluated<T> = Result<T, Failure>;
