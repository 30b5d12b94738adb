//! The connections of both listeners, limited in number.
//!
//! ```text
//!   accepted ──► waits for its client ◄──────────────┐
//!                  │ a whole request has come         │ the answer is ready
//!                  ▼                                  │
//!                is being answered ──────────────────┘
//! ```
//!
//! A connection that waits for its client (to send the rest of a request, to read an answer, or to send the
//! next request) may be closed to make room: after [`LONGEST_WAIT`] in any case, and after [`SHORTEST_WAIT`]
//! when new clients would find no place. A connection whose request is being answered is never closed for
//! that, so idle clients can't keep out active ones.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tower::ServiceExt as _;

use super::sites::ArrivedAt;

/// The most connections that may be open at the same time. A thousand buyers who come at once all find a
/// place.
const MOST: usize = 2_048;
/// The file descriptors kept for everything else in the process: databases, logs, listeners, standard
/// streams.
const OTHER_DESCRIPTORS: usize = 32;
/// The fewest connections that are allowed, however few file descriptors there are.
const FEWEST: usize = 8;
/// A connection that has waited this long for its client is closed. API Gateway closes an idle connection
/// after 10 minutes and wants the headers within about 30 seconds; one limit for both is enough here.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// When there is no place for a new client, connections that have waited at least this long for their
/// clients may be closed.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// How often connections are searched for those that have waited for [`LONGEST_WAIT`].
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a new client waits for a place before waiting connections are closed to make room, again and
/// again.
const NEXT_GO: Duration = Duration::from_millis(10);
/// The most connections that are closed at a time to make room.
const AT_ONCE: usize = 32;
/// How long a connection that is being closed may take to send the rest of its answer.
const FAREWELL: Duration = Duration::from_millis(250);
/// The most bytes that the head of a request may have. API Gateway allows 10,240 bytes for all headers.
const LARGEST_HEAD: usize = 32 * 1024;
/// The value of [`Connection::waits_since`] for a connection whose request is being answered or that is
/// being closed.
const BUSY: u64 = u64::MAX;

/// All open connections and the places for more.
pub(crate) struct Connections {
    places: Arc<Semaphore>,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next_id: AtomicU64,
}

/// The part of an open connection that other tasks see. Each request carries the connection that it arrived
/// on as an extension.
pub(super) struct Connection {
    opened: Instant,
    /// Since when it has waited for its client, in milliseconds after `opened`, or [`BUSY`].
    waits_since: AtomicU64,
    close: Notify,
}

impl Connection {
    fn new() -> Self {
        Self { opened: Instant::now(), waits_since: AtomicU64::new(0), close: Notify::new() }
    }

    /// Records that a whole request has arrived and is being answered.
    pub(super) fn is_answering(&self) {
        self.waits_since.store(BUSY, Ordering::Relaxed);
    }

    /// Lets the connection end as soon as it has sent the answer that it is sending.
    fn close(&self) {
        self.waits_since.store(BUSY, Ordering::Relaxed);
        self.close.notify_one();
    }

    fn waits(&self) {
        let since = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(BUSY - 1);
        self.waits_since.store(since, Ordering::Relaxed);
    }

    /// How long it has waited for its client; `None` when it doesn't wait.
    fn waiting(&self) -> Option<Duration> {
        let since = Some(self.waits_since.load(Ordering::Relaxed)).filter(|since| *since != BUSY)?;
        Some(self.opened.elapsed().saturating_sub(Duration::from_millis(since)))
    }
}

/// The place that one connection takes up. Dropping it makes room for another.
pub(super) struct Place {
    connections: Arc<Connections>,
    id: u64,
    connection: Arc<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().remove(&self.id);
    }
}

impl Connections {
    /// Allows as many connections as there are file descriptors for, [`MOST`] at most. To get enough
    /// descriptors, it raises the soft limit of the process as far as the hard limit allows (setrlimit(2)).
    pub(crate) fn within_limits() -> Arc<Self> {
        let mut limit = getrlimit(Resource::Nofile);
        let wanted = (MOST + OTHER_DESCRIPTORS) as u64;
        if limit.current.is_some_and(|now| now < wanted) {
            let raised = Rlimit { current: Some(limit.maximum.unwrap_or(wanted).min(wanted)), ..limit };
            match setrlimit(Resource::Nofile, raised) {
                Ok(()) => limit = raised,
                Err(error) => tracing::warn!(%error, "the limit of file descriptors can't be raised"),
            }
        }
        let descriptors = limit.current.and_then(|now| usize::try_from(now).ok()).unwrap_or(usize::MAX);
        Self::at_most(descriptors.saturating_sub(OTHER_DESCRIPTORS).clamp(FEWEST, MOST))
    }

    fn at_most(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            open: Mutex::default(),
            next_id: AtomicU64::new(0),
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place. While there is none, the connections that have waited longest for their clients
    /// are closed: at first those that have waited for [`SHORTEST_WAIT`], and when the new client has waited
    /// for as long itself, any, so that clients that ask without end keep nobody out.
    pub(super) async fn place(self: &Arc<Self>) -> Place {
        let begun = Instant::now();
        loop {
            let permit = Arc::clone(&self.places).acquire_owned();
            // The semaphore is never closed, so an error can only mean that the time is over.
            if let Ok(Ok(permit)) = tokio::time::timeout(NEXT_GO, permit).await {
                let connection = Arc::new(Connection::new());
                let id = self.next_id.fetch_add(1, Ordering::Relaxed);
                self.open().insert(id, Arc::clone(&connection));
                return Place { connections: Arc::clone(self), id, connection, _permit: permit };
            }
            let age = if begun.elapsed() < SHORTEST_WAIT { SHORTEST_WAIT } else { Duration::ZERO };
            self.close_longest_waiting(age);
        }
    }

    /// Waits for what is freed when connections end, such as room for answers. Until it comes, the connections
    /// that have waited longest for their clients are closed, [`SHORTEST_WAIT`] at least.
    pub(super) async fn make_room_while<T>(&self, wanted: impl Future<Output = T>) -> T {
        let mut wanted = pin!(wanted);
        loop {
            if let Ok(got) = tokio::time::timeout(NEXT_GO, wanted.as_mut()).await {
                return got;
            }
            self.close_longest_waiting(SHORTEST_WAIT);
        }
    }

    fn close_longest_waiting(&self, age: Duration) {
        let open = self.open();
        let waiting = open.values().filter_map(|one| Some((one.waiting()?, one)));
        let mut waiting: Vec<_> = waiting.filter(|(waited, _)| *waited >= age).collect();
        waiting.sort_by_key(|(waited, _)| std::cmp::Reverse(*waited));
        for (_, connection) in waiting.into_iter().take(AT_ONCE) {
            connection.close();
        }
    }

    /// Closes, until the task is aborted, all connections that have waited for their clients for
    /// [`LONGEST_WAIT`].
    pub(crate) async fn close_idle(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let open = self.open();
            for connection in open.values().filter(|one| one.waiting().is_some_and(|age| age >= LONGEST_WAIT))
            {
                connection.close();
            }
        }
    }
}

impl Place {
    /// Serves the requests of a connection until it ends.
    pub(super) async fn serve(
        self,
        stream: TcpStream,
        peer: SocketAddr,
        router: Router,
        stop: watch::Receiver<bool>,
    ) {
        // Without Nagle's algorithm, small answers are sent at once. When that can't be set, they are only
        // sent a little later.
        let _ = stream.set_nodelay(true);
        let arrived_at = stream.local_addr().map(|address| ArrivedAt(address.ip()));
        let connection = Arc::clone(&self.connection);
        let service = service_fn(|request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Arc::clone(&connection));
            if let Ok(arrived_at) = arrived_at {
                request.extensions_mut().insert(arrived_at);
            }
            if request.body().is_end_stream() {
                connection.is_answering();
            } else {
                // The body has the whole time for itself, however long the connection was idle before.
                connection.waits();
            }
            let (router, connection) = (router.clone(), Arc::clone(&connection));
            async move {
                let answer = router.oneshot(request).await;
                connection.waits();
                answer
            }
        });
        let mut http = http1::Builder::new();
        // A client may close its half of the connection when it has sent its request, and still gets the answer
        // (RFC 9112, section 9.6; RFC 9293, section 3.6, "half-close").
        let http = http.max_buf_size(LARGEST_HEAD).half_close(true);
        let serving = http.serve_connection(TokioIo::new(stream), service);
        drive(serving, &self.connection, stop).await;
    }
}

/// Runs a connection until it ends by itself, is to be closed, or the server stops. In the last two cases it
/// may first finish the answer that it is sending.
async fn drive<S>(
    serving: http1::Connection<TokioIo<TcpStream>, S>,
    connection: &Connection,
    mut stop: watch::Receiver<bool>,
) where
    S: hyper::service::HttpService<Incoming, ResBody = Body>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut serving = pin!(serving);
    let mut closing = pin!(tokio::time::sleep(Duration::MAX));
    let (mut closes, mut stops) = (false, false);
    loop {
        tokio::select! {
            // An error of the connection is the client's affair: there is nobody else to tell.
            _ = serving.as_mut() => return,
            () = connection.close.notified(), if !closes => {
                closes = true;
                closing.as_mut().reset(Instant::now() + FAREWELL);
                serving.as_mut().graceful_shutdown();
            }
            // When the sender has been dropped, the server stops, too.
            _ = stop.changed(), if !stops => {
                stops = true;
                serving.as_mut().graceful_shutdown();
                // Only what is being answered is worth waiting for.
                if connection.waiting().is_some() {
                    connection.close();
                }
            }
            () = closing.as_mut(), if closes => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_being_answered_keeps_its_place_and_who_waits_longest_gives_it() {
        let connections = Connections::at_most(3);
        let answered = connections.place().await;
        answered.connection.is_answering();
        let waits_longest = connections.place().await;
        tokio::time::advance(SHORTEST_WAIT).await;
        let waits_shorter = connections.place().await;
        let (closed, leaving) = (Arc::clone(&waits_longest.connection), waits_longest);
        let leaves = tokio::spawn(async move {
            closed.close.notified().await;
            drop(leaving);
        });
        let new = connections.place().await;
        leaves.await.unwrap();
        let ids = [answered.id, waits_shorter.id, new.id];
        assert!(ids.iter().all(|id| connections.open().contains_key(id)), "the wrong one was closed");
        drop((answered, waits_shorter, new));
        assert_eq!(connections.open().len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_ask_without_end_keep_nobody_out() {
        let connections = Connections::at_most(1);
        let chatty = connections.place().await;
        let (closed, asking) = (Arc::clone(&chatty.connection), Arc::clone(&chatty.connection));
        // It never waits for as long as a connection must have waited to be closed at first.
        let asks = tokio::spawn(async move {
            loop {
                asking.is_answering();
                asking.waits();
                tokio::time::sleep(SHORTEST_WAIT / 4).await;
            }
        });
        let leaves = tokio::spawn(async move {
            closed.close.notified().await;
            drop(chatty);
        });
        drop(connections.place().await);
        leaves.await.unwrap();
        asks.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_send_nothing_are_not_waited_for_for_ever() {
        let connections = Connections::at_most(2);
        let (idle, answered) = (connections.place().await, connections.place().await);
        answered.connection.is_answering();
        let looking = tokio::spawn(Arc::clone(&connections).close_idle());
        let began = Instant::now();
        idle.connection.close.notified().await;
        assert!((LONGEST_WAIT..LONGEST_WAIT + 2 * LOOK_EVERY).contains(&began.elapsed()));
        let told = tokio::time::timeout(2 * LONGEST_WAIT, answered.connection.close.notified()).await;
        assert!(told.is_err(), "a connection was closed while it was being answered");
        looking.abort();
    }
}
