//! The AWS services that the handlers' clients reach: real tables, and a Step Functions, an EventBridge and
//! an SES that record their requests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use omniflow_tables::{Service, Tables};
use serde_json::{Value, json};
use template::Function;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::access;
use crate::cloudwatch::Measured;

/// An action that a function took and that its role must allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The function's logical id.
    pub function: String,
    /// The IAM action, such as `dynamodb:GetItem`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
}

/// A request that a handler made.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCall {
    /// The operation, such as `StartExecution` or `PutEvents`.
    pub operation: String,
    /// The body of the request.
    pub body: Value,
}

/// The first answer to a task token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// SendTaskSuccess was called.
    Success,
    /// SendTaskFailure was called with this error.
    Failure(String),
}

/// A single request that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The number of the request, counted from 0 for the next one.
    pub request: usize,
    /// Whether the request is carried out and only its answer is lost.
    pub carried_out: bool,
}

/// A check of the tables that is made after every write.
type Watch = Box<dyn Fn(&Tables) + Send>;

#[derive(Default)]
struct State {
    calls: Vec<ServiceCall>,
    failing: HashMap<String, String>,
    failing_for: HashMap<String, (usize, String)>,
    /// The reasons for which the next transaction is cancelled.
    cancelling: Option<Vec<String>>,
    outages: Vec<Outage>,
    /// The number of PutEvents requests that refuse some of their events, and the index of the first that is
    /// refused.
    refusing: (usize, usize),
    /// The details of the events that were taken.
    events: Vec<Value>,
    forgets_tokens: bool,
    requests: usize,
    /// The first answers to the task tokens, each with the request that brought it.
    tokens: HashMap<String, (Token, Value)>,
    executions: BTreeMap<(String, String), Value>,
    /// The errors of the executions that have failed, by name.
    failed: BTreeMap<String, (String, Option<String>)>,
    redriven: BTreeSet<String>,
    /// The execution that is described as failed when it is asked for next.
    described_late: Option<String>,
    /// The names of the executions that have succeeded.
    succeeded: BTreeSet<String>,
    /// The names of executions that can't be redriven any more.
    aged: BTreeSet<String>,
    held: Option<(String, Held)>,
    seed: Option<u64>,
    watch: Option<Watch>,
    measured: Measured,
}

/// The AWS services of one shop, which count, record, fail or hold up requests as a test asks.
pub struct Aws {
    /// The tables of the embedded DynamoDB.
    pub tables: Tables,
    used: Mutex<BTreeSet<Use>>,
    state: Mutex<State>,
}

/// A request that is held up before it is carried out.
#[derive(Clone, Default)]
pub struct Held {
    arrived: Arc<Notify>,
    go: Arc<Notify>,
}

impl Held {
    /// Waits until the request has arrived.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets the request be carried out.
    pub fn release(&self) {
        self.go.notify_one();
    }
}

impl Aws {
    pub(crate) fn new(tables: Tables, seed: Option<u64>) -> Self {
        Self { tables, used: Mutex::default(), state: Mutex::new(State { seed, ..State::default() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All actions that functions took under their roles.
    pub fn used(&self) -> BTreeSet<Use> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records what the function does. Panics when its role in the template doesn't allow that.
    fn use_role(&self, function: &Function, request: &Request<Bytes>) {
        for (action, resource) in access::needed(request) {
            self.use_action(function, &action, &resource);
        }
    }

    /// Records an action of the function. Panics when its role in the template doesn't allow it.
    pub(crate) fn use_action(&self, function: &Function, action: &str, resource: &str) {
        assert!(
            function.permissions.iter().any(|permission| permission.allows(action, resource)),
            "the role of {} does not allow {action} on {resource}: add it in template.yaml",
            function.name
        );
        let (action, resource) = (action.to_owned(), resource.to_owned());
        let used = Use { function: function.name.clone(), action, resource };
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(used);
    }

    /// Makes the operation fail with this error code from now on.
    pub fn fail(&self, operation: &str, code: &str) {
        self.state().failing.insert(operation.to_owned(), code.to_owned());
    }

    /// Makes the next `times` requests of the operation fail with ThrottlingException.
    pub fn throttle(&self, operation: &str, times: usize) {
        self.fail_times(operation, "ThrottlingException", times);
    }

    /// Makes the next `times` requests of the operation fail with this error code.
    pub fn fail_times(&self, operation: &str, code: &str, times: usize) {
        self.state().failing_for.insert(operation.to_owned(), (times, code.to_owned()));
    }

    /// Makes the next transaction be cancelled for these reasons, of one write each.
    pub fn cancel(&self, reasons: &[&str]) {
        self.state().cancelling = Some(reasons.iter().map(|reason| (*reason).to_owned()).collect());
    }

    /// Makes the next `times` PutEvents requests refuse the event of this index, and of the others only that
    /// one.
    pub fn refuse_events(&self, index: usize, times: usize) {
        self.state().refusing = (times, index);
    }

    /// Makes DynamoDB forget the `ClientRequestToken` of transactions, as it does after ten minutes.
    pub fn forget_tokens(&self) {
        self.state().forgets_tokens = true;
    }

    /// Ends all failures that were asked for.
    pub fn heal(&self) {
        let mut state = self.state();
        state.failing.clear();
        state.failing_for.clear();
        state.outages.clear();
        state.refusing = (0, 0);
    }

    /// Makes single requests fail, counted over all services from now on.
    pub fn outages(&self, outages: impl IntoIterator<Item = Outage>) {
        let mut state = self.state();
        state.requests = 0;
        state.outages = outages.into_iter().collect();
    }

    /// The number of requests since the last [`Aws::outages`].
    pub fn requests(&self) -> usize {
        self.state().requests
    }

    /// Holds up the next request of this operation.
    pub fn hold(&self, operation: &str) -> Held {
        let held = Held::default();
        self.state().held = Some((operation.to_owned(), held.clone()));
        held
    }

    /// Checks the tables after every write from now on; `watch` panics when something is wrong.
    pub fn watch(&self, watch: impl Fn(&Tables) + Send + 'static) {
        self.state().watch = Some(Box::new(watch));
    }

    /// The requests of one operation to Step Functions, EventBridge, SES or CloudWatch, in order.
    pub fn calls(&self, operation: &str) -> Vec<ServiceCall> {
        self.state().calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    /// Records a request of a client that is no HTTP client.
    pub(crate) fn record(&self, operation: &str, body: Value) {
        self.state().calls.push(ServiceCall { operation: operation.to_owned(), body });
    }

    /// The error with which the next request of this operation is refused; `None` when it isn't.
    pub(crate) fn refusal(&self, operation: &str) -> Option<String> {
        self.state().refusal(operation)
    }

    /// Does something with what CloudWatch has.
    pub(crate) fn measured<T>(&self, with: impl FnOnce(&mut Measured) -> T) -> T {
        with(&mut self.state().measured)
    }

    /// The first answer to this task token.
    pub fn answered(&self, token: &str) -> Option<Token> {
        self.answer_to(token).map(|(answer, _)| answer)
    }

    /// As [`Aws::answered`], with the request that brought the answer.
    pub(crate) fn answer_to(&self, token: &str) -> Option<(Token, Value)> {
        self.state().tokens.get(token).cloned()
    }

    /// Ends the wait for a task token, as when its task has ended.
    pub fn forget(&self, token: &str) {
        let answer = (Token::Failure("forgotten".to_owned()), Value::Null);
        self.state().tokens.entry(token.to_owned()).or_insert(answer);
    }

    /// The input with which a state machine was started under this name.
    pub fn started(&self, machine: &str, name: &str) -> Option<Value> {
        self.state().executions.get(&(machine.to_owned(), name.to_owned())).cloned()
    }

    /// Ends an execution with this error and cause.
    pub fn end_execution(&self, name: &str, error: &str, cause: Option<&str>) {
        self.state().failed.insert(name.to_owned(), (error.to_owned(), cause.map(str::to_owned)));
    }

    /// Describes the execution once more as failed, whatever has become of it: descriptions are eventually consistent.
    pub fn describe_late(&self, name: &str) {
        self.state().described_late = Some(name.to_owned());
    }

    /// Ends the execution with success.
    pub fn succeed_execution(&self, name: &str) {
        self.state().succeeded.insert(name.to_owned());
    }

    /// Whether the execution was redriven since this was asked last.
    pub(crate) fn take_redrive(&self, name: &str) -> bool {
        self.state().redriven.remove(name)
    }

    /// Notes that a failed execution runs again.
    pub(crate) fn redrive(&self, name: &str) {
        self.state().failed.remove(name);
    }

    /// Makes the execution too old to be redriven.
    pub fn age_execution(&self, name: &str) {
        self.state().aged.insert(name.to_owned());
    }

    /// Forgets the execution, as Step Functions does 90 days after its end.
    pub fn forget_execution(&self, name: &str) {
        let mut state = self.state();
        state.executions.retain(|(_, kept), _| kept != name);
        state.failed.remove(name);
    }

    /// The details of all events that were taken, in order.
    pub fn events(&self) -> Vec<Value> {
        self.state().events.clone()
    }

    /// A number below `limit` that is drawn from the seed; 0 without a seed.
    pub(crate) fn draw(&self, limit: u64) -> u64 {
        match &mut self.state().seed {
            None => 0,
            Some(seed) => {
                // This is the generator SplitMix64.
                *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *seed;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) % limit
            }
        }
    }

    /// Lets other requests overtake this one, as often as the seed says.
    async fn stagger(&self) {
        for _ in 0..self.draw(5) {
            yield_now().await;
        }
    }

    async fn respond(&self, request: Request<Bytes>) -> Response<Bytes> {
        let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
        let (service, operation) = target.and_then(|target| target.split_once('.')).unwrap_or_default();
        // SendEmail is a REST call and has no target.
        let (service, operation) = if request.uri().path() == "/v2/email/outbound-emails" {
            ("SES", "SendEmail")
        } else {
            (service, operation)
        };
        self.stagger().await;
        let held = self.state().held.take_if(|(held, _)| held == operation);
        if let Some((_, held)) = held {
            held.arrived.notify_one();
            held.go.notified().await;
        }
        let (status, body) = self.answer(service, operation, request.body());
        self.stagger().await;
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        response
            .headers_mut()
            .insert("content-type", http::HeaderValue::from_static("application/x-amz-json-1.0"));
        response
    }

    fn answer(&self, service: &str, operation: &str, body: &[u8]) -> (u16, String) {
        let (cancelling, failing, outage) = {
            let mut state = self.state();
            let cancelling = (operation == "TransactWriteItems").then(|| state.cancelling.take()).flatten();
            let request = state.requests;
            state.requests += 1;
            let outage = state.outages.iter().find(|outage| outage.request == request).copied();
            (cancelling, state.refusal(operation), outage)
        };
        if let Some(reasons) = cancelling {
            return cancelled(&reasons);
        }
        if let Some(code) = failing {
            return failure(400, &code);
        }
        match outage {
            None => self.carry_out(service, operation, body),
            Some(outage) => {
                if outage.carried_out {
                    self.carry_out(service, operation, body);
                }
                failure(500, "InternalServerError")
            }
        }
    }

    /// The body of a request, without its `ClientRequestToken` when that is to be forgotten.
    fn without_token(&self, body: &[u8]) -> Vec<u8> {
        if !self.state().forgets_tokens {
            return body.to_vec();
        }
        let mut body: Value = serde_json::from_slice(body).unwrap();
        body.as_object_mut().unwrap().remove("ClientRequestToken");
        body.to_string().into_bytes()
    }

    fn carry_out(&self, service: &str, operation: &str, body: &[u8]) -> (u16, String) {
        if service == "DynamoDB_20120810" {
            let body = &self.without_token(body);
            let answer = self.tables.blocking_answer(operation, body);
            if !matches!(operation, "GetItem" | "Query" | "Scan" | "BatchGetItem")
                && let Some(watch) = &self.state().watch
            {
                watch(&self.tables);
            }
            return (answer.status, answer.body);
        }
        let body: Value = serde_json::from_slice(body).unwrap();
        let mut state = self.state();
        state.calls.push(ServiceCall { operation: operation.to_owned(), body: body.clone() });
        match operation {
            "StartExecution" => state.start(&body),
            "SendTaskSuccess" => state.end_task(&body, Token::Success),
            "SendTaskFailure" => {
                let error = body["error"].as_str().unwrap_or_default().to_owned();
                state.end_task(&body, Token::Failure(error))
            }
            "DescribeExecution" | "DescribeStateMachineForExecution" | "GetExecutionHistory" => {
                state.describe(&body)
            }
            "RedriveExecution" => state.redrive(&body),
            "StopExecution" => state.stop(&body),
            "PutEvents" => state.publish(&body),
            "SendEmail" => ok(&json!({ "MessageId": "1" })),
            other => panic!("no handler is known to call {service}.{other}"),
        }
    }
}

impl State {
    /// The error with which this request is refused; `None` when it isn't.
    fn refusal(&mut self, operation: &str) -> Option<String> {
        if let Some((times, code)) = self.failing_for.get_mut(operation).filter(|(times, _)| *times > 0) {
            *times -= 1;
            return Some(code.clone());
        }
        self.failing.get(operation).cloned()
    }

    /// Starts an execution. The same name with the same input is the same execution while that runs; otherwise
    /// it is refused.
    fn start(&mut self, body: &Value) -> (u16, String) {
        let arn = body["stateMachineArn"].as_str().unwrap();
        let machine = arn.rsplit(':').next().unwrap();
        let key = (machine.to_owned(), body["name"].as_str().unwrap().to_owned());
        let input = serde_json::from_str(body["input"].as_str().unwrap()).unwrap();
        let closed = self.failed.contains_key(&key.1);
        let known = self.executions.entry(key).or_insert_with(|| Value::clone(&input));
        if *known != input || closed {
            return failure(400, "ExecutionAlreadyExists");
        }
        ok(&json!({ "executionArn": arn, "startDate": 1_800_000_000 }))
    }

    fn redrive(&mut self, body: &Value) -> (u16, String) {
        let name = body["executionArn"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        if !self.executions.keys().any(|(_, known)| *known == name) {
            return failure(400, "ExecutionDoesNotExist");
        }
        if self.aged.contains(&name) || self.failed.remove(&name).is_none() {
            return failure(400, "ExecutionNotRedrivable");
        }
        self.redriven.insert(name);
        ok(&json!({ "redriveDate": 1_800_000_000 }))
    }

    /// Stops an execution. One that has ended is stopped again.
    fn stop(&self, body: &Value) -> (u16, String) {
        let mut parts = body["executionArn"].as_str().unwrap().rsplit(':');
        let (name, machine) = (parts.next().unwrap(), parts.next().unwrap());
        match self.executions.contains_key(&(machine.to_owned(), name.to_owned())) {
            true => ok(&json!({ "stopDate": 1_800_000_000 })),
            false => failure(400, "ExecutionDoesNotExist"),
        }
    }

    /// Takes events, but for the one that is to be refused.
    fn publish(&mut self, body: &Value) -> (u16, String) {
        let (times, refused) = self.refusing;
        self.refusing.0 = times.saturating_sub(1);
        let refuses = |index: usize| times > 0 && index == refused;
        let entries = body["Entries"].as_array().unwrap();
        let results: Vec<_> = (0..entries.len())
            .map(|index| match refuses(index) {
                true => json!({ "ErrorCode": "ThrottlingException", "ErrorMessage": "told to refuse it" }),
                false => json!({ "EventId": "1" }),
            })
            .collect();
        let taken = entries.iter().enumerate().filter(|(index, _)| !refuses(*index));
        self.events.extend(
            taken.map(|(_, entry)| serde_json::from_str::<Value>(entry["Detail"].as_str().unwrap()).unwrap()),
        );
        let failed = (0..entries.len()).filter(|index| refuses(*index)).count();
        ok(&json!({ "FailedEntryCount": failed, "Entries": results }))
    }

    /// Describes an execution. Executions are only recorded here: one runs until a test ends it.
    fn describe(&mut self, body: &Value) -> (u16, String) {
        let arn = body["executionArn"].as_str().unwrap();
        let mut parts = arn.rsplit(':');
        let (name, machine) = (parts.next().unwrap(), parts.next().unwrap());
        let Some(input) = self.executions.get(&(machine.to_owned(), name.to_owned())) else {
            return failure(400, "ExecutionDoesNotExist");
        };
        let is_late = self.described_late.take_if(|late| late == name).is_some();
        let failed = self.failed.get(name);
        let status = match self.succeeded.contains(name) {
            _ if is_late || failed.is_some() => "FAILED",
            true => "SUCCEEDED",
            false => "RUNNING",
        };
        ok(&json!({
            "executionArn": arn,
            "stateMachineArn": machine,
            "status": status,
            "redriveStatus": if status == "FAILED" && !self.aged.contains(name) { "REDRIVABLE" } else { "NOT_REDRIVABLE" },
            "error": failed.map(|(error, _)| error),
            "cause": failed.and_then(|(_, cause)| cause.as_ref()),
            "startDate": 1_800_000_000,
            "input": input.to_string(),
            "name": name,
            "definition": "{}",
            "roleArn": "role",
            "updateDate": 1_800_000_000,
            "events": [{
                "timestamp": 1_800_000_000,
                "type": "ExecutionStarted",
                "id": 1,
                "previousEventId": 0,
                "executionStartedEventDetails": { "input": input.to_string(), "roleArn": "role" },
            }],
        }))
    }

    /// Answers a task token. The first answer counts; a later one is refused with TaskTimedOut, because
    /// nobody waits for it.
    fn end_task(&mut self, body: &Value, answer: Token) -> (u16, String) {
        let token = body["taskToken"].as_str().unwrap();
        if self.tokens.contains_key(token) {
            return failure(400, "TaskTimedOut");
        }
        self.tokens.insert(token.to_owned(), (answer, body.clone()));
        ok(&json!({}))
    }
}

fn ok(body: &Value) -> (u16, String) {
    (200, body.to_string())
}

fn failure(status: u16, code: &str) -> (u16, String) {
    (status, json!({ "__type": code, "message": "told to fail" }).to_string())
}

/// A transaction that is cancelled (Amazon DynamoDB API Reference, "TransactWriteItems", "Errors").
fn cancelled(reasons: &[String]) -> (u16, String) {
    let codes: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
    let error = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, json!({ "__type": error, "Message": "told to cancel", "CancellationReasons": codes }).to_string())
}

/// The connection of the SDK to an [`Aws`] for one function, with the permissions of its role.
pub(crate) struct Endpoint {
    pub(crate) aws: Arc<Aws>,
    pub(crate) function: &'static Function,
}

impl Service for Endpoint {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let (aws, function) = (Arc::clone(&self.aws), self.function);
        Box::pin(async move {
            aws.use_role(function, &request);
            aws.respond(request).await
        })
    }
}

/// As [`Endpoint`], but for the tests themselves, who may do everything.
pub(crate) struct Past(pub(crate) Arc<Aws>);

impl Service for Past {
    fn answer(&self, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        let aws = Arc::clone(&self.0);
        Box::pin(async move { aws.respond(request).await })
    }
}
