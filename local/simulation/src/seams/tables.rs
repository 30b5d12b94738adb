//! DynamoDB as the functions call it. Calls to the ledger's table are calls to the payment gateway and to the
//! warehouses, which have faults of their own and no retries of the SDK.

mod fates;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

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
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::BoxFuture;
use omniflow_domain::Order;
use omniflow_services::{DynamoDb, ServiceError, ServiceFuture, StepFunctions};
use omniflow_store::order_of;
use omniflow_tables::Tables;

use super::mutations;
use super::retries::{self, ATTEMPTS};
use super::watch::{self, LEDGER, ORDERS};
use crate::books::Place;
use crate::capacity::Dynamo;
use crate::fault::Fault;
use crate::invariant::Invariant;
use crate::world::{INVOCATION, Invocation, World};

/// By how much an index lags behind its table at most, in milliseconds.
const LAG: u64 = 3_000;

/// The seam.
#[derive(Clone)]
pub struct TablesSeam {
    pub(super) world: Arc<World>,
    pub(super) tables: Tables,
    /// The same with their limits, if there are any.
    limited: Dynamo,
    /// Step Functions, for bugs that are planted.
    pub(super) states: Option<Arc<dyn StepFunctions>>,
}

type Items = HashMap<String, AttributeValue>;
type Answer<T> = BoxFuture<'static, Result<T, ServiceError>>;

/// What a request to DynamoDB does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    /// It makes a new item, which no transaction can be touching.
    Makes,
    Changes,
}

/// Who is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callee {
    DynamoDb(Effect),
    Gateway,
    Warehouse,
}

impl TablesSeam {
    /// The seam before the world's tables.
    pub fn new(world: Arc<World>, states: Option<Arc<dyn StepFunctions>>) -> Self {
        let tables = world.tables.clone();
        let limited = Dynamo::new(Arc::clone(&world), tables.clone());
        Self { world, tables, limited, states }
    }

    async fn call<Request, T>(
        &self,
        callee: Callee,
        what: &str,
        request: Request,
        perform: fn(Self, Request) -> Answer<T>,
    ) -> Result<T, ServiceError>
    where
        Request: Clone + Send + 'static,
        T: Send + 'static,
    {
        let attempts = if matches!(callee, Callee::DynamoDb(_)) { ATTEMPTS } else { 1 };
        let done = |request| perform(self.clone(), request);
        let late = |request, later| self.do_later(later, request, perform);
        retries::call(&self.world, what, attempts, request, || self.fate(callee, what), done, late).await
    }

    /// Does something whether or not the caller lives to see it.
    fn do_later<Request, T>(&self, later: Duration, request: Request, perform: fn(Self, Request) -> Answer<T>)
    where
        Request: Send + 'static,
        T: Send + 'static,
    {
        let (seam, invocation) = (self.clone(), Invocation::current());
        tokio::spawn(async move {
            tokio::time::sleep(later).await;
            seam.world.note_here(format_args!("what was late is done now"));
            let done = perform(seam, request);
            match invocation {
                Some(invocation) => drop(INVOCATION.scope(invocation, done).await),
                None => drop(done.await),
            }
        });
    }

    /// Notes that an order was written, as the item that was stored says.
    pub(super) fn written(&self, item: Items) {
        let world = &self.world;
        let order = match order_of(item) {
            Some(Ok(order)) => order,
            Some(Err(unreadable)) => {
                let id = unreadable.order_id.to_string();
                return world.violated(Invariant::Readable, Some(&id), unreadable.to_string());
            }
            None => return world.violated(Invariant::Readable, None, "an item without an order id"),
        };
        self.note_write(&order);
        let id = order.id().as_str().to_owned();
        let is_new = order.version() == 0;
        let invocation = Invocation::current();
        let returns = order.returns().len();
        world.books(|books| {
            let before = books.order(&id).map_or(0, |entry| entry.order.returns().len());
            books.written(order, world.now());
            let key = invocation.as_deref().and_then(|invocation| invocation.key.as_deref());
            if let (Some(key), Ok(number)) = (key.filter(|_| returns > before), u32::try_from(returns)) {
                books.asked_by_key(key, &id, number);
            }
            if let Some(invocation) = invocation.filter(|_| is_new) {
                let made = invocation.has_made(&id);
                if made > 1 {
                    let found = format!("one request has made {made} orders");
                    books.violated(Invariant::OneOrder, Some(&id), found);
                }
                if let Some(key) = &invocation.key {
                    books.made_by_key(key, &id);
                }
            }
        });
    }

    fn note_write(&self, order: &Order) {
        let by = Invocation::current();
        let (function, number) = by.as_deref().map_or(("-", 0), |by| (by.function, by.number));
        self.world.note(
            order.id().as_str(),
            format_args!(
                "{function} #{number} wrote version {}: {} {:?} {:?} {:?}",
                order.version(),
                order.status(),
                order.payment().state,
                order.reservation(),
                order.pending_signal()
            ),
        );
    }

    /// Notes that an item of another table is there because of the order of the current invocation.
    fn left(&self, item: Option<(&'static str, String)>) {
        let order = Invocation::current().and_then(|invocation| invocation.order());
        if let (Some(item), Some(order)) = (item, order) {
            self.world.books(|books| books.left(&order, item));
        }
    }

    /// Compares the places of the stock with the books of which these buckets were written.
    async fn check_places(&self, written: &[(Place, u8)]) {
        let order = Invocation::current().and_then(|invocation| invocation.order());
        let places: BTreeSet<_> = written.iter().map(|(place, _)| place).collect();
        self.world.books(|books| written.iter().for_each(|(place, bucket)| books.has_bucket(place, *bucket)));
        for place in places {
            let last = self.world.books(|books| books.last_bucket(place));
            if let Some(row) = watch::row(&self.tables, place, last).await {
                self.world.books(|books| books.row(order.as_deref(), place, row));
            }
        }
    }
}

impl DynamoDb for TablesSeam {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput> {
        let of_ledger = request.get_table_name().as_deref() == Some(watch::LEDGER);
        let callee = if of_ledger { Callee::Gateway } else { Callee::DynamoDb(Effect::Reads) };
        Box::pin(self.call(callee, "GetItem", request, |seam, request| {
            Box::pin(async move { seam.limited.get_item(request).await })
        }))
    }

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput> {
        Box::pin(self.call(Callee::DynamoDb(Effect::Reads), "BatchGetItem", request, |seam, request| {
            Box::pin(async move { seam.limited.batch_get_item(request).await })
        }))
    }

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput> {
        Box::pin(self.call(Callee::DynamoDb(Effect::Reads), "Query", request, |seam, request| {
            Box::pin(async move {
                let is_index = request.get_index_name().is_some();
                let request = mutations::query(&seam, request);
                let mut found = seam.limited.query(request).await?;
                if is_index && seam.world.happens(Fault::IndexLag) {
                    seam.lag(&mut found);
                }
                Ok(found)
            })
        }))
    }

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput> {
        Box::pin(self.call(Callee::DynamoDb(Effect::Reads), "Scan", request, |seam, request| {
            Box::pin(async move { seam.limited.scan(request).await })
        }))
    }

    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            let request = mutations::put(self, request).await;
            let condition = request.get_condition_expression().as_deref().unwrap_or_default();
            let effect = if condition.contains("not_exists") { Effect::Makes } else { Effect::Changes };
            let noted = watch::noted_as_told(&request).map(str::to_owned);
            let put = self.call(Callee::DynamoDb(effect), "PutItem", request, |seam, request| {
                Box::pin(async move {
                    let is_order = request.get_table_name().as_deref() == Some(ORDERS);
                    let item = request.get_item().clone().filter(|_| is_order);
                    let key = watch::kept(request.get_table_name().as_deref(), request.get_item().as_ref());
                    seam.limited.put_item(request).await?;
                    seam.left(key);
                    if let Some(item) = item {
                        seam.written(item);
                    }
                    Ok(())
                })
            });
            let put = put.await;
            if let (Err(_), Some(event)) = (&put, noted) {
                // It was told, and nobody will know.
                self.world.books(|books| books.may_come_twice(&event));
            }
            put
        })
    }

    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput> {
        Box::pin(async move {
            let callee = match watch::entry(&request) {
                Some(entry) if entry.starts_with("payment#") => Callee::Gateway,
                Some(_) => Callee::Warehouse,
                None => Callee::DynamoDb(Effect::Changes),
            };
            let what = match callee {
                Callee::Gateway => "the gateway",
                Callee::Warehouse => "the warehouse",
                Callee::DynamoDb(_) => "UpdateItem",
            };
            let request = mutations::update(&self.world, request).await;
            self.call(callee, what, request, |seam, request| {
                Box::pin(async move {
                    let before = watch::known(&seam.tables, &request).await;
                    let entry = watch::entry(&request).map(str::to_owned);
                    let updated = seam.limited.update_item(request).await?;
                    seam.left(entry.clone().map(|entry| (LEDGER, entry)));
                    if let (Some(entry), Some(after)) = (entry, &updated.attributes) {
                        for (order, fact) in watch::new_facts(&entry, before.as_ref(), after) {
                            seam.world.note(&order, format_args!("{fact:?}"));
                            seam.world.books(|books| books.noted(&order, &fact));
                        }
                    }
                    Ok(updated)
                })
            })
            .await
        })
    }

    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            // The SDK sends the same token with every attempt, so that the transaction is done once (Amazon
            // DynamoDB API Reference, "TransactWriteItems", "ClientRequestToken").
            let is_done = Arc::new(AtomicBool::new(false));
            let request = mutations::transaction(self, request).await;
            self.call(
                Callee::DynamoDb(Effect::Changes),
                "TransactWriteItems",
                (request, is_done),
                |seam, (request, is_done)| {
                    Box::pin(async move {
                        if is_done.load(Relaxed) {
                            return Ok(());
                        }
                        let writes = request.get_transact_items().as_deref().unwrap_or_default();
                        let puts = writes.iter().filter_map(|write| write.put.as_ref());
                        let orders: Vec<_> =
                            puts.filter(|put| put.table_name == ORDERS).map(|put| put.item.clone()).collect();
                        let moved = writes.iter().filter_map(|write| write.put.as_ref());
                        let moved = moved.filter(|put| put.table_name == watch::MOVEMENTS);
                        let moved: Vec<_> = moved.map(|put| put.item.clone()).collect();
                        let movements: Vec<_> = moved.iter().filter_map(watch::movement).collect();
                        let back: Vec<_> = moved.iter().filter_map(watch::brought_back).collect();
                        let puts = writes.iter().filter_map(|write| write.put.as_ref());
                        let kept = puts.filter_map(|put| watch::kept(Some(&put.table_name), Some(&put.item)));
                        let kept: Vec<_> = kept.collect();
                        let buckets: Vec<_> = writes.iter().filter_map(watch::written_bucket).collect();
                        seam.limited.transact_write_items(request).await?;
                        is_done.store(true, Relaxed);
                        orders.into_iter().for_each(|item| seam.written(item));
                        let by = Invocation::current();
                        let key = by.as_deref().and_then(|by| by.key.as_deref());
                        seam.world.books(|books| {
                            for (place, movement, change) in movements {
                                books.moved(place, &movement, change, key);
                            }
                            for (order, number, place, pieces) in back {
                                books.brought_back(&order, number, place, pieces);
                            }
                        });
                        kept.into_iter().for_each(|key| seam.left(Some(key)));
                        seam.check_places(&buckets).await;
                        Ok(())
                    })
                },
            )
            .await
        })
    }
}

impl TablesSeam {
    /// Takes out of what an index shows the orders that were written in the last seconds.
    fn lag(&self, found: &mut QueryOutput) {
        let now = self.world.now();
        if let Some(items) = &mut found.items {
            self.world.books(|books| {
                items.retain(|item| {
                    let id = item.get("order_id").and_then(|id| id.as_s().ok());
                    let written_at = id.and_then(|id| books.order(id)).map(|entry| entry.written_at);
                    written_at.is_none_or(|written_at| written_at + LAG < now)
                });
            });
        }
    }
}
