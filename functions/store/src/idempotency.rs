//! Idempotency keys: the first answer to a request is kept for a day, and repeated when the request is.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};

use omniflow_domain::OrderId;
use omniflow_services::DynamoDb;

use crate::Error;

/// The time for which an answer is kept.
const KEPT_FOR: Duration = Duration::hours(24);
/// The largest number of items that one transaction deletes (Amazon DynamoDB API Reference, "TransactWriteItems").
const MOST_DELETED_AT_ONCE: usize = 100;

/// The idempotency keys in DynamoDB.
#[derive(Clone)]
pub struct Idempotency {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
}

/// The answer that is kept for a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The key of the item, which names the idempotency key, the call and the caller.
    pub key: String,
    /// A digest of the body of the request.
    pub request: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub body: String,
    /// The moment from which the answer may be forgotten, in seconds since 1970 (Amazon DynamoDB Developer
    /// Guide, "Time to Live").
    pub expires_at: i64,
}

impl Kept {
    /// The answer to a request that came with `key` at `now`.
    pub fn new(key: String, request: String, status: u16, body: String, now: DateTime<Utc>) -> Self {
        Self { key, request, status, body, expires_at: (now + KEPT_FOR).timestamp() }
    }
}

impl Idempotency {
    /// The keys in this table.
    pub fn new(dynamodb: Arc<dyn DynamoDb>, table: &str) -> Self {
        Self { dynamodb, table: table.to_owned() }
    }

    /// The answer that is kept for the key, if it was given less than a day ago. DynamoDB may delete expired
    /// items days late, so the time is checked here as well.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn get(&self, key: &str, now: DateTime<Utc>) -> Result<Option<Kept>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("key", AttributeValue::S(key.to_owned()))
            .consistent_read(true);
        let answer = self.dynamodb.get_item(get).await?;
        let kept: Option<Kept> = answer.item.map(serde_dynamo::from_item).transpose()?;
        Ok(kept.filter(|kept| kept.expires_at > now.timestamp()))
    }

    /// Deletes the answers about these orders, and gives their number. The whole table is read for it, which holds what
    /// was answered within a day or so.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn forget(&self, orders: &[OrderId]) -> Result<usize, Error> {
        let (mut about, mut from) = (Vec::new(), None);
        loop {
            let scan = ScanInput::builder().table_name(&self.table).set_exclusive_start_key(from);
            let answer = self.dynamodb.scan(scan).await?;
            let keys = answer.items.unwrap_or_default().into_iter().filter_map(|item| {
                let body = item.get("body")?.as_s().ok()?;
                let is_about = orders.iter().any(|order| body.contains(order.as_str()));
                is_about.then(|| item.get("key").cloned()).flatten()
            });
            about.extend(keys);
            from = answer.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        for keys in about.chunks(MOST_DELETED_AT_ONCE) {
            let deletes = keys.iter().map(|key| {
                let delete = Delete::builder().table_name(&self.table).key("key", key.clone()).build();
                delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
            });
            let deletes: Result<Vec<_>, _> = deletes.collect();
            let deletes = deletes.map_err(|error| Error::Service(error.to_string()))?;
            let write = TransactWriteItemsInput::builder().set_transact_items(Some(deletes));
            self.dynamodb.transact_write_items(write).await?;
        }
        Ok(about.len())
    }

    /// The write that keeps an answer, on the condition that the key is not in use.
    ///
    /// # Errors
    /// [`Error::Item`], when it can't be written as an item.
    pub fn put(&self, kept: &Kept, now: DateTime<Utc>) -> Result<TransactWriteItem, Error> {
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(kept)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#key) OR expires_at <= :now")
            .expression_attribute_names("#key", "key")
            .expression_attribute_values(":now", AttributeValue::N(now.timestamp().to_string()))
            .build()
            .map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}
