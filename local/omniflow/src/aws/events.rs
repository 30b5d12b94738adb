//! EventBridge's PutEvents.

use serde::Deserialize as _;
use serde_json::{Value, json};

use super::ApiError;
use crate::bus::{Entry, EventBus, PutEvent};

pub(super) fn answer(bus: &EventBus, operation: &str, body: &Value) -> Result<Value, ApiError> {
    if operation != "PutEvents" {
        return Err(ApiError::bad_request(
            "UnknownOperationException",
            format!("EventBridge's {operation} is not served here; PutEvents is"),
        ));
    }
    put_events(bus, body)
}

/// Puts each entry on its bus; an entry that can't be taken is told in its place, as EventBridge does.
pub(crate) fn put_events(bus: &EventBus, body: &Value) -> Result<Value, ApiError> {
    let entries = Vec::<Entry>::deserialize(&body["Entries"])
        .map_err(|error| ApiError::bad_request("SerializationException", error.to_string()))?;
    if entries.is_empty() || entries.len() > 10 {
        return Err(ApiError::bad_request("ValidationException", "PutEvents takes 1 to 10 entries"));
    }
    let parsed: Vec<_> = entries.into_iter().map(PutEvent::new).collect();
    let good = parsed.iter().filter_map(|entry| entry.as_ref().ok());
    bus.put(good).map_err(|error| ApiError {
        status: http::StatusCode::INTERNAL_SERVER_ERROR,
        code: "InternalFailure".to_owned(),
        message: error.to_string(),
    })?;
    let failed = parsed.iter().filter(|entry| entry.is_err()).count();
    let results = parsed.iter().map(|entry| match entry {
        Ok(event) => json!({ "EventId": event.id }),
        Err(refusal) => json!({ "ErrorCode": refusal.code, "ErrorMessage": refusal.message }),
    });
    Ok(json!({ "Entries": results.collect::<Vec<_>>(), "FailedEntryCount": failed }))
}
