//! DynamoDB with its limits: what a request takes of the partitions that it touches, and transactions that meet.
//!
//! Two transactions that are about the same item at the same moment can't both be made, and a single write that meets a
//! transaction is refused as well (Amazon DynamoDB Developer Guide, "Transaction conflict handling in DynamoDB").

use std::collections::HashMap;
use std::sync::Arc;

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
use aws_sdk_dynamodb::types::{Select, TransactWriteItem};
use omniflow_services::{DynamoDb, Reason, ServiceError, ServiceFuture};
use omniflow_tables::Tables;

use super::throughput::{Kind, Refused};
use super::units::{self, Cost, Item, Partition};
use super::{Capacity, HELD};
use crate::seams::watch::LEDGER;
use crate::world::World;

/// The tables, with the limits of the world's account if it has one.
#[derive(Clone)]
pub struct Dynamo {
    world: Arc<World>,
    tables: Tables,
}

/// An item that is about to be written.
struct Write {
    table: String,
    /// Its name within the table, which tells it from all others.
    name: String,
    costs: Vec<Cost>,
}

impl Dynamo {
    /// DynamoDB before these tables.
    pub fn new(world: Arc<World>, tables: Tables) -> Self {
        Self { world, tables }
    }

    /// The account, unless this table is not one of DynamoDB's: the ledger stands for the payment gateway and warehouses.
    fn account(&self, table: Option<&String>) -> Option<&Capacity> {
        self.world.capacity.as_ref().filter(|_| table.is_none_or(|table| table != LEDGER))
    }

    /// The item of this key as it is.
    async fn known(&self, table: &str, key: Item) -> Option<Item> {
        let get = GetItemInputBuilder::default().table_name(table).set_key(Some(key)).consistent_read(true);
        self.tables.get_item(get).await.ok()?.item
    }

    /// What it takes to put this item.
    async fn put(&self, account: &Capacity, table: &str, item: &Item, in_transaction: bool) -> Write {
        let key = account.schemas.key(table, item);
        let name = name(&key);
        let old = self.known(table, key).await;
        let costs = account.schemas.write(table, old.as_ref(), item, in_transaction);
        Write { table: table.to_owned(), name, costs }
    }

    /// What it takes to change the item of this key. Tables with indexes have their items put whole, so that a change never
    /// moves an entry of an index.
    async fn update(&self, account: &Capacity, table: &str, key: &Item, in_transaction: bool) -> Write {
        let old = self.known(table, key.clone()).await.unwrap_or_else(|| key.clone());
        let costs = account.schemas.write(table, Some(&old), &old, in_transaction);
        Write { table: table.to_owned(), name: name(key), costs }
    }

    async fn write(&self, account: &Capacity, write: &TransactWriteItem) -> Option<Write> {
        if let Some(put) = &write.put {
            return Some(self.put(account, &put.table_name, &put.item, true).await);
        }
        let changed = write.update.as_ref().map(|update| (&update.table_name, &update.key));
        let deleted = write.delete.as_ref().map(|delete| (&delete.table_name, &delete.key));
        let checked = write.condition_check.as_ref().map(|check| (&check.table_name, &check.key));
        let (table, key) = changed.or(deleted).or(checked)?;
        Some(self.update(account, table, key, true).await)
    }
}

/// A key as a text.
fn name(key: &Item) -> String {
    let mut parts: Vec<_> =
        key.iter().map(|(name, value)| format!("{name}={}", units::text(value))).collect();
    parts.sort_unstable();
    parts.join(",")
}

/// The error of a request that DynamoDB throttles. The SDK tries it again.
fn throttled(refused: &Refused) -> ServiceError {
    match refused {
        Refused::Partition(_) => {
            ServiceError::new("ProvisionedThroughputExceededException", "the partition takes no more")
        }
        Refused::Table(_) => {
            ServiceError::new("ThrottlingException", "the table takes no more than twice what it took before")
        }
    }
}

impl Capacity {
    /// Takes what a request costs.
    fn spend(&self, call: &str, kind: Kind, costs: &[Cost]) -> Result<(), Refused> {
        let now = self.now();
        let mut state = self.state();
        state.tally.ask(call, 1.0);
        let taken = state.throughput.take(kind, costs, now);
        match &taken {
            Err(refused) => state.tally.refuse(call, &place(refused)),
            Ok(()) => {
                let units = costs.iter().map(|cost| cost.units).sum();
                state.tally.ask(kind.name(), units);
                match kind {
                    Kind::Writes => state.tally.write_units += units,
                    Kind::Reads => state.tally.read_units += units,
                }
            }
        }
        taken
    }

    /// Whether there is anything left to read.
    fn may_read(&self, call: &str, partition: &Partition) -> Result<(), ServiceError> {
        let now = self.now();
        let mut state = self.state();
        state.tally.ask(call, 1.0);
        let checked = state.throughput.check(Kind::Reads, partition, 1.0, now);
        checked.map_err(|refused| {
            state.tally.refuse(call, &place(&refused));
            throttled(&refused)
        })
    }

    /// Takes what was read.
    fn has_read(&self, partition: &Partition, units: f64) {
        let now = self.now();
        let mut state = self.state();
        state.throughput.spend(Kind::Reads, partition, units, now);
        state.tally.ask(Kind::Reads.name(), units);
        state.tally.read_units += units;
    }

    /// Takes what a transaction costs and holds its items, or says why it is cancelled.
    fn begin(&self, writes: &[Write]) -> Result<Held<'_>, ServiceError> {
        let items: Vec<_> = writes.iter().map(|write| (write.table.clone(), write.name.clone())).collect();
        let costs: Vec<_> = writes.iter().flat_map(|write| write.costs.clone()).collect();
        if let Err(refused) = self.spend("TransactWriteItems", Kind::Writes, &costs) {
            // The SDK doesn't try a transaction again that was cancelled.
            let code = |write: &Write| match &refused {
                Refused::Partition(full) if write.costs.iter().any(|cost| cost.partition == *full) => {
                    "ProvisionedThroughputExceeded"
                }
                Refused::Table(full) if write.costs.iter().any(|cost| cost.partition.of == *full) => {
                    "ThrottlingError"
                }
                Refused::Partition(_) | Refused::Table(_) => "None",
            };
            return Err(cancelled(writes.iter().map(code)));
        }
        let mut state = self.state();
        let held = state.throughput.held(&items);
        if let Some(met) = held.iter().position(|held| *held) {
            let (table, name) = &items[met];
            state.tally.refuse("transactions that met", &format!("{table} {name}"));
            return Err(cancelled(
                held.iter().map(|held| if *held { "TransactionConflict" } else { "None" }),
            ));
        }
        state.throughput.hold(&items);
        drop(state);
        Ok(Held { account: self, items })
    }

    /// Takes what a single write costs, unless it meets a transaction.
    fn single(&self, call: &str, write: &Write) -> Result<(), ServiceError> {
        self.spend(call, Kind::Writes, &write.costs).map_err(|refused| throttled(&refused))?;
        let mut state = self.state();
        let item = (write.table.clone(), write.name.clone());
        if state.throughput.held(std::slice::from_ref(&item)) == [true] {
            state.tally.refuse("transactions that met", &format!("{} {}", item.0, item.1));
            return Err(ServiceError::new("TransactionConflictException", "a transaction is about the item"));
        }
        Ok(())
    }
}

fn place(refused: &Refused) -> String {
    match refused {
        Refused::Partition(Partition { of, key }) => format!("{of} {key}"),
        Refused::Table(table) => format!("{table} as a whole"),
    }
}

fn cancelled<'a>(codes: impl Iterator<Item = &'a str>) -> ServiceError {
    let reasons = codes.map(|code| Reason { code: code.to_owned(), item: None }).collect();
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    ServiceError { reasons, ..ServiceError::new("TransactionCanceledException", message) }
}

/// The items of a transaction, until it is made.
struct Held<'a> {
    account: &'a Capacity,
    items: Vec<(String, String)>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.account.state().throughput.release(&self.items);
    }
}

/// The partition that a query reads: the value that its condition begins with.
fn queried(request: &QueryInputBuilder) -> Partition {
    let table = request.get_table_name().clone().unwrap_or_default();
    let of = match request.get_index_name() {
        Some(index) => format!("{table}.{index}"),
        None => table,
    };
    let condition = request.get_key_condition_expression().as_deref().unwrap_or_default();
    let value = condition.split_whitespace().nth(2).unwrap_or_default();
    let values = request.get_expression_attribute_values().as_ref();
    let key = values.and_then(|values| values.get(value)).map(units::text).unwrap_or_default();
    Partition { of, key }
}

/// The bytes of items together, of which DynamoDB counts the kilobytes.
fn bytes(items: Option<&Vec<Item>>) -> usize {
    items.into_iter().flatten().map(units::size).sum()
}

impl DynamoDb for Dynamo {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput> {
        Box::pin(async move {
            let table = request.get_table_name().clone().unwrap_or_default();
            let Some(account) = self.account(Some(&table)) else {
                return self.tables.get_item(request).await;
            };
            let key = request.get_key().clone().unwrap_or_default();
            let partition = account.schemas.partition(&table, &key);
            account.may_read("GetItem", &partition)?;
            let is_consistent = request.get_consistent_read().unwrap_or_default();
            let found = self.tables.get_item(request).await?;
            let bytes = found.item.as_ref().map(units::size).unwrap_or_default();
            account.has_read(&partition, units::read(bytes, is_consistent));
            Ok(found)
        })
    }

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput> {
        Box::pin(async move {
            let Some(account) = self.account(None) else { return self.tables.batch_get_item(request).await };
            let mut partitions = Vec::new();
            for (table, wanted) in request.get_request_items().iter().flatten() {
                let is_consistent = wanted.consistent_read.unwrap_or_default();
                for key in &wanted.keys {
                    partitions.push((account.schemas.partition(table, key), is_consistent));
                }
            }
            // The answer of DynamoDB could leave some out; here all are read, or none.
            for (partition, _) in &partitions {
                account.may_read("BatchGetItem", partition)?;
            }
            let found = self.tables.batch_get_item(request).await?;
            let all: HashMap<String, usize> = found
                .responses
                .iter()
                .flatten()
                .flat_map(|(table, items)| {
                    let schemas = &account.schemas;
                    items.iter().map(move |item| (schemas.partition(table, item).key, units::size(item)))
                })
                .collect();
            for (partition, is_consistent) in &partitions {
                let bytes = all.get(&partition.key).copied().unwrap_or_default();
                account.has_read(partition, units::read(bytes, *is_consistent));
            }
            Ok(found)
        })
    }

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput> {
        Box::pin(async move {
            let table = request.get_table_name().as_ref();
            let Some(account) = self.account(table) else { return self.tables.query(request).await };
            let partition = queried(&request);
            account.may_read("Query", &partition)?;
            let is_consistent = request.get_consistent_read().unwrap_or_default();
            let counts = request.get_select() == &Some(Select::Count);
            let found = self.tables.query(request).await?;
            // An entry of an index that is only counted is read as well; the keys of an order take about 100 bytes.
            let counted =
                if counts { 100 * usize::try_from(found.scanned_count).unwrap_or_default() } else { 0 };
            account.has_read(&partition, units::read(bytes(found.items.as_ref()) + counted, is_consistent));
            Ok(found)
        })
    }

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput> {
        Box::pin(async move {
            let table = request.get_table_name().clone();
            let Some(account) = self.account(table.as_ref()) else { return self.tables.scan(request).await };
            // A scan goes from partition to partition, so that it burdens none of them.
            let page = request.get_exclusive_start_key().as_ref().map(name).unwrap_or_default();
            let partition =
                Partition { of: table.unwrap_or_default(), key: format!("a page of a scan {page}") };
            account.may_read("Scan", &partition)?;
            let found = self.tables.scan(request).await?;
            account.has_read(&partition, units::read(bytes(found.items.as_ref()), false));
            Ok(found)
        })
    }

    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            let table = request.get_table_name().clone().unwrap_or_default();
            if let (Some(account), Some(item)) = (self.account(Some(&table)), request.get_item()) {
                let write = self.put(account, &table, item, false).await;
                account.single("PutItem", &write)?;
            }
            self.tables.put_item(request).await
        })
    }

    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput> {
        Box::pin(async move {
            let table = request.get_table_name().clone().unwrap_or_default();
            if let (Some(account), Some(key)) = (self.account(Some(&table)), request.get_key()) {
                let write = self.update(account, &table, key, false).await;
                account.single("UpdateItem", &write)?;
            }
            self.tables.update_item(request).await
        })
    }

    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()> {
        Box::pin(async move {
            let Some(account) = self.account(None) else {
                return self.tables.transact_write_items(request).await;
            };
            let mut writes = Vec::new();
            for write in request.get_transact_items().iter().flatten() {
                writes.extend(self.write(account, write).await);
            }
            let _held = account.begin(&writes)?;
            tokio::time::sleep(HELD).await;
            self.tables.transact_write_items(request).await
        })
    }
}
