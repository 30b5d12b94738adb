//! The web console under `/web/`, whose files are in the binary, and the description of the API.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::{LazyLock, OnceLock};

use omniflow_domain::Currency;
use sha2::{Digest, Sha256};

use crate::description;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;

/// The `Content-Security-Policy` (Content Security Policy Level 3, W3C) of the console: a page may load the
/// console's own files, nothing inline and nothing from elsewhere, and no page of others may frame it.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../web/", $path)))),+]
    };
}

/// The path and content of each file. A test compares them with the folder.
pub(crate) const FILES: &[(&str, &str)] = files![
    "index.html",
    "api.js",
    "docs.html",
    "docs/page.js",
    "docs/parts.js",
    "docs/style.css",
    "icon.svg",
    "language.js",
    "live.js",
    "main.js",
    "order-actions.js",
    "parts.js",
    "style.css",
    "lang/en.js",
    "lang/ru.js",
    "lang/zh.js",
    "pages/operations.js",
    "pages/order.js",
    "pages/review.js",
    "pages/shop.js",
    "vendor/dagre.js",
    "vendor/preact.js",
    "workflow/data.js",
    "workflow/definition.js",
    "workflow/graph.js",
    "workflow/history.js",
    "workflow/layout.js",
    "workflow/progress.js",
    "workflow/state.js",
    "workflow/style.css",
    "workflow/view.js",
];

/// A file as it is served.
struct File {
    path: &'static str,
    content_type: &'static str,
    content: Cow<'static, str>,
    /// The name of the content, by which a client that has it need not load it again (RFC 9110, section
    /// 8.8.3).
    etag: String,
}

/// The description of the API for a shop's currency, which is made when it is first asked for. The tests make
/// `openapi.json`, which it is made of, from the routes and the types, and fail when it is a different one.
pub(crate) struct Description {
    currency: Currency,
    file: OnceLock<File>,
}

impl Description {
    pub(crate) fn new(currency: Currency) -> Self {
        Self { currency, file: OnceLock::new() }
    }

    /// `GET /openapi.json`
    pub(crate) fn answer(&self, request: &Request) -> Response {
        let file = || File::new("openapi.json", description::of(self.currency));
        self.file.get_or_init(file).answer(request)
    }
}

static SERVED: LazyLock<Vec<File>> =
    LazyLock::new(|| FILES.iter().map(|(path, content)| File::new(path, Cow::Borrowed(content))).collect());

impl File {
    fn new(path: &'static str, content: Cow<'static, str>) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let etag = digest[..8].iter().fold(String::new(), |mut etag, byte| {
            // Writing to a String can't fail.
            let _ = write!(etag, "{byte:02x}");
            etag
        });
        Self { path, content_type: content_type(path), content, etag: format!("\"{etag}\"") }
    }

    fn answer(&self, request: &Request) -> Response {
        let known = request.header("if-none-match").unwrap_or_default();
        let known =
            known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == self.etag);
        let (status, content) = if known { (304, "") } else { (200, &*self.content) };
        Response::file(status, self.content_type, content)
            .with_header("etag", &self.etag)
            .with_header("cache-control", "no-cache")
            .with_header("content-security-policy", SECURITY_POLICY)
            .with_header("x-content-type-options", "nosniff")
            .with_header("referrer-policy", "no-referrer")
    }
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

/// `GET /web/`: the console's page, at the address that its relative links need.
pub(crate) fn page(request: &Request) -> Result<Response, Problem> {
    answer("index.html", request)
}

/// `GET /web` leads to the page.
pub(crate) fn console() -> Response {
    redirect(308, "web/")
}

/// `GET /` leads to the console. The redirection is temporary, since browsers keep a permanent one for
/// whatever else is served at this address one day.
pub(crate) fn home() -> Response {
    redirect(307, "web/")
}

/// `GET /docs` leads to the page that shows `/openapi.json`, in the folder where its files are.
pub(crate) fn documentation(request: &Request) -> Response {
    redirect(308, if request.path.ends_with('/') { "../web/docs.html" } else { "web/docs.html" })
}

/// A redirection to a relative address, which also holds when the path begins with the name of a stage of API
/// Gateway.
fn redirect(status: u16, to: &str) -> Response {
    Response::file(status, "text/plain; charset=utf-8", "").with_header("location", to)
}

/// `GET /web/{file+}`
pub(crate) fn file(request: &Request) -> Result<Response, Problem> {
    answer(request.parameters.get("file").map_or("", String::as_str), request)
}

fn answer(path: &str, request: &Request) -> Result<Response, Problem> {
    match served(path) {
        Some(file) => Ok(file.answer(request)),
        None => {
            let detail = format!("There is no {path} in the console. GET /web/ is its page.");
            Err(Problem::new(Kind::RouteNotFound, detail))
        }
    }
}

fn served(path: &str) -> Option<&'static File> {
    SERVED.iter().find(|file| file.path == path)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::caller::Caller;

    /// What the page may weigh, all files together, uncompressed.
    const MOST_BYTES: usize = 300 * 1024;

    fn files_in(folder: &Path, root: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files_in(&path, root, found);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_served() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let mut found = BTreeSet::new();
        files_in(&root, &root, &mut found);
        found.retain(|path| !path.ends_with(".md"));
        assert_eq!(found, FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
    }

    #[test]
    fn the_console_is_light_and_speaks_to_no_other_host() {
        let bytes: usize = FILES.iter().map(|(_, content)| content.len()).sum();
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
        for (path, content) in FILES {
            let hosts =
                content.match_indices("://").map(|(at, _)| &content[at..(at + 30).min(content.len())]);
            // Names of XML, not addresses.
            let hosts: Vec<_> = hosts.filter(|host| !host.starts_with("://www.w3.org/")).collect();
            assert!(hosts.is_empty() || path.starts_with("vendor/"), "{path}: {hosts:?}");
        }
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let page = served("index.html").unwrap();
        let event = |tag: &str| {
            serde_json::json!({
                "rawPath": "/web/",
                "headers": { "if-none-match": tag },
                "requestContext": { "http": { "method": "GET" } },
            })
        };
        let status =
            |tag: &str| super::page(&Request::read(&event(tag), Caller::Unknown).unwrap()).unwrap().status;
        assert_eq!(status(&page.etag), 304);
        assert_eq!(status(&format!("\"other\", W/{}", page.etag)), 304);
        assert_eq!(status("\"other\""), 200);
    }
}
