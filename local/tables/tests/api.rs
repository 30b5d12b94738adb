//! What the tables do beside dynoxide's operations: tokens of transactions, time to live.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{SystemTime, UNIX_EPOCH};

use omniflow_tables::{ApiResponse, Tables};
use serde_json::{Value, json};

fn ask(tables: &Tables, operation: &str, request: &Value) -> ApiResponse {
    tables.blocking_answer(operation, request.to_string().as_bytes())
}

fn ok(tables: &Tables, operation: &str, request: &Value) -> Value {
    let answer = ask(tables, operation, request);
    assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

fn tables() -> Tables {
    let tables = Tables::in_memory().unwrap();
    let create = json!({
        "TableName": "Things",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "name", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
    });
    ok(&tables, "CreateTable", &create);
    tables
}

fn add(name: &str, token: &str) -> Value {
    json!({
        "ClientRequestToken": token,
        "TransactItems": [{ "Update": {
            "TableName": "Things",
            "Key": { "name": { "S": name } },
            "UpdateExpression": "ADD times :one",
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
        }}],
    })
}

fn times(tables: &Tables, name: &str) -> Option<String> {
    let get = json!({ "TableName": "Things", "Key": { "name": { "S": name } } });
    Some(ok(tables, "GetItem", &get)["Item"]["times"]["N"].as_str()?.to_owned())
}

#[test]
fn a_transaction_is_done_once_under_one_token() {
    let tables = tables();
    for token in ["first", "first", "second", "first"] {
        ok(&tables, "TransactWriteItems", &add("a", token));
    }
    assert_eq!(times(&tables, "a").as_deref(), Some("2"));
}

#[test]
fn a_token_is_refused_for_another_transaction() {
    let tables = tables();
    ok(&tables, "TransactWriteItems", &add("a", "token"));
    let refused = ask(&tables, "TransactWriteItems", &add("b", "token"));
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("IdempotentParameterMismatch"), "{}", refused.body);
    assert_eq!(times(&tables, "b"), None);
}

#[test]
fn a_transaction_that_failed_is_done_when_it_is_repeated() {
    let tables = tables();
    let mut request = add("a", "token");
    let check = json!({ "ConditionCheck": {
        "TableName": "Things",
        "Key": { "name": { "S": "b" } },
        "ConditionExpression": "attribute_exists(#name)",
        "ExpressionAttributeNames": { "#name": "name" },
    }});
    request["TransactItems"].as_array_mut().unwrap().push(check);
    assert_eq!(ask(&tables, "TransactWriteItems", &request).status, 400);
    assert_eq!(times(&tables, "a"), None);
    ok(&tables, "PutItem", &json!({ "TableName": "Things", "Item": { "name": { "S": "b" } } }));
    ok(&tables, "TransactWriteItems", &request);
    ok(&tables, "TransactWriteItems", &request);
    assert_eq!(times(&tables, "a").as_deref(), Some("1"));
}

#[tokio::test]
async fn items_whose_time_is_over_are_deleted() {
    let tables = tables();
    let live = json!({ "TableName": "Things", "TimeToLiveSpecification": { "AttributeName": "until", "Enabled": true } });
    ok(&tables, "UpdateTimeToLive", &live);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let put = |name: String, until: Value| {
        let item = json!({ "name": { "S": name }, "until": until });
        ok(&tables, "PutItem", &json!({ "TableName": "Things", "Item": item }));
    };
    for number in 0..250 {
        let until = if number % 2 == 0 { now - 1 } else { now + 1_000 };
        put(format!("{number}"), json!({ "N": until.to_string() }));
    }
    // Six years ago is taken for a mistake, and a text is no time.
    put("ancient".to_owned(), json!({ "N": (now - 6 * 365 * 86_400).to_string() }));
    put("text".to_owned(), json!({ "S": "1" }));
    ok(&tables, "PutItem", &json!({ "TableName": "Things", "Item": { "name": { "S": "for ever" } } }));

    assert_eq!(tables.sweep_expired(chrono::Utc::now()).await.unwrap(), 125);
    let left = ok(&tables, "Scan", &json!({ "TableName": "Things", "Select": "COUNT" }));
    assert_eq!(left["Count"], 128);
    assert_eq!(tables.sweep_expired(chrono::Utc::now()).await.unwrap(), 0);
}
