//! How a nested execution looks to the Task state that starts it: `states:startExecution` in its four
//! patterns (AWS Step Functions Developer Guide, "Start workflow executions from a task state").

use asl::{Event, Pattern, Resource, TaskId};
use serde_json::{Value, json};

use crate::error::Error;
use crate::executions::Started;
use crate::journal::{ExecutionRow, ParentTask, Seq};
use crate::request::StartRequest;
use crate::status::ExecutionStatus;

/// How the state waits, when the resource is `states:startExecution`; `None` for any other resource.
pub(super) fn start_pattern(resource: &Resource) -> Option<Pattern> {
    match resource {
        Resource::Service { service, action, sdk: false, pattern }
            if service == "states" && action == "startExecution" =>
        {
            Some(*pattern)
        }
        _ => None,
    }
}

/// The task that a child reports its end to; `None` for the patterns that do not wait for it.
pub(super) fn parent(seq: Seq, task: TaskId, pattern: Pattern) -> Option<ParentTask> {
    match pattern {
        Pattern::Sync => Some(ParentTask { seq, task, parses_output: false }),
        Pattern::Sync2 => Some(ParentTask { seq, task, parses_output: true }),
        Pattern::RequestResponse | Pattern::WaitForTaskToken => None,
    }
}

/// What the task's arguments ask to start.
pub(super) fn request(arguments: &Value) -> Result<StartRequest, Error> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    let machine_arn = text("StateMachineArn").ok_or_else(|| {
        Error::Validation("The field 'StateMachineArn' is required but was missing".to_owned())
    })?;
    let input = match arguments.get("Input") {
        None => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    Ok(StartRequest { machine_arn, name: text("Name"), input })
}

/// What the state gets when the child has started.
pub(super) fn started(task: TaskId, pattern: Pattern, started: &Started, request_id: &str) -> Event {
    let output = json!({
        "ExecutionArn": started.arn,
        "SdkHttpMetadata": {
            "AllHttpHeaders": { "x-amzn-RequestId": [request_id], "Content-Type": ["application/x-amz-json-1.0"] },
            "HttpHeaders": { "Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": request_id },
            "HttpStatusCode": 200
        },
        "SdkResponseMetadata": { "RequestId": request_id },
        "StartDate": started.started.timestamp_millis(),
    });
    match pattern {
        Pattern::RequestResponse => Event::TaskSucceeded { task, output: output.into() },
        Pattern::Sync | Pattern::Sync2 | Pattern::WaitForTaskToken => {
            Event::TaskSubmitted { task, output: output.into() }
        }
    }
}

/// What the state gets when the child could not be started.
pub(super) fn refused(task: TaskId, error: &Error, request_id: &str) -> Event {
    Event::TaskFailed {
        task,
        error: Some(format!("StepFunctions.{}Exception", error.code().trim_end_matches("Exception"))),
        cause: Some(format!(
            "{error} (Service: AWSStepFunctions; Status Code: 400; Error Code: {}; Request ID: {request_id}; Proxy: null)",
            error.code(),
        )),
    }
}

/// What the state that waits gets when the child has ended.
pub(super) fn result(parent: ParentTask, row: &ExecutionRow) -> Event {
    let task = parent.task;
    let description = describe(parent.parses_output, row);
    if row.status == ExecutionStatus::Succeeded {
        Event::TaskSucceeded { task, output: description.into() }
    } else {
        Event::TaskFailed {
            task,
            error: Some("States.TaskFailed".to_owned()),
            cause: Some(description.to_string()),
        }
    }
}

/// The child as DescribeExecution would describe it.
fn describe(parse: bool, row: &ExecutionRow) -> Value {
    let payload = |text: &str| match serde_json::from_str(text) {
        Ok(value) if parse => value,
        _ => Value::from(text),
    };
    let mut description = serde_json::Map::new();
    if let Some(cause) = &row.cause {
        description.insert("Cause".into(), cause.clone().into());
    }
    if let Some(error) = &row.error {
        description.insert("Error".into(), error.clone().into());
    }
    description.insert("ExecutionArn".into(), row.arn.clone().into());
    description.insert("Input".into(), payload(&row.input));
    description.insert("InputDetails".into(), json!({ "Included": true }));
    description.insert("Name".into(), row.name.clone().into());
    if let Some(output) = &row.output {
        description.insert("Output".into(), payload(output));
        description.insert("OutputDetails".into(), json!({ "Included": true }));
    }
    description.insert("RedriveCount".into(), row.redrives.into());
    description.insert("StartDate".into(), row.started.timestamp_millis().into());
    description.insert("StateMachineArn".into(), row.machine.clone().into());
    description.insert("Status".into(), row.status.as_str().into());
    if let Some(stopped) = row.stopped {
        description.insert("StopDate".into(), stopped.timestamp_millis().into());
    }
    Value::Object(description)
}
