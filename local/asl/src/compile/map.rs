//! The fields of a Map.

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::{json_path, number, text};
use super::template::{jsonata_template, path_template};
use crate::graph::{Graph, ItemSelector, Items, MapState};
use crate::language::Language;

/// Compiles a Map. `graph` compiles its processor, given the processor's part of the definition and its
/// location.
pub(super) fn map(
    state: &Value,
    language: Language,
    location: &str,
    graph: impl FnOnce(&Value, &str) -> Result<Graph>,
) -> Result<MapState> {
    let (field, processor) = match (state.get("ItemProcessor"), state.get("Iterator")) {
        (Some(processor), _) => ("ItemProcessor", processor),
        (None, Some(iterator)) => ("Iterator", iterator),
        _ => return fail(location, "no ItemProcessor"),
    };
    let distributed = processor.pointer("/ProcessorConfig/Mode").is_some_and(|mode| mode == "DISTRIBUTED");
    let items = items(state, language, location)?;
    let item_selector = item_selector(state, language, location)?;
    Ok(MapState {
        processor: graph(processor, &format!("{location}/{field}"))?,
        items,
        item_selector,
        max_concurrency: number(state, "MaxConcurrency", language, location)?,
        tolerated_count: number(state, "ToleratedFailureCount", language, location)?,
        tolerated_percentage: number(state, "ToleratedFailurePercentage", language, location)?,
        distributed,
        label: text(state, "Label").map(str::to_owned),
    })
}

fn items(state: &Value, language: Language, location: &str) -> Result<Items> {
    Ok(match (language, state.get("Items"), text(state, "ItemsPath")) {
        (Language::Jsonata, Some(items), _) => Items::Template(jsonata_template(items, location)?),
        (Language::JsonPath, _, Some(path)) => Items::Path(json_path(path, location)?),
        _ => Items::Input,
    })
}

fn item_selector(state: &Value, language: Language, location: &str) -> Result<ItemSelector> {
    let selector = state
        .get("ItemSelector")
        .or_else(|| state.get("Parameters").filter(|_| language == Language::JsonPath));
    Ok(match (selector, language) {
        (None, _) => ItemSelector::Item,
        (Some(selector), Language::JsonPath) => ItemSelector::Path(path_template(selector, location)?),
        (Some(selector), Language::Jsonata) => ItemSelector::Jsonata(jsonata_template(selector, location)?),
    })
}
