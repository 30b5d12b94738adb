//! The products of the shop, which are found by id or name.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ambient::Clock;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use chrono::{DateTime, TimeDelta, Utc};
use omniflow_domain::catalogue::{Product, lookup, lookup_in_small_letters};
use omniflow_services::DynamoDb;
use omniflow_store as store;
use omniflow_store::LONGEST_PARTITION_KEY;

/// The time for which a product is not read again. Names and prices change rarely, and the stock is not here.
const FRESH_FOR: TimeDelta = TimeDelta::seconds(60);
/// The largest number of items that BatchGetItem reads (Amazon DynamoDB API Reference, "BatchGetItem").
const BATCH: usize = 100;

/// The products' table, and what was lately read from it.
pub(crate) struct Catalogue {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Known>>,
}

/// A product, and the moment at which it was read.
type Known = (Product, DateTime<Utc>);

impl Catalogue {
    pub(crate) fn new(dynamodb: Arc<dyn DynamoDb>, table: &str, clock: Arc<dyn Clock>) -> Self {
        Self { dynamodb, table: table.to_owned(), clock, known: Mutex::default() }
    }

    /// The products with these ids or names, by the texts that they were asked for by. A product that release
    /// 0.1 stored is found by the names that found it then, before any other.
    pub(crate) async fn find<'a>(
        &self,
        ids_or_names: &[&'a str],
    ) -> Result<HashMap<&'a str, Product>, store::Error> {
        let keys_of = |name: &str| [lookup_in_small_letters(name), lookup(name)];
        let mut keys: BTreeSet<_> = ids_or_names.iter().flat_map(|name| keys_of(name)).collect();
        // DynamoDB takes no other keys, so no product has one.
        keys.retain(|key| (1..=LONGEST_PARTITION_KEY).contains(&key.len()));
        let found = self.read(keys).await?;
        let product = |name: &str| keys_of(name).iter().find_map(|key| found.get(key)).cloned();
        Ok(ids_or_names.iter().filter_map(|name| Some((*name, product(name)?))).collect())
    }

    /// The products under these keys.
    async fn read(&self, keys: BTreeSet<String>) -> Result<HashMap<String, Product>, store::Error> {
        let mut found = self.fresh(&keys);
        let key = |key: String| HashMap::from([("lookup".to_owned(), AttributeValue::S(key))]);
        let mut wanted: Vec<_> = keys.into_iter().filter(|key| !found.contains_key(key)).map(key).collect();
        while !wanted.is_empty() {
            let rest = wanted.split_off(wanted.len().min(BATCH));
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .build()
                .map_err(|error| store::Error::Service(error.to_string()))?;
            let get = BatchGetItemInput::builder().request_items(&self.table, keys);
            let answer = self.dynamodb.batch_get_item(get).await?;
            for item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                if let Some(key) = item.get("lookup").and_then(|key| key.as_s().ok()).cloned() {
                    let product: Product = serde_dynamo::from_item(item)?;
                    self.known().insert(key.clone(), (product.clone(), self.clock.now()));
                    found.insert(key, product);
                }
            }
            let left = answer.unprocessed_keys.and_then(|mut left| left.remove(&self.table));
            wanted = left.map(|keys| keys.keys).unwrap_or_default();
            wanted.extend(rest);
        }
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, keys: &BTreeSet<String>) -> HashMap<String, Product> {
        let (known, now) = (self.known(), self.clock.now());
        let fresh = keys.iter().filter_map(|key| {
            let (product, read) = known.get(key)?;
            (now - *read < FRESH_FOR).then(|| (key.clone(), product.clone()))
        });
        fresh.collect()
    }

    /// All products by their ids.
    pub(crate) async fn all(&self) -> Result<HashMap<String, Product>, store::Error> {
        let mut products = HashMap::new();
        let mut from = None;
        loop {
            let scan = ScanInput::builder().table_name(&self.table).set_exclusive_start_key(from);
            let answer = self.dynamodb.scan(scan).await?;
            for item in answer.items.unwrap_or_default() {
                let product: Product = serde_dynamo::from_item(item)?;
                products.insert(product.product_id.clone(), product);
            }
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(products);
            }
        }
    }
}
