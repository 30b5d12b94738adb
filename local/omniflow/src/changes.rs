//! Tells pages at once that something has changed, so that they needn't ask: the route `GET /_omniflow/changes`, a
//! stream of server-sent events (HTML Living Standard, "Server-sent events").
//!
//! An event says that there was a change and nothing of it. A page then reads what it may read, so that nobody
//! learns more by listening than by asking. What changes an order publishes an event on the bus, and whoever
//! listens is told of that.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use futures::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use omniflow_api::problem::{Kind, Problem};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::server;

/// How long a stream lasts. A connection whose client reads for 30 s is closed
/// (`local/omniflow/src/server/connections.rs`), and clients take an end in order for none that they need to tell of.
const LASTS: Duration = Duration::from_secs(25);
/// The shortest time between two events of a stream: what changes meanwhile is one change.
const APART: Duration = Duration::from_millis(250);
/// The most streams at the same time, so that they leave connections to those who ask.
const MOST: usize = 256;

/// The number of changes so far, which listeners wait for.
#[derive(Debug, Clone)]
pub(crate) struct Changes(watch::Sender<u64>);

impl Default for Changes {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Changes {
    /// Notes a change.
    pub(crate) fn note(&self) {
        self.0.send_modify(|number| *number = number.wrapping_add(1));
    }
}

/// A stream to one listener.
struct Listener {
    changes: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    ends: Instant,
    has_begun: bool,
    _place: OwnedSemaphorePermit,
}

/// The route. Its streams end when `stop` changes.
pub(crate) fn router(changes: Changes, stop: watch::Receiver<bool>) -> Router {
    let places = Arc::new(Semaphore::new(MOST));
    let listen = move || {
        let place = Arc::clone(&places).try_acquire_owned();
        let (changes, stop) = (changes.0.subscribe(), stop.clone());
        async move {
            match place {
                Ok(_place) => streamed(Listener {
                    changes,
                    stop,
                    ends: Instant::now() + LASTS,
                    has_begun: false,
                    _place,
                }),
                Err(_) => server::in_the_apis_words(&Problem::new(
                    Kind::Unavailable,
                    "As many as can listen to changes do so already. Ask for what you want to know instead.",
                )),
            }
        }
    };
    Router::new().route("/_omniflow/changes", get(listen))
}

fn streamed(listener: Listener) -> Response {
    let events = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from_static(text.as_bytes())), listener))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(events)).into_response()
}

impl Listener {
    /// The next event; `None` when the stream is to end.
    async fn next(&mut self) -> Option<&'static str> {
        if !self.has_begun {
            self.has_begun = true;
            // The head of the answer goes out with the first bytes of its body.
            return Some(": listening\n\n");
        }
        tokio::select! {
            _ = self.stop.changed() => return None,
            () = sleep_until(self.ends) => return None,
            changed = self.changes.changed() => changed.ok()?,
        }
        sleep(APART).await;
        self.changes.mark_unchanged();
        Some("event: changed\ndata:\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(changes: &Changes, stop: &watch::Sender<bool>) -> Listener {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let (changes, stop) = (changes.0.subscribe(), stop.subscribe());
        Listener { changes, stop, ends: Instant::now() + LASTS, has_begun: true, _place: place }
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_come_together_are_one_event_and_none_is_missed() {
        let (changes, stop) = (Changes::default(), watch::Sender::new(false));
        let mut listener = listener(&changes, &stop);
        for _ in 0..5 {
            changes.note();
        }
        assert!(listener.next().await.unwrap().starts_with("event: changed\n"));
        changes.note();
        assert!(listener.next().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_in_order_before_its_connection_is_closed_and_when_the_server_stops() {
        let (changes, stop) = (Changes::default(), watch::Sender::new(false));
        let began = Instant::now();
        assert!(listener(&changes, &stop).next().await.is_none());
        assert_eq!(began.elapsed().as_secs(), LASTS.as_secs());
        let mut stopped = listener(&changes, &stop);
        stop.send_replace(true);
        assert!(stopped.next().await.is_none());
        assert_eq!(began.elapsed().as_secs(), LASTS.as_secs());
    }
}
