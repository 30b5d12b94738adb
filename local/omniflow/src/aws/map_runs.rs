//! The operations about Map Runs: ListMapRuns, DescribeMapRun, UpdateMapRun, and ListExecutions of their children.
//! Source: AWS Step Functions API Reference.

use engine::{MapRunDescription, UpdateMapRun};
use serde_json::{Map, Value, json};

use super::states::{ApiResult, Body, insert_some, seconds, summary, with_next};
use super::{ApiError, Aws};

pub(super) fn list(aws: &Aws, body: &Body) -> ApiResult {
    let page = aws.engine.list_map_runs(&body.required("executionArn")?, &body.page()?)?;
    let runs = page.map_runs.iter().map(|run| {
        let mut entry = Map::new();
        entry.insert("executionArn".into(), json!(run.execution_arn));
        entry.insert("mapRunArn".into(), json!(run.arn));
        entry.insert("stateMachineArn".into(), json!(run.state_machine_arn));
        entry.insert("startDate".into(), json!(seconds(run.started)));
        insert_some(&mut entry, "stopDate", run.stopped.map(seconds));
        Value::Object(entry)
    });
    Ok(with_next(json!({ "mapRuns": runs.collect::<Vec<_>>() }), page.next))
}

pub(super) fn describe(aws: &Aws, body: &Body) -> ApiResult {
    let run: MapRunDescription = aws.engine.describe_map_run(&body.required("mapRunArn")?)?;
    let mut answer = Map::new();
    answer.insert("mapRunArn".into(), json!(run.arn));
    answer.insert("executionArn".into(), json!(run.execution_arn));
    answer.insert("status".into(), json!(run.status));
    answer.insert("startDate".into(), json!(seconds(run.started)));
    insert_some(&mut answer, "stopDate", run.stopped.map(seconds));
    answer.insert("maxConcurrency".into(), json!(run.max_concurrency));
    answer.insert("toleratedFailureCount".into(), json!(run.tolerated.count.unwrap_or(0)));
    answer.insert("toleratedFailurePercentage".into(), json!(run.tolerated.percentage.unwrap_or(0.0)));
    answer.insert("itemCounts".into(), json!(run.items));
    answer.insert("executionCounts".into(), json!(run.executions));
    answer.insert("redriveCount".into(), json!(run.redrive_count));
    insert_some(&mut answer, "redriveDate", run.redriven.map(seconds));
    Ok(Value::Object(answer))
}

pub(super) async fn update(aws: &Aws, body: &Body) -> ApiResult {
    let update = UpdateMapRun {
        arn: body.required("mapRunArn")?,
        max_concurrency: whole(body, "maxConcurrency")?,
        tolerated_count: whole(body, "toleratedFailureCount")?,
        tolerated_percentage: body.value("toleratedFailurePercentage").as_f64(),
    };
    aws.engine.update_map_run(update).await?;
    Ok(json!({}))
}

/// A field that holds a whole number of at least 0; `None` when it is absent.
fn whole(body: &Body, name: &str) -> Result<Option<u64>, ApiError> {
    match body.value(name) {
        Value::Null => Ok(None),
        value => value.as_u64().map(Some).ok_or_else(|| {
            ApiError::bad_request(
                "ValidationException",
                format!(
                    "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value greater than or equal to 0"
                ),
            )
        }),
    }
}

/// ListExecutions with `mapRunArn`.
pub(super) fn list_children(aws: &Aws, map_run_arn: &str, body: &Body) -> ApiResult {
    let page = aws.engine.list_map_run_executions(map_run_arn, body.status_filter()?, &body.page()?)?;
    let executions = page.executions.iter().map(|child| {
        let mut entry = summary(child);
        insert_some(&mut entry, "mapRunArn", child.map_run_arn.as_ref());
        insert_some(&mut entry, "itemCount", child.item_count);
        Value::Object(entry)
    });
    Ok(with_next(json!({ "executions": executions.collect::<Vec<_>>() }), page.next))
}
