//! The shop's products, found by id or name.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use omniflow_domain::catalogue::{Product, lookup};
use omniflow_services::DynamoDb;
use omniflow_store as store;

/// How long a product is believed without looking again. Its name and price change rarely; its stock is not here.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The products' table, and what was lately read from it.
pub(crate) struct Catalogue {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    known: Mutex<HashMap<String, (Product, Instant)>>,
}

impl Catalogue {
    pub(crate) fn new(dynamodb: Arc<dyn DynamoDb>, table: &str) -> Self {
        Self { dynamodb, table: table.to_owned(), known: Mutex::default() }
    }

    /// The products with these ids or names, by their lookup keys. At most 100, as BatchGetItem takes them.
    pub(crate) async fn find(&self, ids_or_names: &[&str]) -> Result<HashMap<String, Product>, store::Error> {
        let keys: BTreeSet<_> =
            ids_or_names.iter().map(|name| lookup(name)).filter(|key| !key.is_empty()).collect();
        let mut found = self.fresh(&keys);
        let key = |key: String| HashMap::from([("lookup".to_owned(), AttributeValue::S(key))]);
        let mut wanted: Vec<_> = keys.into_iter().filter(|key| !found.contains_key(key)).map(key).collect();
        while !wanted.is_empty() {
            let keys = KeysAndAttributes::builder()
                .set_keys(Some(wanted))
                .build()
                .map_err(|error| store::Error::Service(error.to_string()))?;
            let get = BatchGetItemInput::builder().request_items(&self.table, keys);
            let answer = self.dynamodb.batch_get_item(get).await?;
            for item in answer.responses.into_iter().flat_map(HashMap::into_values).flatten() {
                if let Some(key) = item.get("lookup").and_then(|key| key.as_s().ok()).cloned() {
                    let product: Product = serde_dynamo::from_item(item)?;
                    self.known().insert(key.clone(), (product.clone(), Instant::now()));
                    found.insert(key, product);
                }
            }
            let left = answer.unprocessed_keys.and_then(|mut left| left.remove(&self.table));
            wanted = left.map(|keys| keys.keys).unwrap_or_default();
        }
        Ok(found)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, (Product, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, keys: &BTreeSet<String>) -> HashMap<String, Product> {
        let known = self.known();
        let fresh = keys.iter().filter_map(|key| {
            let (product, read) = known.get(key)?;
            (read.elapsed() < FRESH_FOR).then(|| (key.clone(), product.clone()))
        });
        fresh.collect()
    }

    /// All products, by id.
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
