//! The permissions that a request needs. Source: Service Authorization Reference, for DynamoDB, Step
//! Functions, EventBridge and SES.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

const TABLE: &str = "arn:aws:dynamodb:us-east-1:000000000000:table/";
const BUS: &str = "arn:aws:events:us-east-1:000000000000:event-bus/";
const IDENTITY: &str = "arn:aws:ses:us-east-1:000000000000:identity/";
/// The state machines whose tasks wait for task tokens. A token doesn't say which machine it belongs to; in the tests it
/// begins with the name of its execution.
const TOKENS: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:OrderStateMachine";
const TOKENS_OF_RETURNS: &str = "arn:aws:states:us-east-1:000000000000:stateMachine:ReturnStateMachine";

/// The IAM actions that the request needs, each with the ARN of its resource.
pub(crate) fn needed(request: &Request<Bytes>) -> Vec<(String, String)> {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    let (service, operation) = target.and_then(|target| target.split_once('.')).unwrap_or_default();
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match (service, operation) {
        // SendEmail is a REST call and has no target.
        ("", _) => vec![("ses:SendEmail".to_owned(), IDENTITY.to_owned() + &text(&body["FromEmailAddress"]))],
        ("DynamoDB_20120810", "TransactWriteItems") => {
            let writes = body["TransactItems"].as_array().unwrap().iter();
            let each = writes.flat_map(|write| write.as_object().unwrap());
            each.map(|(kind, write)| dynamodb(&format!("{kind}Item"), &text(&write["TableName"]))).collect()
        }
        ("DynamoDB_20120810", "BatchGetItem") => {
            body["RequestItems"].as_object().unwrap().keys().map(|table| dynamodb(operation, table)).collect()
        }
        ("DynamoDB_20120810", _) => match body["IndexName"].as_str() {
            Some(index) => vec![dynamodb(operation, &format!("{}/index/{index}", text(&body["TableName"])))],
            None => vec![dynamodb(operation, &text(&body["TableName"]))],
        },
        ("AWSEvents", _) => {
            let entries = body["Entries"].as_array().unwrap().iter();
            entries
                .map(|entry| (format!("events:{operation}"), BUS.to_owned() + &text(&entry["EventBusName"])))
                .collect()
        }
        (_, "StartExecution") => vec![(format!("states:{operation}"), text(&body["stateMachineArn"]))],
        (_, "SendTaskSuccess" | "SendTaskFailure") => {
            let is_of_return = text(&body["taskToken"]).contains("-return-");
            let machine = if is_of_return { TOKENS_OF_RETURNS } else { TOKENS };
            vec![(format!("states:{operation}"), machine.to_owned())]
        }
        _ => vec![(format!("states:{operation}"), text(&body["executionArn"]))],
    }
}

fn dynamodb(operation: &str, resource: &str) -> (String, String) {
    (format!("dynamodb:{operation}"), format!("{TABLE}{resource}"))
}
