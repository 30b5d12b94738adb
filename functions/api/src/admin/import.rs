//! The calls that take files. Each row is written by itself, so that a bad one stops none of the others; the answer
//! names each row that was not written, and why. The same file again changes nothing more.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use omniflow_domain::catalogue::{MOST_NAMES, Product, check_id, lookup};
use omniflow_domain::movement::{MOST_PIECES, MovementKind};
use omniflow_domain::warehouse;
use omniflow_store as store;
use omniflow_store::movements::{NotMoved, RANDOM_BELOW, Wanted, new_id};
use omniflow_store::products::NotWritten;
use serde::Serialize;
use serde_json::{Value, json};

use crate::admin::movements::not_moved;
use crate::admin::products::{check_names, not_written, write};
use crate::admin::{Admin, unknown_product};
use crate::create::text;
use crate::csv_file::{self, BadFile, BadLine, Row, Sheet};
use crate::prices::Prices;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;

/// The largest number of rows in one request, which is answered within API Gateway's 30 s.
pub const MOST_ROWS: usize = 500;
/// The number of rows that are written at the same time.
const AT_ONCE: usize = 8;
/// How often a row is tried when others write the same at the same time.
const ATTEMPTS: u64 = 20;
/// The column with the number of a row's line in the file that it is a part of.
pub const LINE: &str = "line";
/// What stands between the other names of a product in one cell.
pub(crate) const BETWEEN_NAMES: char = '|';
/// The reason of the movements that a file makes.
const REASON: &str = "import";

/// What became of a file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Imported {
    /// The number of rows in the file.
    rows: usize,
    /// The number of rows that were written.
    written: usize,
    /// The number of rows that were as the file says already.
    unchanged: usize,
    /// The rows that were not written.
    failed: Vec<FailedLine>,
}

/// A row of a file that was not written.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FailedLine {
    /// The number of its line, from 1 on; where the file has a column `line`, what stands there.
    line: u64,
    /// Why, and what to do about it.
    reason: String,
}

/// What became of a row.
enum Done {
    Written,
    Unchanged,
}

/// `POST /api/v1/import/products`
pub(crate) async fn products(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let sheet = sheet(request, &["product_id", "name", "price"])?;
    let commas = sheet.has_decimal_commas;
    let key = |row: &Row| lookup(row.get("product_id").unwrap_or_default());
    import(sheet, key, |row| async move { product(admin, request, &row, commas).await }).await
}

/// `POST /api/v1/import/stock`
pub(crate) async fn stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let sheet = sheet(request, &["product_id", "warehouse", "on_hand"])?;
    let cell = |row: &Row, name: &str| row.get(name).unwrap_or_default().to_owned();
    let key = |row: &Row| format!("{}/{}", lookup(&cell(row, "product_id")), cell(row, "warehouse"));
    import(sheet, key, |row| async move { count(admin, request, &row).await }).await
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

fn sheet(request: &Request, needed: &[&'static str]) -> Result<Sheet, Problem> {
    let told = |error: BadFile| bad(format!("The file can't be read: {error}."));
    let sheet = csv_file::read(request.body()).map_err(told)?;
    sheet.check_columns(needed).map_err(told)?;
    if sheet.rows.len() > MOST_ROWS {
        let rows = sheet.rows.len();
        return Err(bad(format!(
            "A request takes at most {MOST_ROWS} rows, and this one has {rows}. Send the file in parts, as `omniflow import` does."
        )));
    }
    Ok(sheet)
}

/// Writes each row, unless an earlier one has the same key.
async fn import<Writing: Future<Output = Result<Done, Problem>>>(
    sheet: Sheet,
    key: impl Fn(&Row) -> String,
    write: impl Fn(Row) -> Writing,
) -> Result<Response, Problem> {
    let rows = sheet.rows.len();
    let (mut seen, mut writings, mut failed) = (BTreeMap::new(), Vec::new(), Vec::new());
    for row in sheet.rows {
        match row {
            Ok(row) => {
                let line = line_of(&row);
                match seen.insert(key(&row), line) {
                    Some(earlier) => failed.push(FailedLine {
                        line,
                        reason: format!("Line {earlier} is about the same. Leave one of the two out."),
                    }),
                    None => writings.push((line, row)),
                }
            }
            Err(BadLine { line, reason }) => failed.push(FailedLine { line, reason }),
        }
    }
    let writings = writings.into_iter().map(|(line, row)| {
        let writing = write(row);
        async move { (line, writing.await) }
    });
    let mut done = stream::iter(writings).buffered(AT_ONCE);
    let (mut written, mut unchanged) = (0, 0);
    while let Some((line, result)) = done.next().await {
        match result {
            Ok(Done::Written) => written += 1,
            Ok(Done::Unchanged) => unchanged += 1,
            Err(problem) => failed.push(FailedLine { line, reason: problem.detail }),
        }
    }
    failed.sort_unstable_by_key(|failed| failed.line);
    Ok(Response::json(200, &json!(Imported { rows, written, unchanged, failed })))
}

fn line_of(row: &Row) -> u64 {
    row.get(LINE).and_then(|line| line.parse().ok()).unwrap_or(row.line)
}

/// A cell as the JSON text that it would be in the body of a call.
fn cell(row: &Row, column: &str) -> Value {
    row.get(column).filter(|cell| !cell.is_empty()).map_or(Value::Null, Value::from)
}

fn needed(row: &Row, column: &'static str) -> Result<String, Problem> {
    text(column, &cell(row, column))?.ok_or_else(|| bad(format!("'{column}' is empty.")))
}

async fn product(admin: &Admin, request: &Request, row: &Row, decimal_commas: bool) -> Result<Done, Problem> {
    let id = needed(row, "product_id")?;
    check_id(&id).map_err(|error| bad(format!("'{id}' can't be an id: {error}.")))?;
    for attempt in 0..ATTEMPTS {
        let before = admin.products.get(&id).await.map_err(|error| unavailable(&error))?;
        let before = before.filter(|before| before.product_id == id);
        let wanted = wanted(admin, request, row, before.as_ref(), decimal_commas)?;
        match write(admin, request, before.as_ref(), wanted).await {
            Ok((_, true)) => return Ok(Done::Written),
            Ok((_, false)) => return Ok(Done::Unchanged),
            Err(NotWritten::Changed | NotWritten::Store(store::Error::Contention)) => {
                tokio::time::sleep(Duration::from_millis(attempt)).await;
            }
            Err(refused) => return Err(not_written(refused, request.language_of_problems())),
        }
    }
    Err(not_written(NotWritten::Changed, request.language_of_problems()))
}

/// The product that the row describes. What the file has no column for stays as it is.
fn wanted(
    admin: &Admin,
    request: &Request,
    row: &Row,
    before: Option<&Product>,
    decimal_commas: bool,
) -> Result<Product, Problem> {
    let prices = Prices { currency: admin.currency, language: request.language_of_problems() };
    prices.check_currency(&cell(row, "currency"))?;
    let mut price = needed(row, "price")?;
    if decimal_commas && !price.contains('.') {
        price = price.replacen(',', ".", 1);
    }
    let price = Value::from(price);
    let price = prices.amount("price", &price, &price)?;
    let mut product = Product::new(needed(row, "product_id")?, needed(row, "name")?, price);
    if let Some(before) = before {
        product.names.clone_from(&before.names);
        (product.active, product.low_stock) = (before.active, before.low_stock);
    }
    if let Some(names) = row.get("names") {
        let names = names.split(BETWEEN_NAMES).map(str::trim).filter(|name| !name.is_empty());
        let names = names.map(|name| Ok(text("names", &Value::from(name))?.unwrap_or_default()));
        product.names = names.collect::<Result<_, Problem>>()?;
        if product.names.len() > MOST_NAMES {
            return Err(bad(format!("'names' has more than {MOST_NAMES} names.")));
        }
    }
    if let Some(active) = row.get("active") {
        product.active = match active.to_lowercase().as_str() {
            "" | "true" | "1" | "yes" => true,
            "false" | "0" | "no" => false,
            _ => return Err(bad(format!("'active' must be true or false, not '{active}'."))),
        };
    }
    if let Some(low) = row.get("low_stock") {
        product.low_stock = match low {
            "" => None,
            number => Some(number.parse().map_err(|_| {
                bad(format!(
                    "'low_stock' must be a whole number from 0 to {}, or empty, not '{number}'.",
                    u32::MAX
                ))
            })?),
        };
    }
    check_names(&product)?;
    Ok(product)
}

/// Brings the row of the stock to what was counted.
async fn count(admin: &Admin, request: &Request, row: &Row) -> Result<Done, Problem> {
    let asked = needed(row, "product_id")?;
    let found = admin.products.find(&[asked.as_str()]).await.map_err(|error| unavailable(&error))?;
    let product = found.get(asked.as_str()).ok_or_else(|| unknown_product(&asked))?;
    let warehouse = needed(row, "warehouse")?;
    warehouse::check_id(&warehouse)
        .map_err(|error| bad(format!("'{warehouse}' can't be a warehouse: {error}.")))?;
    let on_hand = needed(row, "on_hand")?;
    let quantity: u32 = on_hand.parse().ok().filter(|pieces| *pieces <= MOST_PIECES).ok_or_else(|| {
        bad(format!("'on_hand' must be a whole number from 0 to {MOST_PIECES}, not '{on_hand}'."))
    })?;
    let now = admin.now();
    let wanted = Wanted {
        id: new_id(now, admin.randomness.below(RANDOM_BELOW)),
        kind: MovementKind::Count,
        product_id: product.product_id.clone(),
        warehouse,
        quantity: quantity.into(),
        reason: text("reason", &cell(row, "reason"))?.unwrap_or_else(|| REASON.to_owned()),
        reference: text("reference", &cell(row, "reference"))?,
        to: None,
        by: request.caller.actor(),
        at: now,
    };
    for attempt in 0..ATTEMPTS {
        let plan = admin.movements.plan(&wanted).await.map_err(|error| not_moved(error, &wanted, request))?;
        if plan.changes_nothing {
            return Ok(if attempt == 0 { Done::Unchanged } else { Done::Written });
        }
        match admin.movements.make(plan.writes).await {
            Ok(()) => {
                admin.low_stock.look([wanted.product_id.as_str()]).await;
                return Ok(Done::Written);
            }
            Err(store::Error::Conflict | store::Error::Contention) => {
                tokio::time::sleep(Duration::from_millis(attempt)).await;
            }
            Err(error) => return Err(unavailable(&error)),
        }
    }
    Err(not_moved(NotMoved::Store(store::Error::Contention), &wanted, request))
}
