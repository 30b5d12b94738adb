//! Bodies of requests, bounded before they are held: each by its own limit, all together by another, and by time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, EXPECT};
use http::request::Parts;
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connections::Connection;

/// All bodies that are held at the same time have so many bytes at most: four of DynamoDB's largest requests.
const ALL_BODIES: usize = 64 * 1024 * 1024;
/// How long a body may take.
const LONGEST: Duration = Duration::from_secs(30);
/// Of a body that is refused so much is read and forgotten, so that its sender, who is still sending, reads the answer.
const FORGOTTEN: usize = 16 * 1024 * 1024;
/// How long that may take.
const FORGETTING: Duration = Duration::from_secs(5);

/// The room for bodies, of all listeners together. Clones share it.
#[derive(Clone)]
pub(crate) struct Bodies(Arc<Semaphore>);

/// A body that has come whole, and the room that it takes until it is dropped.
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

/// Why a body is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is larger than the limit.
    TooLarge,
    /// It has not come within [`LONGEST`].
    TooSlow,
    /// Others' bodies take all the room.
    NoRoom,
    /// The connection broke, or the body is no proper HTTP.
    Broken,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ALL_BODIES)))
    }

    /// Reads the body of a request, which has `limit` bytes at most.
    ///
    /// # Errors
    /// See [`Refused`]. A body whose announced size is too large isn't read at all.
    pub(crate) async fn read(&self, request: Request, limit: usize) -> Result<(Parts, HeldBody), Refused> {
        let (parts, mut body) = request.into_parts();
        let announced =
            parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let read = if announced.is_some_and(|announced: u64| announced > limit as u64) {
            Err(Refused::TooLarge)
        } else {
            let read = tokio::time::timeout(LONGEST, self.collect(&mut body, limit)).await;
            read.unwrap_or(Err(Refused::TooSlow))
        };
        match read {
            Ok(held) => {
                if let Some(connection) = parts.extensions.get::<Arc<Connection>>() {
                    connection.is_answering();
                }
                Ok((parts, held))
            }
            Err(refused) => {
                // A client that asks first hears the answer instead of sending (RFC 9110, section 10.1.1).
                if !parts.headers.contains_key(EXPECT) {
                    tokio::spawn(tokio::time::timeout(FORGETTING, forget(body)));
                }
                Err(refused)
            }
        }
    }

    async fn collect(&self, body: &mut Body, limit: usize) -> Result<HeldBody, Refused> {
        let mut held = HeldBody { bytes: Bytes::new(), room: None };
        let mut more = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(bytes) = frame.map_err(|_| Refused::Broken)?.into_data() else { continue };
            if held.bytes.len() + more.len() + bytes.len() > limit {
                return Err(Refused::TooLarge);
            }
            self.make_room(&mut held, bytes.len())?;
            // Most bodies come in one piece, which is kept as it is.
            if held.bytes.is_empty() {
                held.bytes = bytes;
            } else {
                more.extend_from_slice(&bytes);
            }
            if body.is_end_stream() {
                break;
            }
        }
        if !more.is_empty() {
            held.bytes = [held.bytes, more.freeze()].concat().into();
        }
        Ok(held)
    }

    fn make_room(&self, held: &mut HeldBody, bytes: usize) -> Result<(), Refused> {
        let bytes = u32::try_from(bytes).map_err(|_| Refused::NoRoom)?;
        let permit = Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| Refused::NoRoom)?;
        match &mut held.room {
            Some(room) => room.merge(permit),
            None => held.room = Some(permit),
        }
        Ok(())
    }
}

async fn forget(mut body: Body) {
    let mut forgotten = 0;
    while let Some(Ok(frame)) = body.frame().await {
        forgotten += frame.data_ref().map_or(0, Bytes::len);
        if forgotten > FORGOTTEN {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    async fn read(bodies: &Bodies, body: Body, limit: usize) -> Result<HeldBody, Refused> {
        bodies.read(Request::new(body), limit).await.map(|(_, held)| held)
    }

    fn pieces(count: usize, size: usize) -> Body {
        let piece = Bytes::from(vec![b'x'; size]);
        Body::from_stream(stream::iter((0..count).map(move |_| Ok::<_, std::io::Error>(piece.clone()))))
    }

    #[tokio::test]
    async fn a_body_is_taken_whole_up_to_its_limit() {
        let bodies = Bodies::new();
        assert_eq!(read(&bodies, Body::empty(), 0).await.unwrap_or_else(|_| panic!()).bytes.len(), 0);
        assert_eq!(read(&bodies, pieces(3, 5), 15).await.unwrap_or_else(|_| panic!()).bytes, "x".repeat(15));
        assert_eq!(read(&bodies, pieces(3, 5), 14).await.err(), Some(Refused::TooLarge));
        assert_eq!(read(&bodies, Body::from("12345"), 4).await.err(), Some(Refused::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_says_it_is_too_large_is_not_read() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let request = Request::builder().header(CONTENT_LENGTH, "18446744073709551615").body(never).unwrap();
        assert_eq!(Bodies::new().read(request, 10).await.err(), Some(Refused::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read(&Bodies::new(), never, 10).await.err(), Some(Refused::TooSlow));
    }

    #[tokio::test]
    async fn all_bodies_together_have_a_bound_and_give_their_room_back() {
        let bodies = Bodies::new();
        let quarter = ALL_BODIES / 4;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(read(&bodies, pieces(4, quarter / 4), quarter).await.unwrap_or_else(|_| panic!()));
        }
        assert_eq!(read(&bodies, Body::from("1"), 10).await.err(), Some(Refused::NoRoom));
        held.pop();
        assert!(read(&bodies, Body::from("1"), 10).await.is_ok());
        assert_eq!(read(&bodies, pieces(4, quarter / 4 + 1), quarter * 2).await.err(), Some(Refused::NoRoom));
    }
}
