//! The stock's table: the pieces of each product in each warehouse that are available, reserved and sold.
//! Only movements ([`crate::movements`]) change the sum of the three.
//!
//! A place (a product in a warehouse) has a row under the ids of both. One that is split ([`crate::buckets`]) has
//! further rows, whose partition key has the warehouse and the number of the bucket behind the product, with slashes,
//! which no id has. What is read here is all buckets of a place together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::scan::{ScanInput, ScanOutput};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

use omniflow_domain::allocation::{Available, Line};
use omniflow_domain::shelf::{Pieces, Shelf, bucket_of};
use omniflow_services::DynamoDb;

use crate::Error;

/// How often a place is read anew whose buckets changed their number meanwhile.
const LOOKS: usize = 5;
/// The number of buckets of a place that are read at the same time, each over a connection of its own.
const BUCKETS_AT_ONCE: usize = 16;
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
    split: Arc<Mutex<HashMap<Place, u8>>>,
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

/// How sure a reading has to be. A write's conditions find out what has changed since in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// All that was written before is seen.
    Consistent,
    /// What was written within the last second may be missing, for half the price (Amazon DynamoDB Developer Guide,
    /// "DynamoDB read consistency").
    Eventual,
}

/// Places with their buckets, as they were read.
#[derive(Debug, Default)]
pub struct Shelves(BTreeMap<Place, Shelf>);

/// Places as a reservation looks at them first: of one that is split, only the bucket was read that it begins with.
#[derive(Debug)]
pub struct Glimpse(Shelves);

impl Glimpse {
    /// What is available at least.
    pub fn at_least(&self) -> Available {
        self.0.available()
    }

    /// What is available at most: there may be any number of pieces in buckets that were not read, unless the place is
    /// known to be `empty`.
    pub fn at_most(&self, empty: impl Fn(&Place) -> bool) -> Available {
        self.0.counted(|place, shelf| match shelf.count() > 1 && !empty(place) {
            true => u32::MAX,
            false => shelf.total().available,
        })
    }

    /// Whether any of the places is split, so that not all of it was read.
    pub fn any_is_split(&self) -> bool {
        self.0.any_is_split()
    }

    /// The places, with the buckets that were not read as empty.
    pub fn into_shelves(self) -> Shelves {
        self.0
    }
}

impl Shelves {
    /// What is available there.
    pub fn available(&self) -> Available {
        self.counted(|_, shelf| shelf.total().available)
    }

    /// Each place, with the pieces that are available there.
    pub fn places(&self) -> impl Iterator<Item = (&Place, u32)> {
        self.0.iter().map(|(place, shelf)| (place, shelf.total().available))
    }

    fn counted(&self, count: impl Fn(&Place, &Shelf) -> u32) -> Available {
        let mut available = Available::new();
        for (place, shelf) in &self.0 {
            let (product, warehouse) = place.clone();
            available.entry(product).or_default().insert(warehouse, count(place, shelf));
        }
        available
    }

    /// Whether any of them is split. Its buckets are read one after the other while pieces move between them, so
    /// that their sum may be too small.
    pub fn any_is_split(&self) -> bool {
        self.0.values().any(|shelf| shelf.count() > 1)
    }

    pub(crate) fn get(&self, place: &Place) -> Option<&Shelf> {
        self.0.get(place)
    }
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
    fn place(&self) -> Place {
        (self.product_id.clone(), self.warehouse_id.clone())
    }

    fn pieces(&self) -> Pieces {
        Pieces { available: self.available, reserved: self.reserved, sold: self.sold, lost: self.lost }
    }

    fn of((product_id, warehouse_id): Place, shelf: &Shelf) -> Self {
        let Pieces { available, reserved, sold, lost } = shelf.total();
        Self { product_id, warehouse_id, available, reserved, sold, lost, buckets: shelf.count() }
    }

    /// Whether it is a bucket beside a place's own row, and of which place.
    fn bucket_of(&self) -> Option<Place> {
        let product = self.product_id.split(BETWEEN).next()?;
        (product != self.product_id).then(|| (product.to_owned(), self.warehouse_id.clone()))
    }
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

    async fn shelves_of(&self, product_id: &str) -> Result<Vec<(Place, Shelf)>, Error> {
        for _ in 0..LOOKS {
            let rows = self.own_rows(product_id, Reading::Consistent).await?;
            let places: Vec<_> = rows.iter().map(StockRow::place).collect();
            let shelves = try_join_all(rows.into_iter().map(|row| self.with_buckets(row))).await?;
            if let Some(shelves) = shelves.into_iter().collect::<Option<Vec<_>>>() {
                return Ok(places.into_iter().zip(shelves).collect());
            }
        }
        Err(Error::Contention)
    }

    /// The own rows of all places of a product.
    async fn own_rows(&self, product_id: &str, reading: Reading) -> Result<Vec<StockRow>, Error> {
        let query = QueryInput::builder()
            .table_name(&self.table)
            .key_condition_expression("product_id = :product")
            .expression_attribute_values(":product", AttributeValue::S(product_id.to_owned()))
            .consistent_read(reading == Reading::Consistent);
        let answer = self.dynamodb.query(query).await?;
        Ok(serde_dynamo::from_items(answer.items.unwrap_or_default())?)
    }

    /// All buckets of the place that has this row; `None` when they have become fewer since it was read.
    async fn with_buckets(&self, own: StockRow) -> Result<Option<Shelf>, Error> {
        let place = own.place();
        let others = stream::iter(1..own.buckets);
        let others = others.map(|bucket| self.bucket(&place, bucket, Reading::Consistent));
        let others: Vec<_> = others.buffered(BUCKETS_AT_ONCE).try_collect().await?;
        let others = others.into_iter().map(|row| row.map(|row| row.pieces()));
        let shelf = others.collect::<Option<_>>().map(|others| Shelf::split_into(own.pieces(), others));
        if let Some(shelf) = &shelf {
            self.remember(&place, shelf.count());
        }
        Ok(shelf)
    }

    /// Whether the product was split in any warehouse when it was read last.
    fn is_split(&self, product_id: &str) -> bool {
        let split = self.split.lock().unwrap_or_else(PoisonError::into_inner);
        split.keys().any(|(product, _)| product == product_id)
    }

    fn remember(&self, place: &Place, buckets: u8) {
        let mut split = self.split.lock().unwrap_or_else(PoisonError::into_inner);
        match buckets {
            1 => split.remove(place),
            buckets => split.insert(place.clone(), buckets),
        };
    }

    /// The number of buckets that a place had when it was read last; 1 when it never was.
    pub(crate) fn remembered(&self, place: &Place) -> u8 {
        self.split.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied().unwrap_or(1)
    }

    async fn bucket(&self, place: &Place, bucket: u8, reading: Reading) -> Result<Option<StockRow>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, bucket)))
            .consistent_read(reading == Reading::Consistent);
        let found = self.dynamodb.get_item(get).await?;
        Ok(found.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Reads a place with its buckets; `None` when nothing was ever there.
    ///
    /// # Errors
    /// A failure of DynamoDB; [`Error::Contention`] when buckets keep changing their number.
    pub(crate) async fn shelf(&self, place: &Place) -> Result<Option<Shelf>, Error> {
        for _ in 0..LOOKS {
            let Some(own) = self.bucket(place, 0, Reading::Consistent).await? else { return Ok(None) };
            if let Some(shelf) = self.with_buckets(own).await? {
                return Ok(Some(shelf));
            }
        }
        Err(Error::Contention)
    }

    /// Reads these places with their buckets.
    ///
    /// # Errors
    /// As [`Stock::of`].
    pub(crate) async fn shelves_at(&self, places: BTreeSet<Place>) -> Result<Shelves, Error> {
        let read = places.into_iter().map(async |place| {
            let shelf = self.shelf(&place).await?;
            Ok::<_, Error>(shelf.map(|shelf| (place, shelf)))
        });
        Ok(Shelves(try_join_all(read).await?.into_iter().flatten().collect()))
    }

    /// Reads all places of these products with their buckets.
    ///
    /// # Errors
    /// As [`Stock::of`].
    pub async fn shelves(&self, wanted: &[Line]) -> Result<Shelves, Error> {
        let read = try_join_all(wanted.iter().map(|line| self.shelves_of(&line.product_id))).await?;
        Ok(Shelves(read.into_iter().flatten().collect()))
    }

    /// Reads all places of these products, and of those that are split only the bucket that `first` leads to: so that
    /// the buckets don't all have to be read for each order of a product that many want.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn glimpse(&self, products: &[&str], first: u64) -> Result<Glimpse, Error> {
        self.glimpsed(products, first, |_| Reading::Consistent).await
    }

    /// The same, which may miss what was written within the last second where a product is known to be split.
    ///
    /// # Errors
    /// As [`Stock::glimpse`].
    pub async fn quick_glimpse(&self, products: &[&str], first: u64) -> Result<Glimpse, Error> {
        let reading = |product: &str| match self.is_split(product) {
            true => Reading::Eventual,
            false => Reading::Consistent,
        };
        self.glimpsed(products, first, reading).await
    }

    async fn glimpsed(
        &self,
        products: &[&str],
        first: u64,
        reading: impl Fn(&str) -> Reading,
    ) -> Result<Glimpse, Error> {
        let places = products.iter().map(async |product| {
            let reading = reading(product);
            let rows = self.own_rows(product, reading).await?;
            try_join_all(rows.into_iter().map(|own| self.seen(own, first, reading))).await
        });
        Ok(Glimpse(Shelves(try_join_all(places).await?.into_iter().flatten().collect())))
    }

    /// The place that has this row, with one bucket of it.
    async fn seen(&self, own: StockRow, first: u64, reading: Reading) -> Result<(Place, Shelf), Error> {
        let place = own.place();
        self.remember(&place, own.buckets);
        let bucket = bucket_of(first, own.buckets);
        let pieces = match bucket {
            0 => own.pieces(),
            bucket => {
                let row = self.bucket(&place, bucket, reading).await?;
                row.map(|row| row.pieces()).unwrap_or_default()
            }
        };
        Ok((place, Shelf::seen_in_part(own.buckets, bucket, pieces)))
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
    let product = text("product_id")?.split(BETWEEN).next()?;
    Some((product.to_owned(), text("warehouse_id")?.clone()))
}

fn rows(answer: ScanOutput) -> Result<Vec<StockRow>, Error> {
    Ok(serde_dynamo::from_items(answer.items.unwrap_or_default())?)
}
