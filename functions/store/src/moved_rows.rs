//! The writes by which a movement changes the rows of the stock, to be made in one transaction with its record.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use omniflow_domain::movement::MovementKind;
use omniflow_domain::order::returns::ReturnLine;
use omniflow_domain::shelf::{Change, Column, Pieces, Shelf};

use crate::moves::write;
use crate::stock::{Place, key};
use crate::{Error, Stock};

impl Stock {
    /// The writes that bring so many available pieces to a place, or take them when there are fewer than none, on the
    /// condition that it is as it was read; a place where nothing was must be so still. Of one that is split only the
    /// buckets that are changed must have what is taken, since it would hardly ever stay as it was read; but a count
    /// is of all of it.
    pub(crate) fn bring(
        &self,
        place: &Place,
        read: Option<&Shelf>,
        kind: MovementKind,
        change: i64,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let Some(shelf) = read else { return Ok(vec![self.first(place, change)?]) };
        let changes = match u32::try_from(-change) {
            Ok(fewer) => shelf.taken(fewer).ok_or(Error::Conflict)?,
            Err(_) => vec![Change::of(0).with(Column::Available, change)],
        };
        if shelf.count() > 1 && kind != MovementKind::Count {
            return changes.iter().map(|change| Ok(write(self.change(place, change)?))).collect();
        }
        let set = shelf.buckets().map(|(bucket, pieces)| {
            let change = changes.iter().find(|change| change.bucket == bucket);
            let after =
                change.map_or(Some(pieces), |change| pieces.changed(change)).ok_or(Error::Conflict)?;
            self.set(place, bucket, pieces, after.available)
        });
        set.collect()
    }

    /// The writes that take back pieces that were sold: those that can be sold again are available, the others lost. A
    /// place that is not split must be as it was read, so that the movement tells what was available after it.
    pub(crate) fn take_back(
        &self,
        place: &Place,
        read: Option<&Shelf>,
        line: &ReturnLine,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let shelf = read.ok_or(Error::Conflict)?;
        let changes =
            shelf.taken_back(line.restocked, line.came() - line.restocked).ok_or(Error::Conflict)?;
        let update = |change: &Change| {
            let mut update = self.change(place, change)?;
            if shelf.count() == 1 {
                on_condition_of_no_change(&mut update, shelf.total());
            }
            Ok(write(update))
        };
        changes.iter().map(update).collect()
    }

    /// The write of the first pieces of a place.
    fn first(&self, place: &Place, pieces: i64) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, 0)))
            .update_expression("SET available = :after, reserved = :none, sold = :none")
            .condition_expression("attribute_not_exists(product_id)")
            .expression_attribute_values(":after", AttributeValue::N(pieces.to_string()))
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()));
        Ok(write(update.build().map_err(|error| Error::Service(error.to_string()))?))
    }

    /// The write that brings a bucket to so many available pieces, on the condition that it is as it was read.
    fn set(
        &self,
        place: &Place,
        bucket: u8,
        read: Pieces,
        available: u32,
    ) -> Result<TransactWriteItem, Error> {
        let number = |number: u32| AttributeValue::N(number.to_string());
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(place, bucket)))
            .update_expression("SET available = :after")
            .condition_expression("available = :available AND reserved = :reserved")
            .expression_attribute_values(":after", number(available))
            .expression_attribute_values(":available", number(read.available))
            .expression_attribute_values(":reserved", number(read.reserved));
        Ok(write(update.build().map_err(|error| Error::Service(error.to_string()))?))
    }
}

/// Has the update made only when the place's own row has what was available and set aside when it was read.
fn on_condition_of_no_change(update: &mut Update, read: Pieces) {
    let as_read = "available = :as_read AND reserved = :set_aside_as_read";
    update.condition_expression = match update.condition_expression.take() {
        Some(condition) => Some(format!("{condition} AND {as_read}")),
        None => Some(as_read.to_owned()),
    };
    let number = |number: u32| AttributeValue::N(number.to_string());
    let values = update.expression_attribute_values.get_or_insert_default();
    values.insert(":as_read".to_owned(), number(read.available));
    values.insert(":set_aside_as_read".to_owned(), number(read.reserved));
}
