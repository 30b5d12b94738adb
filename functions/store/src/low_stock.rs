//! Telling others that few pieces of a product are left: once when the pieces that can be ordered, in all warehouses
//! together, come to the product's threshold, and again only after they were above it.
//!
//! ```text
//!   pieces were set aside, brought, taken or given back
//!     └──► look: the product's threshold, its rows, and what was told (an entry of the register's table)
//!            ├── few, and not told ──► publish the event, then note that it was told
//!            └── enough, and told ──► note that the next fall is to be told
//! ```
//!
//! Whoever changes stock looks after the change was written, so that of changes made at once the last one sees all of
//! them. Two that look at the same moment may both publish; the event has the same id then. When nothing can be published
//! or noted, the next change of the product's stock makes up for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use ambient::Clock;
use aws_sdk_dynamodb::operation::get_item::GetItemInput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemInput;
use aws_sdk_dynamodb::types::AttributeValue;
use omniflow_domain::catalogue::Product;
use omniflow_domain::event;
use omniflow_services::{ConfigError, DynamoDb, Environment, Services};

use crate::publisher::{Publisher, Unpublished};
use crate::register::ALONE;
use crate::{Error, Products, Stock, StockRow};

/// How often a product is looked at again after something was told or noted of it: others may have changed the stock
/// meanwhile, and then it is their look that ends it.
const LOOKS: u32 = 4;

/// Who looks whether stock is low.
#[derive(Clone)]
pub struct LowStock {
    dynamodb: Arc<dyn DynamoDb>,
    /// The register's table, which has an entry for each product whose stock was ever low.
    table: String,
    products: Products,
    stock: Stock,
    events: Publisher,
    clock: Arc<dyn Clock>,
}

/// What was told of a product.
#[derive(Clone, Copy, Default)]
struct Told {
    /// How often its stock has become low.
    times: u64,
    /// Whether the last time is still going on, as far as is noted.
    is_low: bool,
}

/// Why a product could not be looked at.
#[derive(Debug, thiserror::Error)]
enum Unseen {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    Published(#[from] Unpublished),
}

impl LowStock {
    /// Makes it of the tables that `PRODUCTS_TABLE`, `STOCK_TABLE` and `REGISTER_TABLE` name, and the bus that
    /// `EVENT_BUS` names.
    ///
    /// # Errors
    /// [`ConfigError`], when one is not set.
    pub fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            dynamodb: services.dynamodb(),
            table: environment.require("REGISTER_TABLE")?.to_owned(),
            products: Products::new(services, environment.require("PRODUCTS_TABLE")?),
            stock: Stock::new(services.dynamodb(), environment.require("STOCK_TABLE")?),
            events: Publisher::new(services.event_bridge(), environment.require("EVENT_BUS")?),
            clock: services.clock(),
        })
    }

    /// Looks at these products, whose stock was just changed. It never fails: what can't be told now is told after the
    /// next change, and nothing else depends on it.
    pub async fn look<'a>(&self, products: impl IntoIterator<Item = &'a str>) {
        let ids: BTreeSet<&str> = products.into_iter().collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let known = match self.products.find(&ids).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "nobody knows whether stock is low");
                return;
            }
        };
        for product in known.values().filter(|product| product.active && product.low_stock.is_some()) {
            if let Err(error) = self.look_at(product).await {
                tracing::warn!(product_id = %product.product_id, %error, "that stock is low is told later");
            }
        }
    }

    async fn look_at(&self, product: &Product) -> Result<(), Unseen> {
        for _ in 0..LOOKS {
            let available = self.available(product).await?;
            let told = self.told(product).await?;
            let now = match (product.is_low_at(available), told.is_low) {
                (true, false) => Told { times: told.times + 1, is_low: true },
                (false, true) => Told { is_low: false, ..told },
                _ => return Ok(()),
            };
            if now.is_low {
                let at = self.clock.now_in_milliseconds();
                self.events.publish_stock(event::low_stock(product, available, now.times, at)).await?;
            }
            match self.note(product, told, now).await {
                Ok(()) | Err(Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The pieces that can be ordered, in all warehouses together; at least so many where they are not few. Few are
    /// counted again where a place is split: a piece that goes from one bucket to another meanwhile may have been in
    /// neither when it was read.
    async fn available(&self, product: &Product) -> Result<u64, Error> {
        let any_bucket = self.clock.now().timestamp_millis().unsigned_abs();
        let glimpse = self.stock.glimpse(&[&product.product_id], any_bucket).await?;
        let seen =
            glimpse.at_least().values().flat_map(|places| places.values()).map(|n| u64::from(*n)).sum();
        if !product.is_low_at(seen) || !glimpse.any_is_split() {
            return Ok(seen);
        }
        let sum = |rows: &[StockRow]| rows.iter().map(|row| u64::from(row.available)).sum();
        let rows = self.stock.of(&product.product_id).await?;
        let available = sum(&rows);
        if product.is_low_at(available) {
            return Ok(sum(&self.stock.of(&product.product_id).await?));
        }
        Ok(available)
    }

    async fn told(&self, product: &Product) -> Result<Told, Error> {
        let get = GetItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry(product)))
            .key("subject", AttributeValue::S(ALONE.to_owned()))
            .consistent_read(true);
        let Some(item) = self.dynamodb.get_item(get).await?.item else { return Ok(Told::default()) };
        let times = item.get("times").and_then(|times| times.as_n().ok()?.parse().ok());
        let is_low = item.get("is_low").and_then(|is_low| is_low.as_bool().ok());
        Ok(Told { times: times.unwrap_or_default(), is_low: is_low.copied().unwrap_or_default() })
    }

    /// Notes what was told, unless somebody else has since.
    async fn note(&self, product: &Product, before: Told, now: Told) -> Result<(), Error> {
        let update = UpdateItemInput::builder()
            .table_name(&self.table)
            .key("entry", AttributeValue::S(entry(product)))
            .key("subject", AttributeValue::S(ALONE.to_owned()))
            .update_expression("SET times = :times, is_low = :is_low")
            .expression_attribute_values(":times", AttributeValue::N(now.times.to_string()))
            .expression_attribute_values(":is_low", AttributeValue::Bool(now.is_low));
        let update = match before.times {
            0 => update.condition_expression("attribute_not_exists(entry)"),
            times => update
                .condition_expression("times = :before AND is_low = :was_low")
                .expression_attribute_values(":before", AttributeValue::N(times.to_string()))
                .expression_attribute_values(":was_low", AttributeValue::Bool(before.is_low)),
        };
        self.dynamodb.update_item(update).await?;
        Ok(())
    }
}

fn entry(product: &Product) -> String {
    format!("low-stock {}", product.product_id)
}
