//! The AWS API of the target: what `aws stepfunctions …` and `aws dynamodb …` send, and what they must read.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{Aws, Runtime, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

const ROLE: &str = "arn:aws:iam::000000000000:role/e2e";

fn phone() -> Value {
    json!({ "amount": 500, "items": ["iPhone 15"] })
}

/// Parses a field that holds JSON as text, as Step Functions gives inputs and outputs.
fn inner(value: &Value) -> Value {
    serde_json::from_str(value.as_str().unwrap_or_else(|| panic!("no text: {value}"))).unwrap()
}

/// Starts an execution of a state machine of the test's own; both ARNs.
async fn start(aws: &Aws, definition: &Value, input: &Value) -> (String, String) {
    let name = format!("e2e-{}", Uuid::new_v4());
    let create = json!({ "name": name, "definition": definition.to_string(), "roleArn": ROLE });
    let machine =
        aws.states("CreateStateMachine", &create).await["stateMachineArn"].as_str().unwrap().to_owned();
    let begin = json!({ "stateMachineArn": machine, "input": input.to_string() });
    let execution = aws.states("StartExecution", &begin).await["executionArn"].as_str().unwrap().to_owned();
    (machine, execution)
}

/// A machine that hands its token to the event bus and waits for the answer.
fn asks_for_an_answer() -> Value {
    json!({
        "QueryLanguage": "JSONata",
        "StartAt": "Ask",
        "States": {
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::events:putEvents.waitForTaskToken",
                "Arguments": { "Entries": [{
                    "Source": "omniflow.e2e",
                    "DetailType": "Question",
                    "Detail": { "token": "{% $states.context.Task.Token %}" },
                }] },
                "TimeoutSeconds": 300,
                "Catch": [{ "ErrorEquals": ["No"], "Output": "{% $states.errorOutput %}", "Next": "Refused" }],
                "End": true,
            },
            "Refused": { "Type": "Succeed" },
        },
    })
}

/// The token that an execution waits on, read where an operator would find it: in its history.
async fn token(aws: &Aws, execution: &str) -> String {
    eventually("the task is submitted", async || {
        let events = aws.history(execution).await;
        let submitted = events.iter().any(|event| event["type"] == "TaskSubmitted");
        let scheduled = events.iter().find(|event| event["type"] == "TaskScheduled");
        match scheduled {
            Some(event) if submitted => {
                let parameters = inner(&event["taskScheduledEventDetails"]["parameters"]);
                Ok(parameters["Entries"][0]["Detail"]["token"].as_str().unwrap().to_owned())
            }
            _ => Err(events),
        }
    })
    .await
}

async fn ended(aws: &Aws, execution: &str) -> Value {
    eventually("the execution ends", async || {
        let described = aws.states("DescribeExecution", &json!({ "executionArn": execution })).await;
        if described["status"] == "RUNNING" { Err(described) } else { Ok(described) }
    })
    .await
}

#[tokio::test]
async fn an_order_is_an_execution_under_its_own_name() {
    let runtime = Runtime::shared();
    let (shop, Some(aws)) = (runtime.shop(), runtime.aws()) else { return };
    let id = shop.place_unpaid(&phone()).await;
    let machine = aws.machine_starting_at("ReserveStock").await;

    let running = json!({ "stateMachineArn": machine, "statusFilter": "RUNNING", "maxResults": 1000 });
    let list = aws.states("ListExecutions", &running).await;
    let listed =
        list["executions"].as_array().unwrap().iter().find(|execution| execution["name"] == id.as_str());
    let listed = listed.unwrap_or_else(|| panic!("{id} is not listed: {list:#}"));
    assert_eq!(listed["status"], "RUNNING");
    assert_eq!(listed["stateMachineArn"], machine.as_str());
    assert!(listed["startDate"].is_f64() || listed["startDate"].is_u64(), "{listed:#}");

    let arn = aws.execution_of(&id).await;
    assert_eq!(listed["executionArn"], arn.as_str());
    let described = aws.states("DescribeExecution", &json!({ "executionArn": arn })).await;
    assert_eq!(described["status"], "RUNNING");
    assert_eq!(inner(&described["input"])["order_id"], id.as_str());

    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    let described = ended(&aws, &arn).await;
    assert_eq!(described["status"], "SUCCEEDED", "{described:#}");
    assert!(described["stopDate"].as_f64() >= described["startDate"].as_f64(), "{described:#}");
    assert!(described["output"].is_string(), "{described:#}");
}

#[tokio::test]
async fn the_history_of_an_order_tells_every_step_in_order() {
    let runtime = Runtime::shared();
    let (shop, Some(aws)) = (runtime.shop(), runtime.aws()) else { return };
    let id = shop.place_unpaid(&phone()).await;
    shop.pay(&id).await.success();
    shop.reaches(&id, "COMPLETED").await;
    let arn = aws.execution_of(&id).await;
    ended(&aws, &arn).await;
    let events = aws.history(&arn).await;

    assert_eq!(events.first().unwrap()["type"], "ExecutionStarted");
    assert_eq!(events.last().unwrap()["type"], "ExecutionSucceeded");
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["id"], index + 1);
        assert!(event["previousEventId"].as_u64().unwrap() <= index as u64, "{event:#}");
        assert!(event["timestamp"].is_number(), "{event:#}");
    }
    let entered: Vec<_> = events
        .iter()
        .filter_map(|event| event["stateEnteredEventDetails"]["name"].as_str())
        .filter(|name| !name.ends_with('?'))
        .collect();
    let path = ["ReserveStock", "AwaitPayment", "CapturePayment", "ShipWarehouses", "ShipWarehouse"];
    assert_eq!(entered, path);

    let backwards = json!({ "executionArn": arn, "reverseOrder": true, "maxResults": 2 });
    let page = aws.states("GetExecutionHistory", &backwards).await;
    assert_eq!(page["events"][0], *events.last().unwrap());
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    assert!(page["nextToken"].is_string(), "there is more: {page:#}");
}

#[tokio::test]
async fn the_happy_path_costs_at_most_six_transitions() {
    let runtime = Runtime::shared();
    let (shop, Some(aws)) = (runtime.shop(), runtime.aws()) else { return };
    let id = shop.place_unpaid(&phone()).await;
    shop.pay(&id).await.success();
    let order = shop.reaches(&id, "COMPLETED").await;
    assert_eq!(order.shipments().len(), 1, "{order:?}");
    let arn = aws.execution_of(&id).await;
    ended(&aws, &arn).await;

    let mut transitions = 0;
    let windows = aws.machine_starting_at("AwaitDeadline").await;
    let all = json!({ "stateMachineArn": windows, "maxResults": 1000 });
    let list = aws.states("ListExecutions", &all).await;
    let of_this_order = list["executions"].as_array().unwrap().iter().filter_map(|execution| {
        execution["name"].as_str().filter(|name| name.contains(&id))?;
        execution["executionArn"].as_str().map(str::to_owned)
    });
    for arn in of_this_order.chain([arn]) {
        for event in aws.history(&arn).await {
            let kind = event["type"].as_str().unwrap();
            // Each state that is entered is billed, neither the start nor the end (AWS Step Functions Pricing).
            transitions += i32::from(kind.ends_with("StateEntered"));
        }
    }
    assert!((5..=6).contains(&transitions), "{transitions} transitions");
}

#[tokio::test]
async fn a_task_is_answered_with_success_from_outside() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let (_, execution) = start(&aws, &asks_for_an_answer(), &json!({})).await;
    let token = token(&aws, &execution).await;
    let beat = aws.send("states", "SendTaskHeartbeat", &json!({ "taskToken": token })).await;
    assert_eq!(beat.status, 200, "{beat:?}");
    let not_json = aws.send("states", "SendTaskSuccess", &json!({ "taskToken": token, "output": "{" })).await;
    assert_eq!((not_json.status, not_json.json()["__type"].as_str().unwrap()), (400, "InvalidOutput"));

    let answer = json!({ "taskToken": token, "output": r#"{"answer":42}"# });
    aws.states("SendTaskSuccess", &answer).await;
    let described = ended(&aws, &execution).await;
    assert_eq!(described["status"], "SUCCEEDED", "{described:#}");
    assert_eq!(inner(&described["output"]), json!({ "answer": 42 }));

    let again = aws.send("states", "SendTaskSuccess", &answer).await;
    assert_eq!(again.status, 400, "{again:?}");
    assert_eq!(again.json()["__type"], "TaskTimedOut", "a task is answered once: {again:?}");
}

#[tokio::test]
async fn a_task_is_answered_with_failure_from_outside() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let (_, caught) = start(&aws, &asks_for_an_answer(), &json!({})).await;
    let no = json!({ "taskToken": token(&aws, &caught).await, "error": "No", "cause": "never" });
    aws.states("SendTaskFailure", &no).await;
    let described = ended(&aws, &caught).await;
    assert_eq!(described["status"], "SUCCEEDED", "it is caught by name: {described:#}");
    assert_eq!(inner(&described["output"]), json!({ "Error": "No", "Cause": "never" }));

    let (_, failed) = start(&aws, &asks_for_an_answer(), &json!({})).await;
    let other =
        json!({ "taskToken": token(&aws, &failed).await, "error": "Otherwise", "cause": "unexpected" });
    aws.states("SendTaskFailure", &other).await;
    let described = ended(&aws, &failed).await;
    assert_eq!(described["status"], "FAILED", "{described:#}");
    assert_eq!((&described["error"], &described["cause"]), (&json!("Otherwise"), &json!("unexpected")));
}

#[tokio::test]
async fn an_execution_is_stopped_from_outside() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let (machine, execution) = start(&aws, &asks_for_an_answer(), &json!({})).await;
    let token = token(&aws, &execution).await;
    let stop = json!({ "executionArn": execution, "error": "Enough", "cause": "an operator" });
    assert!(aws.states("StopExecution", &stop).await["stopDate"].is_number());
    let described = ended(&aws, &execution).await;
    assert_eq!(described["status"], "ABORTED", "{described:#}");
    assert_eq!((&described["error"], &described["cause"]), (&json!("Enough"), &json!("an operator")));
    let events = aws.history(&execution).await;
    assert_eq!(events.last().unwrap()["type"], "ExecutionAborted");

    let late = aws.send("states", "SendTaskSuccess", &json!({ "taskToken": token, "output": "{}" })).await;
    assert_eq!(late.status, 400, "the task is gone with its execution: {late:?}");
    let aborted = json!({ "stateMachineArn": machine, "statusFilter": "ABORTED" });
    assert_eq!(aws.states("ListExecutions", &aborted).await["executions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_execution_is_started_once_for_each_name() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let (machine, _) = start(&aws, &asks_for_an_answer(), &json!({})).await;
    let begin = |input: &str| json!({ "stateMachineArn": machine, "name": "once", "input": input });
    let first = aws.states("StartExecution", &begin(r#"{"a":1}"#)).await;
    let again = aws.states("StartExecution", &begin(r#"{"a":1}"#)).await;
    assert_eq!(first["executionArn"], again["executionArn"], "the same start twice is one start");
    let other = aws.send("states", "StartExecution", &begin(r#"{"a":2}"#)).await;
    assert_eq!(other.status, 400);
    assert_eq!(other.json()["__type"], "ExecutionAlreadyExists", "{other:?}");
}

#[tokio::test]
async fn wrong_calls_get_the_errors_of_aws() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let machine = aws.machine_starting_at("ReserveStock").await;
    let nobody = format!("{}:nobody", machine.replace(":stateMachine:", ":execution:"));
    let cases = [
        ("DescribeExecution", json!({ "executionArn": nobody }), "ExecutionDoesNotExist"),
        ("GetExecutionHistory", json!({ "executionArn": nobody }), "ExecutionDoesNotExist"),
        ("StopExecution", json!({ "executionArn": nobody }), "ExecutionDoesNotExist"),
        ("DescribeExecution", json!({ "executionArn": "nobody" }), "InvalidArn"),
        (
            "ListExecutions",
            json!({ "stateMachineArn": format!("{machine}-none") }),
            "StateMachineDoesNotExist",
        ),
        (
            "ListExecutions",
            json!({ "stateMachineArn": machine, "statusFilter": "DONE" }),
            "ValidationException",
        ),
        ("StartExecution", json!({ "stateMachineArn": machine, "input": "{" }), "InvalidExecutionInput"),
        ("SendTaskSuccess", json!({ "taskToken": "none", "output": "{}" }), "InvalidToken"),
        (
            "CreateStateMachine",
            json!({ "name": "bad", "definition": "{}", "roleArn": ROLE }),
            "InvalidDefinition",
        ),
    ];
    for (operation, body, code) in cases {
        let answer = aws.send("states", operation, &body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let kind = answer.json()["__type"].as_str().unwrap_or_default().to_owned();
        assert_eq!(kind.rsplit('#').next(), Some(code), "{answer:?}");
    }
}

#[tokio::test]
async fn a_state_machine_of_ones_own_runs_beside_the_orders() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let definition = json!({
        "StartAt": "Greet",
        "States": { "Greet": { "Type": "Pass", "Parameters": { "greeting.$": "States.Format('Hello {}', $.name)" }, "End": true } },
    });
    let (machine, execution) = start(&aws, &definition, &json!({ "name": "world" })).await;
    let described = ended(&aws, &execution).await;
    assert_eq!(described["status"], "SUCCEEDED", "{described:#}");
    assert_eq!(inner(&described["output"]), json!({ "greeting": "Hello world" }));
    aws.states("DeleteStateMachine", &json!({ "stateMachineArn": machine })).await;
}

#[tokio::test]
async fn an_order_is_found_in_its_table() {
    let runtime = Runtime::shared();
    let (shop, Some(aws)) = (runtime.shop(), runtime.aws()) else { return };
    let id = shop.place_unpaid(&phone()).await;
    let table = aws.table("OrdersTable").await;

    let items = aws.scan(&table).await;
    let item = items.iter().find(|item| item["order_id"]["S"] == id.as_str());
    assert_eq!(item.unwrap_or_else(|| panic!("{id} is not in {table}"))["status"]["S"], "AWAITING_PAYMENT");

    let get = json!({ "TableName": table, "Key": { "order_id": { "S": id } }, "ConsistentRead": true });
    assert_eq!(aws.dynamodb("GetItem", &get).await["Item"], *item.unwrap());

    let query = json!({
        "TableName": table,
        "IndexName": "by-status",
        "KeyConditionExpression": "#s = :s AND order_id = :id",
        "ExpressionAttributeNames": { "#s": "status" },
        "ExpressionAttributeValues": { ":s": { "S": "AWAITING_PAYMENT" }, ":id": { "S": id } },
    });
    assert_eq!(aws.dynamodb("Query", &query).await["Count"], 1);
}

#[tokio::test]
async fn a_table_of_ones_own_is_made_and_used() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let name = format!("e2e-{}", Uuid::new_v4());
    let create = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    aws.dynamodb("CreateTable", &create).await;
    let put = json!({ "TableName": name, "Item": { "id": { "S": "a" } }, "ConditionExpression": "attribute_not_exists(id)" });
    aws.dynamodb("PutItem", &put).await;
    let again = aws.send("dynamodb", "PutItem", &put).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("ConditionalCheckFailedException"), "{again:?}");
    aws.dynamodb("DeleteTable", &json!({ "TableName": name })).await;
}

#[tokio::test]
async fn what_is_not_served_says_so() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    let answer = aws.send("states", "MakeCoffee", &json!({})).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text.contains("UnknownOperation"), "{answer:?}");
}

#[tokio::test]
async fn put_events_says_what_is_missing_and_takes_null_for_absent() {
    let runtime = Runtime::shared();
    let Some(aws) = runtime.aws() else { return };
    for body in [json!({}), json!({ "Entries": null }), json!({ "Entries": [] })] {
        let refused = aws.send("events", "PutEvents", &body).await;
        assert_eq!(refused.status, 400, "{body}");
        assert_eq!(refused.json()["__type"], "ValidationException", "{body}");
    }
    let event =
        json!({ "Source": "omniflow.e2e", "DetailType": "Nothing", "Detail": "{}", "Resources": null });
    let answer = aws.send("events", "PutEvents", &json!({ "Entries": [event, { "Source": null }] })).await;
    let answer = answer.success();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert!(answer["Entries"][0]["EventId"].is_string(), "{answer}");
    assert_eq!(answer["Entries"][1]["ErrorCode"], "InvalidArgument");
}
