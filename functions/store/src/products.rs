//! The products' table: what the shop sells, found by id or name.
//!
//! A product is stored once under each of its keys ([`Product::keys`]), each time whole, so that one read finds it by
//! any name. All its items are written in one transaction, and no two products share a key. The item under the key
//! of its id is the main one: lists show it, and its version decides which of two changes came first.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ambient::Clock;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, KeysAndAttributes, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::catalogue::{Product, lookup, lookup_in_small_letters};
use omniflow_services::{DynamoDb, Item, Services};

use crate::{Error, LONGEST_PARTITION_KEY};

/// The time for which a process doesn't read a product again: so late does a change reach the other processes. In
/// the process that makes it, it counts at once.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(10);
/// The largest number of items that BatchGetItem reads (Amazon DynamoDB API Reference, "BatchGetItem").
const BATCH: usize = 100;
/// The largest number of products that a process remembers. Past it, it forgets all and begins anew.
const REMEMBERED: usize = 10_000;

/// The products in DynamoDB.
#[derive(Clone)]
pub struct Products {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    clock: Arc<dyn Clock>,
    known: Arc<Known>,
}

/// The products that a process has lately read, by table and key, with the moments at which it read them.
#[derive(Default)]
struct Known(Mutex<ByKey>);

type ByKey = HashMap<(String, String), (Product, DateTime<Utc>)>;

impl Known {
    fn all(&self) -> MutexGuard<'_, ByKey> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A page of a list of products.
#[derive(Debug)]
pub struct ProductPage {
    /// The products, in the table's order, which is none that people know.
    pub products: Vec<Product>,
    /// The key after which the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// Why a product was not written.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// Another product is found under a key of this one.
    #[error("'{name}' is what {product_id} is found by")]
    Taken {
        /// The id or the name that is taken, as the product to be written has it.
        name: String,
        /// The product that has it.
        product_id: String,
    },
    /// Somebody else changed the product since it was read.
    #[error("the product was changed meanwhile")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Products {
    /// The products in this table.
    pub fn new(services: &impl Services, table: &str) -> Self {
        Self {
            dynamodb: services.dynamodb(),
            table: table.to_owned(),
            clock: services.clock(),
            known: services.memory().of(),
        }
    }

    /// The products with these ids or names, by the texts that they were asked for by. A product that release
    /// 0.1 stored is found by the names that found it then, before any other.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn find<'a>(&self, ids_or_names: &[&'a str]) -> Result<HashMap<&'a str, Product>, Error> {
        let keys_of = |name: &str| [lookup_in_small_letters(name), lookup(name)];
        let mut keys: BTreeSet<_> = ids_or_names.iter().flat_map(|name| keys_of(name)).collect();
        // DynamoDB takes no other keys, so no product has one.
        keys.retain(|key| (1..=LONGEST_PARTITION_KEY).contains(&key.len()));
        let found = self.read(keys).await?;
        let product = |name: &str| keys_of(name).iter().find_map(|key| found.get(key)).cloned();
        Ok(ids_or_names.iter().filter_map(|name| Some((*name, product(name)?))).collect())
    }

    /// Forgets what was read of these products, so that they are read again.
    pub fn forget<'a>(&self, products: impl IntoIterator<Item = &'a Product>) {
        let mut known = self.known.all();
        for key in products.into_iter().flat_map(Product::keys) {
            known.remove(&(self.table.clone(), key));
        }
    }

    /// The products under these keys.
    async fn read(&self, keys: BTreeSet<String>) -> Result<HashMap<String, Product>, Error> {
        let mut found = self.fresh(&keys);
        let key = |key: String| HashMap::from([("lookup".to_owned(), AttributeValue::S(key))]);
        let mut wanted: Vec<_> = keys.into_iter().filter(|key| !found.contains_key(key)).map(key).collect();
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(BATCH));
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .build()
                .map_err(|error| Error::Service(error.to_string()))?;
            let get = BatchGetItemInput::builder().request_items(&self.table, keys);
            let answer = self.dynamodb.batch_get_item(get).await?;
            for item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                if let Some(key) = key_of(&item) {
                    let product: Product = serde_dynamo::from_item(item)?;
                    self.remember(key.clone(), product.clone());
                    found.insert(key, product);
                }
            }
            let left = answer.unprocessed_keys.and_then(|mut left| left.remove(&self.table));
            wanted = left.map(|keys| keys.keys).unwrap_or_default();
            wanted.extend(rest);
        }
        Ok(found)
    }

    fn remember(&self, key: String, product: Product) {
        let mut known = self.known.all();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((self.table.clone(), key), (product, self.clock.now()));
    }

    fn fresh(&self, keys: &BTreeSet<String>) -> HashMap<String, Product> {
        let (known, now) = (self.known.all(), self.clock.now());
        let fresh = keys.iter().filter_map(|key| {
            let (product, read) = known.get(&(self.table.clone(), key.clone()))?;
            (now - *read < FRESH_FOR).then(|| (key.clone(), product.clone()))
        });
        fresh.collect()
    }

    /// The product that is found under the key of this id, as it is at this moment.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn get(&self, id: &str) -> Result<Option<Product>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("lookup", AttributeValue::S(lookup(id)))
            .consistent_read(true);
        let found = self.dynamodb.get_item(get).await?;
        Ok(found.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Looks at up to `limit` items of the table, beginning after the key `after`, and gives the products that
    /// they are. A product with two keys is two items, so that there are fewer products.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn page(&self, limit: usize, after: Option<String>) -> Result<ProductPage, Error> {
        let from = after.map(|key| HashMap::from([("lookup".to_owned(), AttributeValue::S(key))]));
        let scan = ScanInput::builder()
            .table_name(&self.table)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from);
        let answer = self.dynamodb.scan(scan).await?;
        let mut products = Vec::new();
        for item in answer.items.unwrap_or_default() {
            let key = key_of(&item);
            let product: Product = serde_dynamo::from_item(item)?;
            if key.is_some_and(|key| key == lookup(&product.product_id)) {
                products.push(product);
            }
        }
        Ok(ProductPage { products, next: answer.last_evaluated_key.as_ref().and_then(key_of) })
    }

    /// Writes the product in place of `before`, which is what [`Products::get`] gave. Its version is one higher
    /// then.
    ///
    /// # Errors
    /// [`NotWritten`].
    pub async fn put(&self, before: Option<&Product>, mut product: Product) -> Result<Product, NotWritten> {
        product.version = before.map_or(0, |before| before.version) + 1;
        let main = lookup(&product.product_id);
        let mut writes = Vec::new();
        for key in product.keys() {
            let mut item: Item = serde_dynamo::to_item(&product).map_err(Error::from)?;
            item.insert("lookup".to_owned(), AttributeValue::S(key.clone()));
            let expected = (key == main).then_some(before);
            writes.push((key, self.put_item(item, &product, expected)?));
        }
        let gone = before.map(Product::keys).unwrap_or_default();
        for key in gone.difference(&product.keys()) {
            writes.push((key.clone(), self.delete_item(key, &product.product_id)?));
        }
        self.write(writes, before, &product).await?;
        Ok(product)
    }

    /// Removes the product, which is as `before` says.
    ///
    /// # Errors
    /// [`NotWritten::Changed`], or a failure of DynamoDB.
    pub async fn delete(&self, before: &Product) -> Result<(), NotWritten> {
        let main = lookup(&before.product_id);
        let mut writes = Vec::new();
        for key in before.keys() {
            let is_main = key == main;
            let delete = if is_main {
                self.delete_main(&key, before)?
            } else {
                self.delete_item(&key, &before.product_id)?
            };
            writes.push((key, delete));
        }
        self.write(writes, Some(before), before).await
    }

    async fn write(
        &self,
        writes: Vec<(String, TransactWriteItem)>,
        before: Option<&Product>,
        product: &Product,
    ) -> Result<(), NotWritten> {
        let (keys, writes): (Vec<_>, Vec<_>) = writes.into_iter().unzip();
        let write = TransactWriteItemsInput::builder().set_transact_items(Some(writes));
        let written = self.dynamodb.transact_write_items(write).await;
        // What others wrote is as unknown as what was written here.
        self.forget(before.into_iter().chain([product]));
        let Err(error) = written else { return Ok(()) };
        for (key, reason) in keys.iter().zip(&error.reasons) {
            let Some(found) = reason.found() else { continue };
            let other: Product = serde_dynamo::from_item(found.clone()).map_err(Error::from)?;
            if other.product_id != product.product_id {
                return Err(NotWritten::Taken { name: named_by(product, key), product_id: other.product_id });
            }
            // Its own write, whose answer was lost.
            if other == *product {
                return Ok(());
            }
        }
        match Error::from(error) {
            Error::Conflict => Err(NotWritten::Changed),
            error => Err(error.into()),
        }
    }

    fn put_item(
        &self,
        item: Item,
        product: &Product,
        expected: Option<Option<&Product>>,
    ) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let id = AttributeValue::S(product.product_id.clone());
        let put = match expected {
            Some(None) => put.condition_expression("attribute_not_exists(lookup)"),
            Some(Some(before)) => {
                let put = put.expression_attribute_values(":id", id);
                match before.version {
                    0 => put.condition_expression("product_id = :id AND attribute_not_exists(version)"),
                    version => put
                        .condition_expression("product_id = :id AND version = :version")
                        .expression_attribute_values(":version", AttributeValue::N(version.to_string())),
                }
            }
            None => put
                .condition_expression("attribute_not_exists(lookup) OR product_id = :id")
                .expression_attribute_values(":id", id),
        };
        let put = put.build().map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn delete_item(&self, key: &str, product_id: &str) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("lookup", AttributeValue::S(key.to_owned()))
            .condition_expression("attribute_not_exists(lookup) OR product_id = :id")
            .expression_attribute_values(":id", AttributeValue::S(product_id.to_owned()))
            .build()
            .map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    fn delete_main(&self, key: &str, before: &Product) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("lookup", AttributeValue::S(key.to_owned()))
            .expression_attribute_values(":id", AttributeValue::S(before.product_id.clone()));
        let delete = match before.version {
            0 => delete.condition_expression("product_id = :id AND attribute_not_exists(version)"),
            version => delete
                .condition_expression("product_id = :id AND version = :version")
                .expression_attribute_values(":version", AttributeValue::N(version.to_string())),
        };
        let delete = delete.build().map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

fn key_of(item: &Item) -> Option<String> {
    item.get("lookup")?.as_s().ok().cloned()
}

/// The id or name of the product that has this key.
fn named_by(product: &Product, key: &str) -> String {
    let names = [&product.product_id, &product.name].into_iter().chain(&product.names);
    names.into_iter().find(|name| lookup(name) == key).cloned().unwrap_or_else(|| key.to_owned())
}
