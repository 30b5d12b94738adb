//! Connections to one server, each of which is kept for the next request.
//!
//! The customers share the processors with the runtime that they measure, so this client uses as little of
//! them as it can: no redirects, no proxies, and one thread.

use std::cell::RefCell;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Error;

pub(crate) struct Connections {
    /// The host and the port, such as `127.0.0.1:8000`.
    server: String,
    idle: RefCell<Vec<SendRequest<Full<Bytes>>>>,
}

impl Connections {
    /// Connections to the server of this URL.
    pub(crate) fn to(url: &str) -> Self {
        Self { server: url.trim_start_matches("http://").to_owned(), idle: RefCell::default() }
    }

    /// Sends a request whose body is JSON or empty, and reads the whole answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, Error> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.server)
            .header(header::CONTENT_TYPE, "application/json")
            // Asks the server to answer only when the order has changed, at most 8 s later (RFC 7240,
            // section 4.3).
            .header("prefer", "wait=8")
            .body(Full::new(body))?;
        let idle = self.idle.borrow_mut().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let (head, body) = connection.send_request(request).await?.into_parts();
        let answer = Response::from_parts(head, body.collect().await?.to_bytes());
        self.idle.borrow_mut().push(connection);
        Ok(answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let stream = TcpStream::connect(&self.server).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // An error of the connection reaches the caller that waits for an answer on it.
        tokio::spawn(connection);
        Ok(sender)
    }
}
