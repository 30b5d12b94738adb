//! The orders in their table.

use std::future::{Future, pending, ready};
use std::sync::Arc;
use std::time::Duration;

use ambient::{Clock, Randomness};
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use tokio::time::{Instant, timeout_at};

use chrono::{DateTime, Utc};
use omniflow_domain::order::{Failed, Order, OrderId, WriteId};
use omniflow_domain::status::Status;
use omniflow_services::{ConfigError, DynamoDb, Environment, Reason, ServiceError, Services};

use crate::item::IndexKeys;
use crate::recent::Recent;
use crate::{Error, item};

/// The largest number of times that one decision is made. Each time but the last another write came first.
const ATTEMPTS: u64 = 20;
/// The time after which an order that is waited for is read again, in case that another process has written
/// it.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// The orders in DynamoDB.
#[derive(Clone)]
pub struct Orders {
    pub(crate) dynamodb: Arc<dyn DynamoDb>,
    pub(crate) table: String,
    recent: Arc<Recent>,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
    /// Whether the writes are decisions of people, whose names the orders remember.
    for_people: bool,
    pub(crate) keys: IndexKeys,
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

impl Orders {
    /// The orders in the table that `ORDERS_TABLE` names, with keys of the indexes as `SHARDED_KEYS` says.
    ///
    /// # Errors
    /// [`ConfigError`], when the table is not named, or the other variable says nothing that is known.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("ORDERS_TABLE")?.to_owned(),
            recent: services.memory().of(),
            clock: services.clock(),
            randomness: services.randomness(),
            for_people: false,
            keys: IndexKeys::new(environment)?,
        })
    }

    /// The same orders, for those who decide from outside of the workflow: they can't tell by the order
    /// whether a decision that they find was their own, so that each order remembers for ever by which writes
    /// it was decided about.
    #[must_use]
    pub fn for_people(self) -> Self {
        Self { for_people: true, ..self }
    }

    /// The same orders, for those who look for what others may have missed: they read the indexes under all keys,
    /// whatever `SHARDED_KEYS` says.
    #[must_use]
    pub fn under_all_keys(self) -> Self {
        Self { keys: self.keys.reading_all(), ..self }
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
        self.recent.remember(&self.table, &order, self.clock.now());
        Ok(order)
    }

    /// The order as this process last saw it, if that is as `wanted`; else the order read as by
    /// [`Orders::get`]. It is for decisions that end in a conditional write only: the order may be out of
    /// date, and the write finds that out.
    ///
    /// # Errors
    /// As [`Orders::get`].
    pub async fn recall(&self, id: &OrderId, wanted: impl FnOnce(&Order) -> bool) -> Result<Order, Error> {
        match self.recent.recall(&self.table, id, self.clock.now()).filter(wanted) {
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

    /// Writes a new order, together with `with` or not at all. A write that was made although its answer was
    /// lost is a success; the order is then as it is by now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another order of this id, or what goes with it, is there already.
    pub async fn create(&self, order: &mut Order, with: Option<TransactWriteItem>) -> Result<(), Error> {
        let name = self.name(order);
        let put = self.put(order)?.condition_expression("attribute_not_exists(order_id)");
        self.write(order, name, put, with.into_iter().collect()).await
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

    /// As [`Orders::update`], for a decision that relies on what was found out since the order was read. When somebody has
    /// written it meanwhile, nothing is done and there is no answer: what was found out may be older than that write.
    ///
    /// # Errors
    /// As [`Orders::update`].
    pub async fn update_as_read<T>(
        &self,
        read: &Order,
        decide: impl Fn(&mut Order) -> Result<T, Error>,
    ) -> Result<(Order, Option<T>), Error> {
        let decide = |order: &mut Order| match order.version() == read.version() {
            true => decide(order).map(Some),
            false => Ok(None),
        };
        self.update(read.id(), decide).await
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
        let mut tried = Vec::new();
        for attempt in 1..=ATTEMPTS {
            let Decided { mut order, answer, with } = decide(read.clone()).await?;
            if order == read && with.is_empty() {
                return Ok((order, answer));
            }
            let name = self.name(&mut order);
            match self.save(&mut order, name, with).await {
                Ok(()) => return Ok((order, answer)),
                Err(Error::Conflict | Error::Contention) => {
                    tried.push((name, answer));
                    tokio::time::sleep(Duration::from_millis(attempt - 1)).await;
                    let newer = |known: &Order| known.version() > read.version() && usable(known);
                    read = self.recall(id, newer).await?;
                    // What seemed to be in contention with others may have been this write itself, sent twice.
                    let made = tried.iter().position(|(name, _)| read.was_written_by(*name));
                    if let Some(made) = made {
                        return Ok((read, tried.swap_remove(made).1));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contention.into())
    }

    /// Writes an order as it is, so that it gets the keys that orders are written with now, and tells whether it has
    /// them. Another write that comes first does so, too; one that can't be read is left as it is.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub(crate) async fn write_again(&self, id: &OrderId) -> Result<bool, Error> {
        let mut order = match self.get(id).await {
            Ok(order) => order,
            Err(Error::NoOrder(_) | Error::Unreadable(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let name = self.name(&mut order);
        match self.save(&mut order, name, Vec::new()).await {
            Ok(()) | Err(Error::Conflict | Error::Contention) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Leaves the order to a person, with what failed, unless it is closed. The answer tells whether that is
    /// news.
    ///
    /// # Errors
    /// [`Error::NoOrder`], or a failure of DynamoDB.
    pub async fn need_attention(
        &self,
        id: &OrderId,
        failed: &Failed,
        now: DateTime<Utc>,
    ) -> Result<(Order, bool), Error> {
        self.update(id, |order| mark(order, failed, now)).await
    }

    /// As [`Orders::need_attention`], with what the order's execution failed with when it was described after this read. When
    /// somebody has written the order meanwhile, it is left as it is, and there is no answer: a step of an execution that
    /// goes on again may have stored its token.
    ///
    /// # Errors
    /// As [`Orders::need_attention`].
    pub async fn need_attention_as_read(
        &self,
        read: &Order,
        failed: &Failed,
        now: DateTime<Utc>,
    ) -> Result<(Order, Option<bool>), Error> {
        self.update_as_read(read, |order| mark(order, failed, now)).await
    }

    /// Writes the order on the condition that its version is the one that was read. A write that was made
    /// although its answer was lost is a success; the order is then as it is by now.
    async fn save(
        &self,
        order: &mut Order,
        name: WriteId,
        with: Vec<TransactWriteItem>,
    ) -> Result<(), Error> {
        let read = AttributeValue::N(order.count_write().to_string());
        let put = self.put(order)?.condition_expression("version = :read");
        self.write(order, name, put.expression_attribute_values(":read", read), with).await
    }

    /// Names the write that is about to be made.
    fn name(&self, order: &mut Order) -> WriteId {
        let name = WriteId::new(self.randomness.bits());
        order.name_write(name, self.for_people);
        name
    }

    fn put(&self, order: &Order) -> Result<PutBuilder, Error> {
        let put = Put::builder().table_name(&self.table).set_item(Some(item::of(order, self.keys)?));
        Ok(put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    async fn write(
        &self,
        order: &mut Order,
        name: WriteId,
        put: PutBuilder,
        with: Vec<TransactWriteItem>,
    ) -> Result<(), Error> {
        let sent = match self.send(put, with).await {
            Err(SendError::Refused(error)) => match by_this_write(order, name, &error) {
                // Nobody but this write gave the item its name: it was made, and its answer was lost.
                Some(found) => {
                    *order = found;
                    Ok(())
                }
                None => Err(error.into()),
            },
            Err(SendError::Other(error)) => Err(error),
            Ok(()) => Ok(()),
        };
        match &sent {
            Ok(()) => self.recent.remember(&self.table, order, self.clock.now()),
            Err(_) => self.recent.forget(&self.table, order),
        }
        sent
    }

    async fn send(&self, put: PutBuilder, with: Vec<TransactWriteItem>) -> Result<(), SendError> {
        let put = put.build().map_err(|error| Error::Service(error.to_string()))?;
        if with.is_empty() {
            // A transaction of one write would cost twice as much.
            let put = PutItemInput::builder()
                .table_name(put.table_name)
                .set_item(Some(put.item))
                .set_condition_expression(put.condition_expression)
                .set_expression_attribute_values(put.expression_attribute_values)
                .set_return_values_on_condition_check_failure(put.return_values_on_condition_check_failure);
            return Ok(self.dynamodb.put_item(put).await?);
        }
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        writes.extend(with);
        let writes = TransactWriteItemsInput::builder().set_transact_items(Some(writes));
        Ok(self.dynamodb.transact_write_items(writes).await?)
    }
}

/// Why a write was not made, as far as is known.
enum SendError {
    Refused(ServiceError),
    Other(Error),
}

impl From<ServiceError> for SendError {
    fn from(error: ServiceError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// The order as it is stored, if DynamoDB refused the write of this name because it was made already. It is
/// the order as it was to be written when others have written so since that this release can't read it.
fn by_this_write(sent: &Order, name: WriteId, error: &ServiceError) -> Option<Order> {
    // The order is the first write of a transaction.
    let found = error.reasons.first().and_then(Reason::found)?;
    item::was_written_by(found, name)
        .then(|| item::read(sent.id(), found.clone()).unwrap_or_else(|_| sent.clone()))
}

/// Leaves the order to a person unless it is closed, and tells whether that is news.
fn mark(order: &mut Order, failed: &Failed, now: DateTime<Utc>) -> Result<bool, Error> {
    let is_news = !order.status().is_final() && order.status() != Status::NeedsAttention;
    if is_news {
        order.need_attention(failed.clone(), now)?;
    }
    Ok(is_news)
}
