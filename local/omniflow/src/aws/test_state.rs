//! TestState: one state, run once, without an execution.

use serde_json::Value;

use super::{ApiError, Aws};

pub(super) async fn answer(_aws: &Aws, _body: &Value) -> Result<Value, ApiError> {
    Err(ApiError::bad_request("UnknownOperationException", "TestState"))
}
