//! From the JSON of a definition that passed validation to its compiled form ([`crate::graph`]).
//!
//! ```text
//!   machine, state ──▶ graph ──▶ task, choice, wait, fail, map   one file a type with fields of its own
//!                        │              │
//!                        └──▶ handlers ─┴──▶ data ──▶ template ──▶ fields
//! ```

mod choice;
mod data;
mod error;
mod fail;
mod fields;
mod graph;
mod handlers;
mod map;
mod places;
mod task;
mod template;
mod wait;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::graph::{Graph, State};
use crate::language::Language;
use error::Result;
use graph::Compiler;
use places::Places;

/// A compiled machine, with every `Resource` of a Task once.
pub(crate) struct Compiled {
    pub(crate) graph: Graph,
    pub(crate) resources: BTreeSet<String>,
}

/// Compiles a whole machine.
pub(crate) fn machine(definition: &Value) -> Result<Compiled> {
    let language = Language::of(definition, Language::JsonPath);
    let mut compiler = Compiler::default();
    let graph = compiler.graph(definition, language, "")?;
    Ok(Compiled { graph, resources: compiler.resources })
}

/// Compiles one state on its own. `targets` are the names of the states that it leads to; a name's index
/// stands in for the place of that state.
pub(crate) fn state(name: &str, definition: &Value, outer: Language, targets: &[String]) -> Result<State> {
    let places = Places::of(targets.iter().map(String::as_str));
    Compiler::default().state(name, definition, outer, &places, &format!("/States/{name}"))
}
