//! Writes a file page by page. A file that is not whole has another name, and is no file that anybody takes for one.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use reqwest::Method;

use super::{DONE, Error, Export, Request, System};

/// The end of the name of a file that is not whole yet.
const PART: &str = "part";

pub(super) async fn export(export: &Export) -> Result<u8, Error> {
    let part = export.file.as_deref().map(begin).transpose()?;
    let mut to: Box<dyn Write> = match &part {
        Some((file, path)) => Box::new(file.try_clone().map_err(|source| failed(path, source))?),
        None => Box::new(std::io::stdout()),
    };
    let rows = write_all(export, &mut to).await?;
    to.flush()?;
    eprintln!("omniflow: {rows} rows of {}", export.kind.name());
    if let (Some((file, path)), Some(whole)) = (&part, &export.file) {
        file.sync_all().map_err(|source| failed(path, source))?;
        fs::rename(path, whole).map_err(|source| failed(whole, source))?;
    }
    Ok(DONE)
}

fn failed(path: &Path, source: std::io::Error) -> Error {
    Error::File { path: path.to_owned(), source }
}

/// Begins the file. One that is there is not written over, since it may be what somebody has worked on.
fn begin(whole: &Path) -> Result<(File, PathBuf), Error> {
    if whole.exists() {
        let exists = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it exists: name another file");
        return Err(failed(whole, exists));
    }
    let mut name = whole.as_os_str().to_owned();
    name.push(".");
    name.push(PART);
    let part = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .create(true)
        .truncate(true)
        .open(&part)
        .map_err(|source| failed(&part, source))?;
    Ok((file, part))
}

/// Writes all pages, and gives the number of rows, which is that of the lines but for line breaks in cells.
async fn write_all(export: &Export, to: &mut dyn Write) -> Result<usize, Error> {
    let system = System::new(&export.target);
    let mut path = format!("/api/v1/export/{}", export.kind.name());
    let (mut rows, mut is_first) = (0, true);
    loop {
        let request = Request {
            method: Method::GET,
            path: &path,
            content_type: "text/csv",
            key: None,
            body: String::new(),
        };
        let answer = system.ask(&request).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal(&export.target.url).into());
        }
        // Each page names the columns, in its first line.
        let (columns, lines) = answer.body.split_once('\n').unwrap_or((answer.body.as_str(), ""));
        if is_first {
            writeln!(to, "{columns}")?;
        }
        to.write_all(lines.as_bytes())?;
        rows += lines.lines().count();
        is_first = false;
        match answer.next {
            Some(next) => {
                path = next;
                eprintln!("omniflow: {rows} rows so far");
            }
            None => return Ok(rows),
        }
    }
}
