//! Amazon DynamoDB as a trait.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason};

use crate::{Reason, ServiceError, ServiceFuture};

/// DynamoDB, as far as the functions use it. See the Amazon DynamoDB API Reference for what a request does.
#[allow(missing_docs, reason = "the reference describes the requests")]
pub trait DynamoDb: Send + Sync {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput>;

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput>;

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput>;

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput>;

    /// The old item, which the request may ask for, is not given, unless the condition failed: then the
    /// [`ServiceError`] has it as its one reason.
    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()>;

    /// Of a condition that failed, the [`ServiceError`] has the old item as [`DynamoDb::put_item`] has.
    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput>;

    /// A [`ServiceError`] with the code `TransactionCanceledException` has its reasons.
    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()>;
}

impl DynamoDb for Client {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }

    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            request.send_with(self).await.map(drop).map_err(|error| {
                let reasons = match error.as_service_error() {
                    Some(PutItemError::ConditionalCheckFailedException(failed)) => condition(failed.item()),
                    _ => Vec::new(),
                };
                ServiceError { reasons, ..error.into() }
            })
        })
    }

    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput> {
        Box::pin(async {
            request.send_with(self).await.map_err(|error| {
                let reasons = match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                        condition(failed.item())
                    }
                    _ => Vec::new(),
                };
                ServiceError { reasons, ..error.into() }
            })
        })
    }

    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async {
            request.send_with(self).await.map(drop).map_err(|error| {
                let reasons = match error.as_service_error() {
                    Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                        cancelled.cancellation_reasons().iter().map(reason).collect()
                    }
                    _ => Vec::new(),
                };
                ServiceError { reasons, ..error.into() }
            })
        })
    }
}

fn condition(found: Option<&HashMap<String, AttributeValue>>) -> Vec<Reason> {
    vec![Reason { code: Reason::CONDITION.to_owned(), item: found.cloned() }]
}

fn reason(reason: &CancellationReason) -> Reason {
    Reason { code: reason.code().unwrap_or("None").to_owned(), item: reason.item().cloned() }
}
