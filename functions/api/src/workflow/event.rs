//! An event of an execution's history. Step Functions has a type of details for each type of event; here they
//! are one, because they name the same few things.

use aws_sdk_sfn::types::HistoryEvent;
use aws_smithy_types::DateTime as Instant;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::payload::shown;

/// An event of an execution's history.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Event {
    /// The number of the event, which is 1 for the first.
    id: i64,
    /// The number of the event that led to this one; 0 for the first.
    previous_id: i64,
    /// The type that Step Functions gives the event, such as `TaskStateEntered`.
    #[serde(rename = "type")]
    kind: String,
    at: Option<DateTime<Utc>>,
    /// The state that is entered or left, or the Map whose iteration this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// The number of the iteration of a Map, which is 0 for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<i32>,
    /// What a task calls, such as `lambda:invoke.waitForTaskToken`.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    input: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    output: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
}

/// A time of the SDK as one of chrono.
pub(crate) fn instant(at: &Instant) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.secs(), at.subsec_nanos())
}

/// Reads the details of a failure, whichever type they have.
macro_rules! failure {
    ($event:expr, $source:expr, $($details:ident),+ $(,)?) => {$(
        if let Some(details) = &$source.$details {
            $event.error.clone_from(&details.error);
            $event.cause.clone_from(&details.cause);
        }
    )+};
}

impl From<&HistoryEvent> for Event {
    fn from(source: &HistoryEvent) -> Self {
        let mut event = Self {
            id: source.id,
            previous_id: source.previous_event_id,
            kind: source.r#type.as_str().to_owned(),
            at: instant(&source.timestamp),
            ..Self::default()
        };
        event.read_states(source);
        event.read_tasks(source);
        event.read_iterations(source);
        failure!(
            event,
            source,
            execution_failed_event_details,
            execution_aborted_event_details,
            execution_timed_out_event_details,
            task_failed_event_details,
            task_timed_out_event_details,
            task_start_failed_event_details,
            task_submit_failed_event_details,
            lambda_function_failed_event_details,
            lambda_function_timed_out_event_details,
            lambda_function_start_failed_event_details,
            lambda_function_schedule_failed_event_details,
        );
        if let Some(details) = &source.evaluation_failed_event_details {
            event.state = Some(details.state.clone());
            event.error.clone_from(&details.error);
            event.cause.clone_from(&details.cause);
        }
        event
    }
}

impl Event {
    fn read_states(&mut self, source: &HistoryEvent) {
        if let Some(details) = &source.execution_started_event_details {
            self.input = shown(details.input.as_deref());
        }
        if let Some(details) = &source.execution_succeeded_event_details {
            self.output = shown(details.output.as_deref());
        }
        if let Some(details) = &source.state_entered_event_details {
            self.state = Some(details.name.clone());
            self.input = shown(details.input.as_deref());
        }
        if let Some(details) = &source.state_exited_event_details {
            self.state = Some(details.name.clone());
            self.output = shown(details.output.as_deref());
        }
    }

    fn read_tasks(&mut self, source: &HistoryEvent) {
        if let Some(details) = &source.task_scheduled_event_details {
            self.resource = Some(format!("{}:{}", details.resource_type, details.resource));
            self.input = shown(Some(&details.parameters));
        }
        if let Some(details) = &source.task_submitted_event_details {
            self.output = shown(details.output.as_deref());
        }
        if let Some(details) = &source.task_succeeded_event_details {
            self.output = shown(details.output.as_deref());
        }
        if let Some(details) = &source.lambda_function_scheduled_event_details {
            self.resource = Some(details.resource.clone());
            self.input = shown(details.input.as_deref());
        }
        if let Some(details) = &source.lambda_function_succeeded_event_details {
            self.output = shown(details.output.as_deref());
        }
    }

    fn read_iterations(&mut self, source: &HistoryEvent) {
        let iteration = source
            .map_iteration_started_event_details
            .as_ref()
            .or(source.map_iteration_succeeded_event_details.as_ref())
            .or(source.map_iteration_failed_event_details.as_ref())
            .or(source.map_iteration_aborted_event_details.as_ref());
        if let Some(details) = iteration {
            self.state.clone_from(&details.name);
            self.index = Some(details.index);
        }
    }
}
