//! The register: the numbers of orders, and which orders are written to under which address.
//!
//! ```text
//!   entry                     subject   what else
//!   order-numbers             -         taken: how many numbers were given out, in blocks
//!   number 10042              -         order_id: the order that has the number
//!   email ann@example.com     ORD-…
//! ```
//!
//! An entry is written before its order, so that no order is without it; an entry whose order was never written is
//! harmless, since whoever finds it reads the order. Beside the orders' table each of these costs one write unit for an
//! order, once, where a transaction would cost two.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use omniflow_domain::{Email, OrderId, OrderNumber};
use omniflow_services::{ConfigError, DynamoDb, Environment, Reason, Services};
use tokio::sync::Mutex;

use crate::Error;
use crate::lists::{id_of, span};

/// How many numbers a process takes from the counter at once. The larger a block, the fewer writes the counter gets, and
/// the more numbers are never given out, since a process that ends loses the rest of its block. With 20, two hundred
/// orders a second write the counter ten times a second, a hundredth of what one key takes (Amazon DynamoDB Developer
/// Guide, "Designing partition keys": 1,000 write units a second).
const BLOCK: u64 = 20;
/// How often a number is taken for one order. Only a counter that is behind gives numbers that are taken, such as one
/// that was restored from a backup without the rest; since the blocks double, the last attempt passes 20 million.
const ATTEMPTS: u32 = 20;
/// The entry of the counter.
const COUNTER: &str = "order-numbers";
/// The subject of entries that have but one.
pub(crate) const ALONE: &str = "-";
/// The largest number of writes in a transaction (Amazon DynamoDB API Reference, "TransactWriteItems").
const MOST_DELETED_AT_ONCE: usize = 100;

/// The register in DynamoDB.
#[derive(Clone)]
pub struct Register {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    blocks: Arc<Blocks>,
}

/// What is left of the blocks of numbers that a process has taken, by table: how many numbers come before each.
#[derive(Default)]
struct Blocks(Mutex<HashMap<String, Range<u64>>>);

impl Register {
    /// The register in the table that `REGISTER_TABLE` names.
    ///
    /// # Errors
    /// [`ConfigError`], when the variable is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("REGISTER_TABLE")?.to_owned(),
            blocks: services.memory().of(),
        })
    }

    /// Gives the order that is about to be written a number that no other order has or had. When the same order asks
    /// again, it gets a further one.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn number(&self, order: &OrderId) -> Result<OrderNumber, Error> {
        let mut block = BLOCK;
        for _ in 0..ATTEMPTS {
            let number = self.next(block).await?;
            if self.claim(number, order).await? {
                return Ok(number);
            }
            tracing::warn!(%number, "the counter of order numbers is behind what was given out");
            self.blocks.0.lock().await.remove(&self.table);
            block = block.saturating_mul(2);
        }
        Err(Error::Contention)
    }

    /// The next number of this process, which takes a further block when it has none left. Others of this process wait
    /// meanwhile, so that only one block is taken.
    async fn next(&self, block: u64) -> Result<OrderNumber, Error> {
        let mut blocks = self.blocks.0.lock().await;
        let left = blocks.entry(self.table.clone()).or_default();
        if left.is_empty() {
            *left = self.take(block).await?;
        }
        let before = left.start;
        left.start += 1;
        Ok(OrderNumber::after_first(before))
    }

    /// Takes so many numbers from the counter. When the answer is lost, they are never given out.
    async fn take(&self, block: u64) -> Result<Range<u64>, Error> {
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(COUNTER.to_owned()))
            .key("subject", AttributeValue::S(ALONE.to_owned()))
            .update_expression("ADD taken :block")
            .expression_attribute_values(":block", AttributeValue::N(block.to_string()))
            .return_values(ReturnValue::UpdatedNew);
        let answer = self.dynamodb.update_item(update).await?;
        let taken = answer.attributes.as_ref().and_then(|item| item.get("taken")?.as_n().ok()?.parse().ok());
        let taken: u64 = taken.ok_or_else(|| Error::Service("the counter of numbers is none".to_owned()))?;
        Ok(taken.saturating_sub(block)..taken)
    }

    /// Notes whose the number is, unless another order has it. A note that was made although its answer was lost
    /// counts.
    async fn claim(&self, number: OrderNumber, order: &OrderId) -> Result<bool, Error> {
        let put = PutItemInput::builder()
            .table_name(&self.table)
            .item("entry", AttributeValue::S(entry_of(number)))
            .item("subject", AttributeValue::S(ALONE.to_owned()))
            .item("order_id", AttributeValue::S(order.to_string()))
            .condition_expression("attribute_not_exists(entry)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match self.dynamodb.put_item(put).await {
            Ok(()) => Ok(true),
            Err(error) => match error.reasons.first().and_then(Reason::found) {
                Some(found) => Ok(id_of(found).as_ref() == Some(order)),
                None => match Error::from(error) {
                    Error::Conflict => Ok(false),
                    error => Err(error),
                },
            },
        }
    }

    /// The order that was given this number; it may never have been written.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn order_of(&self, number: OrderNumber) -> Result<Option<OrderId>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry_of(number)))
            .key("subject", AttributeValue::S(ALONE.to_owned()))
            .consistent_read(true);
        Ok(self.dynamodb.get_item(get).await?.item.as_ref().and_then(id_of))
    }

    /// Notes that the order, which is about to be written, has this address.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn note_email(&self, email: &Email, order: &OrderId) -> Result<(), Error> {
        let put = PutItemInput::builder()
            .table_name(&self.table)
            .item("entry", AttributeValue::S(entry_of_email(email)))
            .item("subject", AttributeValue::S(order.to_string()));
        Ok(self.dynamodb.put_item(put).await?)
    }

    /// The ids of the orders with this address that begin with `prefix`, newest first: `limit` of them at most,
    /// beginning after the order `after`. Some may never have been written.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn orders_of(
        &self,
        email: &Email,
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Vec<OrderId>, Error> {
        let Some((from, to)) = span(prefix, after) else { return Ok(Vec::new()) };
        let query = QueryInput::builder()
            .table_name(&self.table)
            .key_condition_expression("entry = :entry AND subject BETWEEN :from AND :to")
            .expression_attribute_values(":entry", AttributeValue::S(entry_of_email(email)))
            .expression_attribute_values(":from", AttributeValue::S(from))
            .expression_attribute_values(":to", AttributeValue::S(to))
            .scan_index_forward(false)
            .consistent_read(true)
            // `after` itself is in the span and takes a place.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let answer = self.dynamodb.query(query).await?;
        let ids = answer.items.unwrap_or_default();
        let ids = ids.iter().filter_map(|item| OrderId::parse(item.get("subject")?.as_s().ok()?).ok());
        Ok(ids.filter(|id| Some(id) != after).take(limit).collect())
    }

    /// Forgets that these orders have this address.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn forget_email(&self, email: &Email, orders: &[OrderId]) -> Result<(), Error> {
        for orders in orders.chunks(MOST_DELETED_AT_ONCE) {
            let deletes = orders.iter().map(|order| {
                let delete = Delete::builder()
                    .table_name(&self.table)
                    .key("entry", AttributeValue::S(entry_of_email(email)))
                    .key("subject", AttributeValue::S(order.to_string()))
                    .build();
                delete.map(|delete| TransactWriteItem::builder().delete(delete).build())
            });
            let deletes: Result<Vec<_>, _> = deletes.collect();
            let deletes = deletes.map_err(|error| Error::Service(error.to_string()))?;
            let write = TransactWriteItemsInput::builder().set_transact_items(Some(deletes));
            self.dynamodb.transact_write_items(write).await?;
        }
        Ok(())
    }
}

fn entry_of(number: OrderNumber) -> String {
    format!("number {}", number.get())
}

/// People write the same address with capitals and without.
fn entry_of_email(email: &Email) -> String {
    format!("email {}", email.as_str().to_ascii_lowercase())
}
