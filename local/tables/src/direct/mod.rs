//! DynamoDB for the handlers in this process. Their requests become dynoxide's requests directly, without the
//! JSON, the HTTP and the machinery of the SDK in between, which together would cost more than most
//! operations do.
//!
//! Handlers may not use the parameters that expressions have replaced (Amazon DynamoDB Developer Guide,
//! "Legacy conditional parameters"), nor ask for reports of consumed capacity. Such requests are refused.

mod values;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::types::{self as sdk, ReturnValuesOnConditionCheckFailure, Select};
use dynoxide::DynoxideError;
use dynoxide::actions::batch_get_item::{BatchGetItemRequest, KeysAndAttributes};
use dynoxide::actions::get_item::GetItemRequest;
use dynoxide::actions::put_item::PutItemRequest;
use dynoxide::actions::query::QueryRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::actions::transact_write_items::{
    TransactConditionCheck, TransactDelete, TransactPut, TransactUpdate, TransactWriteItem,
    TransactWriteItemsRequest,
};
use dynoxide::actions::update_item::UpdateItemRequest;
use omniflow_services::{DynamoDb, Reason, ServiceError, ServiceFuture};

use crate::Tables;
use crate::database::Database;
use crate::operations::Effect;
use values::{given, maybe_taken, taken};

impl DynamoDb for Tables {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput> {
        self.direct(Effect::Reads, get_item(request), Database::get_item, |found| {
            GetItemOutput::builder().set_item(found.item.map(given)).build()
        })
    }

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput> {
        self.direct(Effect::Reads, batch_get_item(request), Database::batch_get_item, |found| {
            let tables = found.responses.into_iter();
            let items = tables.map(|(table, items)| (table, items.into_iter().map(given).collect()));
            BatchGetItemOutput::builder().set_responses(Some(items.collect())).build()
        })
    }

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput> {
        self.direct(Effect::Reads, query(request), Database::query, |found| {
            QueryOutput::builder()
                .set_items(found.items.map(|items| items.into_iter().map(given).collect()))
                .count(count(found.count))
                .scanned_count(count(found.scanned_count))
                .set_last_evaluated_key(found.last_evaluated_key.map(given))
                .build()
        })
    }

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput> {
        self.direct(Effect::Reads, scan(request), Database::scan, |found| {
            ScanOutput::builder()
                .set_items(found.items.map(|items| items.into_iter().map(given).collect()))
                .count(count(found.count))
                .scanned_count(count(found.scanned_count))
                .set_last_evaluated_key(found.last_evaluated_key.map(given))
                .build()
        })
    }

    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()> {
        self.direct(Effect::Writes, put_item(request), Database::put_item, drop)
    }

    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput> {
        self.direct(Effect::Writes, update_item(request), Database::update_item, |updated| {
            UpdateItemOutput::builder().set_attributes(updated.attributes.map(given)).build()
        })
    }

    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()> {
        let request = transact_write_items(request);
        self.direct(Effect::Writes, request, Database::transact_write_items, drop)
    }
}

impl Tables {
    /// Does an operation: makes dynoxide's request, and the SDK's output of what dynoxide responds.
    fn direct<Request: Send + 'static, Response: Send + 'static, Output>(
        &self,
        effect: Effect,
        request: Result<Request, ServiceError>,
        operation: fn(&Database, Request) -> Result<Response, DynoxideError>,
        output: impl FnOnce(Response) -> Output + Send + 'static,
    ) -> ServiceFuture<'_, Output> {
        Box::pin(async move {
            let request = request?;
            let done = self.perform(effect, move |database| operation(database, request)).await;
            done.ok_or_else(|| ServiceError::unsendable("the tables failed"))?.map(output).map_err(failed)
        })
    }
}

/// dynoxide's error as the SDK would report it.
fn failed(error: DynoxideError) -> ServiceError {
    let code = error.error_type().rsplit('#').next().unwrap_or_default().to_owned();
    let message = error.to_string();
    let reason = |code: String, item: Option<_>| Reason { code, item: item.map(given) };
    let reasons = match error {
        DynoxideError::TransactionCanceledException(_, reasons) => {
            reasons.into_iter().map(|cancelled| reason(cancelled.code, cancelled.item)).collect()
        }
        DynoxideError::ConditionalCheckFailedException(_, item) => {
            vec![reason(Reason::CONDITION.to_owned(), item)]
        }
        _ => Vec::new(),
    };
    ServiceError { reasons, ..ServiceError::new(code, message) }
}

/// Refuses a request that has one of the other parameters; each of `others` says whether one is there.
fn expressions_only(others: &[bool]) -> Result<(), ServiceError> {
    if others.contains(&true) {
        let message = "handlers use expressions, not the parameters that expressions have replaced";
        return Err(ServiceError::unsendable(message));
    }
    Ok(())
}

fn count(items: usize) -> i32 {
    i32::try_from(items).unwrap_or(i32::MAX)
}

fn limit(items: Option<i32>) -> Result<Option<usize>, ServiceError> {
    items.map(usize::try_from).transpose().map_err(ServiceError::unsendable)
}

fn select(what: Option<Select>) -> Option<String> {
    what.map(|select| select.as_str().to_owned())
}

/// Which values a write asks for if its condition fails.
fn on_failure(values: Option<ReturnValuesOnConditionCheckFailure>) -> Option<String> {
    values.map(|values| values.as_str().to_owned())
}

fn get_item(request: GetItemInputBuilder) -> Result<GetItemRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[input.attributes_to_get.is_some(), input.return_consumed_capacity.is_some()])?;
    Ok(GetItemRequest {
        table_name: input.table_name.unwrap_or_default(),
        key: taken(input.key.unwrap_or_default())?,
        consistent_read: input.consistent_read,
        projection_expression: input.projection_expression,
        expression_attribute_names: input.expression_attribute_names,
        ..GetItemRequest::default()
    })
}

fn batch_get_item(request: BatchGetItemInputBuilder) -> Result<BatchGetItemRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[input.return_consumed_capacity.is_some()])?;
    let tables = input.request_items.unwrap_or_default().into_iter().map(|(table, wanted)| {
        expressions_only(&[wanted.attributes_to_get.is_some()])?;
        let wanted = KeysAndAttributes {
            keys: wanted.keys.into_iter().map(taken).collect::<Result<_, _>>()?,
            projection_expression: wanted.projection_expression,
            expression_attribute_names: wanted.expression_attribute_names,
            consistent_read: wanted.consistent_read,
            attributes_to_get: None,
        };
        Ok::<_, ServiceError>((table, wanted))
    });
    Ok(BatchGetItemRequest {
        request_items: tables.collect::<Result<_, _>>()?,
        return_consumed_capacity: None,
    })
}

fn query(request: QueryInputBuilder) -> Result<QueryRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[
        input.attributes_to_get.is_some(),
        input.key_conditions.is_some(),
        input.query_filter.is_some(),
        input.conditional_operator.is_some(),
        input.return_consumed_capacity.is_some(),
    ])?;
    Ok(QueryRequest {
        table_name: input.table_name.unwrap_or_default(),
        index_name: input.index_name,
        key_condition_expression: input.key_condition_expression,
        filter_expression: input.filter_expression,
        projection_expression: input.projection_expression,
        expression_attribute_names: input.expression_attribute_names,
        expression_attribute_values: maybe_taken(input.expression_attribute_values)?,
        scan_index_forward: input.scan_index_forward.unwrap_or(true),
        limit: limit(input.limit)?,
        exclusive_start_key: maybe_taken(input.exclusive_start_key)?,
        select: select(input.select),
        consistent_read: input.consistent_read,
        ..QueryRequest::default()
    })
}

fn scan(request: ScanInputBuilder) -> Result<ScanRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[
        input.attributes_to_get.is_some(),
        input.scan_filter.is_some(),
        input.conditional_operator.is_some(),
        input.return_consumed_capacity.is_some(),
    ])?;
    let segment =
        |number: Option<i32>| number.map(u32::try_from).transpose().map_err(ServiceError::unsendable);
    Ok(ScanRequest {
        table_name: input.table_name.unwrap_or_default(),
        index_name: input.index_name,
        filter_expression: input.filter_expression,
        projection_expression: input.projection_expression,
        expression_attribute_names: input.expression_attribute_names,
        expression_attribute_values: maybe_taken(input.expression_attribute_values)?,
        limit: limit(input.limit)?,
        exclusive_start_key: maybe_taken(input.exclusive_start_key)?,
        select: select(input.select),
        consistent_read: input.consistent_read,
        segment: segment(input.segment)?,
        total_segments: segment(input.total_segments)?,
        ..ScanRequest::default()
    })
}

fn put_item(request: PutItemInputBuilder) -> Result<PutItemRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[
        input.expected.is_some(),
        input.conditional_operator.is_some(),
        input.return_consumed_capacity.is_some(),
        input.return_item_collection_metrics.is_some(),
    ])?;
    Ok(PutItemRequest {
        table_name: input.table_name.unwrap_or_default(),
        item: taken(input.item.unwrap_or_default())?,
        condition_expression: input.condition_expression,
        expression_attribute_names: input.expression_attribute_names,
        expression_attribute_values: maybe_taken(input.expression_attribute_values)?,
        return_values_on_condition_check_failure: on_failure(input.return_values_on_condition_check_failure),
        ..PutItemRequest::default()
    })
}

fn update_item(request: UpdateItemInputBuilder) -> Result<UpdateItemRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[
        input.expected.is_some(),
        input.attribute_updates.is_some(),
        input.conditional_operator.is_some(),
        input.return_consumed_capacity.is_some(),
        input.return_item_collection_metrics.is_some(),
    ])?;
    Ok(UpdateItemRequest {
        table_name: input.table_name.unwrap_or_default(),
        key: taken(input.key.unwrap_or_default())?,
        update_expression: input.update_expression,
        condition_expression: input.condition_expression,
        expression_attribute_names: input.expression_attribute_names,
        expression_attribute_values: maybe_taken(input.expression_attribute_values)?,
        return_values: input.return_values.map(|values| values.as_str().to_owned()),
        return_values_on_condition_check_failure: on_failure(input.return_values_on_condition_check_failure),
        ..UpdateItemRequest::default()
    })
}

/// Without the `ClientRequestToken`: no answer can be lost on the way to a handler, so none asks a second
/// time.
fn transact_write_items(
    request: TransactWriteItemsInputBuilder,
) -> Result<TransactWriteItemsRequest, ServiceError> {
    let input = request.build().map_err(ServiceError::unsendable)?;
    expressions_only(&[
        input.return_consumed_capacity.is_some(),
        input.return_item_collection_metrics.is_some(),
    ])?;
    let writes = input.transact_items.unwrap_or_default().into_iter().map(transact_write_item);
    Ok(TransactWriteItemsRequest {
        transact_items: writes.collect::<Result<_, _>>()?,
        ..TransactWriteItemsRequest::default()
    })
}

fn transact_write_item(write: sdk::TransactWriteItem) -> Result<TransactWriteItem, ServiceError> {
    Ok(TransactWriteItem {
        put: write.put.map(transact_put).transpose()?,
        update: write.update.map(transact_update).transpose()?,
        delete: write.delete.map(transact_delete).transpose()?,
        condition_check: write.condition_check.map(transact_condition_check).transpose()?,
    })
}

fn transact_put(put: sdk::Put) -> Result<TransactPut, ServiceError> {
    Ok(TransactPut {
        table_name: put.table_name,
        item: taken(put.item)?,
        condition_expression: put.condition_expression,
        expression_attribute_names: put.expression_attribute_names,
        expression_attribute_values: maybe_taken(put.expression_attribute_values)?,
        return_values_on_condition_check_failure: on_failure(put.return_values_on_condition_check_failure),
    })
}

fn transact_update(update: sdk::Update) -> Result<TransactUpdate, ServiceError> {
    Ok(TransactUpdate {
        table_name: update.table_name,
        key: taken(update.key)?,
        update_expression: update.update_expression,
        condition_expression: update.condition_expression,
        expression_attribute_names: update.expression_attribute_names,
        expression_attribute_values: maybe_taken(update.expression_attribute_values)?,
        return_values_on_condition_check_failure: on_failure(update.return_values_on_condition_check_failure),
    })
}

fn transact_delete(delete: sdk::Delete) -> Result<TransactDelete, ServiceError> {
    Ok(TransactDelete {
        table_name: delete.table_name,
        key: taken(delete.key)?,
        condition_expression: delete.condition_expression,
        expression_attribute_names: delete.expression_attribute_names,
        expression_attribute_values: maybe_taken(delete.expression_attribute_values)?,
        return_values_on_condition_check_failure: on_failure(delete.return_values_on_condition_check_failure),
    })
}

fn transact_condition_check(check: sdk::ConditionCheck) -> Result<TransactConditionCheck, ServiceError> {
    Ok(TransactConditionCheck {
        table_name: check.table_name,
        key: taken(check.key)?,
        condition_expression: check.condition_expression,
        expression_attribute_names: check.expression_attribute_names,
        expression_attribute_values: maybe_taken(check.expression_attribute_values)?,
        return_values_on_condition_check_failure: on_failure(check.return_values_on_condition_check_failure),
    })
}
