//! From a definition that passed validation to the compiled form. What fails here was let through by validation, so the errors only say
//! where; they never stand in for AWS's.

mod data;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};

use data::{assign, jsonata_io, path_io, result_path};
pub(crate) use data::{jsonata_template, path_template};

use crate::api::{Pattern, Resource};
use crate::intrinsic::Call;
use crate::jsonata::{self, Expression};
use crate::jsonpath::JsonPath;
use crate::machine::{
    Catcher, Choice, FailText, Graph, Io, ItemSelector, Items, Kind, Machine, MapState, Next, Number,
    ResultPath, Retrier, Rule, State, Task, Wait,
};
use crate::references;
use crate::states::choice::Condition;
use crate::template::PathTemplate;
use crate::unsupported;

/// Where the definition does not compile, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {location}")]
pub(crate) struct Error {
    pub(crate) location: String,
    pub(crate) reason: String,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// The two query languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    JsonPath,
    Jsonata,
}

impl Language {
    /// The language of a part of the definition inside one of the `outer` language.
    pub(crate) fn of(part: &Value, outer: Self) -> Self {
        match part.get("QueryLanguage").and_then(Value::as_str) {
            Some("JSONata") => Self::Jsonata,
            Some("JSONPath") => Self::JsonPath,
            _ => outer,
        }
    }
}

/// Compiles a whole machine.
pub(crate) fn machine(definition: &Value) -> Result<Machine> {
    let language = Language::of(definition, Language::JsonPath);
    let mut compiler = Compiler { resources: BTreeSet::new() };
    let graph = compiler.graph(definition, language, "")?;
    Ok(Machine {
        comment: definition.get("Comment").and_then(Value::as_str).map(str::to_owned),
        timeout_seconds: definition.get("TimeoutSeconds").and_then(Value::as_u64),
        graph,
        resources: compiler.resources,
        references: references::of(definition),
        unsupported: unsupported::find(definition),
    })
}

/// Compiles one state on its own. `targets` are the names it leads to; their places stand in for the states.
pub(crate) fn single(name: &str, definition: &Value, outer: Language, targets: &[String]) -> Result<State> {
    let mut compiler = Compiler { resources: BTreeSet::new() };
    let by_name = targets.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    compiler.state(name, definition, outer, &Places { by_name }, &format!("/States/{name}"))
}

struct Compiler {
    resources: BTreeSet<String>,
}

struct Places<'d> {
    by_name: HashMap<&'d str, usize>,
}

fn fail<T>(location: &str, reason: impl Into<String>) -> Result<T> {
    Err(Error { location: location.to_owned(), reason: reason.into() })
}

impl Places<'_> {
    fn find(&self, name: Option<&Value>, location: &str) -> Result<usize> {
        match name.and_then(Value::as_str).and_then(|n| self.by_name.get(n)) {
            Some(place) => Ok(*place),
            None => fail(location, "no such state"),
        }
    }
}

fn text<'d>(part: &'d Value, field: &str) -> Option<&'d str> {
    part.get(field).and_then(Value::as_str)
}

impl Compiler {
    fn graph(&mut self, definition: &Value, outer: Language, location: &str) -> Result<Graph> {
        let language = Language::of(definition, outer);
        let empty = Map::new();
        let states = definition.get("States").and_then(Value::as_object).unwrap_or(&empty);
        let by_name = states.keys().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
        let places = Places { by_name };
        let start = places.find(definition.get("StartAt"), location)?;
        let states = states
            .iter()
            .map(|(name, state)| {
                self.state(name, state, language, &places, &format!("{location}/States/{name}"))
            })
            .collect::<Result<_>>()?;
        Ok(Graph { start, states })
    }

    fn state(
        &mut self,
        name: &str,
        definition: &Value,
        outer: Language,
        places: &Places<'_>,
        location: &str,
    ) -> Result<State> {
        let language = Language::of(definition, outer);
        let kind = self.kind(definition, outer, language, places, location)?;
        let io = match language {
            Language::JsonPath => Io::Path(Box::new(path_io(definition, &kind, location)?)),
            Language::Jsonata => Io::Jsonata(Box::new(jsonata_io(definition, location)?)),
        };
        let next = match definition.get("Next") {
            Some(next) => Next::To(places.find(Some(next), location)?),
            None => Next::End,
        };
        let list = |field: &str| {
            definition.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
        };
        let retry = list("Retry").iter().map(retrier).collect();
        let catch =
            list("Catch").iter().map(|c| catcher(c, language, places, location)).collect::<Result<_>>()?;
        Ok(State { name: Arc::from(name), kind, io, next, retry, catch })
    }

    fn kind(
        &mut self,
        state: &Value,
        outer: Language,
        language: Language,
        places: &Places<'_>,
        location: &str,
    ) -> Result<Kind> {
        Ok(match text(state, "Type").unwrap_or_default() {
            "Pass" => Kind::Pass {
                result: state
                    .get("Result")
                    .filter(|_| language == Language::JsonPath)
                    .map(|r| Arc::new(r.clone())),
            },
            "Task" => Kind::Task(Box::new(self.task(state, language, location)?)),
            "Choice" => Kind::Choice(choice(state, language, places, location)?),
            "Wait" => Kind::Wait(wait(state, language, location)?),
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail {
                error: fail_text(state, "Error", language, location)?,
                cause: fail_text(state, "Cause", language, location)?,
            },
            "Parallel" => {
                let branches =
                    state.get("Branches").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let branches = branches
                    .iter()
                    .enumerate()
                    .map(|(i, branch)| self.graph(branch, outer, &format!("{location}/Branches[{i}]")))
                    .collect::<Result<_>>()?;
                Kind::Parallel { branches }
            }
            "Map" => Kind::Map(Box::new(self.map(state, outer, language, location)?)),
            other => return fail(location, format!("unknown type {other}")),
        })
    }

    fn task(&mut self, state: &Value, language: Language, location: &str) -> Result<Task> {
        let arn = text(state, "Resource").unwrap_or_default();
        self.resources.insert(arn.to_owned());
        let resource = resource(arn);
        let (resource_type, resource_name) = match &resource {
            Resource::Service { service, sdk, .. } => {
                let resource_type = if *sdk { format!("aws-sdk:{service}") } else { service.clone() };
                let name = arn.strip_prefix("arn:aws:states:::").and_then(|r| r.strip_prefix(&resource_type));
                (Some(Arc::from(resource_type)), Arc::from(name.unwrap_or_default().trim_start_matches(':')))
            }
            _ => (None, Arc::from(arn)),
        };
        Ok(Task {
            resource,
            resource_type,
            resource_name,
            timeout: number(state, "TimeoutSeconds", language, location)?,
            heartbeat: number(state, "HeartbeatSeconds", language, location)?,
        })
    }

    fn map(
        &mut self,
        state: &Value,
        outer: Language,
        language: Language,
        location: &str,
    ) -> Result<MapState> {
        let (field, processor) = match (state.get("ItemProcessor"), state.get("Iterator")) {
            (Some(processor), _) => ("ItemProcessor", processor),
            (None, Some(iterator)) => ("Iterator", iterator),
            _ => return fail(location, "no ItemProcessor"),
        };
        let distributed =
            processor.pointer("/ProcessorConfig/Mode").is_some_and(|mode| mode == "DISTRIBUTED");
        let items = match (language, state.get("Items"), text(state, "ItemsPath")) {
            (Language::Jsonata, Some(items), _) => Items::Template(jsonata_template(items, location)?),
            (Language::JsonPath, _, Some(path)) => Items::Path(json_path(path, location)?),
            _ => Items::Input,
        };
        let selector = state
            .get("ItemSelector")
            .or_else(|| state.get("Parameters").filter(|_| language == Language::JsonPath));
        let item_selector = match (selector, language) {
            (None, _) => ItemSelector::Item,
            (Some(selector), Language::JsonPath) => ItemSelector::Path(path_template(selector, location)?),
            (Some(selector), Language::Jsonata) => {
                ItemSelector::Jsonata(jsonata_template(selector, location)?)
            }
        };
        Ok(MapState {
            processor: self.graph(processor, outer, &format!("{location}/{field}"))?,
            items,
            item_selector,
            max_concurrency: number(state, "MaxConcurrency", language, location)?,
            tolerated_count: number(state, "ToleratedFailureCount", language, location)?,
            tolerated_percentage: number(state, "ToleratedFailurePercentage", language, location)?,
            distributed,
            label: text(state, "Label").map(str::to_owned),
        })
    }
}

/// What a Task's Resource names.
pub(crate) fn resource(arn: &str) -> Resource {
    if let Some(service) = arn.strip_prefix("arn:aws:states:::") {
        let (sdk, service) = match service.strip_prefix("aws-sdk:") {
            Some(rest) => (true, rest),
            None => (false, service),
        };
        let (service, action) = service.split_once(':').unwrap_or((service, ""));
        let (action, pattern) = match action.split_once('.') {
            Some((action, "sync")) => (action, Pattern::Sync),
            Some((action, "sync:2")) => (action, Pattern::Sync2),
            Some((action, "waitForTaskToken")) => (action, Pattern::WaitForTaskToken),
            _ => (action, Pattern::RequestResponse),
        };
        return Resource::Service { service: service.to_owned(), action: action.to_owned(), sdk, pattern };
    }
    if arn.starts_with("arn:aws:states:") && arn.contains(":activity:") {
        return Resource::Activity { arn: arn.to_owned() };
    }
    Resource::LambdaFunction { arn: arn.to_owned() }
}

fn json_path(source: &str, location: &str) -> Result<JsonPath> {
    JsonPath::parse(source)
        .ok_or_else(|| Error { location: location.to_owned(), reason: format!("{source} is not a JSONPath") })
}

pub(crate) fn expression(source: &str, location: &str) -> Result<Expression> {
    Expression::parse(source)
        .map_err(|error| Error { location: location.to_owned(), reason: error.to_string() })
}

fn number(state: &Value, field: &str, language: Language, location: &str) -> Result<Option<Number>> {
    let path = match language {
        Language::JsonPath => text(state, &format!("{field}Path")),
        Language::Jsonata => None,
    };
    Ok(match (state.get(field), path) {
        (_, Some(path)) => Some(Number::Path(json_path(path, location)?)),
        (Some(Value::String(source)), None) => match jsonata::delimited(source) {
            Some(source) => Some(Number::Expression(expression(source, location)?)),
            None => None,
        },
        (Some(value), None) => value.as_f64().map(Number::Literal),
        (None, None) => None,
    })
}

fn choice(state: &Value, language: Language, places: &Places<'_>, location: &str) -> Result<Choice> {
    let rules = state.get("Choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let rules = rules
        .iter()
        .enumerate()
        .map(|(i, rule)| {
            let location = format!("{location}/Choices[{i}]");
            Ok(Rule {
                condition: Condition::compile(rule, language, &location)?,
                next: places.find(rule.get("Next"), &location)?,
                output: match language {
                    Language::Jsonata => {
                        rule.get("Output").map(|o| jsonata_template(o, &location)).transpose()?
                    }
                    Language::JsonPath => None,
                },
                assign: assign(rule, language, &location)?,
            })
        })
        .collect::<Result<_>>()?;
    let default = state.get("Default").map(|name| places.find(Some(name), location)).transpose()?;
    Ok(Choice { rules, default })
}

fn wait(state: &Value, language: Language, location: &str) -> Result<Wait> {
    if let Some(path) = text(state, "TimestampPath") {
        return Ok(Wait::TimestampPath(json_path(path, location)?));
    }
    if let Some(timestamp) = text(state, "Timestamp") {
        return Ok(match jsonata::delimited(timestamp).filter(|_| language == Language::Jsonata) {
            Some(source) => Wait::TimestampExpression(expression(source, location)?),
            None => Wait::Timestamp(timestamp.to_owned()),
        });
    }
    match number(state, "Seconds", language, location)? {
        Some(seconds) => Ok(Wait::Seconds(seconds)),
        None => fail(location, "a Wait without a time"),
    }
}

fn fail_text(state: &Value, field: &str, language: Language, location: &str) -> Result<FailText> {
    let path_name = format!("{field}Path");
    if let Some(path) = text(state, &path_name) {
        let template = match Call::parse(path) {
            Some(call) => PathTemplate::Call(path_name, call),
            None => PathTemplate::Path(path_name, json_path(path, location)?),
        };
        return Ok(FailText::Path(template));
    }
    Ok(match text(state, field) {
        None => FailText::Absent,
        Some(literal) => match jsonata::delimited(literal).filter(|_| language == Language::Jsonata) {
            Some(source) => FailText::Expression(expression(source, location)?),
            None => FailText::Literal(literal.to_owned()),
        },
    })
}

fn error_equals(part: &Value) -> Vec<String> {
    let names = part.get("ErrorEquals").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn retrier(part: &Value) -> Retrier {
    let number = |field: &str| part.get(field).and_then(Value::as_f64);
    Retrier {
        error_equals: error_equals(part),
        interval_seconds: number("IntervalSeconds").unwrap_or(1.0),
        max_attempts: part.get("MaxAttempts").and_then(Value::as_u64).unwrap_or(3),
        backoff_rate: number("BackoffRate").unwrap_or(2.0),
        max_delay_seconds: number("MaxDelaySeconds"),
        full_jitter: text(part, "JitterStrategy") == Some("FULL"),
    }
}

fn catcher(part: &Value, language: Language, places: &Places<'_>, location: &str) -> Result<Catcher> {
    Ok(Catcher {
        error_equals: error_equals(part),
        next: places.find(part.get("Next"), location)?,
        result_path: match language {
            Language::JsonPath => result_path(part, location)?,
            Language::Jsonata => ResultPath::Replace,
        },
        output: match language {
            Language::Jsonata => part.get("Output").map(|o| jsonata_template(o, location)).transpose()?,
            Language::JsonPath => None,
        },
        assign: assign(part, language, location)?,
    })
}
