//! What the AWS SDK's clients rely on: connections that are kept, limits, and failures of the right kind.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aws_smithy_runtime_api::client::connection::CaptureSmithyConnection;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use http_body_util::BodyExt as _;
use omniflow_http_client::SdkHttpClient;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a server does with each request.
#[derive(Clone, Copy)]
enum Server {
    Answers,
    /// And closes the connection then, without having said so.
    AnswersOnce,
    Hangs,
    HangsUp,
}

/// Reads one request; its body has five bytes. False at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => read.extend_from_slice(&buffer[..count]),
        }
        if read.ends_with(b"\r\n\r\nhello") {
            return true;
        }
    }
}

/// Starts a server that numbers its connections, and answers with the number; the address.
async fn serve(server: Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while read_request(&mut stream).await {
                    match server {
                        Server::Answers | Server::AnswersOnce => {
                            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
                            stream.write_all(answer.as_bytes()).await.unwrap();
                            if matches!(server, Server::AnswersOnce) {
                                return;
                            }
                        }
                        Server::Hangs => std::future::pending().await,
                        Server::HangsUp => return,
                    }
                }
            });
        }
    });
    address
}

fn request(address: &str) -> HttpRequest {
    let request = http::Request::post(address).body(SdkBody::from("hello")).unwrap();
    request.try_into().unwrap()
}

fn settings() -> HttpConnectorSettings {
    let second = Duration::from_secs(1);
    HttpConnectorSettings::builder().connect_timeout(second).read_timeout(second).build()
}

/// The number of the connection that a request went over.
async fn number(client: &SdkHttpClient, request: HttpRequest) -> String {
    let answer = client.connector(&settings()).call(request).await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn failure(address: &str) -> ConnectorError {
    SdkHttpClient::default().connector(&settings()).call(request(address)).await.unwrap_err()
}

#[tokio::test]
async fn a_connection_is_used_again_until_the_sdk_has_it_closed() {
    let (client, address) = (SdkHttpClient::default(), serve(Server::Answers).await);
    assert_eq!(number(&client, request(&address)).await, "0");
    let used = CaptureSmithyConnection::new();
    let mut second = request(&address);
    second.add_extension(used.clone());
    assert_eq!(number(&client, second).await, "0");
    used.get().unwrap().poison();
    assert_eq!(number(&client, request(&address)).await, "1");
}

#[tokio::test]
async fn a_kept_connection_that_the_server_has_closed_is_not_used_again() {
    let (client, address) = (SdkHttpClient::default(), serve(Server::AnswersOnce).await);
    for expected in ["0", "1", "2"] {
        assert_eq!(number(&client, request(&address)).await, expected);
        // The end of the connection arrives.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let failure = failure(&serve(Server::Hangs).await).await;
    assert!(failure.is_timeout(), "{failure:?}");
}

#[tokio::test]
async fn a_connection_that_is_cut_off_or_refused_is_a_failure_of_the_network() {
    let cut_off = failure(&serve(Server::HangsUp).await).await;
    let is_transient = cut_off.as_other() == Some(ErrorKind::TransientError);
    assert!(cut_off.is_io() || is_transient, "the SDK sends it again: {cut_off:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let refused = failure(&address).await;
    assert!(refused.is_io(), "{refused:?}");
    let no_address = failure("http://user@127.0.0.1/").await;
    assert!(no_address.is_io(), "{no_address:?}");
}
