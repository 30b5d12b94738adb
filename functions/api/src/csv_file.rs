//! Files of comma-separated values (RFC 4180) as spreadsheets write and read them: with a byte order mark or without,
//! with commas, semicolons or tabs between the cells, with line breaks of every kind, and with line breaks in quotes.
//!
//! A spreadsheet runs a cell as a formula that begins with one of a few characters, also when the file came from
//! somebody else (OWASP, "CSV Injection"). So cells that begin so are written with an apostrophe before them, which
//! spreadsheets don't show, and read without it.

use std::collections::HashMap;

/// The mark that says that a text is UTF-8, without which some spreadsheets take it for another encoding.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The characters between cells, the usual one first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
/// The characters with which a formula begins.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// The names of the columns: small letters, with `_` for blanks.
    pub columns: Vec<String>,
    /// The rows, without those that are empty.
    pub rows: Vec<Result<Row, BadLine>>,
    /// Whether the decimal point may be a comma, as where semicolons are between the cells.
    pub has_decimal_commas: bool,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The number of the line that it begins on, from 1 on.
    pub line: u64,
    cells: HashMap<String, String>,
}

impl Row {
    /// The cell in this column, without blanks around it; `None` when the file has no such column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.get(column).map(String::as_str)
    }
}

/// A line that is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct BadLine {
    /// The number of the line, from 1 on.
    pub line: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Why nothing of a file can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    /// It is text in another encoding than UTF-8.
    #[error("the file is not UTF-8: save it as \"CSV UTF-8\"")]
    Encoding,
    /// There is no line with the names of the columns.
    #[error("the file is empty: its first line has to name the columns")]
    Empty,
    /// Two columns have the same name.
    #[error("the column '{0}' is there twice")]
    Twice(String),
    /// A column that is needed is missing.
    #[error("the column '{0}' is missing: the first line has to name the columns")]
    Missing(&'static str),
}

/// Reads a file.
///
/// # Errors
/// [`BadFile`].
pub fn read(bytes: &[u8]) -> Result<Sheet, BadFile> {
    let text = std::str::from_utf8(bytes).map_err(|_| BadFile::Encoding)?;
    if text.contains('\0') {
        // UTF-16 of letters that ASCII has.
        return Err(BadFile::Encoding);
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let delimiter = delimiter_of(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let names = records.next().and_then(Result::ok).ok_or(BadFile::Empty)?;
    let columns: Vec<_> = names.iter().map(column_name).collect();
    for (at, name) in columns.iter().enumerate() {
        if !name.is_empty() && columns[..at].contains(name) {
            return Err(BadFile::Twice(name.clone()));
        }
    }
    let mut lines = Lines { text: text.as_bytes(), line: 1, at: 0 };
    let rows = records.filter_map(|record| row(record, &columns, &mut lines)).collect();
    Ok(Sheet { columns, rows, has_decimal_commas: delimiter == b';' })
}

impl Sheet {
    /// Checks that the file has these columns.
    ///
    /// # Errors
    /// [`BadFile::Missing`].
    pub fn check_columns(&self, needed: &[&'static str]) -> Result<(), BadFile> {
        let has = |name: &str| self.columns.iter().any(|column| column == name);
        needed.iter().find(|name| !has(name)).map_or(Ok(()), |missing| Err(BadFile::Missing(missing)))
    }
}

/// The character between the cells: the one that is most often in the line which names the columns.
fn delimiter_of(line: &str) -> u8 {
    let count = |delimiter: u8| line.bytes().filter(|byte| *byte == delimiter).count();
    let most = DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter));
    most.unwrap_or(DELIMITERS[0])
}

fn column_name(cell: &str) -> String {
    cell.trim().to_lowercase().replace([' ', '-'], "_")
}

/// Counts the lines of a text as an editor does.
struct Lines<'a> {
    text: &'a [u8],
    /// The number of the line that the byte `at` is on.
    line: u64,
    at: usize,
}

impl Lines<'_> {
    /// The number of the line on which the row begins that the reader found at this byte. The reader may leave the
    /// end of the line before to the row, and empty lines.
    fn of(&mut self, byte: u64) -> u64 {
        let from = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let breaks = self.text[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        while self.at < from + breaks {
            let is_break = match self.text[self.at] {
                b'\n' => true,
                b'\r' => self.text.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(is_break);
            self.at += 1;
        }
        self.line
    }
}

fn row(
    record: Result<csv::StringRecord, csv::Error>,
    columns: &[String],
    lines: &mut Lines<'_>,
) -> Option<Result<Row, BadLine>> {
    let record = match record {
        Ok(record) => record,
        Err(error) => {
            let line = lines.of(error.position().map_or(0, csv::Position::byte));
            return Some(Err(BadLine { line, reason: format!("it can't be read: {error}") }));
        }
    };
    let line = lines.of(record.position().map_or(0, csv::Position::byte));
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return None;
    }
    if record.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
        let (cells, columns) = (record.len(), columns.len());
        let reason = format!("it has {cells} cells, and there are {columns} columns; is a quote missing?");
        return Some(Err(BadLine { line, reason }));
    }
    let cells = columns.iter().zip(record.iter()).map(|(column, cell)| (column.clone(), plain(cell)));
    Some(Ok(Row { line, cells: cells.collect() }))
}

/// The cell without the apostrophe that keeps it from being a formula.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    let kept = cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULA) || rest.starts_with('\''));
    kept.unwrap_or(cell).to_owned()
}

/// The cell as it may stand in a file. A number is no formula.
fn harmless(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    let would_be_read_otherwise = cell.starts_with('\'') && plain(cell) != cell;
    if (cell.starts_with(FORMULA) && !is_number) || would_be_read_otherwise {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// Writes a file, which begins with a byte order mark and has commas between the cells.
pub fn write(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).flexible(true).from_writer(Vec::new());
    // Writing into memory fails for nothing but rows of another length, which a flexible writer takes.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| harmless(cell)));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    BYTE_ORDER_MARK.to_owned() + &String::from_utf8_lossy(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(file: &[u8]) -> Vec<(u64, Option<String>, Option<String>)> {
        let rows = read(file).unwrap().rows.into_iter().map(Result::unwrap);
        rows.map(|row| (row.line, row.get("id").map(str::to_owned), row.get("name").map(str::to_owned)))
            .collect()
    }

    fn some(line: u64, id: &str, name: &str) -> (u64, Option<String>, Option<String>) {
        (line, Some(id.to_owned()), Some(name.to_owned()))
    }

    #[test]
    fn files_are_read_as_spreadsheets_write_them() {
        for file in [
            "id,name\na,A b\nc,C\n",
            "\u{feff}id,name\r\na,A b\r\nc,C\r\n",
            "id,name\ra,A b\rc,C\r",
            "ID;Name\r\na;A b\r\nc;C",
            "\u{feff}\"id\"\t\"name\"\na\t\"A b\"\nc\tC\n",
            " id , name \n a , A b \n\"c\",\"C\"\n",
        ] {
            assert_eq!(cells(file.as_bytes()), [some(2, "a", "A b"), some(3, "c", "C")], "{file:?}");
        }
        let quoted = "id,name\r\na,\"one\r\ntwo, \"\"three\"\"\"\r\n\r\n,\r\nb,\"x;y\"\r\n";
        let expected = [some(2, "a", "one\r\ntwo, \"three\""), some(6, "b", "x;y")];
        assert_eq!(cells(quoted.as_bytes()), expected, "lines are counted as an editor counts them");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(read(b""), Err(BadFile::Empty));
        assert_eq!(read(b"\xff\xfei\0d\0"), Err(BadFile::Encoding));
        assert_eq!(read(b"i\0d\0"), Err(BadFile::Encoding));
        assert_eq!(read(b"id,name\na,\xe4\n"), Err(BadFile::Encoding));
        assert_eq!(read(b"id,ID\n"), Err(BadFile::Twice("id".to_owned())));
        assert_eq!(read(b"id\n").unwrap().check_columns(&["id", "name"]), Err(BadFile::Missing("name")));
        let rows = read(b"id,name\na,b,c\nd\n").unwrap().rows;
        assert_eq!(rows[0].as_ref().unwrap_err().line, 2);
        let short = rows[1].as_ref().unwrap();
        assert_eq!((short.get("id"), short.get("name")), (Some("d"), None));
    }

    #[test]
    fn no_cell_is_a_formula_and_all_come_back_as_they_were() {
        let texts = [
            "=1+1",
            "+cmd|' /C calc'!A0",
            "-1+2",
            "@SUM(A1)",
            "'=1",
            "'quoted'",
            "''",
            "-5",
            "plain",
            "a\nb",
            "12,5;\"x\"",
        ];
        let file = write(&["id", "name"], texts.iter().map(|text| vec!["x".to_owned(), (*text).to_owned()]));
        let mut reader =
            csv::ReaderBuilder::new().from_reader(file.trim_start_matches(BYTE_ORDER_MARK).as_bytes());
        for record in reader.records() {
            let cell = record.unwrap()[1].to_owned();
            assert!(!cell.starts_with(FORMULA) || cell.parse::<f64>().is_ok(), "{cell}");
        }
        let read: Vec<_> = cells(file.as_bytes()).into_iter().filter_map(|(_, _, name)| name).collect();
        assert_eq!(read, texts);
    }
}
