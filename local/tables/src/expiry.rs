//! Time to live: items are deleted once the time has passed that their TTL attribute gives, in seconds since
//! 1970 (Amazon DynamoDB Developer Guide, "Using time to live").

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::types::{AttributeValue, KeySchemaElement};
use dynoxide::{DynoxideError, Item, Result, TableMetadata};

use crate::database::Database;
use crate::operations::Effect;
use crate::{Error, Tables};

/// How many items one work on the database looks at. Other work waits for it.
const PAGE: usize = 25;
/// In seconds. An item that expired longer ago is kept, because DynamoDB takes that for a mistake (Developer
/// Guide, "Using time to live").
const FIVE_YEARS: i64 = 5 * 365 * 24 * 60 * 60;

impl Tables {
    /// Deletes all items that have expired, and says how many they were.
    ///
    /// # Errors
    /// When the database fails. What was deleted by then stays deleted.
    pub async fn sweep_expired(&self, now: DateTime<Utc>) -> std::result::Result<usize, Error> {
        let mut deleted = 0;
        for table in self.try_perform(Effect::Reads, Database::expiring_tables).await? {
            let mut after = None;
            loop {
                let (table, from) = (table.clone(), after.take());
                let page = self
                    .try_perform(Effect::Writes, move |database| sweep(database, &table, now, from))
                    .await?;
                deleted += page.deleted;
                after = page.last;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    async fn try_perform<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce(&Database) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Error> {
        Ok(self.perform(effect, work).await.ok_or(Error::Failed)??)
    }
}

/// What one page of a sweep did.
struct Page {
    deleted: usize,
    /// The key after which the next page begins; `None` when this was the last one.
    last: Option<Item>,
}

fn sweep(database: &Database, table: &TableMetadata, now: DateTime<Utc>, from: Option<Item>) -> Result<Page> {
    let Some(attribute) = &table.ttl_attribute else { return Ok(Page { deleted: 0, last: None }) };
    let keys: Vec<KeySchemaElement> = serde_json::from_str(&table.key_schema)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    let now = now.timestamp();
    let number = |seconds: i64| AttributeValue::N(seconds.to_string());
    let page = database.scan(ScanRequest {
        table_name: table.table_name.clone(),
        filter_expression: Some("#expires BETWEEN :oldest AND :now".to_owned()),
        expression_attribute_names: Some(HashMap::from([("#expires".to_owned(), attribute.clone())])),
        expression_attribute_values: Some(HashMap::from([
            (":oldest".to_owned(), number(now - FIVE_YEARS)),
            (":now".to_owned(), number(now)),
        ])),
        limit: Some(PAGE),
        exclusive_start_key: from,
        ..ScanRequest::default()
    })?;
    let expired = page.items.unwrap_or_default();
    let deleted = expired.len();
    for mut item in expired {
        let key = keys.iter().filter_map(|key| item.remove_entry(&key.attribute_name)).collect();
        database.delete_item(DeleteItemRequest {
            table_name: table.table_name.clone(),
            key,
            ..DeleteItemRequest::default()
        })?;
    }
    Ok(Page { deleted, last: page.last_evaluated_key })
}
