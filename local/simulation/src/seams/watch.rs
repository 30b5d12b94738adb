//! What the writes say that go through the tables.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, TransactWriteItem};
use omniflow_services::DynamoDb;
use omniflow_tables::Tables;

use crate::books::{Fact, Place};

/// The names of the tables, as the template has them.
pub const ORDERS: &str = "OrdersTable";
pub const STOCK: &str = "StockTable";
pub const MOVEMENTS: &str = "MovementsTable";
pub const LEDGER: &str = "SimulatedLedgerTable";

/// The table of the orders' numbers.
pub const REGISTER: &str = "RegisterTable";

/// The table of the idempotency keys, and of what customers were told.
pub const KEYS: &str = "IdempotencyTable";

type Item = HashMap<String, AttributeValue>;

/// The entry of the ledger that a request is about, if it is about the ledger.
pub fn entry(request: &UpdateItemInputBuilder) -> Option<&str> {
    if request.get_table_name().as_deref() != Some(LEDGER) {
        return None;
    }
    request.get_key().as_ref()?.get("entry")?.as_s().ok().map(String::as_str)
}

/// The entry of the ledger as it is before a request changes it.
pub async fn known(tables: &Tables, request: &UpdateItemInputBuilder) -> Option<Item> {
    let entry = entry(request)?;
    let get = GetItemInputBuilder::default()
        .table_name(LEDGER)
        .key("entry", AttributeValue::S(entry.to_owned()))
        .consistent_read(true);
    tables.get_item(get).await.ok()?.item
}

/// The key of an item that is kept in the table of the idempotency keys.
pub fn kept(table: Option<&str>, item: Option<&Item>) -> Option<(&'static str, String)> {
    let key = item?.get("key")?.as_s().ok()?;
    (table == Some(KEYS)).then(|| (KEYS, key.clone()))
}

/// The event of which a request notes that its customer was told.
pub fn noted_as_told(request: &PutItemInputBuilder) -> Option<&str> {
    let item = request.get_item().as_ref()?;
    item.get("told_at")?;
    item.get("key")?.as_s().ok()?.strip_prefix("told:")
}

/// The facts about orders that stand in an entry of the ledger and did not before.
pub fn new_facts(entry: &str, before: Option<&Item>, after: &Item) -> Vec<(String, Fact)> {
    let mut parts = entry.split('#');
    let (Some(kind), Some(order)) = (parts.next(), parts.next()) else { return Vec::new() };
    let text = |name: &str| after.get(name).and_then(|value| value.as_s().ok());
    let is_new =
        |name: &str| after.contains_key(name) && !before.is_some_and(|before| before.contains_key(name));
    let mut facts = Vec::new();
    if kind == "payment" {
        if is_new("captured")
            && let Some(amount) = text("captured")
        {
            facts.push(Fact::Captured(amount.clone()));
        }
        if is_new("refunded") {
            facts.push(Fact::Refunded);
        }
        for (name, units) in after.iter().filter(|(name, _)| is_new(name)) {
            let number = name.strip_prefix("refunded_").and_then(return_of);
            let units = units.as_n().ok().and_then(|units| units.parse().ok());
            if let (Some(number), Some(units)) = (number, units) {
                facts.push(Fact::RefundedForReturn { number, units });
            }
        }
    } else if let Some(warehouse) = parts.next() {
        if is_new("called_back") {
            facts.push(Fact::CalledBack(warehouse.to_owned()));
        }
        if is_new("tracking") {
            facts.push(Fact::Shipped(warehouse.to_owned()));
        }
    }
    facts.into_iter().map(|fact| (order.to_owned(), fact)).collect()
}

/// The number of the return that money is given back for, by the purpose that the payment gateway is told.
pub fn return_of(purpose: &str) -> Option<u32> {
    // Where a planted bug makes each attempt a purpose of its own, more follows.
    purpose.strip_prefix("return-")?.split('#').next()?.parse().ok()
}

/// The product and the warehouse of a row of the stock, and which bucket of it the row is.
fn bucket(key: &Item) -> Option<(Place, u8)> {
    let text = |name: &str| key.get(name)?.as_s().ok();
    let mut parts = text("product_id")?.split('/');
    let place = (parts.next()?.to_owned(), text("warehouse_id")?.clone());
    Some((place, parts.nth(1).map_or(Some(0), |bucket| bucket.parse().ok())?))
}

/// The bucket that a write of a transaction is to, if it is to the stock.
pub fn written_bucket(write: &TransactWriteItem) -> Option<(Place, u8)> {
    let put = write.put.as_ref().map(|put| (&put.table_name, &put.item));
    let update = write.update.as_ref().map(|update| (&update.table_name, &update.key));
    let (_, key) = put.or(update).filter(|(table, _)| *table == STOCK)?;
    bucket(key)
}

/// A movement of stock: its place, its id, and the number of pieces that it brought. One by which pieces come back that
/// were sold is none: there are no more of them than before.
pub fn movement(item: &Item) -> Option<(Place, String, i64)> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    if text("kind").as_deref() == Some(OF_RETURN) {
        return None;
    }
    let (place, change) = moved(item)?;
    Some((place, text("movement_id")?, change))
}

/// What the kind of a movement is by which returned pieces come back onto a shelf.
const OF_RETURN: &str = "return";

/// A movement by which returned pieces come back onto a shelf: the order and the number of its return, the place, and the
/// number of pieces.
pub fn brought_back(item: &Item) -> Option<(String, u32, Place, i64)> {
    let text = |name: &str| item.get(name)?.as_s().ok().cloned();
    text("kind").filter(|kind| kind == OF_RETURN)?;
    let (place, change) = moved(item)?;
    let reference = text("reference")?;
    let (order, number) = reference.split_once('/')?;
    Some((order.to_owned(), number.parse().ok()?, place, change))
}

fn moved(item: &Item) -> Option<(Place, i64)> {
    let (product, warehouse) = item.get("place")?.as_s().ok()?.split_once('/')?;
    let change = item.get("change")?.as_n().ok()?.parse().ok()?;
    Some(((product.to_owned(), warehouse.to_owned()), change))
}

/// The numbers of a place of the stock, of its buckets up to this one together: available, reserved, sold, lost. All are
/// read in one request, so that nothing is written between.
pub async fn row(tables: &Tables, (product, warehouse): &Place, last: u8) -> Option<[i64; 4]> {
    let key = |product: String| {
        let text = |name: &str, value: String| (name.to_owned(), AttributeValue::S(value));
        HashMap::from([text("product_id", product), text("warehouse_id", warehouse.clone())])
    };
    let buckets = (1..=last).map(|bucket| key(format!("{product}/{warehouse}/{bucket}")));
    let keys = KeysAndAttributes::builder()
        .set_keys(Some(std::iter::once(key(product.clone())).chain(buckets).collect()))
        .consistent_read(true)
        .build()
        .ok()?;
    let get = BatchGetItemInputBuilder::default().request_items(STOCK, keys);
    let found = tables.batch_get_item(get).await.ok()?.responses?.remove(STOCK)?;
    let number = |item: &Item, name: &str| item.get(name)?.as_n().ok()?.parse::<i64>().ok();
    let sum = |name: &str| found.iter().map(|item| number(item, name).unwrap_or_default()).sum();
    (!found.is_empty()).then(|| [sum("available"), sum("reserved"), sum("sold"), sum("lost")])
}
