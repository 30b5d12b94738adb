//! The EventBridge API: PutEvents.

use std::ops::RangeInclusive;

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::ApiError;
use crate::bus::{Entry, EventBus};

/// The number of entries that one request may have (Amazon EventBridge API Reference, "PutEvents", `Entries`).
pub(crate) const PUT_AT_ONCE: RangeInclusive<usize> = 1..=10;
/// The message of a request with another number of entries.
pub(crate) const WRONG_NUMBER: &str = "PutEvents takes 1 to 10 entries";

pub(super) fn answer(bus: &EventBus, operation: &str, body: &Value) -> Result<Value, ApiError> {
    if operation != "PutEvents" {
        return Err(ApiError::bad_request(
            "UnknownOperationException",
            format!("EventBridge's {operation} is not served here; PutEvents is"),
        ));
    }
    put_events(bus, body)
}

/// Puts each entry on its bus. An entry that is refused has its error at its place in the answer, as with
/// EventBridge.
pub(crate) fn put_events(bus: &EventBus, body: &Value) -> Result<Value, ApiError> {
    let entries = Option::<Vec<Entry>>::deserialize(&body["Entries"])
        .map_err(|error| ApiError::bad_request("SerializationException", error.to_string()))?
        .unwrap_or_default();
    if !PUT_AT_ONCE.contains(&entries.len()) {
        return Err(ApiError::bad_request("ValidationException", WRONG_NUMBER));
    }
    let results = bus.put(entries).map_err(|error| ApiError {
        status: http::StatusCode::INTERNAL_SERVER_ERROR,
        code: "InternalFailure".to_owned(),
        message: error.to_string(),
    })?;
    let failed = results.iter().filter(|result| result.is_err()).count();
    let results = results.iter().map(|result| match result {
        Ok(id) => json!({ "EventId": id }),
        Err(refusal) => json!({ "ErrorCode": refusal.code, "ErrorMessage": refusal.message }),
    });
    Ok(json!({ "Entries": results.collect::<Vec<_>>(), "FailedEntryCount": failed }))
}
