//! The web console under `/web/`, whose files are in the binary, and the description of the API.

use std::borrow::Cow;
use std::io::Read as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::read::GzDecoder;
use omniflow_domain::Currency;
use omniflow_services::{ConfigError, Environment};
use serde_json::json;

use crate::description;
use crate::payment_method::Provider;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::{self, Response};
use crate::sign_in::SignIn;

/// The `Content-Security-Policy` (Content Security Policy Level 3, W3C) of the console: a page may load the
/// console's own files, nothing inline and nothing from elsewhere, and no page of others may frame it. `CALLED` are
/// the origins that it may call besides its own.
const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'CALLED; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The console's page.
const PAGE: &str = "index.html";

/// Where the page says who holds and takes the customers' money, so that this takes no call.
const PROVIDER_ATTRIBUTE: (&str, &str) = ("<html ", "<html data-payment-provider=\"PROVIDER\" ");

/// The name of the file that tells the console how people sign in. It is made of the settings.
const SIGN_IN: &str = "sign-in.json";

/// The path, the name of the content, and the content in gzip of each file: the two pages and the description of
/// the API by their names, all else in a folder that is named after what is in it. `build.rs` makes them.
const FILES: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console/files.rs"));

/// How long browsers keep what never changes, in seconds: a year, which stands for ever (RFC 9111, section
/// 5.2.2.1; RFC 8246).
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A file as it is served.
struct File {
    path: &'static str,
    content: Content,
    /// The name of the content, by which a client that has it need not load it again (RFC 9110, section
    /// 8.8.3).
    etag: Cow<'static, str>,
}

/// What is in a file.
enum Content {
    /// In gzip, as the binary has it.
    Packed(&'static [u8]),
    /// As it is, since it was made while the function runs.
    Made(String),
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Made(text) => text.clone(),
            Self::Packed(bytes) => {
                let mut text = String::new();
                // It was packed when the binary was made, so it can be unpacked.
                let _ = GzDecoder::new(*bytes).read_to_string(&mut text);
                text
            }
        }
    }
}

/// The console and the description of the API, for the settings of this stack.
pub(crate) struct Site {
    /// The `Content-Security-Policy`.
    policy: String,
    /// The page, where it is another one than that in the binary.
    page: Option<File>,
    sign_in: File,
    description: Description,
}

impl Site {
    pub(crate) fn new(
        environment: &Environment,
        currency: Currency,
        provider: Provider,
    ) -> Result<Self, ConfigError> {
        let sign_in = SignIn::new(environment)?;
        let called = sign_in.as_ref().map(SignIn::origins).unwrap_or_default();
        let called: String = called.iter().map(|origin| format!(" {origin}")).collect();
        // Where nobody can sign in it says so by being empty: a browser would report a missing file as an error.
        let told = sign_in.as_ref().map_or_else(|| json!({}), SignIn::to_json);
        Ok(Self {
            policy: SECURITY_POLICY.replace("CALLED", &called),
            page: page_for(provider),
            sign_in: File::made(SIGN_IN, told.to_string()),
            description: Description::new(currency),
        })
    }

    /// `GET /web/`: the console's page, at the address that its relative links need.
    pub(crate) fn page(&self, request: &Request) -> Result<Response, Problem> {
        self.named(PAGE, request)
    }

    /// `GET /web/{file+}`
    pub(crate) fn file(&self, request: &Request) -> Result<Response, Problem> {
        self.named(request.parameters.get("file").map_or("", String::as_str), request)
    }

    /// `GET /openapi.json`
    pub(crate) fn description(&self, request: &Request) -> Result<Response, Problem> {
        self.description.answer(request).map(|response| self.guarded(response))
    }

    fn named(&self, path: &str, request: &Request) -> Result<Response, Problem> {
        let response = match (path, &self.page) {
            (SIGN_IN, _) => Ok(self.sign_in.answer(request)),
            (PAGE, Some(page)) => Ok(page.answer(request)),
            _ => answer(path, request),
        };
        response.map(|response| self.guarded(response))
    }

    fn guarded(&self, response: Response) -> Response {
        response.with_header("content-security-policy", &*self.policy)
    }
}

/// The page of a shop whose payments are not simulated, which says so.
fn page_for(provider: Provider) -> Option<File> {
    let name = match provider {
        Provider::Simulated => return None,
        Provider::Stripe => "stripe",
    };
    let text = served(PAGE).map(|file| file.content.text()).unwrap_or_default();
    let (plain, named) = PROVIDER_ATTRIBUTE;
    Some(File::made(PAGE, text.replacen(plain, &named.replace("PROVIDER", name), 1)))
}

/// The description of the API for a shop's currency. The tests make `openapi.json`, which is the one of the
/// default currency, from the routes and the types, and fail when it is a different one. For other currencies it
/// is made of that when it is first asked for.
struct Description {
    currency: Currency,
    file: OnceLock<File>,
}

impl Description {
    fn new(currency: Currency) -> Self {
        Self { currency, file: OnceLock::new() }
    }

    fn answer(&self, request: &Request) -> Result<Response, Problem> {
        if self.currency == Currency::default() {
            return answer(OPENAPI, request);
        }
        let make = || {
            let usual = served(OPENAPI).map(|file| file.content.text()).unwrap_or_default();
            File::made(OPENAPI, description::of(&usual, self.currency))
        };
        Ok(self.file.get_or_init(make).answer(request))
    }
}

/// The name of the description of the API.
pub(crate) const OPENAPI: &str = "openapi.json";

impl File {
    fn made(path: &'static str, text: String) -> Self {
        let etag = format!("\"{}\"", response::digest(&text));
        Self { path, content: Content::Made(text), etag: Cow::Owned(etag) }
    }

    fn answer(&self, request: &Request) -> Response {
        let known = request.has(&self.etag);
        let kind = content_type(self.path);
        let response = match &self.content {
            _ if known => Response::file(304, kind, ""),
            Content::Packed(bytes) if takes_gzip(request.header("accept-encoding").unwrap_or_default()) => {
                // An answer to API Gateway carries bytes in Base64.
                Response::bytes(200, kind, BASE64.encode(bytes)).with_header("content-encoding", "gzip")
            }
            content => Response::file(200, kind, content.text()),
        };
        response
            .with_header("etag", &*self.etag)
            .with_header("vary", "accept-encoding")
            .with_header("cache-control", if self.path.contains('/') { FOR_EVER } else { "no-cache" })
            .with_header("x-content-type-options", "nosniff")
            .with_header("referrer-policy", "no-referrer")
    }
}

/// Whether a client takes gzip, by its `Accept-Encoding` (RFC 9110, section 12.5.3).
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
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

/// `GET /web` leads to the page, by its name: `/web/` is a path that API Gateway may take for `/web`, and then it
/// would lead to itself.
pub(crate) fn console() -> Response {
    redirect(308, "web/index.html")
}

/// `GET /` leads to the console. The redirection is temporary, since browsers keep a permanent one for
/// whatever else is served at this address one day.
pub(crate) fn home() -> Response {
    redirect(307, "web/index.html")
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

/// `GET /favicon.ico`, which browsers ask for by themselves where a page names no icon, as JSON does not.
pub(crate) fn icon() -> Response {
    let icon = FILES.iter().map(|(path, ..)| path).find(|path| path.ends_with("/icon.svg"));
    redirect(307, &format!("web/{}", icon.unwrap_or(&"")))
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

fn served(path: &str) -> Option<File> {
    let (path, etag, packed) = FILES.iter().find(|(name, ..)| *name == path)?;
    Some(File { path, content: Content::Packed(packed), etag: Cow::Borrowed(etag) })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::caller::Caller;

    /// The most bytes, in gzip, that the first page may load before it asks the API for anything: the page,
    /// its bundle, its style sheet, one language, and the icon.
    const MOST_BYTES: usize = 60 * 1024;
    /// The paths of files that no first page loads.
    const LATER: [&str; 7] = [
        "docs.html",
        "/docs.js",
        "/admin.js",
        "/workflow.js",
        "/sign-in.js",
        "docs/style.css",
        "openapi.json",
    ];

    fn answered(path: &str, headers: &Value) -> Value {
        let event = json!({
            "rawPath": "/web/",
            "headers": headers,
            "requestContext": { "http": { "method": "GET" } },
        });
        answer(path, &Request::read(&event, Caller::Unknown).unwrap()).unwrap().into_event()
    }

    #[test]
    fn the_first_page_is_light() {
        let first = FILES.iter().filter(|(path, ..)| !LATER.iter().any(|later| path.ends_with(later)));
        let (languages, others): (Vec<&_>, Vec<&_>) = first.partition(|(path, ..)| path.contains("/lang/"));
        assert_eq!((languages.len(), others.len()), (3, 5), "{others:?}");
        let language = languages.iter().map(|(.., packed)| packed.len()).max().unwrap();
        let bytes = language + others.iter().map(|(.., packed)| packed.len()).sum::<usize>();
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    }

    #[test]
    fn the_console_speaks_to_no_other_host() {
        for (path, ..) in FILES.iter().filter(|(path, ..)| *path != "openapi.json") {
            let content = served(path).unwrap().content.text();
            let hosts = content
                .match_indices("://")
                .map(|(at, _)| content[at..].chars().take(30).collect::<String>());
            // Names of XML, not addresses; the libraries name where they come from.
            let hosts: Vec<_> = hosts.filter(|host| !host.starts_with("://www.w3.org/")).collect();
            assert!(hosts.is_empty(), "{path}: {hosts:?}");
        }
    }

    #[test]
    fn the_page_says_where_payments_are_not_simulated() {
        assert!(page_for(Provider::Simulated).is_none());
        let page = page_for(Provider::Stripe).unwrap();
        let text = page.content.text();
        assert!(
            text.starts_with("<!doctype html>\n<html data-payment-provider=\"stripe\" lang=\"en\">"),
            "{text}"
        );
        assert_ne!(page.etag, served(PAGE).unwrap().etag, "browsers must not keep the other one");
    }

    #[test]
    fn a_file_that_the_browser_has_is_not_sent_again() {
        let page = served(PAGE).unwrap();
        let status = |tag: &str| answered(PAGE, &json!({ "if-none-match": tag }))["statusCode"].clone();
        assert_eq!(status(&page.etag), 304);
        assert_eq!(status(&format!("\"other\", W/{}", page.etag)), 304);
        assert_eq!(status("\"other\""), 200);
    }

    #[test]
    fn files_named_after_their_content_are_kept_for_ever_and_the_pages_are_not() {
        let mut named = 0;
        for (path, ..) in FILES {
            let cached = answered(path, &json!({}))["headers"]["cache-control"].clone();
            assert_eq!(cached, if path.contains('/') { FOR_EVER } else { "no-cache" }, "{path}");
            named += usize::from(path.contains('/'));
        }
        assert_eq!(named, 12);
        let folder = FILES.iter().find_map(|(path, ..)| path.strip_suffix("/app.js")).unwrap();
        assert!(served(PAGE).unwrap().content.text().contains(&format!("{folder}/app.js")));
    }

    #[test]
    fn the_icon_of_pages_that_name_none_is_the_consoles() {
        let answer = icon().into_event();
        let place = answer["headers"]["location"].as_str().unwrap().strip_prefix("web/").unwrap();
        assert_eq!(answered(place, &json!({}))["headers"]["content-type"], "image/svg+xml");
    }

    #[test]
    fn who_takes_gzip_gets_the_same_content_in_it() {
        for (path, ..) in FILES {
            let plain = answered(path, &json!({}))["body"].clone();
            let packed = answered(path, &json!({ "accept-encoding": "br, GZIP;q=0.5" }));
            assert_eq!(
                (&packed["headers"]["content-encoding"], &packed["isBase64Encoded"]),
                (&json!("gzip"), &json!(true))
            );
            let bytes = BASE64.decode(packed["body"].as_str().unwrap()).unwrap();
            let mut text = String::new();
            GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
            assert_eq!(plain, json!(text), "{path}");
        }
        for accepted in ["", "identity", "br", "gzip;q=0", "gzip;q=x"] {
            let plain = answered(PAGE, &json!({ "accept-encoding": accepted }));
            assert_eq!(
                (&plain["headers"]["content-encoding"], &plain["isBase64Encoded"]),
                (&Value::Null, &json!(false)),
                "{accepted}"
            );
            assert_eq!(plain["headers"]["vary"], "accept-encoding");
        }
    }
}
