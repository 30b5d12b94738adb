//! Map: its processor runs once for each item.

use std::sync::Arc;

use serde_json::{Value, json};

use super::data;
use super::visit::{Visit, shown, unexpected};
use crate::api::Tolerated;
use crate::error::{Evaluated, Failure, names};
use crate::graph::{BatchInput, Batcher, Io, ItemSelector, Items, MapState, Number, Processor};
use crate::jsonata::{Evaluation, Inputs};
use crate::scope::MapItem;
use crate::template::{JsonataTemplate, Location};

/// What a Map wants to have run.
#[derive(Debug)]
pub(crate) struct MapPlan {
    /// The items, as an array, or as an object whose members are the items.
    pub(crate) items: Arc<Value>,
    /// How many iterations may run at once; 0 means that the definition sets no limit.
    pub(crate) max_concurrency: u64,
    /// How many iterations may fail. Only a Distributed Map tolerates any.
    pub(crate) tolerated: Tolerated,
    /// How a Distributed Map puts items together; absent when each item has a child of its own.
    pub(crate) batches: Option<BatchLimits>,
    /// A fault of the tolerance fields, which fails the state once the Map has started.
    pub(crate) refused: Option<Failure>,
}

/// How much a batch may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchLimits {
    /// How many items; absent when their number is not limited.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<u64>,
    /// How many bytes of JSON the child's input may have; absent when only the size of a payload limits it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
}

pub(super) fn plan(visit: &mut Visit<'_>, map: &MapState) -> Evaluated<MapPlan> {
    let input = data::selected_input(visit)?;
    let items = items(visit, map, &input)?;
    let max_concurrency = match &map.max_concurrency {
        Some(number) => visit.integer(number, "MaxConcurrency", &input)?,
        None => 0,
    };
    let (tolerated, refused) = match tolerated(visit, map, &input) {
        Ok(tolerated) => (tolerated, None),
        Err(failure) => (Tolerated::default(), Some(failure)),
    };
    let batches = match &map.processor {
        Processor::Distributed(distributed) => match &distributed.batcher {
            Some(batcher) => Some(batch_limits(visit, batcher, &input)?),
            None => None,
        },
        Processor::Inline(_) => None,
    };
    Ok(MapPlan { items, max_concurrency, tolerated, batches, refused })
}

fn batch_limits(visit: &mut Visit<'_>, batcher: &Batcher, input: &Arc<Value>) -> Evaluated<BatchLimits> {
    let mut limit = |number: &Option<Number>, field: &str| -> Evaluated<Option<u64>> {
        let Some(number) = number else { return Ok(None) };
        match visit.integer(number, field, input)? {
            0 => Err(Failure::runtime(format!("{field} must be greater than 0."))),
            limit => Ok(Some(limit)),
        }
    };
    Ok(BatchLimits {
        items: limit(&batcher.max_items, "MaxItemsPerBatch")?,
        bytes: limit(&batcher.max_bytes, "MaxInputBytesPerBatch")?,
    })
}

/// The field BatchInput of a child's input, for a batcher that has one.
pub(crate) fn batch_input(visit: &mut Visit<'_>, input: &BatchInput) -> Evaluated<Arc<Value>> {
    match input {
        BatchInput::Path(template) => {
            let data = data::selected_input(visit)?;
            template.evaluate(&data, &mut visit.env)
        }
        BatchInput::Jsonata(template) => {
            let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
            template.evaluate(&Location::Root("BatchInput"), &mut Evaluation::new(&mut visit.env, inputs))
        }
    }
}

fn items(visit: &mut Visit<'_>, map: &MapState, input: &Arc<Value>) -> Evaluated<Arc<Value>> {
    let items = match &map.items {
        Items::Input => Arc::clone(input),
        Items::Path(path) => visit.select(path, input).map(Arc::new)?,
        Items::Template(template) => {
            let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
            let value =
                template.evaluate(&Location::Root("Items"), &mut Evaluation::new(&mut visit.env, inputs))?;
            match (template, &*value) {
                // AWS names the expression when it refuses its value, an object too, and uses the words below
                // for a template's.
                (JsonataTemplate::Expression(expression), value) if !value.is_array() => {
                    return Err(unexpected(expression, "Items", "array", value));
                }
                // A Map over a template that is an object works on its members.
                (_, Value::Object(_)) => return Ok(value),
                _ => {}
            }
            value
        }
    };
    match (&*items, &visit.state.io, &map.items) {
        (Value::Array(_), ..) => Ok(items),
        (_, Io::Jsonata(_), _) => {
            Err(Failure::query(None, format!("Map state input must be an array but was: {items}")))
        }
        (_, _, Items::Path(path)) => {
            // AWS names a path into the context object without the sign that makes it one.
            let source = path.source();
            let source = source.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(source);
            Err(Failure::runtime(format!("Reference path \"{source}\" must point to array.")))
        }
        _ => Err(Failure::runtime("Reference path \"$\" must point to array.".to_owned())),
    }
}

fn tolerated(visit: &mut Visit<'_>, map: &MapState, input: &Arc<Value>) -> Evaluated<Tolerated> {
    let count = match &map.tolerated_count {
        Some(number) => Some(visit.integer(number, "ToleratedFailureCount", input)?),
        None => None,
    };
    let percentage = match &map.tolerated_percentage {
        None => None,
        Some(Number::Literal(value)) => Some(*value),
        Some(Number::Path(path)) => {
            let source = path.source();
            let value = visit.select(path, input)?;
            Some(value.as_f64().ok_or_else(|| {
                let shown = shown(&value);
                Failure::runtime(format!(
                    "The ToleratedFailurePercentagePath field refers to value \"{shown}\" which is not a valid float: {source}"
                ))
            })?)
        }
        Some(Number::Expression(expression)) => {
            let value = visit.evaluate(expression, "ToleratedFailurePercentage")?;
            match value.as_f64() {
                Some(percentage) => Some(percentage),
                None => return Err(unexpected(expression, "ToleratedFailurePercentage", "number", &value)),
            }
        }
    };
    if percentage.is_some_and(|p| !(0.0..=100.0).contains(&p)) {
        return Err(Failure::runtime("ToleratedFailurePercentage must be between 0 and 100."));
    }
    Ok(Tolerated { count, percentage })
}

/// How many items there are.
pub(crate) fn count(items: &Value) -> usize {
    match items {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// The input of the iteration for an item. The context object must have the item already.
pub(crate) fn item_input(visit: &mut Visit<'_>, map: &MapState, item: &MapItem) -> Evaluated<Arc<Value>> {
    match &map.item_selector {
        ItemSelector::Item => Ok(match &item.key {
            Some(key) => Arc::new(json!({"Key": &**key, "Value": &*item.value})),
            None => Arc::clone(&item.value),
        }),
        ItemSelector::Path(template) => {
            let input = data::selected_input(visit)?;
            template.evaluate(&input, &mut visit.env)
        }
        ItemSelector::Jsonata(template) => {
            let inputs = Inputs { input: Some(visit.input), ..Inputs::default() };
            template.evaluate(&Location::Root("ItemSelector"), &mut Evaluation::new(&mut visit.env, inputs))
        }
    }
}

/// The failure of a Map whose iterations failed too often.
pub(crate) fn too_many_failures() -> Failure {
    Failure::plain(names::TOLERATED, "The specified tolerated failure threshold was exceeded")
}
