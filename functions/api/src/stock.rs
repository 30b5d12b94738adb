//! The calls that read the stock.

use std::collections::BTreeMap;

use omniflow_domain::Currency;
use omniflow_domain::catalogue::Product;
use omniflow_store::StockRow;
use serde::Serialize;
use serde_json::json;

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::view::Amount;
use crate::{Api, unavailable};

/// The stock of all products.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StockList<'a> {
    products: Vec<ProductStock<'a>>,
    /// An order that is worth more than this waits for a review, in the shop's currency.
    review_above: Amount,
}

/// The stock of a product, in all warehouses together and in each.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ProductStock<'a> {
    product_id: &'a str,
    /// Null for stock of what is sold no more.
    name: Option<&'a str>,
    /// The price of one piece; null for stock of what is sold no more, and for what has no price in the shop's
    /// currency.
    price: Option<Amount>,
    /// The shop's currency, which the price is in.
    currency: Currency,
    /// The pieces that can be ordered.
    available: u64,
    /// The pieces that are set aside for orders.
    reserved: u64,
    /// The pieces that went to customers.
    sold: u64,
    warehouses: Vec<WarehouseStock<'a>>,
}

/// The stock of a product in a warehouse.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct WarehouseStock<'a> {
    warehouse: &'a str,
    available: u32,
    reserved: u32,
    sold: u32,
}

pub(crate) async fn list_stock(api: &Api) -> Result<Response, Problem> {
    let (rows, products) = futures::future::try_join(api.stock.all(), api.catalogue.all())
        .await
        .map_err(|error| unavailable(&error))?;
    let mut by_product: BTreeMap<String, Vec<StockRow>> = BTreeMap::new();
    for row in rows {
        by_product.entry(row.product_id.clone()).or_default().push(row);
    }
    let products =
        by_product.iter().map(|(id, rows)| product(id, products.get(id), rows, api.currency)).collect();
    Ok(Response::json(200, &json!(StockList { products, review_above: Amount(api.audit_threshold) })))
}

pub(crate) async fn read_stock(api: &Api, request: &Request) -> Result<Response, Problem> {
    let wanted = request.parameters.get("product").map_or("", String::as_str);
    let found = api.catalogue.find(&[wanted]).await.map_err(|error| unavailable(&error))?;
    let known = found.get(wanted).ok_or_else(|| {
        let detail = format!("'{wanted}' is not sold here. GET /api/v1/stock lists what is.");
        Problem::new(Kind::ProductNotFound, detail)
    })?;
    let rows = api.stock.of(&known.product_id).await.map_err(|error| unavailable(&error))?;
    Ok(Response::json(200, &json!(product(&known.product_id, Some(known), &rows, api.currency))))
}

fn product<'a>(
    id: &'a str,
    known: Option<&'a Product>,
    rows: &'a [StockRow],
    currency: Currency,
) -> ProductStock<'a> {
    let total = |column: fn(&StockRow) -> u32| rows.iter().map(|row| u64::from(column(row))).sum::<u64>();
    let warehouses = rows.iter().map(|row| WarehouseStock {
        warehouse: &row.warehouse_id,
        available: row.available,
        reserved: row.reserved,
        sold: row.sold,
    });
    ProductStock {
        product_id: id,
        name: known.map(|product| product.name.as_str()),
        price: known.and_then(|product| product.price_in(currency)).map(Amount),
        currency,
        available: total(|row| row.available),
        reserved: total(|row| row.reserved),
        sold: total(|row| row.sold),
        warehouses: warehouses.collect(),
    }
}
