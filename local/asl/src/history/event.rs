//! What an event of the history holds.

use std::sync::Arc;

use serde_json::Value;

use crate::time::Timestamp;

/// One event of the history. It serializes to the shape of GetExecutionHistory (AWS Step Functions API
/// Reference, HistoryEvent), with the timestamp in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// The event's number within its execution, from 1.
    pub id: u64,
    /// The number of the event that led to this one; 0 when none did.
    pub previous_id: u64,
    /// When the event happened.
    pub timestamp: Timestamp,
    /// The member `type` of AWS's JSON, such as `PassStateEntered`.
    pub event_type: &'static str,
    /// The details, for the types that have some.
    pub details: Option<Details>,
}

/// What an event tells, as shared values. Names, inputs, outputs, errors and causes are those of the state,
/// task or execution that the event is about.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names of the fields say it")]
pub enum Details {
    /// An execution was started.
    Started { input: Arc<Value>, role_arn: Arc<str> },
    /// A state was entered.
    Entered { name: Arc<str>, input: Arc<Value> },
    /// A state was left. `assigned` has the variables that it has set.
    Exited { name: Arc<str>, output: Arc<Value>, assigned: Vec<(Arc<str>, Arc<Value>)> },
    /// A task was scheduled.
    Scheduled(Box<Scheduled>),
    /// A task was answered, a call was submitted, or an execution has succeeded. `service` is the task's
    /// `resourceType` and `resource`; a Lambda function named by its ARN has none.
    Output { service: Option<(Arc<str>, Arc<str>)>, output: Arc<Value> },
    /// A task or an execution has failed, timed out or was stopped. `service` is as with `Output`.
    Failure { service: Option<(Arc<str>, Arc<str>)>, error: Option<String>, cause: Option<String> },
    /// An expression failed. `location` is the field that holds it, such as `Arguments/FunctionName`.
    Evaluation { error: String, cause: String, location: Option<String>, state: Arc<str> },
    /// A service task was started.
    TaskStarted { resource_type: Arc<str>, resource: Arc<str> },
    /// A Map was started on this many items.
    MapStarted { length: u64 },
    /// An iteration of the Map with this name was started or has ended. `index` is that of its item, from 0.
    Iteration { name: Arc<str>, index: u64 },
    /// A Distributed Map was started.
    MapRun { arn: Arc<str> },
    /// A Distributed Map goes on after a redrive; `count` says how often its run was redriven, with this time.
    MapRunRedriven { arn: Arc<str>, count: u64 },
    /// The execution was redriven; `count` says how often, with this time.
    Redriven { count: u64 },
}

/// The details of a TaskScheduled or LambdaFunctionScheduled event.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// The member `resourceType`, such as `lambda`; absent for a Lambda function named by its ARN.
    pub resource_type: Option<Arc<str>>,
    /// The member `resource`: the action, such as `invoke`, or the function's ARN.
    pub resource: Arc<str>,
    /// The region in which the service is called; absent for a Lambda function named by its ARN.
    pub region: Option<String>,
    /// The member `parameters`, or `input` for a Lambda function named by its ARN.
    pub parameters: Arc<Value>,
    /// The member `timeoutInSeconds`.
    pub timeout: Option<u64>,
    /// The member `heartbeatInSeconds`.
    pub heartbeat: Option<u64>,
}
