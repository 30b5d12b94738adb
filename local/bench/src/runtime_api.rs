//! The part of Lambda's Runtime API that a function needs for its first event. Source: AWS Lambda Developer
//! Guide, "Using the Lambda runtime API for custom runtimes".

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinHandle;

use crate::Error;

/// The deadline of every invocation, in milliseconds since 1970: the year 2100, so no function ever reaches
/// it.
const DEADLINE: &str = "4102444800000";

/// A server of the Runtime API on a free port.
pub(crate) struct RuntimeApi {
    /// The host and the port, as in `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    shared: Arc<Shared>,
    answers: Mutex<UnboundedReceiver<String>>,
    server: JoinHandle<std::io::Result<()>>,
}

struct Shared {
    event: String,
    events: Semaphore,
    answers: UnboundedSender<String>,
}

impl RuntimeApi {
    /// Serves this event, once for each call of [`RuntimeApi::offer`].
    pub(crate) async fn serve(event: &Value) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (send, answers) = unbounded_channel();
        let events = Semaphore::new(0);
        let shared = Arc::new(Shared { event: event.to_string(), events, answers: send });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{request}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{request}/error", post(error))
            .with_state(shared.clone());
        let server = tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { address, shared, answers: Mutex::new(answers), server })
    }

    /// Lets one function receive the event.
    pub(crate) fn offer(&self) {
        self.shared.events.add_permits(1);
    }

    /// Waits for the function's answer: `ok`, or the name of its error.
    pub(crate) async fn answer(&self) -> String {
        self.answers.lock().await.recv().await.unwrap_or_default()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> (HeaderMap, String) {
    // The semaphore is not closed while the API is served.
    if let Ok(permit) = shared.events.acquire().await {
        permit.forget();
    }
    let mut headers = HeaderMap::new();
    let function = "arn:aws:lambda:us-east-1:000000000000:function:bench";
    for (name, value) in [
        ("lambda-runtime-aws-request-id", "bench"),
        ("lambda-runtime-deadline-ms", DEADLINE),
        ("lambda-runtime-invoked-function-arn", function),
    ] {
        headers.insert(name, axum::http::HeaderValue::from_static(value));
    }
    (headers, shared.event.clone())
}

async fn response(State(shared): State<Arc<Shared>>) -> StatusCode {
    // The receiver is gone only when the run has ended, and then the answer is not needed.
    let _ = shared.answers.send("ok".to_owned());
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, body: axum::body::Bytes) -> StatusCode {
    let error: Value = serde_json::from_slice(&body).unwrap_or_default();
    let _ = shared.answers.send(error["errorType"].as_str().unwrap_or("an error without a name").to_owned());
    StatusCode::ACCEPTED
}
