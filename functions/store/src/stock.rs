//! The stock's table: the pieces of each product in each warehouse that are available, reserved and sold.
//! Only movements ([`crate::movements`]) change the sum of the three.
//!
//! A place (a product in a warehouse) has a row under the ids of both. One that is split ([`crate::buckets`]) has
//! further rows, whose partition key has the warehouse and the number of the bucket behind the product, with slashes,
//! which no id has. What is read here is all buckets of a place together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use omniflow_domain::shelf::{Pieces, Shelf};
use omniflow_services::DynamoDb;

use crate::Error;

/// The number of split places of a page that are read at the same time.
const PLACES_AT_ONCE: usize = 4;
/// What stands between the parts of a bucket's partition key; no id has it.
const BETWEEN: char = '/';

/// The stock in DynamoDB.
#[derive(Clone)]
pub struct Stock {
    pub(crate) dynamodb: Arc<dyn DynamoDb>,
    pub(crate) table: String,
    /// The places that were split when they were read last, with their number of buckets: whoever moves pieces can
    /// then do without reading them. The write's conditions find out when that is out of date.
    pub(crate) split: Arc<Mutex<HashMap<Place, u8>>>,
}

/// The pieces of one product in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRow {
    /// The id of the product.
    pub product_id: String,
    /// The id of the warehouse.
    pub warehouse_id: String,
    /// The pieces that can be ordered.
    pub available: u32,
    /// The pieces that are set aside for orders.
    pub reserved: u32,
    /// The pieces that went to customers.
    pub sold: u32,
    /// The pieces that were set aside and are gone without being sold.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u32,
    /// The number of buckets that the place is split into; 1 when it is not.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub buckets: u8,
}

/// The ids of a product and of a warehouse.
pub type Place = (String, String);

/// A page of the rows of the stock.
#[derive(Debug)]
pub struct StockPage {
    /// The rows, in the table's order.
    pub rows: Vec<StockRow>,
    /// The row after which the next page begins; `None` on the last page.
    pub next: Option<Place>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

pub(crate) const fn one() -> u8 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_one(number: &u8) -> bool {
    *number == 1
}

impl StockRow {
    pub(crate) fn place(&self) -> Place {
        (self.product_id.clone(), self.warehouse_id.clone())
    }

    pub(crate) fn pieces(&self) -> Pieces {
        Pieces { available: self.available, reserved: self.reserved, sold: self.sold, lost: self.lost }
    }

    fn of((product_id, warehouse_id): Place, shelf: &Shelf) -> Self {
        let Pieces { available, reserved, sold, lost } = shelf.total();
        Self { product_id, warehouse_id, available, reserved, sold, lost, buckets: shelf.count() }
    }

    /// Whether it is a bucket beside a place's own row, and of which place.
    fn bucket_of(&self) -> Option<Place> {
        let product = product_of(&self.product_id);
        (product != self.product_id).then(|| (product.to_owned(), self.warehouse_id.clone()))
    }
}

/// The product in the partition key of a row.
fn product_of(partition_key: &str) -> &str {
    partition_key.split(BETWEEN).next().unwrap_or(partition_key)
}

/// The key of a bucket's row.
pub(crate) fn key((product, warehouse): &Place, bucket: u8) -> HashMap<String, AttributeValue> {
    let product = match bucket {
        0 => product.clone(),
        bucket => format!("{product}{BETWEEN}{warehouse}{BETWEEN}{bucket}"),
    };
    HashMap::from([
        ("product_id".to_owned(), AttributeValue::S(product)),
        ("warehouse_id".to_owned(), AttributeValue::S(warehouse.clone())),
    ])
}

impl Stock {
    /// The stock in this table.
    pub fn new(dynamodb: Arc<dyn DynamoDb>, table: &str) -> Self {
        Self { dynamodb, table: table.to_owned(), split: Arc::default() }
    }

    /// Reads the rows of one product.
    ///
    /// # Errors
    /// A failure of DynamoDB; [`Error::Contention`] when buckets keep changing their number.
    pub async fn of(&self, product_id: &str) -> Result<Vec<StockRow>, Error> {
        let shelves = self.shelves_of(product_id).await?.into_iter();
        Ok(shelves.map(|(place, shelf)| StockRow::of(place, &shelf)).collect())
    }

    /// Reads the row of a product in a warehouse as it is at this moment.
    ///
    /// # Errors
    /// As [`Stock::of`].
    pub async fn row(&self, product_id: &str, warehouse_id: &str) -> Result<Option<StockRow>, Error> {
        let place = (product_id.to_owned(), warehouse_id.to_owned());
        Ok(self.shelf(&place).await?.map(|shelf| StockRow::of(place, &shelf)))
    }

    /// Reads up to `limit` rows, beginning after the row `after` (its product and its warehouse). The rows of one
    /// product follow each other, unless the page ends between them.
    ///
    /// # Errors
    /// As [`Stock::of`].
    pub async fn page(&self, limit: usize, after: Option<Place>) -> Result<StockPage, Error> {
        let scan = ScanInput::builder()
            .table_name(&self.table)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(after.map(|after| key(&after, 0)));
        let answer = self.dynamodb.scan(scan).await?;
        let text = |key: &HashMap<String, AttributeValue>, name: &str| key.get(name)?.as_s().ok().cloned();
        let next = answer.last_evaluated_key.as_ref();
        let next = next.and_then(|key| Some((text(key, "product_id")?, text(key, "warehouse_id")?)));
        let own = rows(answer)?.into_iter().filter(|row| row.bucket_of().is_none());
        let whole = own.map(async |row| match row.buckets {
            1 => Ok(Some(row)),
            _ => self.row(&row.product_id, &row.warehouse_id).await,
        });
        let whole: Vec<_> = stream::iter(whole).buffered(PLACES_AT_ONCE).try_collect().await?;
        Ok(StockPage { next, rows: whole.into_iter().flatten().collect() })
    }

    /// Reads all rows. Of a place that is split or put together meanwhile, pieces may be missing or read twice.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn all(&self) -> Result<Vec<StockRow>, Error> {
        let mut shelves: BTreeMap<Place, (Option<Pieces>, Vec<Pieces>)> = BTreeMap::new();
        for row in self.scanned().await? {
            match row.bucket_of() {
                Some(place) => shelves.entry(place).or_default().1.push(row.pieces()),
                None => shelves.entry(row.place()).or_default().0 = Some(row.pieces()),
            }
        }
        let whole = shelves.into_iter().map(|(place, (own, others))| {
            StockRow::of(place, &Shelf::split_into(own.unwrap_or_default(), others))
        });
        Ok(whole.collect())
    }

    /// The ids of all warehouses that there ever was stock in.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn warehouses(&self) -> Result<BTreeSet<String>, Error> {
        Ok(self.scanned().await?.into_iter().map(|row| row.warehouse_id).collect())
    }

    async fn scanned(&self) -> Result<Vec<StockRow>, Error> {
        let mut all = Vec::new();
        let mut from = None;
        loop {
            let scan = ScanInput::builder().table_name(&self.table).set_exclusive_start_key(from);
            let mut answer = self.dynamodb.scan(scan).await?;
            from = answer.last_evaluated_key.take();
            all.extend(rows(answer)?);
            if from.is_none() {
                return Ok(all);
            }
        }
    }

    /// Writes a row where there is none yet.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn seed(&self, row: &StockRow) -> Result<(), Error> {
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(row)?;
        let put = PutItemInput::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(product_id)");
        match self.dynamodb.put_item(put).await.map_err(Error::from) {
            Ok(()) | Err(Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The place that a row of this key belongs to.
pub(crate) fn place_of(key: &HashMap<String, AttributeValue>) -> Option<Place> {
    let text = |name: &str| key.get(name)?.as_s().ok();
    Some((product_of(text("product_id")?).to_owned(), text("warehouse_id")?.clone()))
}

fn rows(answer: ScanOutput) -> Result<Vec<StockRow>, Error> {
    Ok(serde_dynamo::from_items(answer.items.unwrap_or_default())?)
}
