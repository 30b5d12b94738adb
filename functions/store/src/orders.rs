//! The orders in their table.

use std::collections::HashMap;
use std::future::{Future, pending, ready};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, Select, TransactWriteItem};
use tokio::time::{Instant, timeout_at};

use omniflow_domain::order::{Order, OrderId};
use omniflow_domain::status::Status;
use omniflow_services::{ConfigError, DynamoDb, Environment, Services};

use crate::recent::Recent;
use crate::{Error, Unreadable, item};

/// The largest number of times that one decision is made. Each time but the last another write came first.
const ATTEMPTS: u64 = 20;
/// The time after which an order that is waited for is read again, in case that another process has written
/// it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
const BY_STATUS: &str = "by-status";
const BY_CUSTOMER: &str = "by-customer";

/// The orders in DynamoDB.
#[derive(Clone)]
pub struct Orders {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    recent: Arc<Recent>,
}

/// What a decision is to write, and its answer.
#[derive(Debug)]
pub struct Decided<T> {
    /// The order as it is to be written.
    pub order: Order,
    /// The answer for the caller.
    pub answer: T,
    /// Further writes, which are made together with the order or not at all.
    pub with: Vec<TransactWriteItem>,
}

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
    /// The place after which the next page begins; `None` on the last page.
    pub after: Option<After>,
}

/// The place in an index after which a page begins.
#[derive(Debug)]
pub struct After(HashMap<String, AttributeValue>);

/// A number of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The number of orders that were counted.
    pub count: u64,
    /// Whether there may be more than these.
    pub more: bool,
}

impl Orders {
    /// The orders in the table that `ORDERS_TABLE` names.
    ///
    /// # Errors
    /// [`ConfigError`], when the variable is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("ORDERS_TABLE")?.to_owned(),
            recent: services.memory().of(),
        })
    }

    /// Reads an order as it is at this moment.
    ///
    /// # Errors
    /// [`Error::NoOrder`], [`Error::Unreadable`], or a failure of DynamoDB.
    pub async fn get(&self, id: &OrderId) -> Result<Order, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("order_id", AttributeValue::S(id.to_string()))
            .consistent_read(true);
        let found = self.dynamodb.get_item(get).await?;
        let item = found.item.ok_or_else(|| Error::NoOrder(id.clone()))?;
        let order = item::read(id, item)?;
        self.recent.remember(&self.table, &order);
        Ok(order)
    }

    /// The order as this process last saw it, if that is as `wanted`; else the order read as by
    /// [`Orders::get`]. It is for decisions that end in a conditional write only: the order may be out of
    /// date, and the write finds that out.
    ///
    /// # Errors
    /// As [`Orders::get`].
    pub async fn recall(&self, id: &OrderId, wanted: impl FnOnce(&Order) -> bool) -> Result<Order, Error> {
        match self.recent.recall(&self.table, id).filter(wanted) {
            Some(order) => Ok(order),
            None => self.get(id).await,
        }
    }

    /// Waits until the order rests ([`Order::rests`]), for as long as `patience` at most, and gives the order
    /// as it is then. What this process writes is seen at once, what others write within a quarter of a
    /// second.
    ///
    /// # Errors
    /// As [`Orders::get`].
    pub async fn at_rest(&self, mut order: Order, patience: Duration) -> Result<Order, Error> {
        let end = Instant::now() + patience;
        while !order.rests() && Instant::now() < end {
            let again = (Instant::now() + LOOK_AGAIN).min(end);
            order = match timeout_at(again, self.rested(order.id())).await {
                Ok(rested) => rested,
                Err(_) => self.get(order.id()).await?,
            };
        }
        Ok(order)
    }

    /// Waits until this process knows the order to rest, which may never be.
    async fn rested(&self, id: &OrderId) -> Order {
        let mut following = self.recent.follow(&self.table, id);
        let rested = following.wait_for(|order| order.as_ref().is_some_and(Order::rests)).await;
        match rested.ok().and_then(|order| order.clone()) {
            Some(order) => order,
            None => pending().await,
        }
    }

    /// Writes a new order, together with `with` or not at all.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the order, or what goes with it, is there already.
    pub async fn create(&self, order: &Order, with: Option<TransactWriteItem>) -> Result<(), Error> {
        let put = self.put(order)?.condition_expression("attribute_not_exists(order_id)");
        self.write(order, put, with.into_iter().collect()).await
    }

    /// Lets `decide` change the order, and writes it on the condition that nobody else wrote meanwhile. See
    /// [`Orders::update_with`].
    ///
    /// # Errors
    /// What `decide` refuses, [`Error::NoOrder`], or a failure of DynamoDB.
    pub async fn update<T, E: From<Error>>(
        &self,
        id: &OrderId,
        decide: impl Fn(&mut Order) -> Result<T, E>,
    ) -> Result<(Order, T), E> {
        // A refusal of an order that is out of date would not be found out: only a change may begin with one.
        let changes = |known: &Order| {
            let mut order = known.clone();
            decide(&mut order).is_ok() && order != *known
        };
        let decided = |mut order: Order| {
            let answer = decide(&mut order);
            ready(answer.map(|answer| Decided { order, answer, with: Vec::new() }))
        };
        self.update_with(id, changes, decided).await
    }

    /// Optimistic concurrency, for every decision about an order: reads it, lets `decide` change it and say
    /// what else is to be written with it, and writes all that on the condition that nobody wrote meanwhile.
    /// On a conflict it begins again, after a pause that grows by a millisecond each time, 20 times at most.
    /// An order that `decide` leaves as it is isn't written.
    ///
    /// The first attempt may take the order as this process last saw it, if `usable` says that this will do:
    /// the write finds out that it is out of date, where a refusal would not.
    ///
    /// # Errors
    /// What `decide` refuses, [`Error::NoOrder`], [`Error::Contention`] when others were faster each time, or
    /// a failure of DynamoDB.
    pub async fn update_with<T, E: From<Error>, D: Future<Output = Result<Decided<T>, E>>>(
        &self,
        id: &OrderId,
        usable: impl Fn(&Order) -> bool,
        decide: impl Fn(Order) -> D,
    ) -> Result<(Order, T), E> {
        let mut read = self.recall(id, &usable).await?;
        for attempt in 1..=ATTEMPTS {
            let Decided { mut order, answer, with } = decide(read.clone()).await?;
            if order == read && with.is_empty() {
                return Ok((order, answer));
            }
            match self.save_with(&mut order, with).await {
                Ok(()) => return Ok((order, answer)),
                Err(Error::Conflict | Error::Contention) => {
                    tokio::time::sleep(Duration::from_millis(attempt - 1)).await;
                    let newer = |known: &Order| known.version() > read.version() && usable(known);
                    read = self.recall(id, newer).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contention.into())
    }

    /// Writes the order on the condition that its version is the one that was read.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else wrote first.
    pub async fn save(&self, order: &mut Order) -> Result<(), Error> {
        self.save_with(order, Vec::new()).await
    }

    /// Writes the order as [`Orders::save`], together with `with` or not at all.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else wrote first or a condition of `with` failed.
    pub async fn save_with(&self, order: &mut Order, with: Vec<TransactWriteItem>) -> Result<(), Error> {
        let read = AttributeValue::N(order.count_write().to_string());
        let put = self.put(order)?.condition_expression("version = :read");
        self.write(order, put.expression_attribute_values(":read", read), with).await
    }

    fn put(&self, order: &Order) -> Result<PutBuilder, Error> {
        Ok(Put::builder().table_name(&self.table).set_item(Some(item::of(order)?)))
    }

    async fn write(&self, order: &Order, put: PutBuilder, with: Vec<TransactWriteItem>) -> Result<(), Error> {
        let sent = self.send(put, with).await;
        match &sent {
            Ok(()) => self.recent.remember(&self.table, order),
            Err(_) => self.recent.forget(&self.table, order),
        }
        sent
    }

    async fn send(&self, put: PutBuilder, with: Vec<TransactWriteItem>) -> Result<(), Error> {
        let put = put.build().map_err(|error| Error::Service(error.to_string()))?;
        if with.is_empty() {
            // A transaction of one write would cost twice as much.
            let put = PutItemInput::builder()
                .table_name(put.table_name)
                .set_item(Some(put.item))
                .set_condition_expression(put.condition_expression)
                .set_expression_attribute_values(put.expression_attribute_values);
            return Ok(self.dynamodb.put_item(put).await?);
        }
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        writes.extend(with);
        let writes = TransactWriteItemsInput::builder().set_transact_items(Some(writes));
        Ok(self.dynamodb.transact_write_items(writes).await?)
    }

    /// Counts the orders of one status, `most` of them at most. The index is eventually consistent, and so is
    /// the number.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn count(&self, status: Status, most: i32) -> Result<Counted, Error> {
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name(BY_STATUS)
            .key_condition_expression("#status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", AttributeValue::S(status.name().to_owned()))
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
            ids.extend(self.ids(("status", status.name()), prefix, limit + 1, after).await?);
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
        let ids = self.ids(("customer_id", customer), prefix, limit + 1, after).await?;
        self.page(ids, limit).await
    }

    async fn page(&self, mut ids: Vec<OrderId>, limit: usize) -> Result<Page, Error> {
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).cloned();
        Ok(Page { orders: self.get_all(&ids).await?, next })
    }

    /// The ids of the orders that have this value of this attribute, from its index.
    async fn ids(
        &self,
        (attribute, value): (&str, &str),
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Vec<OrderId>, Error> {
        // Ids end in digits, and the colon is the character after `9`. BETWEEN includes both ends, so that
        // `after` itself takes a place, for which one more is asked.
        let below = format!("{prefix}:");
        let to = after.map(OrderId::as_str).filter(|after| *after < below.as_str()).unwrap_or(&below);
        // No id is in such a range, and DynamoDB would refuse a query whose ends are in the wrong order or
        // too long.
        if to < prefix || prefix.len() > OrderId::LONGEST {
            return Ok(Vec::new());
        }
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name(if attribute == "status" { BY_STATUS } else { BY_CUSTOMER })
            .key_condition_expression("#attribute = :value AND order_id BETWEEN :from AND :to")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", AttributeValue::S(value.to_owned()))
            .expression_attribute_values(":from", AttributeValue::S(prefix.to_owned()))
            .expression_attribute_values(":to", AttributeValue::S(to.to_owned()))
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let answer = self.dynamodb.query(query).await?;
        let ids = answer.items.unwrap_or_default();
        Ok(ids.iter().filter_map(id_of).filter(|id| Some(id) != after).take(limit).collect())
    }

    /// Reads the orders with these ids, in the order of the ids; those that are not there are left out.
    async fn get_all(&self, ids: &[OrderId]) -> Result<Vec<Result<Order, Unreadable>>, Error> {
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

    /// The orders that have had this signal pending since before `before` (milliseconds since 1970), oldest
    /// first: `limit` of them at most, beginning after the page that gave `after`.
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
        let query = QueryInput::builder()
            .table_name(&self.table)
            .index_name("by-pending-signal")
            .key_condition_expression("pending_signal = :signal AND pending_since < :before")
            .expression_attribute_values(":signal", AttributeValue::S(signal.to_owned()))
            .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
            .limit(limit)
            .set_exclusive_start_key(after.map(|After(key)| key));
        let answer = self.dynamodb.query(query).await?;
        let orders = answer.items.unwrap_or_default().iter().filter_map(id_of).collect();
        Ok(Unheard { orders, after: answer.last_evaluated_key.map(After) })
    }
}

fn id_of(item: &HashMap<String, AttributeValue>) -> Option<OrderId> {
    OrderId::parse(item.get("order_id")?.as_s().ok()?).ok()
}
