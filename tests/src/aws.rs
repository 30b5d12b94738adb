//! The AWS API as the AWS CLI speaks it: JSON over HTTP with `X-Amz-Target`.

use reqwest::Client;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::waiting::PATIENCE;

/// A client of one AWS endpoint. The local runtime doesn't check the signature.
#[derive(Clone)]
pub struct Aws {
    http: Client,
    url: String,
}

impl Aws {
    pub(crate) fn at(url: &str) -> Self {
        crate::prepare_tls();
        let http = Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self { http, url: url.to_owned() }
    }

    /// Sends a request and returns the answer, whatever its status.
    pub async fn send(&self, service: &str, operation: &str, body: &Value) -> Answer {
        let (target, scope) = match service {
            "states" => (format!("AWSStepFunctions.{operation}"), "states"),
            "dynamodb" => (format!("DynamoDB_20120810.{operation}"), "dynamodb"),
            "events" => (format!("AWSEvents.{operation}"), "events"),
            other => panic!("no service {other}"),
        };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{scope}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = self
            .http
            .post(&self.url)
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", authorization)
            .body(body.to_string());
        let call = format!("{operation} {body}");
        match request.send().await {
            Ok(response) => Answer::read(call, response).await.unwrap(),
            Err(error) => panic!("{call}: {error}"),
        }
    }

    /// Sends a request to Step Functions. Panics unless it succeeds.
    pub async fn states(&self, operation: &str, body: &Value) -> Value {
        self.send("states", operation, body).await.success()
    }

    /// Sends a request to DynamoDB. Panics unless it succeeds.
    pub async fn dynamodb(&self, operation: &str, body: &Value) -> Value {
        self.send("dynamodb", operation, body).await.success()
    }

    /// The ARN of the state machine that starts with this state, because a deployment may give it another
    /// name.
    pub async fn machine_starting_at(&self, state: &str) -> String {
        let list = self.states("ListStateMachines", &json!({})).await;
        for machine in list["stateMachines"].as_array().unwrap() {
            let arn = machine["stateMachineArn"].as_str().unwrap();
            let described = self.states("DescribeStateMachine", &json!({ "stateMachineArn": arn })).await;
            let definition: Value = serde_json::from_str(described["definition"].as_str().unwrap()).unwrap();
            if definition["StartAt"] == state {
                return arn.to_owned();
            }
        }
        panic!("no state machine starts at {state}: {list:#}")
    }

    /// The ARN of the execution of an order's workflow.
    pub async fn execution_of(&self, order_id: &str) -> String {
        let machine = self.machine_starting_at("ReserveStock").await;
        format!("{}:{order_id}", machine.replace(":stateMachine:", ":execution:"))
    }

    /// All events in the history of an execution.
    pub async fn history(&self, execution: &str) -> Vec<Value> {
        let (mut events, mut next) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "executionArn": execution, "maxResults": 1000 });
            if !next.is_null() {
                request["nextToken"] = next;
            }
            let page = self.states("GetExecutionHistory", &request).await;
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            next = page["nextToken"].clone();
            if next.is_null() {
                return events;
            }
        }
    }

    /// The name of the table with this logical id, because a deployment may give it another name.
    pub async fn table(&self, logical_id: &str) -> String {
        let list = self.dynamodb("ListTables", &json!({})).await;
        let names = list["TableNames"].as_array().unwrap().iter().filter_map(Value::as_str);
        let found = names.into_iter().find(|name| name.contains(logical_id));
        found.unwrap_or_else(|| panic!("no table {logical_id}: {list:#}")).to_owned()
    }

    /// All items of a table.
    pub async fn scan(&self, table: &str) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut request = json!({ "TableName": table, "ConsistentRead": true });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.dynamodb("Scan", &request).await;
            items.extend(page["Items"].as_array().unwrap().iter().cloned());
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }
}
