//! The operations of the DynamoDB API, by name.

use dynoxide::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::Database;
use crate::tokens::{Known, TokenRequest};
use crate::unreadable::unreadable;

/// The response to a request of the DynamoDB API.
#[derive(Debug, Clone)]
pub struct ApiResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, as JSON text.
    pub body: String,
}

/// What an operation does to the tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Reads,
    Writes,
    /// It writes, and can't be committed together with others.
    Alone,
}

/// The effect of the operation of this name.
pub(crate) fn effect(operation: &str) -> Effect {
    match operation {
        "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems" | "DescribeTable"
        | "ListTables" | "DescribeTimeToLive" | "ListTagsOfResource" => Effect::Reads,
        "PutItem" | "UpdateItem" | "DeleteItem" => Effect::Writes,
        // TransactWriteItems, too: its token must be remembered if, and only if, it was committed.
        _ => Effect::Alone,
    }
}

/// Does the operation of this name.
pub(crate) fn answer(db: &Database, operation: &str, body: &[u8]) -> ApiResponse {
    match operation {
        "GetItem" => call(operation, body, |request| db.get_item(request)),
        "Query" => call(operation, body, |request| db.query(request)),
        "Scan" => call(operation, body, |request| db.scan(request)),
        "BatchGetItem" => call(operation, body, |request| db.batch_get_item(request)),
        "TransactGetItems" => call(operation, body, |request| db.transact_get_items(request)),
        "DescribeTable" => call(operation, body, |request| db.describe_table(request)),
        "ListTables" => call(operation, body, |request| db.list_tables(request)),
        "DescribeTimeToLive" => call(operation, body, |request| db.describe_time_to_live(request)),
        "ListTagsOfResource" => call(operation, body, |request| db.list_tags_of_resource(request)),
        "PutItem" => call(operation, body, |request| db.put_item(request)),
        "UpdateItem" => call(operation, body, |request| db.update_item(request)),
        "DeleteItem" => call(operation, body, |request| db.delete_item(request)),
        "BatchWriteItem" => call(operation, body, |request| db.batch_write_item(request)),
        "TransactWriteItems" => once(db, operation, "TransactItems", body, || {
            call(operation, body, |request| db.transact_write_items(request))
        }),
        "ExecuteStatement" => call(operation, body, |request| db.execute_statement(request)),
        "ExecuteTransaction" => once(db, operation, "TransactStatements", body, || {
            call(operation, body, |request| db.execute_transaction(request))
        }),
        "BatchExecuteStatement" => call(operation, body, |request| db.batch_execute_statement(request)),
        "CreateTable" => call(operation, body, |request| db.create_table(request)),
        "DeleteTable" => call(operation, body, |request| db.delete_table(request)),
        "UpdateTable" => call(operation, body, |request| db.update_table(request)),
        "UpdateTimeToLive" => call(operation, body, |request| db.update_time_to_live(request)),
        "TagResource" => call(operation, body, |request| db.tag_resource(request)),
        "UntagResource" => call(operation, body, |request| db.untag_resource(request)),
        _ => unknown(),
    }
}

/// Does a transaction, unless one was done under its token; then it gives that one's response again.
fn once(
    db: &Database,
    operation: &str,
    items: &str,
    body: &[u8],
    perform: impl FnOnce() -> ApiResponse,
) -> ApiResponse {
    let Some(request) = TokenRequest::read(operation, items, body) else { return perform() };
    // A statement of its own, so that the tokens are not borrowed while the transaction is done, which may
    // panic.
    let known = db.tokens().borrow_mut().known(&request);
    match known {
        Known::Done(body) => ApiResponse { status: 200, body },
        Known::Other => refuse(&DynoxideError::IdempotentParameterMismatchException(
            "the token was used for another transaction in the last ten minutes".to_owned(),
        )),
        Known::New => {
            let response = perform();
            if response.status == 200 {
                db.tokens().borrow_mut().done(request, &response.body);
            }
            response
        }
    }
}

fn call<Request: DeserializeOwned, Response: Serialize>(
    operation: &str,
    body: &[u8],
    perform: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> ApiResponse {
    let request = match serde_json::from_slice(body) {
        Ok(request) => request,
        Err(error) => return refuse(&unreadable(operation, &error.to_string())),
    };
    match perform(request) {
        Ok(response) => match serde_json::to_string(&response) {
            Ok(body) => ApiResponse { status: 200, body },
            Err(error) => refuse(&DynoxideError::InternalServerError(error.to_string())),
        },
        Err(error) => refuse(&error),
    }
}

/// The response when the tables failed.
pub(crate) fn failed() -> ApiResponse {
    refuse(&DynoxideError::InternalServerError("the tables failed".to_owned()))
}

fn refuse(error: &DynoxideError) -> ApiResponse {
    ApiResponse { status: error.status_code(), body: error.to_json() }
}

fn unknown() -> ApiResponse {
    let body = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;
    ApiResponse { status: 400, body: body.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    type Request = (&'static str, Value);

    /// One write as it stands in a transaction, and the operation that does it alone.
    fn write() -> impl Strategy<Value = (&'static str, Request)> {
        let name = || 0..4_u8;
        let put = (name(), 0..3_u8, option::of(0..3_u8)).prop_map(|(name, colour, expected)| {
            let item = json!({ "name": { "N": name.to_string() }, "colour": { "N": colour.to_string() } });
            ("Put", ("PutItem", given(json!({ "TableName": "Things", "Item": item }), expected)))
        });
        let delete = (name(), option::of(0..3_u8)).prop_map(|(name, expected)| {
            let key = json!({ "name": { "N": name.to_string() } });
            ("Delete", ("DeleteItem", given(json!({ "TableName": "Things", "Key": key }), expected)))
        });
        let update = (name(), option::of(0..3_u8))
            .prop_map(|(name, expected)| added(&json!({ "name": { "N": name.to_string() } }), expected));
        prop_oneof![put, delete, update]
    }

    fn added(key: &Value, expected: Option<u8>) -> (&'static str, Request) {
        let mut update = given(json!({ "TableName": "Things", "Key": key }), expected);
        update["UpdateExpression"] = "ADD times :one".into();
        update["ExpressionAttributeValues"][":one"] = json!({ "N": "1" });
        ("Update", ("UpdateItem", update))
    }

    /// Only if the item has this colour.
    fn given(mut write: Value, colour: Option<u8>) -> Value {
        if let Some(colour) = colour {
            write["ConditionExpression"] = "colour = :colour".into();
            write["ExpressionAttributeValues"] = json!({ ":colour": { "N": colour.to_string() } });
        }
        write
    }

    fn request() -> impl Strategy<Value = Request> {
        let transaction = vec(write(), 1..4).prop_map(|writes| {
            let items: Vec<_> = writes.into_iter().map(|(name, (_, write))| json!({ name: write })).collect();
            ("TransactWriteItems", json!({ "TransactItems": items }))
        });
        prop_oneof![3 => write().prop_map(|(_, alone)| alone), 2 => transaction, 1 => Just(all(None))]
    }

    /// All items, of the table or of its index.
    fn all(index: Option<&str>) -> Request {
        let mut scan = json!({ "TableName": "Things" });
        if let Some(index) = index {
            scan["IndexName"] = index.into();
        }
        ("Scan", scan)
    }

    fn database() -> Database {
        let database = Database::in_memory().unwrap();
        let create = json!({
            "TableName": "Things",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "name", "AttributeType": "N" }, { "AttributeName": "colour", "AttributeType": "N" },
            ],
            "KeySchema": [{ "AttributeName": "name", "KeyType": "HASH" }],
            "GlobalSecondaryIndexes": [{
                "IndexName": "by-colour",
                "KeySchema": [
                    { "AttributeName": "colour", "KeyType": "HASH" }, { "AttributeName": "name", "KeyType": "RANGE" },
                ],
                "Projection": { "ProjectionType": "ALL" },
            }],
        });
        assert_eq!(said(&database, &("CreateTable", create)).0, 200);
        database
    }

    fn said(database: &Database, (operation, request): &Request) -> (u16, Value) {
        let answer = answer(database, operation, request.to_string().as_bytes());
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    #[test]
    fn a_group_that_fails_does_not_forget_what_was_done_before() {
        let database = database();
        let key = json!({ "name": { "N": "1" } });
        let (_, (_, update)) = added(&key, None);
        let transaction = json!({ "ClientRequestToken": "token", "TransactItems": [{ "Update": update }] });
        let transaction = ("TransactWriteItems", transaction);
        assert_eq!(said(&database, &transaction).0, 200);
        database.together(|| database.spoil()).unwrap_err();
        assert_eq!(said(&database, &transaction).0, 200);
        let (_, found) = said(&database, &("GetItem", json!({ "TableName": "Things", "Key": key })));
        assert_eq!(found["Item"]["times"]["N"], "1");
    }

    proptest! {
        #[test]
        fn a_group_does_what_its_parts_do_alone(groups in vec(vec(request(), 2..8), 1..6)) {
            let (alone, together) = (database(), database());
            for group in &groups {
                let one_by_one: Vec<_> = group.iter().map(|request| said(&alone, request)).collect();
                let at_once = || group.iter().map(|request| said(&together, request)).collect::<Vec<_>>();
                prop_assert_eq!(one_by_one, together.together(at_once).unwrap());
            }
            for everything in [all(None), all(Some("by-colour"))] {
                prop_assert_eq!(said(&alone, &everything), said(&together, &everything));
            }
        }
    }
}
