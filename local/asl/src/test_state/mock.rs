//! Mocks, which stand in for what a state would have run.

use serde_json::Value;

use super::request::Mock;
use super::result::Refused;
use super::services;
use crate::graph::{Kind, State};

/// The mocked result, if the state could have it.
pub(super) fn result(mock: &Mock<'_>, state: &State, definition: &Value) -> Result<Value, Refused> {
    let result: Value = match mock.result {
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Refused::validation("Mock result must be a valid JSON string."))?,
        None => Value::Null,
    };
    match &state.kind {
        Kind::Task(task) => services::check(&result, &task.resource, mock.field_validation)?,
        Kind::Map(_) if !result.is_array() && definition.get("ResultWriter").is_none() => {
            return Err(Refused::validation("Mocked result must be an array."));
        }
        Kind::Parallel { branches } => match result.as_array() {
            None => return Err(Refused::validation("Mocked result must be an array.")),
            Some(items) if items.len() != branches.len() => {
                return Err(Refused::validation(
                    "Mocked result must contain the same number of items as number of Parallel branches.",
                ));
            }
            Some(_) => {}
        },
        _ => {}
    }
    Ok(result)
}
