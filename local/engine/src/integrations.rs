//! The outside as a Task state sees it: one call, one result.

use std::sync::Arc;

use asl::{Resource, TaskId};
use futures::future::BoxFuture;
use serde_json::Value;

/// A call that a Task state asks for.
#[derive(Debug, Clone)]
pub struct Call {
    /// The execution that asks.
    pub execution_arn: String,
    /// The state that asks.
    pub state: String,
    /// The task, unique within the execution.
    pub task: TaskId,
    /// What to call.
    pub resource: Resource,
    /// The state's `Arguments` or `Parameters`, evaluated.
    pub arguments: Arc<Value>,
}

/// How a call failed: the name that `Retry` and `Catch` match, and the text that goes with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {cause}")]
pub struct TaskError {
    /// The error name, as `ErrorEquals` spells it.
    pub error: String,
    /// A text for people, or JSON as Lambda gives it.
    pub cause: String,
}

/// Makes the calls of Task states. Nested executions are the engine's own matter and never come here.
pub trait Integrations: Send + Sync + 'static {
    /// Makes one call. For `.waitForTaskToken` the result is that of the call, not of the task.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Value, TaskError>>;
}
