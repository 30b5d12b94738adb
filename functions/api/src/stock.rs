//! Reading stock.

use std::collections::BTreeMap;

use omniflow_domain::catalogue::{Product, lookup};
use omniflow_domain::problem::{Kind, Problem};
use omniflow_domain::store::StockRow;
use serde_json::{Value, json};

use crate::request::Request;
use crate::response::Response;
use crate::{Api, unavailable};

pub(crate) async fn list_stock(api: &Api) -> Result<Response, Problem> {
    let (rows, products) = futures::future::try_join(api.stock.all(), api.catalogue.all())
        .await
        .map_err(|error| unavailable(&error))?;
    let mut by_product: BTreeMap<String, Vec<StockRow>> = BTreeMap::new();
    for row in rows {
        by_product.entry(row.product_id.clone()).or_default().push(row);
    }
    let products = by_product.iter().map(|(id, rows)| product(id, products.get(id), rows));
    Ok(Response::json(200, &json!({ "products": products.collect::<Vec<_>>() })))
}

pub(crate) async fn read_stock(api: &Api, request: &Request) -> Result<Response, Problem> {
    let wanted = request.parameters.get("product").map_or("", String::as_str);
    let found = api.catalogue.find(&[wanted]).await.map_err(|error| unavailable(&error))?;
    let known = found.get(&lookup(wanted)).ok_or_else(|| {
        let detail = format!("'{wanted}' is not sold here. GET /api/v1/stock lists what is.");
        Problem::new(Kind::ProductNotFound, detail)
    })?;
    let rows = api.stock.of(&known.product_id).await.map_err(|error| unavailable(&error))?;
    Ok(Response::json(200, &product(&known.product_id, Some(known), &rows)))
}

fn product(id: &str, known: Option<&Product>, rows: &[StockRow]) -> Value {
    let total = |column: fn(&StockRow) -> u32| rows.iter().map(|row| u64::from(column(row))).sum::<u64>();
    let warehouses = rows.iter().map(|row| {
        json!({
            "warehouse": row.warehouse_id,
            "available": row.available,
            "reserved": row.reserved,
            "sold": row.sold,
        })
    });
    json!({
        "product_id": id,
        "name": known.map(|product| product.name.as_str()),
        "price": known.map(|product| product.price.to_json()),
        "available": total(|row| row.available),
        "reserved": total(|row| row.reserved),
        "sold": total(|row| row.sold),
        "warehouses": warehouses.collect::<Vec<_>>(),
    })
}
