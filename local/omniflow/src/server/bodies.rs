//! Reads the bodies of requests within three limits: the size of each body, the size of all bodies held at
//! the same time, and the time that a body may take to arrive.

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

/// The most bytes that all bodies held at the same time may have: four times DynamoDB's largest request.
const ALL_BODIES: usize = 64 * 1024 * 1024;
/// How long a body may take to arrive.
const LONGEST: Duration = Duration::from_secs(30);
/// The most bytes of a refused body that are read and dropped. The sender, who is still sending, only then
/// reads the answer.
const FORGOTTEN: usize = 16 * 1024 * 1024;
/// How long reading and dropping the rest of a refused body may take.
const FORGETTING: Duration = Duration::from_secs(5);

/// The bytes that are left for bodies, shared by all listeners. Clones share them, too.
#[derive(Clone)]
pub(crate) struct Bodies(Arc<Semaphore>);

/// A body that has arrived completely. It counts against [`ALL_BODIES`] until it is dropped.
pub(crate) struct HeldBody {
    pub(crate) bytes: Bytes,
    room: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is larger than its limit.
    TooLarge,
    /// It has not arrived within [`LONGEST`].
    TooSlow,
    /// The bodies that are held have used up [`ALL_BODIES`].
    NoRoom,
    /// The connection broke, or the body is not valid HTTP.
    Broken,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ALL_BODIES)))
    }

    /// Reads the body of a request, which may have `limit` bytes at most.
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
                // A client that sends `Expect: 100-continue` waits for the answer before it sends its body
                // (RFC 9110, section 10.1.1).
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
            // Most bodies arrive in one piece, which is kept without a copy.
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
