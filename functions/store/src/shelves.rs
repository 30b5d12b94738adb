//! Places as they are read: with all of their buckets, or at a glimpse with one of each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use omniflow_domain::allocation::{Available, Line};
use omniflow_domain::shelf::{Shelf, bucket_of};

use crate::Error;
use crate::stock::{Place, Stock, StockRow, key};

/// How often a place is read anew whose buckets changed their number meanwhile.
const LOOKS: usize = 5;
/// The number of buckets of a place that are read at the same time, each over a connection of its own.
const BUCKETS_AT_ONCE: usize = 16;

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

impl Stock {
    pub(crate) async fn shelves_of(&self, product_id: &str) -> Result<Vec<(Place, Shelf)>, Error> {
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
}
