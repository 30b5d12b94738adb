//! `inspectionData`: what the data looked like after each step that it went through (AWS Step Functions API
//! Reference, InspectionData).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::error::Evaluated;
use crate::graph::{Io, ItemSelector, Items, Kind};
use crate::scope::{MapItem, Scope, Variables};
use crate::states::map::{self, MapPlan};
use crate::states::{Visit, data};

/// The steps of the data so far, and what is known of a failure.
pub(super) struct Inspection {
    map: Map<String, Value>,
    details: Map<String, Value>,
}

impl Inspection {
    pub(super) fn new(input: &Value, variables: &Variables) -> Self {
        let mut inspection = Self { map: Map::new(), details: Map::new() };
        inspection.text("input", input);
        if !variables.is_empty() {
            let variables =
                variables.iter().map(|(name, value)| (name.to_string(), Value::clone(value))).collect();
            inspection.text("variables", &Value::Object(variables));
        }
        inspection
    }

    /// Adds a step with its data as JSON text.
    fn text(&mut self, step: &str, value: &Value) {
        self.map.insert(step.to_owned(), Value::String(value.to_string()));
    }

    /// Adds a step whose value is a number.
    pub(super) fn number(&mut self, step: &str, value: Value) {
        self.map.insert(step.to_owned(), value);
    }

    /// Adds the steps before the state does its work.
    pub(super) fn before(&mut self, visit: &mut Visit<'_>) -> Evaluated<()> {
        let kind = &visit.state.kind;
        match &visit.state.io {
            Io::Path(_) => {
                // A Pass with a Result never looks at its input, and AWS does not tell that of a Parallel.
                if matches!(kind, Kind::Pass { result: Some(_) } | Kind::Parallel { .. }) {
                    return Ok(());
                }
                let selected = data::selected_input(visit)?;
                self.text("afterInputPath", &selected);
                if matches!(kind, Kind::Pass { .. } | Kind::Task(_)) {
                    let effective = data::effective_input(visit)?;
                    self.text("afterParameters", &effective);
                }
            }
            Io::Jsonata(io) => {
                if matches!(kind, Kind::Task(_)) && io.arguments.is_some() {
                    let arguments = data::effective_input(visit)?;
                    self.text("afterArguments", &arguments);
                }
            }
        }
        Ok(())
    }

    /// Adds the steps that only a Map has.
    pub(super) fn map(&mut self, visit: &mut Visit<'_>, plan: &MapPlan) {
        let Kind::Map(state) = &visit.state.kind else { return };
        if matches!(state.items, Items::Path(_)) {
            self.text("afterItemsPath", &plan.items);
        }
        if !matches!(state.item_selector, ItemSelector::Item) {
            let mut selected = Vec::new();
            for (index, value) in plan.items.as_array().into_iter().flatten().enumerate() {
                let item = MapItem { index: index as u64, value: Arc::new(value.clone()), key: None };
                let outer = visit.env.scope;
                visit.env.scope = Scope { item: None, ..outer };
                match map::item_input(visit, state, &item) {
                    Ok(input) => selected.push(Arc::unwrap_or_clone(input)),
                    Err(_) => return,
                }
            }
            self.text("afterItemSelector", &Value::Array(selected));
        }
        self.number("maxConcurrency", plan.max_concurrency.into());
        if let Some(count) = plan.tolerated.count {
            self.number("toleratedFailureCount", count.into());
        }
        if let Some(percentage) = plan.tolerated.percentage {
            self.number("toleratedFailurePercentage", json!(percentage));
        }
    }

    /// Adds the steps after the state has done its work. `result` is that of the task, the branches or the
    /// iterations.
    pub(super) fn after(&mut self, visit: &mut Visit<'_>, result: Option<&Arc<Value>>) {
        let state = visit.state;
        if let (Some(result), Kind::Task(_)) = (result, &state.kind) {
            self.text("result", result);
        }
        let Io::Path(io) = &state.io else { return };
        let result = match (result, &state.kind) {
            (Some(result), _) => Arc::clone(result),
            (None, Kind::Pass { result: Some(result) }) => {
                self.text("result", result);
                Arc::clone(result)
            }
            (None, Kind::Pass { result: None }) => match data::effective_input(visit) {
                Ok(effective) => effective,
                Err(_) => return,
            },
            _ => return,
        };
        let selected = match &io.result_selector {
            Some(selector) => selector.evaluate(&result, &mut visit.env),
            None => Ok(result),
        };
        let Ok(selected) = selected else { return };
        self.text("afterResultSelector", &selected);
        if let Ok(merged) = data::merge(&io.result_path, visit.input, selected) {
            self.text("afterResultPath", &merged);
        }
    }

    /// Adds the retrier that matches a failure, and the seconds before the next try if there is one.
    pub(super) fn retry(&mut self, index: usize, delay: Option<f64>) {
        self.details.insert("retryIndex".to_owned(), index.into());
        if let Some(delay) = delay {
            self.details.insert("retryBackoffIntervalSeconds".to_owned(), (delay.round() as u64).into());
        }
    }

    /// Adds the catcher that matches a failure.
    pub(super) fn caught(&mut self, index: usize) {
        self.details.insert("catchIndex".to_owned(), index.into());
    }

    pub(super) fn into_map(mut self) -> Map<String, Value> {
        if !self.details.is_empty() {
            self.map.insert("errorDetails".to_owned(), Value::Object(self.details));
        }
        self.map
    }
}
