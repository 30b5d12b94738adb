//! Brings orders in: rows with the same text in the column `order` are one order, and that text makes a repeat harmless
//! for as long as the system remembers idempotency keys, which is a day.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::stream::{self, StreamExt};
use omniflow_api::csv_file::{BadLine, Row};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::import::{Progress, read};
use super::{Answer, Error, Import, Request, System};

/// The number of orders that are made at the same time.
const AT_ONCE: usize = 8;
/// After how many orders the progress is told.
const TELL_EVERY: usize = 100;

/// An order of the file.
struct Group {
    name: String,
    lines: Vec<u64>,
    body: Value,
}

pub(super) async fn import(import: &Import) -> Result<u8, Error> {
    let sheet = read(import)?;
    let bad = |source| Error::Sheet { path: import.file.clone(), source };
    sheet.check_columns(&["order", "product_id", "quantity"]).map_err(bad)?;
    let mut progress = Progress { of: sheet.rows.len(), ..Progress::default() };
    let groups = groups(sheet.rows, sheet.has_decimal_commas, &mut progress);
    let system = &System::new(&import.target);
    let asked = groups.into_iter().map(|group| async move {
        let answer = make(system, &group).await;
        (group, answer)
    });
    let mut asked = stream::iter(asked).buffered(AT_ONCE);
    let mut number = 0;
    while let Some((group, answer)) = asked.next().await {
        let answer = answer.inspect_err(|_| progress.tell())?;
        match answer.status {
            StatusCode::CREATED if answer.is_repeated => progress.unchanged += group.lines.len(),
            StatusCode::CREATED => progress.written += group.lines.len(),
            status if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                return Err(answer.refusal(&import.target.url).into());
            }
            _ => {
                let reason = format!("order {}: {}", group.name, answer.detail());
                group.lines.iter().for_each(|line| progress.failed_at(*line, &reason));
            }
        }
        number += 1;
        if number % TELL_EVERY == 0 {
            progress.tell();
        }
    }
    progress.tell();
    Ok(progress.code())
}

async fn make(system: &System<'_>, group: &Group) -> Result<Answer, Error> {
    // A key has printable ASCII only.
    let key = format!("import-{}", URL_SAFE_NO_PAD.encode(Sha256::digest(&group.name)));
    let request = Request {
        method: Method::POST,
        path: "/api/v1/orders",
        content_type: "application/json",
        key: Some(&key),
        body: group.body.to_string(),
    };
    Ok(system.ask(&request).await?)
}

/// The orders in the order of their first rows. What is about the whole order is taken from the first row that says it.
fn groups(rows: Vec<Result<Row, BadLine>>, decimal_commas: bool, progress: &mut Progress) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let row = match row {
            Ok(row) => row,
            Err(BadLine { line, reason }) => {
                progress.failed_at(line, &reason);
                continue;
            }
        };
        let name = row.get("order").unwrap_or_default().to_owned();
        if name.is_empty() {
            progress.failed_at(row.line, "'order' is empty: it says which rows are one order.");
            continue;
        }
        let place = *places.entry(name.clone()).or_insert_with(|| {
            groups.push(Group { name, lines: Vec::new(), body: json!({ "items": [] }) });
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(place) {
            add(group, &row, decimal_commas);
        }
    }
    groups
}

fn add(group: &mut Group, row: &Row, decimal_commas: bool) {
    let cell = |name: &str| row.get(name).filter(|cell| !cell.is_empty());
    let money = |name: &str| {
        let text = cell(name)?.to_owned();
        Some(if decimal_commas { text.replacen(',', ".", 1) } else { text })
    };
    let quantity =
        cell("quantity").map_or(Value::Null, |text| text.parse::<u64>().map_or(json!(text), Value::from));
    let mut item = json!({ "product_id": cell("product_id").unwrap_or_default(), "quantity": quantity });
    if let Some(price) = money("price") {
        item["price"] = Value::from(price);
    }
    if let Some(items) = group.body["items"].as_array_mut() {
        items.push(item);
    }
    let of_order = [
        ("customer_id", cell("customer_id").map(str::to_owned)),
        ("email", cell("email").map(str::to_owned)),
        ("amount", money("amount")),
    ];
    for (name, value) in of_order {
        if let Some(value) = value.filter(|_| group.body[name].is_null()) {
            group.body[name] = Value::from(value);
        }
    }
    if let Some(method) = cell("method").filter(|_| group.body["payment"].is_null()) {
        group.body["payment"] = json!({ "method": method });
    }
    group.lines.push(row.line);
}

#[cfg(test)]
mod tests {
    use omniflow_api::csv_file;

    use super::*;

    #[test]
    fn rows_of_one_order_become_one_request() {
        let file = "order;product_id;quantity;price;customer_id;method\r\n\
                    A-1;cup;2;1,50;ann;pm_card\r\nA-2;cup;x;;;\r\nA-1;jug;1;;;\r\n;jug;1;;;\r\n";
        let mut progress = Progress::default();
        let rows = csv_file::read(file.as_bytes()).unwrap().rows;
        let groups = groups(rows, true, &mut progress);
        assert_eq!((groups.len(), progress.failed), (2, 1));
        assert_eq!(groups[0].lines, [2, 4]);
        let expected = json!({
            "items": [{ "product_id": "cup", "quantity": 2, "price": "1.50" }, { "product_id": "jug", "quantity": 1 }],
            "customer_id": "ann",
            "payment": { "method": "pm_card" },
        });
        assert_eq!(groups[0].body, expected);
        assert_eq!(groups[1].body["items"][0]["quantity"], "x", "the system says what is wrong with it");
    }
}
