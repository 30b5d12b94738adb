//! Time to live: items whose time is over are deleted (Amazon DynamoDB Developer Guide, "Using time to live").

use std::collections::HashMap;

use chrono::Utc;
use dynoxide::actions::delete_item::DeleteItemRequest;
use dynoxide::actions::scan::ScanRequest;
use dynoxide::types::{AttributeValue, KeySchemaElement};
use dynoxide::{DynoxideError, Item, Result, TableMetadata};

use crate::database::Database;
use crate::operations::Effect;
use crate::{Error, Tables};

/// Items that are looked at in one turn: others wait for it.
const PAGE: usize = 25;
/// What has expired longer ago is taken for a mistake, and kept.
const FIVE_YEARS: i64 = 5 * 365 * 24 * 60 * 60;

impl Tables {
    /// Deletes the items whose time to live is over; how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_expired(&self) -> std::result::Result<usize, Error> {
        let mut deleted = 0;
        for table in self.in_turn(Effect::Reads, Database::expiring_tables).await? {
            let mut after = None;
            loop {
                let (table, from) = (table.clone(), after.take());
                let page =
                    self.in_turn(Effect::Writes, move |database| sweep(database, &table, from)).await?;
                deleted += page.deleted;
                after = page.last;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(deleted)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        effect: Effect,
        work: impl FnOnce(&Database) -> Result<T> + Send + 'static,
    ) -> std::result::Result<T, Error> {
        Ok(self.perform(effect, work).await.ok_or_else(|| Error::Database("it failed".to_owned()))??)
    }
}

struct Page {
    deleted: usize,
    last: Option<Item>,
}

fn sweep(database: &Database, table: &TableMetadata, from: Option<Item>) -> Result<Page> {
    let Some(attribute) = &table.ttl_attribute else { return Ok(Page { deleted: 0, last: None }) };
    let keys: Vec<KeySchemaElement> = serde_json::from_str(&table.key_schema)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
    let now = Utc::now().timestamp();
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
