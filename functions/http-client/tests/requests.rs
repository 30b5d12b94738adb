//! Requests over a real socket of this machine.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use omniflow_http_client::{Client, Error, Http, LONGEST_ANSWER, Post, Reach, Unreached};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that reads one request with this body and gives this answer. It gives what it read.
async fn server(body: &'static str, answer: String) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !String::from_utf8_lossy(&read).ends_with(body) {
            let mut part = [0; 1024];
            let length = stream.read(&mut part).await.unwrap();
            assert!(length > 0, "the request was cut off");
            read.extend_from_slice(&part[..length]);
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(read).unwrap()
    });
    (port, served)
}

fn post(url: &str, body: &'static str) -> Post {
    let headers =
        HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
    Post {
        url: url.parse().unwrap(),
        headers,
        body: Bytes::from_static(body.as_bytes()),
        timeout: Duration::from_secs(60),
        reach: Reach::Anywhere,
    }
}

fn client() -> Client {
    Client::default()
}

#[tokio::test]
async fn a_request_arrives_whole_and_its_answer_is_read() {
    let answer = "HTTP/1.1 409 Conflict\r\ncontent-length: 4\r\nx-why: gone\r\n\r\nlate".to_owned();
    let (port, served) = server("ship it", answer).await;
    let answered =
        client().post(post(&format!("http://127.0.0.1:{port}/orders?x=1"), "ship it")).await.unwrap();
    assert_eq!((answered.status, &answered.body[..]), (StatusCode::CONFLICT, &b"late"[..]));
    assert_eq!(answered.headers["x-why"], "gone");
    let request = served.await.unwrap().to_ascii_lowercase();
    assert!(request.starts_with("post /orders?x=1 http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
    assert!(request.contains("content-length: 7\r\n") && request.contains("content-type: text/plain\r\n"));
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_is_read_and_one_that_is_too_long_is_not() {
    let (port, served) = server("a", "HTTP/1.0 200 OK\r\n\r\nall of it".to_owned()).await;
    let answered = client().post(post(&format!("http://127.0.0.1:{port}/"), "a")).await.unwrap();
    assert_eq!(&answered.body[..], b"all of it");
    served.await.unwrap();
    let long = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {0}\r\n\r\n{1}",
        LONGEST_ANSWER + 1,
        "x".repeat(LONGEST_ANSWER + 1)
    );
    let (port, _served) = server("b", long).await;
    let refused = client().post(post(&format!("http://127.0.0.1:{port}/"), "b")).await;
    assert!(matches!(refused, Err(Error::Answer(_))), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    let timeout = Duration::from_millis(50);
    let given_up = client().post(Post { timeout, ..post(&url, "c") }).await;
    assert!(matches!(given_up, Err(Error::Timeout(after)) if after == timeout), "{given_up:?}");
}

#[tokio::test]
async fn what_may_not_be_called_is_refused_before_anything_is_sent() {
    let refused = async |url: &str| {
        let request = Post { reach: Reach::Public, ..post(url, "d") };
        match client().post(request).await {
            Err(Error::Unreached(refused)) => refused,
            other => panic!("{url}: {other:?}"),
        }
    };
    for url in ["https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://localhost/"] {
        assert!(matches!(refused(url).await, Unreached::TooNear(_)), "{url}");
    }
    assert!(matches!(refused("http://1.1.1.1/").await, Unreached::Unencrypted));
    assert!(matches!(refused("https://a:b@example.com/").await, Unreached::Userinfo));
    assert!(matches!(refused("ftp://example.com/").await, Unreached::Address(_)));
    assert!(matches!(refused("/orders").await, Unreached::Address(_)));
}
