//! Splitting a place into buckets, and putting it together again: see [`omniflow_domain::shelf`].
//!
//! Each step is one transaction on conditions, so that orders and movements go on meanwhile: those that planned on
//! what was before fail their conditions and plan anew.

use std::time::Duration;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use omniflow_domain::shelf::{Change, Column, Pieces, Shelf};
use serde::Deserialize;

use crate::Error;
use crate::moves::write;
use crate::stock::{Place, Stock, key, one};

/// How often a step is tried that others come before.
const ATTEMPTS: u64 = 20;
/// A place that the system has split is put together when orders have not got into each other's way for so long.
const QUIET_AFTER: TimeDelta = TimeDelta::hours(1);
/// That a place is busy is noted at most once in so long, and until then it is not split further.
const NOTED_FOR: TimeDelta = TimeDelta::minutes(10);
/// The number of places that are put together at the same time.
const AT_ONCE: usize = 4;

/// Why the number of buckets is to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// An operator wants so many, and the system doesn't make them fewer.
    Wanted,
    /// Orders get into each other's way at this moment.
    Busy(DateTime<Utc>),
    /// Orders have not done so for long.
    Quiet,
}

/// What a place's own row says about its buckets.
#[derive(Deserialize)]
struct Layout {
    product_id: String,
    warehouse_id: String,
    #[serde(default = "one")]
    buckets: u8,
    /// The number that an operator wants.
    #[serde(default)]
    kept: Option<u8>,
    /// When orders last got into each other's way, in milliseconds since 1970.
    #[serde(default)]
    busy_at: Option<i64>,
}

impl Stock {
    /// Gives a place so many buckets, and tells how many it has then; `None` when nothing was ever there. One that is
    /// busy is only given more.
    ///
    /// # Errors
    /// A failure of DynamoDB; [`Error::Contention`] when others came first each time.
    pub async fn split(&self, place: &Place, buckets: u8, why: Split) -> Result<Option<u8>, Error> {
        let mut failed = 0;
        loop {
            let Some(shelf) = self.shelf(place).await? else { return Ok(None) };
            let is_busy = matches!(why, Split::Busy(_));
            let buckets = if is_busy { buckets.min(shelf.most_useful_buckets()) } else { buckets };
            let step = match shelf.count() {
                now if now < buckets => self.grow(place, &shelf, buckets)?,
                now if now > buckets && !is_busy => self.shrink(place, &shelf)?,
                now => {
                    self.note(place, now, why).await?;
                    return Ok(Some(now));
                }
            };
            let step = TransactWriteItemsInput::builder().set_transact_items(Some(step));
            match self.dynamodb.transact_write_items(step).await.map_err(Error::from) {
                Ok(()) => {}
                Err(Error::Conflict | Error::Contention) if failed < ATTEMPTS => {
                    failed += 1;
                    tokio::time::sleep(Duration::from_millis(failed)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The writes that spread what is available in the place's own row over that and new buckets.
    fn grow(&self, place: &Place, shelf: &Shelf, buckets: u8) -> Result<Vec<TransactWriteItem>, Error> {
        let available = |change: &Change| change.get(Column::Available).unsigned_abs();
        let changes = shelf.split(buckets);
        let new = changes.iter().filter(|change| change.bucket > 0);
        let spread: u64 = new.clone().map(available).sum();
        let own = self
            .of_layout(place, shelf.count(), Some("available >= :spread"))
            .update_expression("SET available = available - :spread, buckets = :buckets")
            .expression_attribute_values(":spread", number(spread))
            .expression_attribute_values(":buckets", number(buckets.into()));
        let begun = new.map(|change| {
            Update::builder()
                .table_name(&self.table)
                .set_key(Some(key(place, change.bucket)))
                .update_expression(
                    "SET available = :available, reserved = :none, sold = :none, #lost = :none",
                )
                .condition_expression("attribute_not_exists(product_id)")
                .expression_attribute_names("#lost", Column::Lost.name())
                .expression_attribute_values(":available", number(available(change)))
                .expression_attribute_values(":none", number(0))
        });
        std::iter::once(own).chain(begun).map(|update| built(update).map(write)).collect()
    }

    /// An update of the place's own row on the condition that it has so many buckets, and on a further one.
    fn of_layout(&self, place: &Place, buckets: u8, further: Option<&str>) -> UpdateBuilder {
        let condition = match buckets {
            1 => "attribute_exists(product_id) AND (attribute_not_exists(buckets) OR buckets = :before)",
            _ => "buckets = :before",
        };
        let conditions = std::iter::once(condition).chain(further).collect::<Vec<_>>();
        Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, 0)))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_values(":before", number(buckets.into()))
    }

    /// The writes that bring all of the last bucket to the place's own row.
    fn shrink(&self, place: &Place, shelf: &Shelf) -> Result<Vec<TransactWriteItem>, Error> {
        let (last, all) = shelf.without_last().ok_or(Error::Conflict)?;
        let left = shelf.count() - 1;
        let mut own = self.of_layout(place, shelf.count(), None);
        own = own.expression_attribute_values(":buckets", number(left.into()));
        let mut added = Vec::new();
        for column in Column::ALL.into_iter().filter(|column| all.get(*column) != 0) {
            let name = column.name();
            added.push(format!("#{name} :{name}"));
            own = own.expression_attribute_names(format!("#{name}"), name);
            let pieces = number(all.get(column).unsigned_abs());
            own = own.expression_attribute_values(format!(":{name}"), pieces);
        }
        let add = if added.is_empty() { String::new() } else { format!(" ADD {}", added.join(", ")) };
        let own = own.update_expression(format!("SET buckets = :buckets{add}"));
        let gone = TransactWriteItem::builder().delete(self.unchanged(place, left, last)?).build();
        Ok(vec![write(built(own)?), gone])
    }

    /// Deletes a bucket on the condition that it has these pieces.
    fn unchanged(&self, place: &Place, bucket: u8, pieces: Pieces) -> Result<Delete, Error> {
        let mut delete = Delete::builder().table_name(&self.table).set_key(Some(key(place, bucket)));
        let mut conditions = Vec::new();
        for column in Column::ALL {
            let name = column.name();
            conditions.push(format!("#{name} = :{name}"));
            delete = delete
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), number(pieces.get(column).into()));
        }
        let delete = delete.condition_expression(conditions.join(" AND "));
        delete.build().map_err(|error| Error::Service(error.to_string()))
    }

    /// Notes why the place has so many buckets.
    async fn note(&self, place: &Place, buckets: u8, why: Split) -> Result<(), Error> {
        let (attribute, value) = match why {
            Split::Wanted => ("kept", number(buckets.into())),
            Split::Busy(now) => ("busy_at", AttributeValue::N(now.timestamp_millis().to_string())),
            Split::Quiet => return Ok(()),
        };
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, 0)))
            .update_expression(format!("SET {attribute} = :value"))
            .condition_expression("attribute_exists(product_id)")
            .expression_attribute_values(":value", value);
        match self.dynamodb.update_item(update).await.map_err(Error::from) {
            Ok(_) | Err(Error::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Puts together what the system has split and where orders no longer get into each other's way, and tells at how
    /// many places it did. What can't be put together now is left to the next run.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn put_quiet_places_together(&self, now: DateTime<Utc>) -> Result<usize, Error> {
        let quiet = self.split_places().await?.into_iter().filter(|layout| {
            let is_quiet = layout.busy_at().is_none_or(|busy_at| busy_at + QUIET_AFTER <= now);
            layout.buckets > layout.wanted() && is_quiet
        });
        let together = stream::iter(quiet).map(async |layout| {
            let wanted = layout.wanted();
            let place = (layout.product_id, layout.warehouse_id);
            match self.split(&place, wanted, Split::Quiet).await {
                Ok(_) => 1,
                Err(error) => {
                    tracing::warn!(product = place.0, warehouse = place.1, %error, "its buckets stay");
                    0
                }
            }
        });
        Ok(together.buffer_unordered(AT_ONCE).fold(0, async |sum, one| sum + one).await)
    }

    async fn split_places(&self) -> Result<Vec<Layout>, Error> {
        let mut split = Vec::new();
        let mut from = None;
        loop {
            let scan = ScanInput::builder()
                .table_name(&self.table)
                .filter_expression("buckets > :one")
                .expression_attribute_values(":one", number(1))
                .set_exclusive_start_key(from);
            let answer = self.dynamodb.scan(scan).await?;
            split.extend(serde_dynamo::from_items::<_, Layout>(answer.items.unwrap_or_default())?);
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(split);
            }
        }
    }

    /// Splits a place at which orders get into each other's way, into `most` buckets if it has pieces for so many. It is
    /// done at once rather than in steps: only what the place's own row has is spread over new buckets, which after the
    /// first step would be little.
    /// What can't be split now is tried again by the next order that meets others there.
    pub async fn relieve(&self, place: &Place, most: u8, now: DateTime<Utc>) {
        let before = self.remembered(place);
        match self.split_if_news(place, most, now).await {
            Ok(Some(buckets)) if buckets > before => {
                tracing::info!(product = place.0, warehouse = place.1, buckets, "split, because it is busy");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(product = place.0, warehouse = place.1, %error, "it could not be split");
            }
        }
    }

    async fn split_if_news(&self, place: &Place, most: u8, now: DateTime<Utc>) -> Result<Option<u8>, Error> {
        // Others who met there at the same moment may have split it, and noted it, before.
        let layout = self.layout(place).await?;
        match layout.filter(|layout| layout.was_busy_lately(now)) {
            Some(layout) => Ok(Some(layout.buckets)),
            None => self.split(place, most, Split::Busy(now)).await,
        }
    }

    async fn layout(&self, place: &Place) -> Result<Option<Layout>, Error> {
        let get = GetItemInput::builder().table_name(&self.table).set_key(Some(key(place, 0)));
        let found = self.dynamodb.get_item(get).await?;
        Ok(found.item.map(serde_dynamo::from_item).transpose()?)
    }
}

impl Layout {
    /// The number of buckets that the place has while it is quiet.
    fn wanted(&self) -> u8 {
        self.kept.unwrap_or(1)
    }

    fn busy_at(&self) -> Option<DateTime<Utc>> {
        self.busy_at.and_then(DateTime::from_timestamp_millis)
    }

    fn was_busy_lately(&self, now: DateTime<Utc>) -> bool {
        self.busy_at().is_some_and(|busy_at| now - busy_at < NOTED_FOR)
    }
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn built(update: UpdateBuilder) -> Result<Update, Error> {
    update.build().map_err(|error| Error::Service(error.to_string()))
}
