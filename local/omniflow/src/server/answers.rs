//! Answers that wait to be read, limited in how much memory they take together.
//!
//! A client that sends requests and doesn't read has its answers wait in this process. A connection holds one
//! answer and little more ([hyper's `max_buf_size`](hyper::server::conn::http1::Builder::max_buf_size)), but
//! two thousand connections hold two thousand. Large answers therefore take their bytes from one store until
//! they are sent. When it is empty, the connections are closed that have waited longest for their clients.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connections::Connections;

/// The most bytes that all large answers that wait to be sent may have together.
const ALL_ANSWERS: usize = 32 * 1024 * 1024;
/// An answer with fewer bytes is not counted: a connection holds no more of those than its buffer takes.
const LARGE: usize = 16 * 1024;
/// The number of requests that one listener answers at the same time. Whatever they need to find an answer is bounded
/// by this number, and so are the answers that wait for room.
const AT_ONCE: usize = 128;

/// The room for answers, shared by all listeners, and the places of one of them. Clones share both.
#[derive(Clone)]
pub(crate) struct Answers {
    places: Arc<Semaphore>,
    room: Arc<Semaphore>,
    connections: Arc<Connections>,
}

/// The bytes of an answer with the room that they take, until they are sent.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answers {
    pub(crate) fn new(connections: Arc<Connections>) -> Self {
        let (places, room) = (Semaphore::new(AT_ONCE), Semaphore::new(ALL_ANSWERS));
        Self { places: Arc::new(places), room: Arc::new(room), connections }
    }

    /// The same room, with places of its own: what one listener waits for holds up no other.
    pub(crate) fn with_own_places(&self) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), ..self.clone() }
    }

    /// Has an answer made when there is a place for that, and returns it when there is room for it.
    pub(crate) async fn make(&self, answer: impl Future<Output = Response<Bytes>>) -> Response<Body> {
        // The semaphore is never closed, so this always gets a permit in the end.
        let _place = self.places.acquire().await;
        self.hold(answer.await).await
    }

    async fn hold(&self, answer: Response<Bytes>) -> Response<Body> {
        let (parts, bytes) = answer.into_parts();
        let size = bytes.len();
        if size < LARGE {
            return Response::from_parts(parts, bytes.into());
        }
        let size = u32::try_from(size.min(ALL_ANSWERS)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(size);
        let Ok(room) = self.connections.make_room_while(room).await else {
            return Response::from_parts(parts, Body::empty());
        };
        Response::from_parts(parts, Bytes::from_owner(Held { bytes, _room: room }).into())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn answer(size: usize) -> Response<Bytes> {
        Response::new(Bytes::from(vec![b'x'; size]))
    }

    #[tokio::test]
    async fn large_answers_wait_for_room_until_others_are_sent_and_small_ones_do_not() {
        let answers = Answers::new(Connections::within_limits());
        let large = ALL_ANSWERS / 4;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(answers.make(async { answer(large) }).await);
        }
        let mut waiting = Box::pin(answers.make(async { answer(large) }));
        assert!(futures::poll!(&mut waiting).is_pending());
        answers.make(async { answer(LARGE - 1) }).await;
        // What a connection has taken out of the body counts until it is sent.
        let sent = held.pop().unwrap().into_body().collect().await.unwrap().to_bytes();
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(sent.len(), large);
        drop(sent);
        assert_eq!(waiting.await.into_body().collect().await.unwrap().to_bytes().len(), large);
    }
}
