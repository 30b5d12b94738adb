//! The fields of a Map.

use std::sync::Arc;

use serde_json::Value;

use super::error::{Result, fail};
use super::fields::{json_path, number, text};
use super::template::{jsonata_template, path_template};
use crate::graph::{BatchInput, Batcher, Distributed, Graph, ItemSelector, Items, MapState, Processor};
use crate::language::Language;
use crate::processor;

/// Compiles a Map. `graph` compiles its processor, given the processor's part of the definition and its
/// location. `outer` is the language of the graph that the Map is in, which its processor has, too.
pub(super) fn map(
    state: &Value,
    outer: Language,
    language: Language,
    location: &str,
    graph: impl FnOnce(&Value, &str) -> Result<Graph>,
) -> Result<MapState> {
    let (field, part) = match (state.get("ItemProcessor"), state.get("Iterator")) {
        (Some(processor), _) => ("ItemProcessor", processor),
        (None, Some(iterator)) => ("Iterator", iterator),
        _ => return fail(location, "no ItemProcessor"),
    };
    let graph = graph(part, &format!("{location}/{field}"))?;
    let processor = if processor::is_distributed(part) {
        // The graph was compiled for the faults in it. Children run a definition of their own.
        Processor::Distributed(Box::new(distributed(state, part, outer, language, location)?))
    } else {
        Processor::Inline(graph)
    };
    let items = items(state, language, location)?;
    let item_selector = item_selector(state, language, location)?;
    Ok(MapState {
        processor,
        items,
        item_selector,
        max_concurrency: number(state, "MaxConcurrency", language, location)?,
        tolerated_count: number(state, "ToleratedFailureCount", language, location)?,
        tolerated_percentage: number(state, "ToleratedFailurePercentage", language, location)?,
    })
}

fn distributed(
    state: &Value,
    part: &Value,
    outer: Language,
    language: Language,
    location: &str,
) -> Result<Distributed> {
    Ok(Distributed {
        definition: child_definition(part, outer),
        child_type: processor::child_type(part),
        label: text(state, "Label").map(str::to_owned),
        batcher: match state.get("ItemBatcher") {
            Some(part) => Some(batcher(part, language, &format!("{location}/ItemBatcher"))?),
            None => None,
        },
    })
}

/// A processor as a state machine of its own. It says its language, because nothing is around it any more.
fn child_definition(processor: &Value, outer: Language) -> Arc<str> {
    let mut definition = processor.clone();
    if let Value::Object(fields) = &mut definition {
        fields.remove("ProcessorConfig");
        fields.insert("QueryLanguage".to_owned(), outer.name().into());
    }
    definition.to_string().into()
}

fn batcher(part: &Value, language: Language, location: &str) -> Result<Batcher> {
    Ok(Batcher {
        max_items: number(part, "MaxItemsPerBatch", language, location)?,
        max_bytes: number(part, "MaxInputBytesPerBatch", language, location)?,
        input: match (part.get("BatchInput"), language) {
            (None, _) => None,
            (Some(input), Language::JsonPath) => Some(BatchInput::Path(path_template(input, location)?)),
            (Some(input), Language::Jsonata) => Some(BatchInput::Jsonata(jsonata_template(input, location)?)),
        },
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
