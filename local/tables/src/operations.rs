//! The operations of the DynamoDB API, by name.

use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Answer;

/// Whether an operation can have changed a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
}

/// Whether the caller may send the same request again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    Expected,
    Impossible,
}

pub(crate) fn answer(
    database: &Database,
    operation: &str,
    body: &[u8],
    repeats: Repeats,
) -> (Answer, Effect) {
    use Effect::{Reads, Writes};
    let db = database;
    match operation {
        "GetItem" => (call(body, |request| db.get_item(request)), Reads),
        "Query" => (call(body, |request| db.query(request)), Reads),
        "Scan" => (call(body, |request| db.scan(request)), Reads),
        "BatchGetItem" => (call(body, |request| db.batch_get_item(request)), Reads),
        "TransactGetItems" => (call(body, |request| db.transact_get_items(request)), Reads),
        "DescribeTable" => (call(body, |request| db.describe_table(request)), Reads),
        "ListTables" => (call(body, |request| db.list_tables(request)), Reads),
        "DescribeTimeToLive" => (call(body, |request| db.describe_time_to_live(request)), Reads),
        "ListTagsOfResource" => (call(body, |request| db.list_tags_of_resource(request)), Reads),
        "PutItem" => (call(body, |request| db.put_item(request)), Writes),
        "UpdateItem" => (call(body, |request| db.update_item(request)), Writes),
        "DeleteItem" => (call(body, |request| db.delete_item(request)), Writes),
        "BatchWriteItem" => (call(body, |request| db.batch_write_item(request)), Writes),
        "TransactWriteItems" => (
            call(body, |mut request: TransactWriteItemsRequest| {
                if repeats == Repeats::Impossible {
                    request.client_request_token = None;
                }
                db.transact_write_items(request)
            }),
            Writes,
        ),
        "ExecuteStatement" => (call(body, |request| db.execute_statement(request)), Writes),
        "ExecuteTransaction" => (call(body, |request| db.execute_transaction(request)), Writes),
        "BatchExecuteStatement" => (call(body, |request| db.batch_execute_statement(request)), Writes),
        "CreateTable" => (call(body, |request| db.create_table(request)), Writes),
        "DeleteTable" => (call(body, |request| db.delete_table(request)), Writes),
        "UpdateTable" => (call(body, |request| db.update_table(request)), Writes),
        "UpdateTimeToLive" => (call(body, |request| db.update_time_to_live(request)), Writes),
        "TagResource" => (call(body, |request| db.tag_resource(request)), Writes),
        "UntagResource" => (call(body, |request| db.untag_resource(request)), Writes),
        _ => (unknown(), Reads),
    }
}

fn call<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Answer {
    let request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return refuse(&DynoxideError::SerializationException(error.to_string())),
    };
    match operation(request) {
        Ok(response) => match serde_json::to_string(&response) {
            Ok(body) => Answer { status: 200, body },
            Err(error) => refuse(&DynoxideError::InternalServerError(error.to_string())),
        },
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &DynoxideError) -> Answer {
    Answer { status: error.status_code(), body: error.to_json() }
}

fn unknown() -> Answer {
    let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
    Answer { status: 400, body: body.to_owned() }
}
