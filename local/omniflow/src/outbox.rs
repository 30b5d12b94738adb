//! The outbox: the messages that Amazon SES would send and the events that could not be delivered, as a page
//! and as JSON.
//!
//! Only the newest messages are kept, and only in memory: no part of the system depends on them, and an
//! order must not pay for them with a write to disk.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::bus::{EventBus, Undelivered};

/// The number of failed deliveries of each kind that are shown, the newest first.
const SHOWN: usize = 100;

/// The number of messages that are kept.
const MOST: usize = 200;

/// A message that would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Message {
    /// The id that this runtime gave it.
    pub message_id: String,
    /// When it was handed over to be sent.
    pub at: DateTime<Utc>,
    pub from: String,
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
}

/// The newest messages, 200 at most. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Outbox(Arc<Mutex<VecDeque<Message>>>);

impl Outbox {
    fn messages(&self) -> MutexGuard<'_, VecDeque<Message>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message. When there are 200 already, the oldest is dropped.
    pub fn put(&self, message: Message) {
        let mut messages = self.messages();
        messages.truncate(MOST - 1);
        messages.push_front(message);
    }

    /// All messages that are kept, the newest first.
    pub fn newest_first(&self) -> Vec<Message> {
        self.messages().iter().cloned().collect()
    }
}

#[derive(Serialize)]
struct Shown {
    messages: Vec<Message>,
    #[serde(flatten)]
    undelivered: Undelivered,
}

/// The route `GET /_omniflow/outbox`: a page for browsers, JSON for all other clients.
pub(crate) fn router(outbox: Outbox, bus: EventBus) -> Router {
    let show = move |headers: HeaderMap| {
        let (outbox, bus) = (outbox.clone(), bus.clone());
        async move { show(&outbox, &bus, &headers) }
    };
    Router::new().route("/_omniflow/outbox", get(show))
}

fn show(outbox: &Outbox, bus: &EventBus, headers: &HeaderMap) -> Response {
    let undelivered = match bus.undelivered(SHOWN) {
        Ok(undelivered) => undelivered,
        Err(error) => {
            tracing::error!(%error, "the deliveries can't be read");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let shown = Shown { messages: outbox.newest_first(), undelivered };
    let accept = headers.get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("text/html") {
        let headers = [
            ("content-security-policy", security_policy()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("referrer-policy", "no-referrer".to_owned()),
        ];
        (headers, Html(page(&shown))).into_response()
    } else {
        Json(shown).into_response()
    }
}

/// The head of the page. Its colours follow the reader's choice of light or dark.
const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\
    <title>Outbox – OmniFlow</title><style>";

/// The style sheet, which the policy allows by its digest.
const STYLE: &str = ":root{color-scheme:light dark;--text:#16202e;--quiet:#566275;--line:#d5dbe4;--page:#fff;--link:#1f5fd0}\
    @media(prefers-color-scheme:dark){:root{--text:#e8edf4;--quiet:#a3afbf;--line:#344050;--page:#11161d;--link:#7fb0ff}}\
    body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:1rem auto;padding:0 1rem;color:var(--text);background:var(--page)}\
    a{color:var(--link)}h3{margin:0;font-size:1rem}article{border-top:1px solid var(--line);padding:.5rem 0}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.5rem 0}small{color:var(--quiet);overflow-wrap:anywhere}";

/// The `Content-Security-Policy` of the page: its style sheet and nothing else, whatever customers wrote.
fn security_policy() -> String {
    let digest = BASE64.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

fn page(shown: &Shown) -> String {
    let mut page = format!(
        "{HEAD}{STYLE}</style><header><nav aria-label=\"OmniFlow\"><a href=\"../web/\">The console</a> · <a href=\"../docs\">The API's documentation</a></nav></header>\
         <main><h1>Outbox</h1><p>What Amazon SES would send to customers, the newest first.</p><h2>Messages</h2>"
    );
    for Message { at, from, to, subject, text, .. } in &shown.messages {
        let head = format!("{} · {from} → {}", at.format("%Y-%m-%d %H:%M:%S"), to.join(", "));
        article(&mut page, &head, subject, text);
    }
    if shown.messages.is_empty() {
        page.push_str("<p>Nothing yet: order something with an <code>email</code>.</p>");
    }
    page.push_str("<h2>Not delivered</h2>");
    for waiting in &shown.undelivered.waiting {
        let due = waiting.due.unwrap_or_default().format("%Y-%m-%d %H:%M:%S");
        let head = format!("{} · failed {} times, again at {due}", waiting.function, waiting.attempts);
        article(&mut page, &head, "To be tried again", &waiting.event["detail"].to_string());
    }
    for letter in &shown.undelivered.dead_letters {
        let text = format!("{}\n{}", letter.failure, letter.event["detail"]);
        article(&mut page, &letter.function, "Dead letter", &text);
    }
    page.push_str("</main>");
    page
}

fn article(page: &mut String, head: &str, title: &str, text: &str) {
    let [head, title, text] = [head, title, text].map(escaped);
    // Writing to a String can't fail.
    let _ = write!(page, "<article><small>{head}</small><h3>{title}</h3><pre>{text}</pre></article>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str) -> Message {
        Message {
            message_id: "1".to_owned(),
            at: Utc::now(),
            from: "orders@omniflow.example".to_owned(),
            to: vec!["ann@example.com".to_owned()],
            subject: subject.to_owned(),
            text: "<script>".to_owned(),
        }
    }

    #[test]
    fn the_newest_messages_are_remembered() {
        let outbox = Outbox::default();
        (0..MOST + 5).for_each(|number| outbox.put(message(&number.to_string())));
        let messages = outbox.newest_first();
        assert_eq!((messages.len(), messages[0].subject.as_str()), (MOST, "204"));
    }

    #[test]
    fn what_customers_wrote_is_text_on_the_page() {
        let undelivered = Undelivered { waiting: Vec::new(), dead_letters: Vec::new() };
        let page = page(&Shown { messages: vec![message("a & b")], undelivered });
        assert!(page.contains("a &amp; b") && page.contains("&lt;script&gt;") && !page.contains("<script>"));
    }
}
