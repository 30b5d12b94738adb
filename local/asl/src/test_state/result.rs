//! What TestState answers.

use serde::Serialize;
use serde_json::{Map, Value};

/// The result of a test. It serializes to the shape of TestState's answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// How the test came out.
    pub status: TestExecutionStatus,
    /// The output of the state, as JSON text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The error name of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The cause of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The name of the state that would come next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_state: Option<String>,
    /// The steps of the data, unless the inspection level is `Info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inspection_data: Option<Map<String, Value>>,
}

/// How a test came out; the name is that of the AWS Step Functions API Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestExecutionStatus {
    /// The state was left.
    Succeeded,
    /// The state failed.
    Failed,
    /// The state failed, and would be tried again.
    Retriable,
    /// The state failed, and a catcher would go on from it.
    CaughtError,
}

impl TestResult {
    /// A result with nothing but its status.
    pub(super) fn of(status: TestExecutionStatus) -> Self {
        Self { status, output: None, error: None, cause: None, next_state: None, inspection_data: None }
    }
}

/// AWS would refuse the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refused {
    /// The name of the exception, such as `ValidationException` or `InvalidDefinition`.
    pub code: &'static str,
    /// AWS's words.
    pub message: String,
}

impl Refused {
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self { code: "ValidationException", message: message.into() }
    }

    pub(super) fn definition(message: impl Into<String>) -> Self {
        Self { code: "InvalidDefinition", message: message.into() }
    }
}
