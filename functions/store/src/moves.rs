//! How orders move pieces: the writes that set them aside, give them back and sell them, to be made in one transaction
//! with the order.
//!
//! Whoever gives back or sells does without reading first, as long as nothing comes between: it takes the bucket that
//! the order's id leads to, in which its pieces are unless that was empty. The write's condition finds out when they
//! are elsewhere, and then the buckets are read.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use omniflow_domain::order::{Order, OrderId, SettledStock, Shipment};
use omniflow_domain::shelf::{Change, Column, Move, Shelf, bucket_of};

use crate::Error;
use crate::shelves::Shelves;
use crate::stock::{Place, Stock, key, place_of};

/// The largest number of rows that can be written together with an order: 100 items are in a transaction at
/// most (Amazon DynamoDB API Reference, "TransactWriteItems").
pub(crate) const MOST_ROWS: usize = 99;

/// The attempts to move pieces of one order, each of which is planned anew.
pub struct Moves<'a> {
    stock: &'a Stock,
    attempts: AtomicU32,
}

/// An attempt to reserve.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Its number, from 0.
    pub number: u32,
    /// A number that leads to the buckets that it begins with.
    pub first: u64,
}

/// Pieces that are to go another way.
struct Wanted {
    place: Place,
    quantity: u32,
    change: Move,
}

impl Moves<'_> {
    /// Begins an attempt to reserve. The number of its buckets grows from attempt to attempt by a step that each order
    /// has of its own, so that orders which meet in a bucket go on to different ones.
    pub fn attempt(&self, id: &OrderId) -> Attempt {
        let number = self.attempts.fetch_add(1, Ordering::Relaxed);
        let (first, step) = (id.hash64(), (id.hash64() >> 32) | 1);
        Attempt { number, first: first.wrapping_add(step.wrapping_mul(number.into())) }
    }

    /// How many attempts came after the first.
    pub fn again(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// The writes that set aside the pieces of the order's shipments in this attempt, of places as they were read.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or a failure of DynamoDB.
    pub async fn reserve(
        &self,
        order: &Order,
        read: &Shelves,
        attempt: Attempt,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        self.stock.planned(&held(order, |_| Move::Reserve), read, attempt.first).await
    }

    /// The writes that make the pieces of the order's shipments available again.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or a failure of DynamoDB.
    pub async fn release(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        self.held_pieces(order, Move::Release).await
    }

    /// The writes that sell the pieces of the order's shipments.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or a failure of DynamoDB.
    pub async fn sell(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        self.held_pieces(order, Move::Sell).await
    }

    async fn held_pieces(&self, order: &Order, change: Move) -> Result<Vec<TransactWriteItem>, Error> {
        let wanted = held(order, |_| change);
        let read = match self.attempts.fetch_add(1, Ordering::Relaxed) {
            0 => Shelves::default(),
            _ => self.stock.shelves_at(places(&wanted)).await?,
        };
        self.stock.planned(&wanted, &read, order.id().hash64()).await
    }
}

impl Stock {
    /// Begins to move pieces of an order.
    pub fn moves(&self) -> Moves<'_> {
        Moves { stock: self, attempts: AtomicU32::new(0) }
    }

    /// Reads the places that hold pieces for the order, which one transaction can move then as a person settles it.
    ///
    /// # Errors
    /// As [`Stock::of`].
    pub async fn held_by(&self, order: &Order, settled: SettledStock) -> Result<Shelves, Error> {
        let wanted = settled_pieces(order, settled);
        let read = self.shelves_at(places(&wanted)).await?;
        let first = order.id().hash64();
        match self.moved(&wanted, &read, first) {
            Err(Error::TooLarge(_)) => self.brought_together(&wanted, &read, first).await,
            Ok(_) | Err(_) => Ok(read),
        }
    }

    /// The writes that move the pieces of the order's shipments as a person has settled it, in places as they were
    /// read.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn settle(
        &self,
        order: &Order,
        settled: SettledStock,
        read: &Shelves,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        self.moved(&settled_pieces(order, settled), read, order.id().hash64())
    }

    /// The writes that set the pieces of a shipment of the order aside in another warehouse, and make those available
    /// again that were set aside for it before.
    ///
    /// # Errors
    /// [`Error::TooLarge`], or a failure of DynamoDB.
    pub async fn move_to(
        &self,
        order: &Order,
        shipment: &Shipment,
        warehouse: &str,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let wanted: Vec<_> = shipment
            .items
            .iter()
            .flat_map(|line| {
                let wanted = |warehouse: &str, change| Wanted {
                    place: (line.product_id.clone(), warehouse.to_owned()),
                    quantity: line.quantity,
                    change,
                };
                [wanted(warehouse, Move::Reserve), wanted(&shipment.warehouse, Move::Release)]
            })
            .collect();
        let read = self.shelves_at(places(&wanted)).await?;
        self.planned(&wanted, &read, order.id().hash64()).await
    }

    /// As [`Stock::moved`]. Where pieces would come from so many buckets that one transaction can't take them, they are
    /// brought together first, which changes no sum.
    async fn planned(
        &self,
        wanted: &[Wanted],
        read: &Shelves,
        first: u64,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        match self.moved(wanted, read, first) {
            Err(Error::TooLarge(_)) => {
                self.moved(wanted, &self.brought_together(wanted, read, first).await?, first)
            }
            planned => planned,
        }
    }

    /// Brings the pieces of each place together in the bucket that `first` leads to, and reads the places again.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when there are more places than one transaction can write, or a failure of DynamoDB.
    async fn brought_together(
        &self,
        wanted: &[Wanted],
        read: &Shelves,
        first: u64,
    ) -> Result<Shelves, Error> {
        if wanted.len() > MOST_ROWS {
            return Err(Error::TooLarge(MOST_ROWS));
        }
        for Wanted { place, quantity, change } in wanted {
            if let Some(shelf) = read.get(place) {
                self.bring_together(place, shelf, change.from(), *quantity, first).await?;
            }
        }
        self.shelves_at(places(wanted)).await
    }

    /// Brings so many pieces of a column together in the bucket that `first` leads to, in a transaction of its own. Where
    /// there are fewer, nothing is done.
    pub(crate) async fn bring_together(
        &self,
        place: &Place,
        shelf: &Shelf,
        column: Column,
        quantity: u32,
        first: u64,
    ) -> Result<(), Error> {
        let together = shelf.brought_together(column, quantity, first).filter(|_| shelf.count() > 1);
        let together = together.into_iter().flatten().filter(|change| change.changes_something());
        let writes = together.map(|change| Ok(write(self.change(place, &change)?)));
        let writes = writes.collect::<Result<Vec<_>, Error>>()?;
        if !writes.is_empty() {
            let together = TransactWriteItemsInput::builder().set_transact_items(Some(writes));
            self.dynamodb.transact_write_items(together).await?;
        }
        Ok(())
    }

    /// The writes that move these pieces, beginning with the bucket that `first` leads to. Where nothing was read, or
    /// too little is there, they are tried in that bucket: the condition of the write decides.
    fn moved(&self, wanted: &[Wanted], read: &Shelves, first: u64) -> Result<Vec<TransactWriteItem>, Error> {
        let mut writes = Vec::new();
        for Wanted { place, quantity, change } in wanted {
            let planned = read.get(place).and_then(|shelf| shelf.moved(*change, *quantity, first));
            let planned = planned.unwrap_or_else(|| {
                vec![Change::moved(bucket_of(first, self.remembered(place)), *change, *quantity)]
            });
            for change in &planned {
                writes.push(write(self.change(place, change)?));
            }
        }
        if writes.len() > MOST_ROWS { Err(Error::TooLarge(MOST_ROWS)) } else { Ok(writes) }
    }

    /// The update that makes this change of a bucket, on the condition that the bucket is there and has what is taken.
    pub(crate) fn change(&self, place: &Place, change: &Change) -> Result<Update, Error> {
        let (mut taken, mut added, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        let (mut names, mut values) = (HashMap::new(), HashMap::new());
        for column in Column::ALL {
            let (name, by) = (column.name(), change.get(column));
            if by == 0 {
                continue;
            }
            names.insert(format!("#{name}"), name.to_owned());
            values.insert(format!(":{name}"), AttributeValue::N(by.unsigned_abs().to_string()));
            if by < 0 {
                taken.push(format!("#{name} = #{name} - :{name}"));
                conditions.push(format!("#{name} >= :{name}"));
            } else {
                added.push(format!("#{name} :{name}"));
            }
        }
        if conditions.is_empty() {
            conditions.push("attribute_exists(product_id)".to_owned());
        }
        let clause = |word: &str, parts: Vec<String>| match parts.is_empty() {
            true => String::new(),
            false => format!("{word} {} ", parts.join(", ")),
        };
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, change.bucket)))
            .update_expression(clause("SET", taken) + &clause("ADD", added))
            .condition_expression(conditions.join(" AND "))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values));
        update.build().map_err(|error| Error::Service(error.to_string()))
    }
}

pub(crate) fn write(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

/// The pieces that the order's shipments hold, as a person has settled what became of them.
fn settled_pieces(order: &Order, settled: SettledStock) -> Vec<Wanted> {
    let is_out = |shipment: &Shipment| shipment.state.is_out();
    let none_out = !order.shipments().iter().any(is_out);
    held(order, |shipment| match settled {
        SettledStock::Sold if is_out(shipment) => Move::Sell,
        SettledStock::Lost if is_out(shipment) || none_out => Move::Lose,
        SettledStock::Released | SettledStock::Sold | SettledStock::Lost => Move::Release,
    })
}

/// The pieces that the order's shipments hold.
fn held(order: &Order, change: impl Fn(&Shipment) -> Move) -> Vec<Wanted> {
    let wanted = order.held_shipments().flat_map(|shipment| {
        let change = change(shipment);
        shipment.items.iter().map(move |line| Wanted {
            place: (line.product_id.clone(), shipment.warehouse.clone()),
            quantity: line.quantity,
            change,
        })
    });
    wanted.collect()
}

/// The place that each of these writes changes; `None` of those of other tables' items.
pub fn places_of(writes: &[TransactWriteItem]) -> Vec<Option<Place>> {
    writes.iter().map(|write| place_of(write.update()?.key())).collect()
}

fn places(wanted: &[Wanted]) -> BTreeSet<Place> {
    wanted.iter().map(|wanted| wanted.place.clone()).collect()
}
