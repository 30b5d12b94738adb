//! Events as AWS's JSON (AWS Step Functions API Reference, HistoryEvent).

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::event::{Details, HistoryEvent};

impl HistoryEvent {
    /// The details as AWS returns them: the member's name, such as `stateEnteredEventDetails`, and its JSON.
    pub fn details_json(&self) -> Option<(&'static str, Value)> {
        let details = self.details.as_ref()?;
        let value = serde_json::to_value(details).unwrap_or(Value::Null);
        Some((details.member(self.event_type), value))
    }
}

impl Details {
    /// The member of AWS's JSON that holds the details of an event of this type.
    fn member(&self, event_type: &'static str) -> &'static str {
        match (self, event_type) {
            (Self::Entered { .. }, _) => "stateEnteredEventDetails",
            (Self::Exited { .. }, _) => "stateExitedEventDetails",
            (Self::Evaluation { .. }, _) => "evaluationFailedEventDetails",
            (Self::MapStarted { .. }, _) => "mapStateStartedEventDetails",
            (Self::MapRun { .. }, _) => "mapRunStartedEventDetails",
            (Self::MapRunRedriven { .. }, _) => "mapRunRedrivenEventDetails",
            (_, "ExecutionStarted") => "executionStartedEventDetails",
            (_, "ExecutionSucceeded") => "executionSucceededEventDetails",
            (_, "ExecutionFailed") => "executionFailedEventDetails",
            (_, "ExecutionAborted") => "executionAbortedEventDetails",
            (_, "ExecutionTimedOut") => "executionTimedOutEventDetails",
            (_, "ExecutionRedriven") => "executionRedrivenEventDetails",
            (_, "TaskScheduled") => "taskScheduledEventDetails",
            (_, "TaskStarted") => "taskStartedEventDetails",
            (_, "TaskSubmitted") => "taskSubmittedEventDetails",
            (_, "TaskSubmitFailed") => "taskSubmitFailedEventDetails",
            (_, "TaskStartFailed") => "taskStartFailedEventDetails",
            (_, "TaskSucceeded") => "taskSucceededEventDetails",
            (_, "TaskFailed") => "taskFailedEventDetails",
            (_, "TaskTimedOut") => "taskTimedOutEventDetails",
            (_, "LambdaFunctionScheduled") => "lambdaFunctionScheduledEventDetails",
            (_, "LambdaFunctionScheduleFailed") => "lambdaFunctionScheduleFailedEventDetails",
            (_, "LambdaFunctionStartFailed") => "lambdaFunctionStartFailedEventDetails",
            (_, "LambdaFunctionSucceeded") => "lambdaFunctionSucceededEventDetails",
            (_, "LambdaFunctionFailed") => "lambdaFunctionFailedEventDetails",
            (_, "LambdaFunctionTimedOut") => "lambdaFunctionTimedOutEventDetails",
            (_, "MapIterationStarted") => "mapIterationStartedEventDetails",
            (_, "MapIterationSucceeded") => "mapIterationSucceededEventDetails",
            (_, "MapIterationFailed") => "mapIterationFailedEventDetails",
            (_, "MapIterationAborted") => "mapIterationAbortedEventDetails",
            (_, "MapRunFailed") => "mapRunFailedEventDetails",
            _ => "eventDetails",
        }
    }
}

/// The members `inputDetails` and `outputDetails`, which say whether a text was cut short. Local histories
/// never are.
struct NotTruncated;

impl Serialize for NotTruncated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("truncated", &false)?;
        map.end()
    }
}

/// A value as JSON text.
fn text(value: &Value) -> String {
    value.to_string()
}

impl Serialize for Details {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Started { input, role_arn } => {
                map.serialize_entry("input", &text(input))?;
                map.serialize_entry("inputDetails", &NotTruncated)?;
                map.serialize_entry("roleArn", role_arn)?;
            }
            Self::Entered { name, input } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("input", &text(input))?;
                map.serialize_entry("inputDetails", &NotTruncated)?;
            }
            Self::Exited { name, output, assigned } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("output", &text(output))?;
                map.serialize_entry("outputDetails", &NotTruncated)?;
                if !assigned.is_empty() {
                    let texts: serde_json::Map<String, Value> =
                        assigned.iter().map(|(k, v)| (k.to_string(), Value::String(text(v)))).collect();
                    map.serialize_entry("assignedVariables", &texts)?;
                    map.serialize_entry("assignedVariablesDetails", &NotTruncated)?;
                }
            }
            Self::Scheduled(scheduled) => {
                map.serialize_entry("resource", &scheduled.resource)?;
                if let Some(resource_type) = &scheduled.resource_type {
                    map.serialize_entry("resourceType", resource_type)?;
                    map.serialize_entry("region", &scheduled.region)?;
                    map.serialize_entry("parameters", &text(&scheduled.parameters))?;
                } else {
                    map.serialize_entry("input", &text(&scheduled.parameters))?;
                    map.serialize_entry("inputDetails", &NotTruncated)?;
                }
                if let Some(seconds) = scheduled.timeout {
                    map.serialize_entry("timeoutInSeconds", &seconds)?;
                }
                if let Some(seconds) = scheduled.heartbeat {
                    map.serialize_entry("heartbeatInSeconds", &seconds)?;
                }
            }
            Self::Output { service, output } => {
                entry_service(&mut map, service)?;
                map.serialize_entry("output", &text(output))?;
                map.serialize_entry("outputDetails", &NotTruncated)?;
            }
            Self::Failure { service, error, cause } => {
                entry_service(&mut map, service)?;
                if let Some(error) = error {
                    map.serialize_entry("error", error)?;
                }
                if let Some(cause) = cause {
                    map.serialize_entry("cause", cause)?;
                }
            }
            Self::Evaluation { error, cause, location, state } => {
                map.serialize_entry("error", error)?;
                map.serialize_entry("cause", cause)?;
                if let Some(location) = location {
                    map.serialize_entry("location", location)?;
                }
                map.serialize_entry("state", state)?;
            }
            Self::TaskStarted { resource_type, resource } => {
                map.serialize_entry("resourceType", resource_type)?;
                map.serialize_entry("resource", resource)?;
            }
            Self::MapStarted { length } => map.serialize_entry("length", length)?,
            Self::Iteration { name, index } => {
                map.serialize_entry("name", name)?;
                map.serialize_entry("index", index)?;
            }
            Self::MapRun { arn } => map.serialize_entry("mapRunArn", arn)?,
            Self::MapRunRedriven { arn, count } => {
                map.serialize_entry("mapRunArn", arn)?;
                map.serialize_entry("redriveCount", count)?;
            }
            Self::Redriven { count } => map.serialize_entry("redriveCount", count)?,
        }
        map.end()
    }
}

fn entry_service<M: SerializeMap>(
    map: &mut M,
    service: &Option<(Arc<str>, Arc<str>)>,
) -> Result<(), M::Error> {
    if let Some((resource_type, resource)) = service {
        map.serialize_entry("resourceType", resource_type)?;
        map.serialize_entry("resource", resource)?;
    }
    Ok(())
}

impl Serialize for HistoryEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("timestamp", &(self.timestamp.timestamp_millis() as f64 / 1000.0))?;
        map.serialize_entry("type", self.event_type)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("previousEventId", &self.previous_id)?;
        if let Some(details) = &self.details {
            map.serialize_entry(details.member(self.event_type), details)?;
        }
        map.end()
    }
}
