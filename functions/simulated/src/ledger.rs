//! What the simulated gateway and carriers remember: one item for each payment and each shipment.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use omniflow_services::{DynamoDb, ServiceError};

/// Why a fact could not be noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A fact that forbids this one was noted before.
    #[error("it was forbidden before")]
    Forbidden,
    #[error("DynamoDB: {0}")]
    Service(ServiceError),
    #[error("{entry} has no {counter}")]
    NotCounted { entry: String, counter: String },
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        match error.code.as_deref() {
            Some("ConditionalCheckFailedException") => Self::Forbidden,
            _ => Self::Service(error),
        }
    }
}

/// The table of the simulated gateway and carriers, and the time that each of their calls takes.
#[derive(Clone)]
pub struct Ledger {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    latency: Duration,
}

impl Ledger {
    /// Makes a ledger in this table, for a gateway or carrier whose calls take `latency` each.
    pub fn new(dynamodb: Arc<dyn DynamoDb>, table: &str, latency: Duration) -> Self {
        Self { dynamodb, table: table.to_owned(), latency }
    }

    /// Waits for as long as a call takes.
    pub(crate) async fn think(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// Counts an attempt, and gives its number, which is 1 for the first.
    pub(crate) async fn attempt(&self, entry: &str, counter: &str) -> Result<u32, Error> {
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression("ADD #counter :one")
            .expression_attribute_names("#counter", counter)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let item = self.dynamodb.update_item(update).await?;
        let count = item
            .attributes
            .as_ref()
            .and_then(|attributes| attributes.get(counter)?.as_n().ok()?.parse().ok());
        count.ok_or_else(|| Error::NotCounted { entry: entry.to_owned(), counter: counter.to_owned() })
    }

    /// What was noted so far; nothing when there is no such entry.
    pub(crate) async fn known(&self, entry: &str) -> Result<HashMap<String, AttributeValue>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .consistent_read(true);
        Ok(self.dynamodb.get_item(get).await?.item.unwrap_or_default())
    }

    /// Notes a fact, unless it or `unless` was noted before, and gives the entry as it is then.
    pub(crate) async fn note(
        &self,
        entry: &str,
        (name, value): (&str, &str),
        unless: Option<&str>,
    ) -> Result<HashMap<String, AttributeValue>, Error> {
        let mut update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry.to_owned()))
            .update_expression("SET #fact = if_not_exists(#fact, :value)")
            .expression_attribute_names("#fact", name)
            .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
            .return_values(ReturnValue::AllNew);
        if let Some(unless) = unless {
            update = update
                .condition_expression("attribute_not_exists(#unless)")
                .expression_attribute_names("#unless", unless);
        }
        Ok(self.dynamodb.update_item(update).await?.attributes.unwrap_or_default())
    }
}
