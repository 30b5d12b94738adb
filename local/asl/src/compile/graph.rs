//! Graphs and the states in them, of all types.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::choice::choice;
use super::data::{jsonata_io, path_io};
use super::error::{Result, fail};
use super::fail::fail_text;
use super::fields::{list, text};
use super::handlers::{catcher, retrier};
use super::map::map;
use super::places::Places;
use super::task;
use super::wait::wait;
use crate::graph::{Graph, Io, Kind, Next, State};
use crate::language::Language;

/// Compiles graphs, and collects the `Resource` of each Task on its way.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) resources: BTreeSet<String>,
}

impl Compiler {
    pub(super) fn graph(&mut self, definition: &Value, outer: Language, location: &str) -> Result<Graph> {
        let language = Language::of(definition, outer);
        let empty = Map::new();
        let states = definition.get("States").and_then(Value::as_object).unwrap_or(&empty);
        let places = Places::of(states.keys().map(String::as_str));
        let start = places.find(definition.get("StartAt"), location)?;
        let states = states
            .iter()
            .map(|(name, state)| {
                self.state(name, state, language, &places, &format!("{location}/States/{name}"))
            })
            .collect::<Result<_>>()?;
        Ok(Graph { start, states })
    }

    pub(super) fn state(
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
        let retry = list(definition, "Retry").iter().map(retrier).collect();
        let catch = list(definition, "Catch")
            .iter()
            .map(|part| catcher(part, language, places, location))
            .collect::<Result<_>>()?;
        Ok(State { name: Arc::from(name), kind, io, next, retry, catch })
    }

    /// The type of a state with its own fields. `outer` is the language of the graph that the state is in,
    /// which the graphs inside the state have too.
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
                    .map(|result| Arc::new(result.clone())),
            },
            "Task" => {
                self.resources.insert(task::resource(state).to_owned());
                Kind::Task(Box::new(task::task(state, language, location)?))
            }
            "Choice" => Kind::Choice(choice(state, language, places, location)?),
            "Wait" => Kind::Wait(wait(state, language, location)?),
            "Succeed" => Kind::Succeed,
            "Fail" => Kind::Fail {
                error: fail_text(state, "Error", language, location)?,
                cause: fail_text(state, "Cause", language, location)?,
            },
            "Parallel" => Kind::Parallel { branches: self.branches(state, outer, location)? },
            "Map" => Kind::Map(Box::new(map(state, outer, language, location, |processor, location| {
                self.graph(processor, outer, location)
            })?)),
            other => return fail(location, format!("unknown type {other}")),
        })
    }

    fn branches(&mut self, state: &Value, outer: Language, location: &str) -> Result<Vec<Graph>> {
        list(state, "Branches")
            .iter()
            .enumerate()
            .map(|(i, branch)| self.graph(branch, outer, &format!("{location}/Branches[{i}]")))
            .collect()
    }
}
