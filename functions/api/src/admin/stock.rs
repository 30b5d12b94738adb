//! The calls that read the stock.

use omniflow_domain::Currency;
use omniflow_domain::catalogue::Product;
use omniflow_store::{Place, StockRow};
use serde::Serialize;
use serde_json::json;

use crate::admin::{Admin, bad_next, limit, product_of_path};
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::view::Amount;

/// The largest number of products on a page.
pub(crate) const MOST: usize = 100;
/// The largest number of rows that are looked at for a page of what is low.
const MOST_ROWS: usize = 5_000;
/// The number of rows that are read at once.
const ROWS: usize = 500;
/// What stands between a product and a warehouse in `next`; no id has it.
const BETWEEN: char = '/';

/// A page of the stock.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StockList<'a> {
    products: Vec<ProductStock<'a>>,
    /// An order that is worth more than this waits for a review, in the shop's currency.
    review_above: Amount,
    /// The `next` to ask for the following page with; null on the last page.
    next: Option<String>,
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
    /// Whether it is sold; null for stock of what the catalogue does not have.
    active: Option<bool>,
    /// Whether so few pieces can be ordered that whoever runs the shop wants to know.
    low: bool,
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
    /// The pieces that were set aside and are gone without being sold.
    lost: u32,
    /// The number of buckets that the place is split into; left out when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<u8>,
}

/// `GET /api/v1/stock?limit=&next=&low=`
pub(crate) async fn list_stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let low_only = match request.query("low") {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => {
            let detail = format!("'low' must be true or false, not '{other}'.");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    let mut after = after(request)?;
    let (mut groups, mut looked_at): (Vec<Group>, usize) = (Vec::new(), 0);
    while groups.len() < limit && looked_at < MOST_ROWS {
        let page = admin.stock.page(ROWS, after.take()).await.map_err(|error| unavailable(&error))?;
        looked_at += page.rows.len();
        let mut read = grouped(page.rows);
        after = page.next;
        if after.is_some()
            && let Some(last) = read.pop()
        {
            let last = whole(admin, last.product_id).await?;
            after = last.last_place();
            read.push(last);
        }
        for group in identified(admin, read).await? {
            if !low_only || group.is_low() {
                groups.push(group);
            }
        }
        if after.is_none() {
            break;
        }
    }
    if groups.len() > limit {
        groups.truncate(limit);
        after = groups.last().and_then(Group::last_place);
    }
    let products = groups
        .iter()
        .map(|group| product(&group.product_id, group.known.as_ref(), &group.rows, admin.currency))
        .collect();
    let next = after.map(|(product, warehouse)| format!("{product}{BETWEEN}{warehouse}"));
    let list = StockList { products, review_above: Amount(admin.audit_threshold), next };
    Ok(Response::json_unless_known(request, &json!(list)))
}

/// The row after which the page begins that a request asks for.
pub(crate) fn after(request: &Request) -> Result<Option<Place>, Problem> {
    let Some(next) = request.query("next") else { return Ok(None) };
    let place =
        next.split_once(BETWEEN).filter(|(product, warehouse)| !product.is_empty() && !warehouse.is_empty());
    let (product, warehouse) = place.ok_or_else(|| bad_next(next))?;
    Ok(Some((product.to_owned(), warehouse.to_owned())))
}

/// The rows of one product.
struct Group {
    product_id: String,
    rows: Vec<StockRow>,
    known: Option<Product>,
}

impl Group {
    fn is_low(&self) -> bool {
        let available = self.rows.iter().map(|row| u64::from(row.available)).sum();
        self.known.as_ref().is_some_and(|known| known.active && known.is_low_at(available))
    }

    fn last_place(&self) -> Option<Place> {
        self.rows.last().map(|row| (row.product_id.clone(), row.warehouse_id.clone()))
    }
}

fn grouped(rows: Vec<StockRow>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for row in rows {
        match groups.last_mut() {
            Some(group) if group.product_id == row.product_id => group.rows.push(row),
            _ => groups.push(Group { product_id: row.product_id.clone(), rows: vec![row], known: None }),
        }
    }
    groups
}

/// All rows of a product, of which a page may have had some only.
async fn whole(admin: &Admin, product_id: String) -> Result<Group, Problem> {
    let rows = admin.stock.of(&product_id).await.map_err(|error| unavailable(&error))?;
    Ok(Group { product_id, rows, known: None })
}

/// The same with what the catalogue knows of each.
async fn identified(admin: &Admin, mut groups: Vec<Group>) -> Result<Vec<Group>, Problem> {
    let ids: Vec<_> = groups.iter().map(|group| group.product_id.as_str()).collect();
    let found = admin.products.find(&ids).await.map_err(|error| unavailable(&error))?;
    let mut known: Vec<_> = ids.iter().map(|id| found.get(id).cloned()).collect();
    for (group, known) in groups.iter_mut().zip(&mut known) {
        // Another product's name may read as this id.
        group.known = known.take().filter(|known| known.product_id == group.product_id);
    }
    Ok(groups)
}

pub(crate) async fn read_stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let known = product_of_path(admin, request).await?;
    let rows = admin.stock.of(&known.product_id).await.map_err(|error| unavailable(&error))?;
    let stock = product(&known.product_id, Some(&known), &rows, admin.currency);
    Ok(Response::json_unless_known(request, &json!(stock)))
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
        lost: row.lost,
        buckets: Some(row.buckets).filter(|buckets| *buckets > 1),
    });
    ProductStock {
        product_id: id,
        active: known.map(|product| product.active),
        low: known.is_some_and(|known| known.active && known.is_low_at(total(|row| row.available))),
        name: known.map(|product| product.name.as_str()),
        price: known.and_then(|product| product.price_in(currency)).map(Amount),
        currency,
        available: total(|row| row.available),
        reserved: total(|row| row.reserved),
        sold: total(|row| row.sold),
        warehouses: warehouses.collect(),
    }
}
