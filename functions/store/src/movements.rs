//! The movements' table: who brought, took, counted and moved goods. A movement is written in one transaction with the
//! rows of the stock that it changes, and never changes afterwards.
//!
//! The partition key names the product and the warehouse with a slash between them, which no id has; the sort key
//! begins with the time, so that a list is newest first.

use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use chrono::{DateTime, Utc};
use omniflow_domain::movement::{Impossible, MovementKind, OnShelf};
use omniflow_domain::order::returns::{Return, ReturnLine};
use omniflow_domain::order::{Actor, OrderId};
use omniflow_domain::shelf::{Column, Pieces, Shelf};
use omniflow_services::{DynamoDb, Item};
use serde::{Deserialize, Serialize};

use crate::moves::MOST_ROWS;
use crate::{Error, Stock};

/// The number of the form that movements are stored in.
const FORM: u32 = 1;
/// The random part of an id is below this.
pub const RANDOM_BELOW: u32 = 1_000_000;

/// The movements in DynamoDB.
#[derive(Clone)]
pub struct Movements {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
    stock: Stock,
}

/// Goods of a return that have come.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// The order that they were sold with.
    pub order: &'a OrderId,
    /// The return, with what has come of each of its lines.
    pub returned: &'a Return,
    /// The id that the movements will have; see [`new_id`].
    pub id: &'a str,
    /// Who received them.
    pub by: &'a Actor,
    /// When.
    pub at: DateTime<Utc>,
}

impl<'a> Arrival<'a> {
    /// The lines of which something has come.
    fn lines(&self) -> impl Iterator<Item = &'a ReturnLine> {
        self.returned.lines.iter().filter(|line| line.came() > 0)
    }
}

/// What somebody wants moved.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The id that the movement will have; see [`new_id`].
    pub id: String,
    /// What kind of movement it is.
    pub kind: MovementKind,
    /// The id of the product.
    pub product_id: String,
    /// The id of the warehouse.
    pub warehouse: String,
    /// The number of pieces as [`OnShelf::moved`] takes it.
    pub quantity: i64,
    /// Why, in people's words.
    pub reason: String,
    /// A delivery note, an invoice, a count sheet.
    pub reference: Option<String>,
    /// The warehouse that a transfer goes to.
    pub to: Option<String>,
    /// Who does it.
    pub by: Actor,
    /// When they do it.
    pub at: DateTime<Utc>,
}

/// A movement of the pieces of one product in one warehouse, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    #[serde(default)]
    v: u32,
    place: String,
    /// The id, which begins with the time. Both sides of a transfer have the same.
    pub movement_id: String,
    /// What kind of movement it is.
    pub kind: MovementKind,
    /// The number of pieces that were given with it.
    pub quantity: i64,
    /// The number by which the available pieces changed.
    pub change: i64,
    /// Why, in people's words.
    pub reason: String,
    /// A delivery note, an invoice, a count sheet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The warehouse that the pieces went to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The warehouse that the pieces came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Who did it.
    pub by: Actor,
    /// When they did it.
    pub at: DateTime<Utc>,
    /// The pieces that were available after it.
    pub available: u32,
    /// The pieces that were set aside for orders then.
    pub reserved: u32,
}

/// A movement as it would be made now.
#[derive(Debug)]
pub struct Plan {
    /// The movement, at the warehouse that it begins in.
    pub movement: Movement,
    /// The writes that make it, all or none.
    pub writes: Vec<TransactWriteItem>,
    /// Whether the rows stay as they are, as by a count that finds what is written.
    pub changes_nothing: bool,
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// The rows don't allow it.
    #[error("in {warehouse}: {why}")]
    Impossible {
        /// The warehouse whose row doesn't allow it.
        warehouse: String,
        /// What stands in the way there.
        why: Impossible,
    },
    /// The store failed, or others wrote the same rows first: [`Error::Conflict`].
    #[error(transparent)]
    Store(#[from] Error),
}

/// A page of a list of movements.
#[derive(Debug)]
pub struct MovementPage {
    /// The movements, newest first.
    pub movements: Vec<Movement>,
    /// The id after which the next page begins; `None` on the last page.
    pub next: Option<String>,
}

/// The id of a movement that is made now.
pub fn new_id(now: DateTime<Utc>, random: u32) -> String {
    format!("{:013}-{random:06}", now.timestamp_millis())
}

fn place(product: &str, warehouse: &str) -> String {
    format!("{product}/{warehouse}")
}

impl Movements {
    /// The movements in this table, of the stock.
    pub fn new(dynamodb: Arc<dyn DynamoDb>, table: &str, stock: Stock) -> Self {
        Self { dynamodb, table: table.to_owned(), stock }
    }

    /// Plans the movement on the rows as they are now.
    ///
    /// # Errors
    /// [`NotMoved`].
    pub async fn plan(&self, wanted: &Wanted) -> Result<Plan, NotMoved> {
        let from = (wanted.product_id.clone(), wanted.warehouse.clone());
        let shelf = self.stock.shelf(&from).await?;
        let impossible = |warehouse: &str| {
            let warehouse = warehouse.to_owned();
            move |why| NotMoved::Impossible { warehouse, why }
        };
        let (change, after) = on_shelf(shelf.as_ref())
            .moved(wanted.kind, wanted.quantity)
            .map_err(impossible(&wanted.warehouse))?;
        let movement = Movement {
            v: FORM,
            place: place(&wanted.product_id, &wanted.warehouse),
            movement_id: wanted.id.clone(),
            kind: wanted.kind,
            quantity: wanted.quantity,
            change,
            reason: wanted.reason.clone(),
            reference: wanted.reference.clone(),
            to: wanted.to.clone(),
            from: None,
            by: wanted.by.clone(),
            at: wanted.at,
            available: after.available,
            reserved: after.reserved,
        };
        let mut writes = self.stock.bring(&from, shelf.as_ref(), wanted.kind, change)?;
        writes.push(self.put(&movement)?);
        if let Some(to) = &wanted.to {
            let place_there = (wanted.product_id.clone(), to.clone());
            let there = self.stock.shelf(&place_there).await?;
            let (change, after) = on_shelf(there.as_ref())
                .moved(MovementKind::Receive, wanted.quantity)
                .map_err(impossible(to))?;
            let arrival = Movement {
                place: place(&wanted.product_id, to),
                change,
                to: None,
                from: Some(wanted.warehouse.clone()),
                available: after.available,
                reserved: after.reserved,
                ..movement.clone()
            };
            writes.extend(self.stock.bring(&place_there, there.as_ref(), MovementKind::Receive, change)?);
            writes.push(self.put(&arrival)?);
        }
        Ok(Plan { changes_nothing: change == 0 && shelf.is_some(), movement, writes })
    }

    /// The writes that bring the goods of a return back to the shelves that they were sold from, to be made with the
    /// order: those that can be sold again with a movement for each row, and those that can't be as lost. The rows must be
    /// as they were read, so that the movements tell what was available after them. Where pieces were sold from so many
    /// buckets that one transaction can't take them back, they are brought together first, which changes no sum.
    ///
    /// # Errors
    /// [`NotMoved`].
    pub async fn of_return(&self, arrival: &Arrival<'_>) -> Result<Vec<TransactWriteItem>, NotMoved> {
        let writes = self.coming_back(arrival).await?;
        // The answer that is kept for an idempotency key is written with the order as well.
        if writes.len() < MOST_ROWS {
            return Ok(writes);
        }
        for line in arrival.lines() {
            let there = (line.product_id.clone(), line.warehouse.clone());
            if let Some(shelf) = self.stock.shelf(&there).await? {
                let first = arrival.order.hash64();
                self.stock.bring_together(&there, &shelf, Column::Sold, line.came(), first).await?;
            }
        }
        self.coming_back(arrival).await
    }

    async fn coming_back(&self, arrival: &Arrival<'_>) -> Result<Vec<TransactWriteItem>, NotMoved> {
        let Arrival { order, returned, id, by, at } = *arrival;
        let mut writes = Vec::new();
        for line in arrival.lines() {
            let (product, warehouse) = (&line.product_id, &line.warehouse);
            let there = (product.clone(), warehouse.clone());
            let shelf = self.stock.shelf(&there).await?;
            writes.extend(self.stock.take_back(&there, shelf.as_ref(), line)?);
            if line.restocked == 0 {
                continue;
            }
            let moved = on_shelf(shelf.as_ref()).moved(MovementKind::Return, line.restocked.into());
            let (change, after) =
                moved.map_err(|why| NotMoved::Impossible { warehouse: warehouse.clone(), why })?;
            writes.push(self.put(&Movement {
                v: FORM,
                place: place(product, warehouse),
                movement_id: id.to_owned(),
                kind: MovementKind::Return,
                quantity: line.restocked.into(),
                change,
                reason: returned.reason.clone(),
                reference: Some(format!("{order}/{}", returned.number)),
                to: None,
                from: None,
                by: by.clone(),
                at,
                available: after.available,
                reserved: after.reserved,
            })?);
        }
        Ok(writes)
    }

    /// Makes these writes, all or none.
    ///
    /// # Errors
    /// [`Error::Conflict`] when others wrote the rows since they were read, or made what goes with it.
    pub async fn make(&self, writes: Vec<TransactWriteItem>) -> Result<(), Error> {
        let write = TransactWriteItemsInput::builder().set_transact_items(Some(writes));
        Ok(self.dynamodb.transact_write_items(write).await?)
    }

    /// The movement of this id, if it was made: a call that failed may have made it.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn made(&self, wanted: &Wanted) -> Result<Option<Movement>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("place", AttributeValue::S(place(&wanted.product_id, &wanted.warehouse)))
            .key("movement_id", AttributeValue::S(wanted.id.clone()))
            .consistent_read(true);
        let found = self.dynamodb.get_item(get).await?;
        Ok(found.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// The movements of a product in a warehouse, newest first: `limit` of them at most, beginning after the one
    /// with the id `after`.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn list(
        &self,
        product: &str,
        warehouse: &str,
        limit: usize,
        after: Option<&str>,
    ) -> Result<MovementPage, Error> {
        let place = AttributeValue::S(place(product, warehouse));
        let from = after.map(|id| {
            let id = AttributeValue::S(id.to_owned());
            Item::from([("place".to_owned(), place.clone()), ("movement_id".to_owned(), id)])
        });
        let query = QueryInput::builder()
            .table_name(&self.table)
            .key_condition_expression("place = :place")
            .expression_attribute_values(":place", place)
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from);
        let answer = self.dynamodb.query(query).await?;
        let movements: Vec<Movement> = serde_dynamo::from_items(answer.items.unwrap_or_default())?;
        let more = answer.last_evaluated_key.is_some();
        let next = movements.last().filter(|_| more).map(|movement| movement.movement_id.clone());
        Ok(MovementPage { movements, next })
    }

    fn put(&self, movement: &Movement) -> Result<TransactWriteItem, Error> {
        let item: Item = serde_dynamo::to_item(movement)?;
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(place)")
            .build()
            .map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn on_shelf(shelf: Option<&Shelf>) -> OnShelf {
    shelf.map_or_else(OnShelf::default, |shelf| {
        let Pieces { available, reserved, .. } = shelf.total();
        OnShelf { available, reserved }
    })
}
