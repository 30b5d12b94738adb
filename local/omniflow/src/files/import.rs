//! Brings products and counted stock in: the file is sent in parts, each row is written by itself, and the same file
//! again changes nothing more.

use std::collections::HashMap;
use std::fs;

use omniflow_api::csv_file::{self, BadLine, Row, Sheet};
use omniflow_api::{LINE_COLUMN, ROWS_IN_A_REQUEST};
use omniflow_domain::catalogue::lookup;
use reqwest::Method;
use serde::Deserialize;

use super::{DONE, Error, INCOMPLETE, Import, Kind, Request, System};

/// The most bytes of a part; the system takes 256 KiB.
const LARGEST_PART: usize = 200 * 1024;

#[derive(Deserialize)]
struct Imported {
    written: usize,
    unchanged: usize,
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
struct Failed {
    line: u64,
    reason: String,
}

pub(super) fn read(import: &Import) -> Result<Sheet, Error> {
    let bytes = fs::read(&import.file).map_err(|source| Error::File { path: import.file.clone(), source })?;
    csv_file::read(&bytes).map_err(|source| Error::Sheet { path: import.file.clone(), source })
}

/// What became of the rows so far.
#[derive(Default)]
pub(super) struct Progress {
    pub of: usize,
    pub written: usize,
    pub unchanged: usize,
    pub failed: usize,
}

impl Progress {
    /// Names a line that is not in the system.
    pub(super) fn failed_at(&mut self, line: u64, reason: &str) {
        self.failed += 1;
        println!("line {line}: {reason}");
    }

    pub(super) fn tell(&self) {
        let Self { of, written, unchanged, failed } = self;
        let done = written + unchanged + failed;
        eprintln!("omniflow: {done} of {of} rows: {written} written, {unchanged} unchanged, {failed} failed");
    }

    pub(super) fn code(&self) -> u8 {
        if self.failed == 0 { DONE } else { INCOMPLETE }
    }
}

pub(super) async fn import(import: &Import) -> Result<u8, Error> {
    let sheet = read(import)?;
    let needed: &[&str] = match import.kind {
        Kind::Stock => &["product_id", "warehouse", "on_hand"],
        Kind::Products | Kind::Orders => &["product_id", "name", "price"],
    };
    sheet.check_columns(needed).map_err(|source| Error::Sheet { path: import.file.clone(), source })?;
    let mut progress = Progress { of: sheet.rows.len(), ..Progress::default() };
    let system = System::new(&import.target);
    let path = format!("/api/v1/import/{}", import.kind.name());
    let columns: Vec<&str> = [LINE_COLUMN].into_iter().chain(named(&sheet)).collect();
    for part in parts(&sheet, import.kind, &mut progress) {
        let body = csv_file::write(&columns, part);
        let request =
            Request { method: Method::POST, path: &path, content_type: "text/csv", key: None, body };
        let answer = system.ask(&request).await.inspect_err(|_| progress.tell())?;
        if !answer.status.is_success() {
            progress.tell();
            return Err(answer.refusal(&import.target.url).into());
        }
        let imported: Imported = match serde_json::from_str(&answer.body) {
            Ok(imported) => imported,
            Err(_) => {
                return Err(answer.refusal(&import.target.url).into());
            }
        };
        progress.written += imported.written;
        progress.unchanged += imported.unchanged;
        for Failed { line, reason } in imported.failed {
            progress.failed_at(line, &reason);
        }
        progress.tell();
    }
    if progress.of == 0 {
        progress.tell();
    }
    Ok(progress.code())
}

fn named(sheet: &Sheet) -> impl Iterator<Item = &str> {
    sheet.columns.iter().map(String::as_str).filter(|name| !name.is_empty() && *name != LINE_COLUMN)
}

/// The rows in parts that the system takes, each row with the number of its line. Lines that are no rows, and rows about
/// what an earlier row is about, are told at once.
fn parts(sheet: &Sheet, kind: Kind, progress: &mut Progress) -> Vec<Vec<Vec<String>>> {
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    let mut seen = HashMap::new();
    for row in &sheet.rows {
        let row = match row {
            Ok(row) => row,
            Err(BadLine { line, reason }) => {
                progress.failed_at(*line, reason);
                continue;
            }
        };
        if let Some(earlier) = seen.insert(subject(row, kind), row.line) {
            progress
                .failed_at(row.line, &format!("Line {earlier} is about the same. Leave one of the two out."));
            continue;
        }
        let cells = cells(row, sheet);
        // Each cell may get an apostrophe, two quotes and a comma.
        let length: usize = cells.iter().map(|cell| 2 * cell.len() + 4).sum();
        if !part.is_empty() && (part.len() == ROWS_IN_A_REQUEST || bytes + length > LARGEST_PART) {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        part.push(cells);
        bytes += length;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn subject(row: &Row, kind: Kind) -> String {
    let product = lookup(row.get("product_id").unwrap_or_default());
    match kind {
        Kind::Stock => format!("{product}/{}", row.get("warehouse").unwrap_or_default()),
        Kind::Products | Kind::Orders => product,
    }
}

fn cells(row: &Row, sheet: &Sheet) -> Vec<String> {
    let cell = |name: &str| {
        let cell = row.get(name).unwrap_or_default();
        match name {
            "price" if sheet.has_decimal_commas => cell.replacen(',', ".", 1),
            _ => cell.to_owned(),
        }
    };
    [row.line.to_string()].into_iter().chain(named(sheet).map(cell)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_goes_in_parts_and_keeps_its_line_numbers() {
        let mut file = "product_id;name;price\r\n".to_owned();
        for number in 0..1200 {
            file.push_str(&format!("p{number};\"P {number}\";1,50\r\n"));
        }
        file.push_str("P-7;again;2\r\n\r\nx;y;1;2\r\n");
        let sheet = csv_file::read(file.as_bytes()).unwrap();
        let mut progress = Progress::default();
        let parts = parts(&sheet, Kind::Products, &mut progress);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
        assert_eq!(parts[2][199], ["1201", "p1199", "P 1199", "1.50"]);
        assert_eq!(progress.failed, 2, "one is there twice, and one has too many cells");
    }
}
