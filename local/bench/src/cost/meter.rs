//! Watches the functions of a local runtime: which requests each invocation makes to AWS, what they consume,
//! and how much it logs.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ambient::{Surroundings, SystemClock};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use omniflow::StartError;
use omniflow::functions::{Clients, handler_of};
use omniflow::lambda::Hosted;
use omniflow_services::invocation::logged;
use omniflow_services::{Environment, Fault, Handler};
use omniflow_tables::{InProcess, Service};
use serde_json::Value;
use template::{Function, Place, System};
use tracing::instrument::WithSubscriber as _;
use tracing_subscriber::filter::Targets;

use super::assumptions::{PLATFORM_LINES, TOKEN};
use super::capacity::{Units, units};
use super::outside::Outside;

/// What one invocation of a function did.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    /// The function's binary.
    pub binary: String,
    /// The function's memory in MiB.
    pub memory: u64,
    /// The requests that it made to AWS.
    pub calls: Vec<MeteredCall>,
    /// The bytes of its log lines.
    pub log_bytes: usize,
}

/// A request to AWS.
#[derive(Debug, Clone)]
pub(crate) struct MeteredCall {
    /// The operation, such as `GetItem`.
    pub operation: String,
    /// The DynamoDB request units that it consumed.
    pub units: Units,
    /// The number of events that it published.
    pub events: usize,
}

/// Records invocations. Clones record into the same list.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Counts>);

#[derive(Default)]
struct Counts {
    done: Mutex<Vec<Invocation>>,
    begun: AtomicUsize,
    running: AtomicUsize,
}

impl Meter {
    fn done(&self) -> MutexGuard<'_, Vec<Invocation>> {
        self.0.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the invocations since the last call of this.
    pub(crate) fn take(&self) -> Vec<Invocation> {
        std::mem::take(&mut *self.done())
    }

    /// Whether no function is running.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.running.load(SeqCst) == 0
    }

    /// The template's functions, each of which records its invocations here.
    pub(crate) fn host(
        &self,
        system: &System,
        place: &Place,
        aws: &InProcess,
        outside: &Outside,
    ) -> Result<Vec<Hosted>, StartError> {
        let hosted = system.functions.values().map(|function| {
            let watched = Watched {
                function: function.clone(),
                place: place.clone(),
                aws: aws.clone(),
                outside: outside.clone(),
                meter: self.clone(),
            };
            Ok(Hosted { function: function.clone(), handler: Box::new(watched) })
        });
        hosted.collect()
    }
}

/// A function whose every invocation starts anew, as in a new process.
struct Watched {
    function: Function,
    place: Place,
    aws: InProcess,
    outside: Outside,
    meter: Meter,
}

impl Handler for Watched {
    fn handle(&self, event: Value) -> BoxFuture<'_, Result<Value, Fault>> {
        Box::pin(async move {
            self.meter.0.running.fetch_add(1, SeqCst);
            let answer = self.invoke(event).await;
            self.meter.0.running.fetch_sub(1, SeqCst);
            answer
        })
    }
}

impl Watched {
    async fn invoke(&self, mut event: Value) -> Result<Value, Fault> {
        lengthen_token(&mut event);
        let calls = Calls { aws: self.aws.clone(), calls: Arc::default() };
        let clients =
            Clients::by_sdk(&InProcess::new(calls.clone()), &self.place, Surroundings::of_this_machine());
        let clients = self.outside.reached_by(clients);
        let handler = handler_of(&self.function.binary, &clients, &self.environment());
        let handler = handler.ok_or_else(|| fault("there is no such binary"))?.map_err(fault)?;
        let log = Log::default();
        let variable = |name: &str| self.function.environment.get(name).map_or("", String::as_str);
        let filter: Targets = variable("RUST_LOG").parse().unwrap_or_default();
        let writer = log.clone();
        let logs =
            omniflow_bootstrap::subscriber(filter, variable("STACK"), Arc::new(SystemClock), move || {
                writer.clone()
            });
        let answer = logged(&*handler, &self.function.name, event).with_subscriber(logs).await;
        self.meter.done().push(Invocation {
            binary: self.function.binary.clone(),
            memory: self.function.memory,
            calls: calls.taken(),
            log_bytes: log.0.load(SeqCst) + PLATFORM_LINES,
        });
        answer
    }

    /// The environment of one invocation. Handlers remember orders by the name of the table; with a name of
    /// its own each invocation remembers only its own. It then reads as much as a function does that runs in
    /// a process of its own and whose order somebody else has changed meanwhile.
    fn environment(&self) -> Environment {
        let invocation = self.meter.0.begun.fetch_add(1, SeqCst);
        let variables =
            self.function.environment.clone().into_iter().map(|(name, value)| match name.as_str() {
                "ORDERS_TABLE" => (name, format!("{value}{OWN_NAME}{invocation}")),
                _ => (name, value),
            });
        Environment::from_pairs(variables)
    }
}

fn fault(problem: impl ToString) -> Fault {
    Fault { error_type: "Runtime.Unknown".to_owned(), message: problem.to_string() }
}

/// The path of the requests that send an e-mail (Amazon SES API v2 Reference, "SendEmail").
const EMAILS: &str = "/v2/email/outbound-emails";
/// The name of the operation that sends an e-mail.
pub(crate) const SEND_EMAIL: &str = "SendEmail";
/// Separates the name of the table from the number of the invocation.
const OWN_NAME: char = '.';
/// Pads a task token to the length that it has on AWS.
const PADDING: char = '~';

fn lengthen_token(event: &mut Value) {
    if let Some(Value::String(token)) = event.get_mut("task_token") {
        let missing = TOKEN.saturating_sub(token.len());
        token.extend(std::iter::repeat_n(PADDING, missing));
    }
}

/// Restores the real names of tables and the real task tokens in a request.
fn undisguise(request: &mut Value) {
    match request {
        Value::Object(members) => {
            for (name, value) in members.iter_mut() {
                let cut = match name.as_str() {
                    "TableName" => OWN_NAME,
                    "taskToken" => PADDING,
                    _ => {
                        undisguise(value);
                        continue;
                    }
                };
                if let Value::String(text) = value {
                    text.truncate(text.find(cut).unwrap_or(text.len()));
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(undisguise),
        _ => {}
    }
}

/// Restores the real name of the table in a BatchGetItem, where it is a member's name, and returns the other one.
fn undisguise_batch(request: &mut Value) -> Option<String> {
    let tables = request.get_mut("RequestItems")?.as_object_mut()?;
    let name = tables.keys().find(|name| name.contains(OWN_NAME))?.clone();
    let keys = tables.remove(&name)?;
    tables.insert(name.split(OWN_NAME).next()?.to_owned(), keys);
    Some(name)
}

/// The answer to a BatchGetItem, by the name of the table under which it was asked.
fn disguise_batch(mut answer: Value, name: String) -> Value {
    let of_table = answer.get_mut("Responses").and_then(Value::as_object_mut);
    if let Some(tables) = of_table
        && let Some(real) = name.split(OWN_NAME).next()
        && let Some(items) = tables.remove(real)
    {
        tables.insert(name, items);
    }
    answer
}

/// For how many orders a request is made: for one, unless it takes numbers from the counter of the orders' numbers, of
/// which a process takes several at once. Here, where every invocation starts anew, it is made for each order.
fn orders_served(request: &Value) -> f64 {
    let taken = &request["ExpressionAttributeValues"][":block"]["N"];
    match request["Key"]["entry"]["S"].as_str() {
        Some("order-numbers") => taken.as_str().and_then(|taken| taken.parse().ok()).unwrap_or(1.0),
        _ => 1.0,
    }
}

/// The connection of one invocation to AWS, which records its requests.
#[derive(Clone)]
struct Calls {
    aws: InProcess,
    calls: Arc<Mutex<Vec<MeteredCall>>>,
}

impl Calls {
    fn calls(&self) -> MutexGuard<'_, Vec<MeteredCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self) -> Vec<MeteredCall> {
        std::mem::take(&mut *self.calls())
    }

    async fn ask(self, request: Request<Bytes>) -> Response<Bytes> {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let (service, operation) = target.and_then(|target| target.split_once('.')).unwrap_or_default();
        let (service, operation) = match request.uri().path() {
            EMAILS => ("SES".to_owned(), SEND_EMAIL.to_owned()),
            _ => (service.to_owned(), operation.to_owned()),
        };
        let (parts, body) = request.into_parts();
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        undisguise(&mut body);
        let disguised = undisguise_batch(&mut body);
        let is_dynamodb = service == "DynamoDB_20120810";
        if is_dynamodb {
            body["ReturnConsumedCapacity"] = Value::from("TOTAL");
        }
        let request = Request::from_parts(parts, Bytes::from(body.to_string()));
        let response = self.aws.answer(request).await;
        let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let succeeded = Some(&answer).filter(|_| response.status().is_success());
        let units = if is_dynamodb { units(&operation, &body, succeeded) } else { Units::default() };
        let units = units.shared_by(orders_served(&body));
        let events = body["Entries"].as_array().map_or(0, Vec::len);
        self.calls().push(MeteredCall { operation, units, events });
        match disguised {
            Some(name) => response.map(|_| Bytes::from(disguise_batch(answer, name).to_string())),
            None => response,
        }
    }
}

impl Service for Calls {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        Box::pin(self.clone().ask(request))
    }
}

/// A log that only counts its bytes.
#[derive(Clone, Default)]
struct Log(Arc<AtomicUsize>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.fetch_add(bytes.len(), SeqCst);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_that_are_taken_at_once_serve_as_many_orders() {
        let counter = json!({
            "Key": { "entry": { "S": "order-numbers" }, "subject": { "S": "-" } },
            "ExpressionAttributeValues": { ":block": { "N": "20" } },
        });
        let told = json!({ "Key": { "entry": { "S": "low-stock ring" }, "subject": { "S": "-" } } });
        let served = [orders_served(&counter), orders_served(&told), orders_served(&json!({}))];
        assert!(
            served.into_iter().zip([20.0, 1.0, 1.0]).all(|(served, wanted)| served == wanted),
            "{served:?}"
        );
    }
}
