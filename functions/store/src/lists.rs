//! Lists of orders, found by the indexes of their table and read from the table itself.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Select};
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};
use omniflow_domain::order::{Order, OrderId};
use omniflow_domain::status::Status;

use crate::item::{IndexKeys, sharded_keys};
use crate::{Error, Orders, Unreadable, item};

const BY_STATUS: &str = "by-status";
const BY_CUSTOMER: &str = "by-customer";
pub(crate) const BY_PENDING_SIGNAL: &str = "by-pending-signal";

/// The number of orders that are written anew at the same time.
const AT_ONCE: usize = 8;

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The orders, newest first. One that can't be read has its place among the others.
    pub orders: Vec<Result<Order, Unreadable>>,
    /// The order after which the next page begins; `None` on the last page.
    pub next: Option<OrderId>,
}

/// A page of the orders whose workflow must still be told of a decision.
#[derive(Debug)]
pub struct Unheard {
    /// The ids of the orders, those first whose signal is oldest.
    pub orders: Vec<OrderId>,
    /// Since when the oldest of them has been pending, in milliseconds since 1970.
    pub since: Option<i64>,
    /// The place after which the next page begins; `None` on the last page.
    pub after: Option<After>,
}

/// The places in an index after which a page begins: one for each partition key that has more.
#[derive(Debug)]
pub struct After(Vec<(String, ItemKey)>);

/// The key of an item in an index.
type ItemKey = HashMap<String, AttributeValue>;

/// A page of one partition key of the index of pending signals.
struct UnheardOfKey {
    orders: Vec<(i64, OrderId)>,
    after: Option<(String, ItemKey)>,
}

/// A number of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The number of orders that were counted.
    pub count: u64,
    /// Whether there may be more than these.
    pub more: bool,
}

impl Counted {
    /// What was counted in several places together, of which `most` are told at most.
    fn sum(counted: &[Self], most: i32) -> Self {
        let (all, most) = (counted.iter().map(|it| it.count).sum::<u64>(), u64::try_from(most).unwrap_or(0));
        Self { count: all.min(most), more: all > most || counted.iter().any(|it| it.more) }
    }
}

impl Orders {
    /// Counts the orders of one status, `most` of them at most. The index is eventually consistent, and so is
    /// the number.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn count(&self, status: Status, most: i32) -> Result<Counted, Error> {
        self.count_of_keys(BY_STATUS, "status", self.keys.to_read(status.name()), most).await
    }

    /// Counts the orders that have one of these values of this attribute, which is the partition key of the index.
    pub(crate) async fn count_of_keys(
        &self,
        index: &str,
        attribute: &str,
        keys: impl Iterator<Item = String>,
        most: i32,
    ) -> Result<Counted, Error> {
        let counted = try_join_all(keys.map(|key| self.count_of_key(index, attribute, key, most))).await?;
        Ok(Counted::sum(&counted, most))
    }

    async fn count_of_key(
        &self,
        index: &str,
        attribute: &str,
        key: String,
        most: i32,
    ) -> Result<Counted, Error> {
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", AttributeValue::S(key))
            .select(Select::Count)
            .limit(most);
        let answer = self.dynamodb.query(query).await?;
        let count = u64::try_from(answer.count).unwrap_or_default();
        // DynamoDB names a key to go on from whenever it stopped at the limit, even at the very last item.
        Ok(Counted { count, more: answer.last_evaluated_key.is_some() })
    }

    /// Lists the orders of one status, or of all, whose ids begin with `prefix`, newest first: `limit` of
    /// them at most, beginning after the order `after`.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn list(
        &self,
        status: Option<Status>,
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Page, Error> {
        let statuses = status.map_or_else(|| Status::ALL.to_vec(), |status| vec![status]);
        let mut ids = Vec::new();
        for status in statuses {
            let keys = self.keys.to_read(status.name());
            let of_keys = keys.map(|key| self.ids("status", key, prefix, limit + 1, after));
            ids.extend(try_join_all(of_keys).await?.into_iter().flatten());
        }
        // An order may have changed its status between two queries and been seen twice.
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids.dedup();
        self.page(ids, limit).await
    }

    /// Lists the orders of one customer, otherwise as [`Orders::list`] does.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn list_of(
        &self,
        customer: &str,
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Page, Error> {
        let ids = self.ids("customer_id", customer.to_owned(), prefix, limit + 1, after).await?;
        self.page(ids, limit).await
    }

    /// Writes up to `most` orders anew whose keys have shards, and tells how many it wrote: for those who go back to a
    /// release that knows no shards. Nothing is done where orders are written with shards.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn write_plainly(&self, most: usize) -> Result<usize, Error> {
        let (mut found, mut written) = (0, 0);
        if self.keys == IndexKeys::Sharded {
            return Ok(written);
        }
        for key in Status::ALL.into_iter().flat_map(|status| sharded_keys(status.name())) {
            let ids = self.ids("status", key, OrderId::PREFIX, most - found, None).await?;
            found += ids.len();
            let again = stream::iter(ids).map(async |id| self.write_again(&id).await);
            let again: Vec<bool> = again.buffer_unordered(AT_ONCE).try_collect().await?;
            written += again.into_iter().filter(|is_written| *is_written).count();
        }
        Ok(written)
    }

    /// The page of the orders with these ids, of which there is one more than `limit` if another page follows.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn page(&self, mut ids: Vec<OrderId>, limit: usize) -> Result<Page, Error> {
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).cloned();
        Ok(Page { orders: self.get_all(&ids).await?, next })
    }

    /// The ids of the orders that have this value of this attribute, from its index.
    async fn ids(
        &self,
        attribute: &str,
        value: String,
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Vec<OrderId>, Error> {
        let Some((from, to)) = span(prefix, after) else { return Ok(Vec::new()) };
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name(if attribute == "status" { BY_STATUS } else { BY_CUSTOMER })
            .key_condition_expression("#attribute = :value AND order_id BETWEEN :from AND :to")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", AttributeValue::S(value))
            .expression_attribute_values(":from", AttributeValue::S(from))
            .expression_attribute_values(":to", AttributeValue::S(to))
            .scan_index_forward(false)
            // `after` itself is in the span and takes a place.
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let answer = self.dynamodb.query(query).await?;
        let ids = answer.items.unwrap_or_default();
        Ok(ids.iter().filter_map(id_of).filter(|id| Some(id) != after).take(limit).collect())
    }

    /// Reads the orders with these ids, in the order of the ids; those that are not there are left out.
    pub(crate) async fn get_all(&self, ids: &[OrderId]) -> Result<Vec<Result<Order, Unreadable>>, Error> {
        let mut orders = HashMap::new();
        for chunk in ids.chunks(100) {
            let mut wanted: Vec<_> = chunk
                .iter()
                .map(|id| HashMap::from([("order_id".to_owned(), AttributeValue::S(id.to_string()))]))
                .collect();
            // DynamoDB may leave some unprocessed, which are asked for again.
            while !wanted.is_empty() {
                let keys = KeysAndAttributes::builder()
                    .set_keys(Some(wanted))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| Error::Service(error.to_string()))?;
                let get = BatchGetItemInput::builder().request_items(&self.table, keys);
                let answer = self.dynamodb.batch_get_item(get).await?;
                for item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                    if let Some(id) = id_of(&item) {
                        let order = item::read(&id, item);
                        orders.insert(id, order);
                    }
                }
                let left = answer.unprocessed_keys.and_then(|mut left| left.remove(&self.table));
                wanted = left.map(|keys| keys.keys).unwrap_or_default();
            }
        }
        Ok(ids.iter().filter_map(|id| orders.remove(id)).collect())
    }

    /// The orders that have had this signal pending since before `before` (milliseconds since 1970), beginning
    /// after the page that gave `after`: `limit` of them at most of each shard, the oldest of the page first.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn unheard(
        &self,
        signal: &str,
        before: i64,
        limit: i32,
        after: Option<After>,
    ) -> Result<Unheard, Error> {
        let from = match after {
            Some(After(places)) => places.into_iter().map(|(key, place)| (key, Some(place))).collect(),
            None => self.keys.to_read(signal).map(|key| (key, None)).collect::<Vec<_>>(),
        };
        let pages = from.into_iter().map(|(key, place)| self.unheard_of_key(key, before, limit, place));
        let (mut orders, mut places) = (Vec::new(), Vec::new());
        for page in try_join_all(pages).await? {
            orders.extend(page.orders);
            places.extend(page.after);
        }
        orders.sort_unstable();
        Ok(Unheard {
            since: orders.first().map(|(since, _)| *since),
            orders: orders.into_iter().map(|(_, id)| id).collect(),
            after: (!places.is_empty()).then_some(After(places)),
        })
    }

    async fn unheard_of_key(
        &self,
        key: String,
        before: i64,
        limit: i32,
        after: Option<ItemKey>,
    ) -> Result<UnheardOfKey, Error> {
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name(BY_PENDING_SIGNAL)
            .key_condition_expression("pending_signal = :signal AND pending_since < :before")
            .expression_attribute_values(":signal", AttributeValue::S(key.clone()))
            .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
            .limit(limit)
            .set_exclusive_start_key(after);
        let answer = self.dynamodb.query(query).await?;
        let orders = answer.items.unwrap_or_default();
        let orders = orders.iter().filter_map(|item| Some((since_of(item)?, id_of(item)?))).collect();
        Ok(UnheardOfKey { orders, after: answer.last_evaluated_key.map(|place| (key, place)) })
    }
}

/// The ends, which are included, of the ids that begin with `prefix` and are not above `after`; `None` when there are
/// none: DynamoDB would refuse a query whose ends are in the wrong order or too long.
pub(crate) fn span(prefix: &str, after: Option<&OrderId>) -> Option<(String, String)> {
    // Ids end in digits, and the colon is the character after `9`.
    let below = format!("{prefix}:");
    let to = after.map(OrderId::as_str).filter(|after| *after < below.as_str()).unwrap_or(&below);
    let is_empty = to < prefix || prefix.len() > OrderId::LONGEST;
    (!is_empty).then(|| (prefix.to_owned(), to.to_owned()))
}

/// The moment since which the signal of an item is pending, in milliseconds since 1970.
pub(crate) fn since_of(item: &HashMap<String, AttributeValue>) -> Option<i64> {
    item.get("pending_since")?.as_n().ok()?.parse().ok()
}

/// The id of an order of a list, also of one that can't be read.
pub fn id_in(order: &Result<Order, Unreadable>) -> &OrderId {
    match order {
        Ok(order) => order.id(),
        Err(unreadable) => &unreadable.order_id,
    }
}

/// The order that an item names.
pub(crate) fn id_of(item: &HashMap<String, AttributeValue>) -> Option<OrderId> {
    OrderId::parse(item.get("order_id")?.as_s().ok()?).ok()
}
