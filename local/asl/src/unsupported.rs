//! What the language has and this runtime doesn't. It is found when a definition is compiled, so that a host
//! can refuse the machine at once and say what is missing, instead of running it wrongly.

use serde_json::Value;

use crate::processor;
use crate::resource::Resource;

/// A part of a definition that this runtime does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{feature} is not supported here (at {location})")]
pub struct Unsupported {
    /// The missing feature, such as `ItemReader`.
    pub feature: String,
    /// The place in the definition, such as `/States/ShipWarehouses/ItemProcessor`.
    pub location: String,
}

/// Everything in the definition that this runtime does not have, in the order of the definition.
pub(crate) fn find(definition: &Value) -> Vec<Unsupported> {
    let mut found = Vec::new();
    graph(definition, "", &mut found);
    found
}

/// What a state itself uses that this runtime does not have; the graphs inside it are not looked at.
pub(crate) fn of_state(name: &str, state: &Value) -> Vec<Unsupported> {
    let mut found = Vec::new();
    own(state, &format!("/States/{name}"), &mut found);
    found
}

fn graph(part: &Value, location: &str, found: &mut Vec<Unsupported>) {
    for (name, state) in part.get("States").and_then(Value::as_object).into_iter().flatten() {
        let location = format!("{location}/States/{name}");
        own(state, &location, found);
        for field in ["ItemProcessor", "Iterator"] {
            if let Some(processor) = state.get(field) {
                graph(processor, &format!("{location}/{field}"), found);
            }
        }
        for (i, branch) in state.get("Branches").and_then(Value::as_array).into_iter().flatten().enumerate() {
            graph(branch, &format!("{location}/Branches[{i}]"), found);
        }
    }
}

fn own(state: &Value, location: &str, found: &mut Vec<Unsupported>) {
    let at = |field: &str| format!("{location}/{field}");
    let missing =
        |feature: &str, field: &str| Unsupported { feature: feature.to_owned(), location: at(field) };
    for field in ["ItemReader", "ResultWriter", "Credentials"] {
        if state.get(field).is_some() {
            found.push(missing(field, field));
        }
    }
    match state.get("Resource").and_then(Value::as_str).and_then(Resource::parse) {
        Some(Resource::Activity { .. }) => found.push(missing("An activity", "Resource")),
        Some(resource) if !resource.is_served() => {
            found.push(missing(&format!("The service integration {resource}"), "Resource"));
        }
        _ => {}
    }
    let processor = state.get("ItemProcessor").or_else(|| state.get("Iterator"));
    if state.get("ItemBatcher").is_some() && !processor.is_some_and(processor::is_distributed) {
        found.push(missing("ItemBatcher outside of a Distributed Map", "ItemBatcher"));
    }
}
