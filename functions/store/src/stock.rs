//! The stock's table: the pieces of each product in each warehouse that are available, reserved and sold.
//! Only movements ([`crate::movements`]) change the sum of the three.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::put_item::PutItemInput;
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::scan::ScanInput;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use omniflow_domain::allocation::{Available, Line};
use omniflow_domain::movement::OnShelf;
use omniflow_domain::order::returns::ReturnLine;
use omniflow_domain::order::{Order, SettledStock, Shipment};
use omniflow_services::DynamoDb;

use crate::Error;

/// The largest number of rows that can be written together with an order: 100 items are in a transaction at
/// most (Amazon DynamoDB API Reference, "TransactWriteItems").
const MOST_PLACES: usize = 99;

/// The stock in DynamoDB.
#[derive(Clone)]
pub struct Stock {
    dynamodb: Arc<dyn DynamoDb>,
    table: String,
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

/// A change of a row: pieces are taken from one column and added to the other.
#[derive(Clone, Copy)]
struct Move {
    from: &'static str,
    to: &'static str,
}

const RESERVE: Move = Move { from: "available", to: "reserved" };
const RELEASE: Move = Move { from: "reserved", to: "available" };
const SELL: Move = Move { from: "reserved", to: "sold" };
const LOSE: Move = Move { from: "reserved", to: "lost" };

impl Stock {
    /// The stock in this table.
    pub fn new(dynamodb: Arc<dyn DynamoDb>, table: &str) -> Self {
        Self { dynamodb, table: table.to_owned() }
    }

    /// Reads the rows of one product.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn of(&self, product_id: &str) -> Result<Vec<StockRow>, Error> {
        let query = QueryInput::builder()
            .table_name(&self.table)
            .key_condition_expression("product_id = :product")
            .expression_attribute_values(":product", AttributeValue::S(product_id.to_owned()))
            .consistent_read(true);
        let answer = self.dynamodb.query(query).await?;
        Ok(serde_dynamo::from_items(answer.items.unwrap_or_default())?)
    }

    /// The name of the table.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Reads the row of a product in a warehouse as it is at this moment.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn row(&self, product_id: &str, warehouse_id: &str) -> Result<Option<StockRow>, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("product_id", AttributeValue::S(product_id.to_owned()))
            .key("warehouse_id", AttributeValue::S(warehouse_id.to_owned()))
            .consistent_read(true);
        let found = self.dynamodb.get_item(get).await?;
        Ok(found.item.map(serde_dynamo::from_item).transpose()?)
    }

    /// Reads up to `limit` rows, beginning after the row `after` (its product and its warehouse). The rows of one
    /// product follow each other, unless the page ends between them.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn page(&self, limit: usize, after: Option<Place>) -> Result<StockPage, Error> {
        let from = after.map(|(product, warehouse)| {
            let (product, warehouse) = (AttributeValue::S(product), AttributeValue::S(warehouse));
            HashMap::from([("product_id".to_owned(), product), ("warehouse_id".to_owned(), warehouse)])
        });
        let scan = ScanInput::builder()
            .table_name(&self.table)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from);
        let answer = self.dynamodb.scan(scan).await?;
        let text = |key: &HashMap<String, AttributeValue>, name: &str| key.get(name)?.as_s().ok().cloned();
        let next = answer.last_evaluated_key.as_ref();
        Ok(StockPage {
            next: next.and_then(|key| Some((text(key, "product_id")?, text(key, "warehouse_id")?))),
            rows: serde_dynamo::from_items(answer.items.unwrap_or_default())?,
        })
    }

    /// Reads all rows.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn all(&self) -> Result<Vec<StockRow>, Error> {
        let mut rows = Vec::new();
        let mut from = None;
        loop {
            let scan = ScanInput::builder().table_name(&self.table).set_exclusive_start_key(from);
            let answer = self.dynamodb.scan(scan).await?;
            rows.extend(serde_dynamo::from_items::<_, StockRow>(answer.items.unwrap_or_default())?);
            from = answer.last_evaluated_key;
            if from.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Reads what is available of these products.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn available(&self, wanted: &[Line]) -> Result<Available, Error> {
        let rows = try_join_all(wanted.iter().map(|line| self.of(&line.product_id))).await?;
        let mut available = Available::new();
        for row in rows.into_iter().flatten() {
            available.entry(row.product_id).or_default().insert(row.warehouse_id, row.available);
        }
        Ok(available)
    }

    /// The writes that set aside the pieces of the order's shipments.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn reserve(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        self.moves(order, RESERVE)
    }

    /// The write that takes back pieces that were sold: those that can be sold again are available, the others lost. The
    /// shelf must be as it was read.
    ///
    /// # Errors
    /// A request that can't be built.
    pub fn take_back(&self, line: &ReturnLine, read: &OnShelf) -> Result<TransactWriteItem, Error> {
        let number = |number: u32| AttributeValue::N(number.to_string());
        let update = Update::builder()
            .table_name(&self.table)
            .key("product_id", AttributeValue::S(line.product_id.clone()))
            .key("warehouse_id", AttributeValue::S(line.warehouse.clone()))
            .update_expression("SET sold = sold - :came ADD available :restocked, lost :written_off")
            .condition_expression("sold >= :came AND available = :available AND reserved = :reserved")
            .expression_attribute_values(":came", number(line.came()))
            .expression_attribute_values(":restocked", number(line.restocked))
            .expression_attribute_values(":written_off", number(line.written_off))
            .expression_attribute_values(":available", number(read.available))
            .expression_attribute_values(":reserved", number(read.reserved))
            .build()
            .map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The writes that make the pieces of the order's shipments available again.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn release(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        self.moves(order, RELEASE)
    }

    /// The writes that sell the pieces of the order's shipments.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn sell(&self, order: &Order) -> Result<Vec<TransactWriteItem>, Error> {
        self.moves(order, SELL)
    }

    /// The writes that move the pieces of the order's shipments as a person has settled it.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn settle(&self, order: &Order, settled: SettledStock) -> Result<Vec<TransactWriteItem>, Error> {
        let is_out = |shipment: &Shipment| shipment.state.is_out();
        let none_out = !order.shipments().iter().any(is_out);
        self.moves_of(order, |shipment| match settled {
            SettledStock::Sold if is_out(shipment) => SELL,
            SettledStock::Lost if is_out(shipment) || none_out => LOSE,
            SettledStock::Released | SettledStock::Sold | SettledStock::Lost => RELEASE,
        })
    }

    fn moves(&self, order: &Order, change: Move) -> Result<Vec<TransactWriteItem>, Error> {
        self.moves_of(order, |_| change)
    }

    fn moves_of(
        &self,
        order: &Order,
        change: impl Fn(&Shipment) -> Move,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let places = order.held_shipments().flat_map(|shipment| {
            let change = change(shipment);
            shipment.items.iter().map(move |line| {
                (line.product_id.as_str(), shipment.warehouse.as_str(), line.quantity, change)
            })
        });
        self.updates(places.collect())
    }

    /// The writes that set the pieces of a shipment aside in another warehouse, and make those available again
    /// that were set aside for it before.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn move_to(&self, shipment: &Shipment, warehouse: &str) -> Result<Vec<TransactWriteItem>, Error> {
        let places = shipment.items.iter().flat_map(|line| {
            let place = |warehouse, change| (line.product_id.as_str(), warehouse, line.quantity, change);
            [place(warehouse, RESERVE), place(shipment.warehouse.as_str(), RELEASE)]
        });
        self.updates(places.collect())
    }

    fn updates(&self, places: Vec<(&str, &str, u32, Move)>) -> Result<Vec<TransactWriteItem>, Error> {
        if places.len() > MOST_PLACES {
            return Err(Error::TooLarge(MOST_PLACES));
        }
        let update =
            |(product, warehouse, quantity, change)| self.update(product, warehouse, quantity, change);
        places.into_iter().map(update).collect()
    }

    fn update(
        &self,
        product: &str,
        warehouse: &str,
        quantity: u32,
        Move { from, to }: Move,
    ) -> Result<TransactWriteItem, Error> {
        let update = Update::builder()
            .table_name(&self.table)
            .key("product_id", AttributeValue::S(product.to_owned()))
            .key("warehouse_id", AttributeValue::S(warehouse.to_owned()))
            .update_expression("SET #from = #from - :quantity ADD #to :quantity")
            .condition_expression("#from >= :quantity")
            .expression_attribute_names("#from", from)
            .expression_attribute_names("#to", to)
            .expression_attribute_values(":quantity", AttributeValue::N(quantity.to_string()))
            .build()
            .map_err(|error| Error::Service(error.to_string()))?;
        Ok(TransactWriteItem::builder().update(update).build())
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
