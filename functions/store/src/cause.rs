//! Causes of failures as people read them.

use serde_json::Value;

/// The message in a cause that is the error of a function, as Lambda writes it (AWS Lambda Developer Guide,
/// "Understanding retry behavior in Lambda"); any other cause as it is.
pub(crate) fn readable(cause: &str) -> String {
    let error: Option<Value> = serde_json::from_str(cause).ok();
    let message = error.and_then(|error| error["errorMessage"].as_str().map(str::to_owned));
    message.unwrap_or_else(|| cause.to_owned())
}
