//! The calls that give files, page by page: each page is a file by itself, and the header `Link` leads to the next one
//! (RFC 8288).

use omniflow_domain::{Order, OrderId, texts};
use omniflow_store::{StockRow, Unreadable};

use crate::admin::import::BETWEEN_NAMES;
use crate::admin::{Admin, limit, order_after};
use crate::csv_file;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;

/// The largest number of rows on a page.
pub(crate) const MOST: usize = 1_000;
/// The largest number of orders on a page, each of which is read by itself.
pub(crate) const MOST_ORDERS: usize = 500;
/// What stands between the goods, the warehouses and the tracking numbers of an order in one cell.
const BETWEEN: &str = "; ";

const PRODUCTS: [&str; 7] = ["product_id", "name", "price", "currency", "names", "active", "low_stock"];
const STOCK: [&str; 7] = ["product_id", "warehouse", "on_hand", "available", "reserved", "sold", "lost"];
const ORDERS: [&str; 14] = [
    "order_id",
    "created_at",
    "state",
    "status",
    "reason",
    "customer_id",
    "email",
    "amount",
    "currency",
    "items",
    "payment",
    "warehouses",
    "tracking",
    "number",
];

/// `GET /api/v1/export/products`
pub(crate) async fn products(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let after = request.query("next").filter(|next| !next.is_empty()).map(str::to_owned);
    let page = admin.products.page(limit, after).await.map_err(|error| unavailable(&error))?;
    let rows = page.products.into_iter().map(|product| {
        let low_stock = product.low_stock.map(|low| low.to_string());
        vec![
            product.product_id,
            product.name,
            product.price.to_string(),
            product.price.currency().to_string(),
            product.names.join(&BETWEEN_NAMES.to_string()),
            product.active.to_string(),
            low_stock.unwrap_or_default(),
        ]
    });
    Ok(file(request, csv_file::write(&PRODUCTS, rows), page.next))
}

/// `GET /api/v1/export/stock`
pub(crate) async fn stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let after = super::stock::after(request)?;
    let page = admin.stock.page(limit, after).await.map_err(|error| unavailable(&error))?;
    let rows = page.rows.into_iter().map(|row: StockRow| {
        let on_hand = u64::from(row.available) + u64::from(row.reserved);
        let numbers = [u64::from(row.available), row.reserved.into(), row.sold.into(), row.lost.into()];
        let mut cells = vec![row.product_id, row.warehouse_id, on_hand.to_string()];
        cells.extend(numbers.map(|number| number.to_string()));
        cells
    });
    let next = page.next.map(|(product, warehouse)| format!("{product}/{warehouse}"));
    Ok(file(request, csv_file::write(&STOCK, rows), next))
}

/// `GET /api/v1/export/orders`, newest first.
pub(crate) async fn orders(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST_ORDERS)?;
    let after = order_after(request)?;
    let page = admin.orders.list(None, OrderId::PREFIX, limit, after.as_ref());
    let page = page.await.map_err(|error| unavailable(&error))?;
    let rows = page.orders.iter().map(|order| match order {
        Ok(order) => cells(order, request),
        Err(unreadable) => unreadable_cells(unreadable, request),
    });
    let next = page.next.as_ref().map(|next| next.as_str().to_owned());
    Ok(file(request, csv_file::write(&ORDERS, rows), next))
}

fn cells(order: &Order, request: &Request) -> Vec<String> {
    let language = request.language_of_problems();
    let items = order.items().iter().map(|item| format!("{} x {}", item.quantity, item.product_id));
    let shipments = order.shipments().iter();
    let tracking = order.shipments().iter().filter_map(|shipment| shipment.tracking.clone());
    vec![
        order.id().to_string(),
        order.created_at().map(|at| at.to_rfc3339()).unwrap_or_default(),
        order.status().name().to_owned(),
        texts::text(order.status(), language).to_owned(),
        order.reason().map(|reason| texts::reason_text(reason, language).to_owned()).unwrap_or_default(),
        order.customer_id().unwrap_or_default().to_owned(),
        order.email().map(|email| email.as_str().to_owned()).unwrap_or_default(),
        order.amount().to_string(),
        order.amount().currency().to_string(),
        items.collect::<Vec<_>>().join(BETWEEN),
        format!("{:?}", order.payment().state).to_uppercase(),
        shipments.map(|shipment| shipment.warehouse.clone()).collect::<Vec<_>>().join(BETWEEN),
        tracking.collect::<Vec<_>>().join(BETWEEN),
        order.number().map(|number| number.get().to_string()).unwrap_or_default(),
    ]
}

fn unreadable_cells(order: &Unreadable, request: &Request) -> Vec<String> {
    let mut cells = vec![
        order.order_id.to_string(),
        order.order_id.made_at().map(|at| at.to_rfc3339()).unwrap_or_default(),
        "UNREADABLE".to_owned(),
        texts::unreadable_text(request.language_of_problems()).to_owned(),
        String::new(),
        order.customer_id.clone().unwrap_or_default(),
    ];
    cells.resize(ORDERS.len(), String::new());
    cells
}

fn file(request: &Request, text: String, next: Option<String>) -> Response {
    let name = request.path.rsplit('/').next().unwrap_or_default();
    let response = Response::file(200, "text/csv; charset=utf-8", text)
        .with_header("content-disposition", format!("attachment; filename=\"{name}.csv\""));
    match next {
        Some(next) => {
            let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            response.with_header("link", format!("<{}?next={next}>; rel=\"next\"", request.path))
        }
        None => response,
    }
}
