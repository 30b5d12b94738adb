//! A large catalogue, as those meet it who keep it: imported from files, listed page by page, searched.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::Error;
use crate::connections::Connections;
use crate::latency::{percentiles, round};
use crate::process::{Served, size};

/// The rows of one request, as many as it takes.
const ROWS: usize = 500;
/// How often each single read is made.
const READS: usize = 50;
/// Every product of which the number ends so has little stock.
const LOW: usize = 1_000;

/// Imports so many products with their stock, and reads them in every way.
pub(crate) async fn run(products: usize) -> Result<Value, Error> {
    let folder = tempfile::tempdir()?;
    let served = Served::launch(folder.path(), false).await?;
    let http = Connections::to(&served.http);
    let catalogue = |number| {
        let threshold = if number % LOW == 0 { "5" } else { "" };
        format!("bench-{number},Bench product number {number},12.50,{threshold}")
    };
    let products_s =
        import(&http, "products", "product_id,name,price,low_stock", products, catalogue).await?;
    let stock = |number| format!("bench-{number},wh-east,{}", if number % LOW == 0 { 1 } else { 100 });
    let stock_s = import(&http, "stock", "product_id,warehouse,on_hand", products, stock).await?;
    let bytes = size(folder.path())?;

    let middle = products / 2;
    let of = |path: &str, what: &str| format!("/api/v1/{path}{what}");
    let mut reads = serde_json::Map::new();
    for (name, path) in [
        ("product_by_id", of("products/", &format!("bench-{middle}"))),
        ("stock_of_product", of("stock/", &format!("bench-{middle}"))),
        ("search_by_whole_name", of("products?search=", &format!("Bench%20product%20number%20{middle}"))),
        ("first_page_of_products", of("products", "?limit=100")),
        ("first_page_of_stock", of("stock", "?limit=100")),
    ] {
        let mut took = Vec::new();
        for _ in 0..READS {
            let begun = Instant::now();
            get(&http, &path).await?;
            took.push(begun.elapsed());
        }
        reads.insert(name.to_owned(), percentiles(took));
    }
    let mut walks = serde_json::Map::new();
    for (name, path, list) in [
        ("all_products", "products?limit=100", "products"),
        ("search_for_what_is_not_there", "products?search=no-such-thing", "products"),
        ("search_for_a_part_of_a_name", "products?search=number%209999", "products"),
        ("all_stock", "stock?limit=100", "products"),
        ("low_stock", "stock?low=true", "products"),
    ] {
        walks.insert(name.to_owned(), walk(&http, &of(path, ""), list).await?);
    }
    served.kill().await?;
    Ok(json!({
        "bench": "catalogue",
        "products": products,
        "import_products_s": round(products_s.as_secs_f64()),
        "import_stock_s": round(stock_s.as_secs_f64()),
        "bytes_a_product": bytes / products.max(1) as u64,
        "milliseconds": reads,
        "walks": walks,
    }))
}

/// Sends a file with so many rows in parts, and gives the time that it took.
async fn import(
    http: &Connections,
    what: &str,
    header: &str,
    rows: usize,
    row: impl Fn(usize) -> String,
) -> Result<Duration, Error> {
    let begun = Instant::now();
    for first in (0..rows).step_by(ROWS) {
        let mut file = format!("{header}\n");
        for number in first..(first + ROWS).min(rows) {
            // Writing to a text can't fail.
            let _ = writeln!(file, "{}", row(number));
        }
        let answer = send(http, Method::POST, &format!("/api/v1/import/{what}"), file.into()).await?;
        if answer["failed"].as_array().is_none_or(|failed| !failed.is_empty()) {
            return Err(Error::Answer { what: "import", status: 200, body: answer.to_string() });
        }
    }
    Ok(begun.elapsed())
}

/// Reads a list to its end, and tells how many pages it has, how much is in them and how long they took.
async fn walk(http: &Connections, path: &str, list: &str) -> Result<Value, Error> {
    let (mut took, mut found, mut next) = (Vec::new(), 0, None::<String>);
    let all = Instant::now();
    loop {
        let page = match &next {
            None => path.to_owned(),
            Some(next) => format!("{path}&next={next}"),
        };
        let begun = Instant::now();
        let answer = get(http, &page).await?;
        took.push(begun.elapsed());
        found += answer[list].as_array().map_or(0, Vec::len);
        match answer["next"].as_str() {
            Some(following) => next = Some(following.replace('/', "%2F")),
            None => break,
        }
    }
    let seconds = round(all.elapsed().as_secs_f64());
    Ok(
        json!({ "found": found, "pages": took.len(), "seconds": seconds, "page_milliseconds": percentiles(took) }),
    )
}

async fn get(http: &Connections, path: &str) -> Result<Value, Error> {
    send(http, Method::GET, path, Bytes::new()).await
}

async fn send(http: &Connections, method: Method, path: &str, body: Bytes) -> Result<Value, Error> {
    let answer = http.send(method, path, body).await?;
    if answer.status().is_success() {
        return Ok(serde_json::from_slice(answer.body())?);
    }
    let body = String::from_utf8_lossy(answer.body()).into_owned();
    Err(Error::Answer { what: "a request", status: answer.status().as_u16(), body })
}
