//! The Step Functions API in AWS JSON 1.0. Source: AWS Step Functions API Reference.

use asl::validate::{self, Severity};
use engine::{
    CreateStateMachine, ExecutionDescription, ExecutionStatus, PageRequest, StateMachine, StateMachineKind,
    UpdateStateMachine, Verdict,
};
use serde_json::{Map, Value, json};

use super::{ApiError, Aws, map_runs, test_state};

pub(super) type ApiResult = Result<Value, ApiError>;

pub(crate) async fn answer(aws: &Aws, operation: &str, body: Value) -> ApiResult {
    let body = Body(body);
    let engine = &aws.engine;
    match operation {
        "CreateStateMachine" => create_state_machine(aws, &body).await,
        "UpdateStateMachine" => {
            let update = UpdateStateMachine {
                arn: body.required("stateMachineArn")?,
                definition: body.optional("definition"),
                role_arn: body.optional("roleArn"),
            };
            let updated = engine.update_state_machine(update).await?;
            Ok(json!({ "updateDate": seconds(updated.updated), "revisionId": updated.revision_id }))
        }
        "DeleteStateMachine" => {
            engine.delete_state_machine(body.required("stateMachineArn")?).await?;
            Ok(json!({}))
        }
        "DescribeStateMachine" => {
            let machine = engine.describe_state_machine(&body.required("stateMachineArn")?)?;
            describe_state_machine(&machine)
        }
        "DescribeStateMachineForExecution" => describe_for_execution(aws, &body),
        "ListStateMachines" => list_state_machines(aws),
        "ValidateStateMachineDefinition" => validate_definition(&body),
        "TestState" => test_state::answer(aws, &body.0).await,
        "StartExecution" => {
            let started = engine
                .start_execution(body.required("stateMachineArn")?, body.optional("name"), body.input())
                .await?;
            Ok(json!({ "executionArn": started.arn, "startDate": seconds(started.started) }))
        }
        "StartSyncExecution" => start_sync_execution(aws, &body).await,
        "StopExecution" => {
            let (arn, error, cause) =
                (body.required("executionArn")?, body.optional("error"), body.optional("cause"));
            let stopped = engine.stop_execution(arn, error, cause).await?;
            Ok(json!({ "stopDate": seconds(stopped) }))
        }
        "RedriveExecution" => {
            let redriven = engine.redrive_execution(body.required("executionArn")?).await?;
            Ok(json!({ "redriveDate": seconds(redriven) }))
        }
        "DescribeExecution" => describe_execution(aws, &body),
        "ListExecutions" => list_executions(aws, &body),
        "GetExecutionHistory" => execution_history(aws, &body),
        "ListMapRuns" => map_runs::list(aws, &body),
        "DescribeMapRun" => map_runs::describe(aws, &body),
        "UpdateMapRun" => map_runs::update(aws, &body).await,
        "SendTaskSuccess" => send_task(aws, &body, Verdict::success(&body.required("output")?)?).await,
        "SendTaskFailure" => {
            let verdict = Verdict::Failure { error: body.optional("error"), cause: body.optional("cause") };
            send_task(aws, &body, verdict).await
        }
        "SendTaskHeartbeat" => send_task(aws, &body, Verdict::Heartbeat).await,
        "ListTagsForResource" => Ok(json!({ "tags": [] })),
        other => Err(ApiError::bad_request(
            "UnknownOperationException",
            format!("Step Functions' {other} is not served here"),
        )),
    }
}

/// A request's body, read field by field.
pub(super) struct Body(Value);

impl Body {
    /// A field as it stands; null when it is absent.
    pub(super) fn value(&self, name: &str) -> &Value {
        &self.0[name]
    }

    fn optional(&self, name: &str) -> Option<String> {
        self.0[name].as_str().map(str::to_owned)
    }

    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.optional(name).ok_or_else(|| {
            ApiError::bad_request(
                "ValidationException",
                format!(
                    "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
                ),
            )
        })
    }

    fn input(&self) -> String {
        self.optional("input").unwrap_or_else(|| "{}".to_owned())
    }

    pub(super) fn page(&self) -> Result<PageRequest, ApiError> {
        let limit = self.0["maxResults"].as_u64().unwrap_or(0);
        Ok(PageRequest {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            next: self.optional("nextToken"),
        })
    }

    pub(super) fn status_filter(&self) -> Result<Option<ExecutionStatus>, ApiError> {
        let parse = |text: &str| {
            ExecutionStatus::parse(text).ok_or_else(|| {
                let known = ExecutionStatus::ALL.map(ExecutionStatus::as_str).join(", ");
                ApiError::bad_request(
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{text}' at 'statusFilter' failed to satisfy constraint: Member must satisfy enum value set: [{known}]"
                    ),
                )
            })
        };
        self.optional("statusFilter").as_deref().map(parse).transpose()
    }

    /// Whether the answer is to include input and output: `includedData` is `ALL_DATA` unless the request
    /// says `METADATA_ONLY`.
    fn wants_data(&self) -> bool {
        self.0["includedData"] != "METADATA_ONLY"
    }

    fn kind(&self) -> Result<StateMachineKind, ApiError> {
        match self.0["type"].as_str() {
            None => Ok(StateMachineKind::Standard),
            Some(text) => StateMachineKind::parse(text).ok_or_else(|| {
                ApiError::bad_request(
                    "ValidationException",
                    format!(
                        "1 validation error detected: Value '{text}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]"
                    ),
                )
            }),
        }
    }
}

/// A time as AWS JSON 1.0 writes it: seconds since 1970, with a fraction.
pub(super) fn seconds(at: asl::Timestamp) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let millis = at.timestamp_millis() as f64;
    millis / 1000.0
}

async fn send_task(aws: &Aws, body: &Body, verdict: Verdict) -> ApiResult {
    aws.engine.send_task(body.required("taskToken")?, verdict).await?;
    Ok(json!({}))
}

async fn create_state_machine(aws: &Aws, body: &Body) -> ApiResult {
    if body.0["publish"] == true || body.0.get("versionDescription").is_some() {
        return Err(ApiError::bad_request(
            "ValidationException",
            "versions and aliases of state machines are not supported here: leave out publish and versionDescription",
        ));
    }
    let create = CreateStateMachine {
        name: body.required("name")?,
        kind: body.kind()?,
        definition: body.required("definition")?,
        role_arn: body.required("roleArn")?,
    };
    let machine = aws.engine.create_state_machine(create).await?;
    Ok(json!({ "stateMachineArn": machine.arn, "creationDate": seconds(machine.created) }))
}

fn describe_state_machine(machine: &StateMachine) -> ApiResult {
    let mut description = json!({
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "status": "ACTIVE",
        "definition": machine.definition,
        "roleArn": machine.role_arn,
        "type": machine.kind.as_str(),
        "creationDate": seconds(machine.created),
        "loggingConfiguration": { "level": "OFF", "includeExecutionData": false },
        "tracingConfiguration": { "enabled": false },
        "revisionId": machine.revision_id,
        "encryptionConfiguration": { "type": "AWS_OWNED_KEY" },
    });
    let references = asl::Machine::parse(&machine.definition).map(|machine| machine.variable_references());
    if let Ok(references) = references
        && !references.is_empty()
    {
        description["variableReferences"] = json!(references);
    }
    Ok(description)
}

fn describe_for_execution(aws: &Aws, body: &Body) -> ApiResult {
    let arn = body.required("executionArn")?;
    let machine = aws.engine.describe_state_machine_for_execution(&arn)?;
    let map_run = aws.engine.describe_execution(&arn)?.map_run_arn;
    let mut description = describe_state_machine(&machine)?;
    if let Some(description) = description.as_object_mut() {
        description.remove("creationDate");
        description.remove("status");
        description.remove("type");
        description.insert("updateDate".to_owned(), json!(seconds(machine.updated)));
        let label = machine.arn.split_once('/').map(|(_, label)| label);
        insert_some(description, "label", label);
        insert_some(description, "mapRunArn", map_run);
    }
    Ok(description)
}

fn list_state_machines(aws: &Aws) -> ApiResult {
    let machines = aws.engine.list_state_machines()?;
    let machines = machines.iter().map(|machine| {
        json!({
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "type": machine.kind.as_str(),
            "creationDate": seconds(machine.created),
        })
    });
    Ok(json!({ "stateMachines": machines.collect::<Vec<_>>() }))
}

fn validate_definition(body: &Body) -> ApiResult {
    let kind = match body.kind()? {
        StateMachineKind::Standard => asl::MachineType::Standard,
        StateMachineKind::Express => asl::MachineType::Express,
    };
    let diagnostics = validate::validate_here(&body.required("definition")?, kind);
    let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    Ok(json!({
        "result": if failed { "FAIL" } else { "OK" },
        "diagnostics": diagnostics,
        "truncated": false,
    }))
}

/// Adds what went into an execution and what came out of it.
fn insert_data(answer: &mut Map<String, Value>, description: &ExecutionDescription) {
    answer.insert("input".into(), json!(description.input));
    answer.insert("inputDetails".into(), json!({ "included": true }));
    if let Some(output) = &description.output {
        answer.insert("output".into(), json!(output));
        answer.insert("outputDetails".into(), json!({ "included": true }));
    }
    insert_some(answer, "error", description.error.as_ref());
    insert_some(answer, "cause", description.cause.as_ref());
}

fn describe_execution(aws: &Aws, body: &Body) -> ApiResult {
    let description = aws.engine.describe_execution(&body.required("executionArn")?)?;
    let mut answer = summary(&description);
    if body.wants_data() {
        insert_data(&mut answer, &description);
    }
    insert_some(&mut answer, "mapRunArn", description.map_run_arn.as_ref());
    let status = description.status;
    let reason = (!status.is_redrivable()).then(|| format!("Execution is {status} and cannot be redriven"));
    answer.insert("redriveStatus".into(), json!(description.redrive_status()));
    insert_some(&mut answer, "redriveStatusReason", reason);
    Ok(Value::Object(answer))
}

pub(super) fn summary(description: &ExecutionDescription) -> Map<String, Value> {
    let mut summary = Map::new();
    summary.insert("executionArn".into(), json!(description.arn));
    summary.insert("stateMachineArn".into(), json!(description.state_machine_arn));
    summary.insert("name".into(), json!(description.name));
    summary.insert("status".into(), json!(description.status));
    summary.insert("startDate".into(), json!(seconds(description.started)));
    insert_some(&mut summary, "stopDate", description.stopped.map(seconds));
    summary.insert("redriveCount".into(), json!(description.redrive_count));
    insert_some(&mut summary, "redriveDate", description.redriven.map(seconds));
    summary
}

pub(super) fn insert_some(map: &mut Map<String, Value>, key: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), json!(value));
    }
}

fn list_executions(aws: &Aws, body: &Body) -> ApiResult {
    let machine = match (body.optional("stateMachineArn"), body.optional("mapRunArn")) {
        (Some(machine), None) => machine,
        (None, Some(map_run)) => return map_runs::list_children(aws, &map_run, body),
        _ => {
            return Err(ApiError::bad_request(
                "ValidationException",
                "Must specify exactly one of the following fields: stateMachineArn, mapRunArn",
            ));
        }
    };
    let page = aws.engine.list_executions(&machine, body.status_filter()?, &body.page()?)?;
    let executions: Vec<_> = page.executions.iter().map(|row| Value::Object(summary(row))).collect();
    Ok(with_next(json!({ "executions": executions }), page.next))
}

pub(super) fn with_next(mut answer: Value, next: Option<String>) -> Value {
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    answer
}

fn execution_history(aws: &Aws, body: &Body) -> ApiResult {
    let reverse = body.0["reverseOrder"].as_bool().unwrap_or(false);
    let mut page = aws.engine.execution_history(&body.required("executionArn")?, reverse, &body.page()?)?;
    if body.0["includeExecutionData"] == false {
        page.events.iter_mut().for_each(drop_data);
    }
    Ok(with_next(json!({ "events": page.events }), page.next))
}

/// Removes the payloads from an event. Names and resources stay, as in GetExecutionHistory with
/// `includeExecutionData` set to false.
fn drop_data(event: &mut Value) {
    for details in event.as_object_mut().into_iter().flat_map(|event| event.values_mut()) {
        if let Value::Object(details) = details {
            for payload in ["input", "output", "parameters", "error", "cause", "assignedVariables"] {
                details.remove(payload);
            }
        }
    }
}

async fn start_sync_execution(aws: &Aws, body: &Body) -> ApiResult {
    let description = aws
        .engine
        .start_sync_execution(body.required("stateMachineArn")?, body.optional("name"), body.input())
        .await?;
    let mut answer = summary(&description);
    answer.remove("redriveCount");
    let millis = description.stopped.map_or(0, |stopped| (stopped - description.started).num_milliseconds());
    answer.insert(
        "billingDetails".into(),
        json!({ "billedDurationInMilliseconds": (millis / 100 + 1) * 100, "billedMemoryUsedInMB": 64 }),
    );
    insert_data(&mut answer, &description);
    Ok(Value::Object(answer))
}
