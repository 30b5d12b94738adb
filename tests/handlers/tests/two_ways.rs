//! The two ways to the tables, the SDK's through JSON and HTTP and the local runtime's direct one, give the same answers.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::sync::Arc;

use ambient::Surroundings;
use aws_sdk_dynamodb::operation::batch_get_item::{BatchGetItemInput, BatchGetItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::{QueryInput, QueryOutput};
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, KeysAndAttributes, Put, ReturnValue,
    ReturnValuesOnConditionCheckFailure, Select, TransactWriteItem, Update,
};
use omniflow::functions::Clients;
use omniflow_services::{DynamoDb, ServiceError};
use omniflow_tables::{InProcess, Service, Tables};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;
use template::Place;

const TABLE: &str = "Things";

/// The tables as an endpoint of AWS.
struct Endpoint(Tables);

impl Service for Endpoint {
    fn answer(
        &self,
        request: http::Request<bytes::Bytes>,
    ) -> futures::future::BoxFuture<'static, http::Response<bytes::Bytes>> {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let tables = self.0.clone();
        Box::pin(async move {
            let answer = tables.answer(target.rsplit('.').next().unwrap(), request.into_body()).await;
            let response = http::Response::builder()
                .status(answer.status)
                .header("content-type", "application/x-amz-json-1.0");
            response.body(bytes::Bytes::from(answer.body)).unwrap()
        })
    }
}

fn tables() -> Tables {
    let tables = Tables::in_memory().unwrap();
    let create = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "group", "AttributeType": "S" },
            { "AttributeName": "name", "AttributeType": "S" },
            { "AttributeName": "colour", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "group", "KeyType": "HASH" },
            { "AttributeName": "name", "KeyType": "RANGE" },
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-colour",
            "KeySchema": [{ "AttributeName": "colour", "KeyType": "HASH" }, { "AttributeName": "name", "KeyType": "RANGE" }],
            "Projection": { "ProjectionType": "ALL" },
        }],
    });
    assert_eq!(tables.blocking_answer("CreateTable", create.to_string().as_bytes()).status, 200);
    tables
}

fn by_sdk(tables: Tables) -> Arc<dyn DynamoDb> {
    let place = Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() };
    Clients::by_sdk(&InProcess::new(Endpoint(tables)), &place, Surroundings::of_this_machine()).dynamodb
}

#[derive(Debug, Clone)]
struct Thing {
    name: u8,
    colour: Option<u8>,
    count: i8,
}

/// A request, as far as it varies.
#[derive(Debug, Clone)]
enum Step {
    Put(Thing, bool),
    Add(u8, i8, bool),
    Note(u8, String),
    Transact(Thing, u8, i8),
    Get(u8),
    GetAll(Vec<u8>),
    Query(Option<u8>, Option<i32>, bool),
    Scan(Option<i32>),
    Nowhere,
}

#[derive(Debug, PartialEq)]
enum Answered {
    Done(Result<(), ServiceError>),
    Updated(Result<UpdateItemOutput, ServiceError>),
    Got(Result<GetItemOutput, ServiceError>),
    GotAll(Result<BatchGetItemOutput, ServiceError>),
    Queried(Result<QueryOutput, ServiceError>),
    Scanned(Result<ScanOutput, ServiceError>),
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(name: u8) -> Vec<(String, AttributeValue)> {
    vec![("group".to_owned(), text("g")), ("name".to_owned(), text(name))]
}

/// With a value of every type.
fn item(thing: &Thing) -> HashMap<String, AttributeValue> {
    let mut item: HashMap<_, _> = key(thing.name).into_iter().collect();
    let nested = [("deep".to_owned(), AttributeValue::L(vec![number(1), AttributeValue::Null(true)]))];
    for (name, value) in [
        ("count", number(thing.count)),
        ("blob", AttributeValue::B(Blob::new([thing.name, 0, 255]))),
        ("truth", AttributeValue::Bool(thing.count > 0)),
        ("texts", AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()])),
        ("numbers", AttributeValue::Ns(vec!["2".to_owned(), "1.50".to_owned()])),
        ("blobs", AttributeValue::Bs(vec![Blob::new([2]), Blob::new([1])])),
        ("nested", AttributeValue::M(nested.into_iter().collect())),
    ] {
        item.insert(name.to_owned(), value);
    }
    if let Some(colour) = thing.colour {
        item.insert("colour".to_owned(), text(colour));
    }
    item
}

/// Whether a write asks for the item that is in its way differs from thing to thing.
fn on_failure(thing: &Thing) -> Option<ReturnValuesOnConditionCheckFailure> {
    (thing.count % 2 == 0).then_some(ReturnValuesOnConditionCheckFailure::AllOld)
}

/// The error with the sets in its items sorted: sets have no order.
fn in_order(mut error: ServiceError) -> ServiceError {
    let items = error.reasons.iter_mut().filter_map(|reason| reason.item.as_mut());
    for value in items.flat_map(HashMap::values_mut) {
        match value {
            AttributeValue::Ss(texts) | AttributeValue::Ns(texts) => texts.sort(),
            AttributeValue::Bs(blobs) => blobs.sort_by(|a, b| a.as_ref().cmp(b.as_ref())),
            _ => {}
        }
    }
    error
}

async fn perform(dynamodb: &dyn DynamoDb, step: &Step) -> Answered {
    match step {
        Step::Put(thing, fresh) => {
            let put = PutItemInput::builder().table_name(TABLE).set_item(Some(item(thing)));
            let condition = fresh.then(|| "attribute_not_exists(#g)".to_owned());
            let names = fresh.then(|| [("#g".to_owned(), "group".to_owned())].into_iter().collect());
            let put = put.set_condition_expression(condition).set_expression_attribute_names(names);
            let put = put.set_return_values_on_condition_check_failure(on_failure(thing));
            Answered::Done(dynamodb.put_item(put).await.map_err(in_order))
        }
        Step::Add(name, count, returned) => {
            let returned = if *returned { ReturnValue::UpdatedNew } else { ReturnValue::AllOld };
            let add = UpdateItemInput::builder()
                .table_name(TABLE)
                .set_key(Some(key(*name).into_iter().collect()))
                .update_expression("ADD #c :n")
                .expression_attribute_names("#c", "count")
                .expression_attribute_values(":n", number(count))
                .return_values(returned);
            Answered::Updated(dynamodb.update_item(add).await)
        }
        Step::Note(name, fact) => {
            let note = UpdateItemInput::builder()
                .table_name(TABLE)
                .set_key(Some(key(*name).into_iter().collect()))
                .update_expression("SET fact = if_not_exists(fact, :fact)")
                .condition_expression("attribute_not_exists(truth)")
                .expression_attribute_values(":fact", text(fact))
                .return_values(ReturnValue::AllNew)
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            Answered::Updated(dynamodb.update_item(note).await.map_err(in_order))
        }
        Step::Transact(thing, other, least) => {
            let transact = transact(thing, *other, *least);
            Answered::Done(dynamodb.transact_write_items(transact).await.map_err(in_order))
        }
        Step::Get(name) => {
            let get = GetItemInput::builder().table_name(TABLE).consistent_read(true);
            Answered::Got(dynamodb.get_item(get.set_key(Some(key(*name).into_iter().collect()))).await)
        }
        Step::GetAll(names) => {
            let keys = names.iter().map(|name| key(*name).into_iter().collect()).collect();
            let keys =
                KeysAndAttributes::builder().set_keys(Some(keys)).projection_expression("#n, nested.deep[0]");
            let keys = keys.expression_attribute_names("#n", "name").build().unwrap();
            let mut got =
                dynamodb.batch_get_item(BatchGetItemInput::builder().request_items(TABLE, keys)).await;
            // It promises no order, and nothing is ever left over here.
            if let Ok(got) = &mut got {
                got.unprocessed_keys = None;
                let items = got.responses.iter_mut().flat_map(HashMap::values_mut);
                items.for_each(|items| items.sort_by_key(|item| item["name"].as_s().unwrap().clone()));
            }
            Answered::GotAll(got)
        }
        Step::Query(colour, limit, forward) => {
            let query =
                QueryInput::builder().table_name(TABLE).set_limit(*limit).scan_index_forward(*forward);
            let query = match colour {
                Some(colour) => query
                    .index_name("by-colour")
                    .key_condition_expression("colour = :v")
                    .filter_expression("#c > :zero")
                    .expression_attribute_names("#c", "count")
                    .expression_attribute_values(":zero", number(0))
                    .expression_attribute_values(":v", text(colour)),
                None => query
                    .key_condition_expression("#g = :v")
                    .expression_attribute_names("#g", "group")
                    .expression_attribute_values(":v", text("g"))
                    .select(Select::AllAttributes),
            };
            Answered::Queried(dynamodb.query(query).await)
        }
        Step::Scan(limit) => {
            let scan = ScanInput::builder().table_name(TABLE).set_limit(*limit);
            Answered::Scanned(dynamodb.scan(scan).await)
        }
        Step::Nowhere => {
            let get = GetItemInput::builder().table_name("Nothings").key("group", text("g"));
            Answered::Got(dynamodb.get_item(get).await)
        }
    }
}

fn transact(
    thing: &Thing,
    other: u8,
    least: i8,
) -> aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder {
    let put = Put::builder()
        .table_name(TABLE)
        .set_item(Some(item(thing)))
        .condition_expression("attribute_not_exists(fact)")
        .set_return_values_on_condition_check_failure(on_failure(thing));
    let update = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(other).into_iter().collect()))
        .update_expression("SET #c = #c - :n")
        .condition_expression("#c >= :n")
        .expression_attribute_names("#c", "count")
        .expression_attribute_values(":n", number(least))
        .set_return_values_on_condition_check_failure(on_failure(thing));
    let check = ConditionCheck::builder()
        .table_name(TABLE)
        .set_key(Some(key(100).into_iter().collect()))
        .condition_expression("attribute_not_exists(fact)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let delete = Delete::builder().table_name(TABLE).set_key(Some(key(101).into_iter().collect()));
    TransactWriteItemsInput::builder()
        .transact_items(TransactWriteItem::builder().put(put.build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().update(update.build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().condition_check(check.build().unwrap()).build())
        .transact_items(TransactWriteItem::builder().delete(delete.build().unwrap()).build())
}

fn thing() -> impl Strategy<Value = Thing> {
    (0..5_u8, prop::option::of(0..3_u8), any::<i8>()).prop_map(|(name, colour, count)| Thing {
        name,
        colour,
        count,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let limit = || prop::option::of(1..4_i32);
    prop_oneof![
        4 => (thing(), any::<bool>()).prop_map(|(thing, fresh)| Step::Put(thing, fresh)),
        3 => (0..5_u8, any::<i8>(), any::<bool>()).prop_map(|(name, count, new)| Step::Add(name, count, new)),
        2 => (0..5_u8, "[a-z\"é]{1,5}").prop_map(|(name, fact)| Step::Note(name, fact)),
        4 => (thing(), 0..5_u8, any::<i8>()).prop_map(|(thing, other, least)| Step::Transact(thing, other, least)),
        2 => (0..6_u8).prop_map(Step::Get),
        2 => prop::collection::hash_set(0..6_u8, 1..5).prop_map(|names| Step::GetAll(names.into_iter().collect())),
        3 => (prop::option::of(0..3_u8), limit(), any::<bool>()).prop_map(|(colour, limit, forward)| Step::Query(colour, limit, forward)),
        1 => limit().prop_map(Step::Scan),
        1 => Just(Step::Nowhere),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_same_requests_get_the_same_answers(steps in vec(step(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (direct, sdk) = (tables(), by_sdk(tables()));
            for step in &steps {
                let (one, other) = (perform(&direct, step).await, perform(&*sdk, step).await);
                prop_assert_eq!(one, other, "{:?}", step);
            }
            let all = Step::Scan(None);
            prop_assert_eq!(perform(&direct, &all).await, perform(&*sdk, &all).await);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_a_handler_should_not_ask_for_is_refused() {
    let get = GetItemInput::builder().table_name(TABLE).key("group", text("g")).attributes_to_get("name");
    let refused = tables().get_item(get).await.unwrap_err();
    assert_eq!(refused.code, None);
    assert!(refused.message.contains("expressions"), "{}", refused.message);
}
