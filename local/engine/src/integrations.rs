//! The outside as a Task state sees it: one call, one result.

use std::sync::Arc;

use asl::{Resource, TaskId};
use futures::future::BoxFuture;
use serde_json::Value;

/// A call that a Task state asks for.
#[derive(Debug, Clone)]
pub struct TaskCall {
    /// The ARN of the execution that asks.
    pub execution_arn: String,
    /// The name of the state that asks.
    pub state: String,
    /// The attempt of the task. It is unique within the execution, and a retry gets a new one.
    pub task: TaskId,
    /// The function or the action of a service that is to be called.
    pub resource: Resource,
    /// The state's `Arguments` or `Parameters`, evaluated.
    pub arguments: Arc<Value>,
}

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {cause}")]
pub struct TaskError {
    /// The error name that `Retry` and `Catch` match with `ErrorEquals`.
    pub error: String,
    /// A text for people, or JSON as Lambda gives it.
    pub cause: String,
}

/// Makes the calls of Task states. Nested executions are the engine's own matter and never come here.
///
/// A call that was in flight when the engine stopped is made again at its next start, so it may happen twice.
pub trait Integrations: Send + Sync + 'static {
    /// Makes one call. For `.waitForTaskToken` the result is that of the call; the task goes on waiting for
    /// its token.
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>>;
}
