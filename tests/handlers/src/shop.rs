//! The handlers of all functions, over tables in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ambient::{ManualClock, Surroundings};
use chrono::{DateTime, Utc};
use omniflow::functions::{Clients, handler_of};
use omniflow_domain::catalogue::lookup;
use omniflow_domain::order::returns::ReturnState;
use omniflow_domain::order::{Announcements, OrderRecord, Signal, Writes};
use omniflow_domain::{Order, OrderId, Status};
use omniflow_services::invocation::logged;
use omniflow_services::{ConfigError, Environment, Fault, Handler, Memory};
use omniflow_store::{Error, Orders, Stock, StockRow};
use omniflow_tables::{InProcess, Tables};
use serde_json::{Value, json};
use strict_stripe::StrictStripe;
use template::{self, Parameters, Place, System};

use crate::aws::{Aws, Endpoint, Past};
use crate::cloudwatch::CloudWatchOf;
use crate::failures;
use crate::servers::{Servers, WAREHOUSE_SECRET};
use crate::stripe::{Keys, STRIPE_SECRET};

/// The price of each product of [`Shop::stocked`].
const PRICE: &str = "10";

/// The address from which messages are sent to customers.
pub const SENDER: &str = "shop@example.com";

/// `template.yaml` with open access and a sender of messages, read once.
pub fn system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| deployed(&[("OpenAccess", "true"), ("NotificationSender", SENDER)]))
}

/// As [`system`], with Stripe as the payment provider.
pub fn stripe_system() -> &'static System {
    static SYSTEM: OnceLock<System> = OnceLock::new();
    SYSTEM.get_or_init(|| {
        deployed(&[
            ("OpenAccess", "true"),
            ("NotificationSender", SENDER),
            ("PaymentProvider", "stripe"),
            ("StripeSecret", STRIPE_SECRET),
            ("StripeUrl", "https://stripe.test"),
        ])
    })
}

/// `template.yaml` with these values of its parameters.
pub fn deployed(parameters: &[(&str, &str)]) -> System {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml");
    let given = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    template::load(&path, &Parameters { given, ..Parameters::default() }, &place()).unwrap()
}

/// Starts the function with these environment variables.
///
/// # Errors
/// When an environment variable is missing or wrong.
pub fn starts(binary: &str, variables: BTreeMap<String, String>) -> Result<(), ConfigError> {
    let aws = Aws::new(Tables::in_memory().unwrap(), None);
    let clients =
        Clients::by_sdk(&InProcess::new(Past(Arc::new(aws))), &place(), Surroundings::of_this_machine());
    handler_of(binary, &clients, &Environment::from_pairs(variables)).unwrap().map(drop)
}

pub(crate) fn place() -> Place {
    Place { region: "us-east-1".to_owned(), account: "000000000000".to_owned() }
}

/// An answer of the HTTP API.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct HttpAnswer {
    pub status: u64,
    pub headers: Value,
    pub body: Value,
}

/// All functions of the template, invoked by the names of their binaries.
pub struct Shop {
    /// The AWS services that the handlers reach.
    pub aws: Arc<Aws>,
    /// The stored orders, which tests read and write without going through the handlers.
    pub orders: Orders,
    /// The servers of warehouses.
    pub servers: Arc<Servers>,
    stock: Stock,
    handlers: BTreeMap<String, Box<dyn Handler>>,
    /// The routes that lead to other functions than `api`: method, path and binary.
    routes: Vec<(String, String, String)>,
    stripe: Option<Arc<StrictStripe>>,
}

impl Shop {
    /// A shop with stock: product id, warehouse and quantity. Each product costs 10.
    pub fn stocked(rows: &[(&str, &str, u32)]) -> Self {
        Self::open(rows, None, &[])
    }

    /// As [`Shop::stocked`], but `seed` decides which of several concurrent requests overtakes which.
    pub fn shuffled(rows: &[(&str, &str, u32)], seed: u64) -> Self {
        Self::open(rows, Some(seed), &[])
    }

    /// As [`Shop::stocked`], but the functions send requests that fail again, as the SDK does on Lambda. The
    /// pauses between are tokio's, so that a test makes them virtual.
    pub fn retrying(rows: &[(&str, &str, u32)]) -> Self {
        Self::open_with(rows, None, &[], Clients::by_retrying_sdk)
    }

    /// As [`Shop::shuffled`] and [`Shop::retrying`].
    pub fn retrying_and_shuffled(rows: &[(&str, &str, u32)], seed: u64) -> Self {
        Self::open_with(rows, Some(seed), &[], Clients::by_retrying_sdk)
    }

    /// As [`Shop::stocked`], with these environment variables in place of the template's.
    pub fn set_up(rows: &[(&str, &str, u32)], environment: &[(&str, &str)]) -> Self {
        Self::open(rows, None, environment)
    }

    /// As [`Shop::set_up`], with a clock that the test moves.
    pub fn set_up_and_timed(rows: &[(&str, &str, u32)], environment: &[(&str, &str)]) -> (Self, ManualClock) {
        let clock = ManualClock::starting_at(Utc::now());
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..Surroundings::of_this_machine() };
        (Self::open_at(system(), rows, None, environment, Clients::by_sdk, surroundings), clock)
    }

    /// As [`Shop::stocked`], with a clock that the test moves.
    pub fn timed(rows: &[(&str, &str, u32)]) -> (Self, ManualClock) {
        let clock = ManualClock::starting_at(Utc::now());
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..Surroundings::of_this_machine() };
        (Self::open_at(system(), rows, None, &[], Clients::by_sdk, surroundings), clock)
    }

    /// A shop with two pieces of each of so many products, one in each of two buckets, and all of them as the items of an
    /// order.
    pub async fn of_split_products(count: usize) -> (Self, Value) {
        let names: Vec<_> = (0..count).map(|number| format!("thing-{number}")).collect();
        let rows: Vec<_> = names.iter().map(|name| (name.as_str(), "wh-east", 2)).collect();
        let shop = Self::stocked(&rows);
        for name in &names {
            let path = format!("/api/v1/stock/{name}/wh-east/buckets");
            assert_eq!(shop.http("PUT", &path, json!({ "buckets": 2 })).await.status, 200);
        }
        let items: Vec<_> = names.iter().map(|name| json!({ "product_id": name, "quantity": 2 })).collect();
        (shop, Value::from(items))
    }

    /// As [`Shop::timed`], but these warehouses have servers of their own, which take every request and answer by a
    /// message later.
    pub async fn with_far_warehouses(rows: &[(&str, &str, u32)], far: &[&str]) -> (Self, ManualClock) {
        let settings = [
            ("WAREHOUSE_SECRET", WAREHOUSE_SECRET),
            ("ALLOW_PRIVATE_WAREHOUSES", "false"),
            ("PUBLIC_URL", "https://shop.example"),
        ];
        let (shop, clock) = Self::set_up_and_timed(rows, &settings);
        for warehouse in far {
            let body =
                json!({ "name": warehouse, "link": "http", "endpoint": "https://far.example/shipments" });
            let put = shop.http("PUT", &format!("/api/v1/warehouses/{warehouse}"), body).await;
            assert_eq!(put.status, 200, "{}", put.body);
        }
        (shop, clock)
    }

    /// Says in a warehouse's place, as an operator does, what became of its shipment.
    pub async fn say_of_shipment(&self, id: &OrderId, warehouse: &str, event: &str) -> HttpAnswer {
        let path = format!("/api/v1/orders/{id}/shipments/{warehouse}/events");
        self.http("POST", &path, json!({ "event": event })).await
    }

    /// A shop whose payment provider is this Stripe, with a clock that the test moves.
    pub fn with_stripe(rows: &[(&str, &str, u32)]) -> (Self, Arc<StrictStripe>, ManualClock) {
        Self::with_stripe_selling(rows, &[])
    }

    /// As [`Shop::with_stripe`], with these environment variables in place of the template's.
    pub fn with_stripe_selling(
        rows: &[(&str, &str, u32)],
        environment: &[(&str, &str)],
    ) -> (Self, Arc<StrictStripe>, ManualClock) {
        let clock = ManualClock::starting_at(Utc::now());
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), ..Surroundings::of_this_machine() };
        let mut shop = Self::open_at(stripe_system(), rows, None, environment, Clients::by_sdk, surroundings);
        let stripe = shop.stripe.take().unwrap();
        (shop, stripe, clock)
    }

    fn open(rows: &[(&str, &str, u32)], seed: Option<u64>, environment: &[(&str, &str)]) -> Self {
        // These clients don't retry, so a request that is told to fail fails.
        Self::open_with(rows, seed, environment, Clients::by_sdk)
    }

    fn open_with(
        rows: &[(&str, &str, u32)],
        seed: Option<u64>,
        environment: &[(&str, &str)],
        make: fn(&InProcess, &Place, Surroundings) -> Clients,
    ) -> Self {
        Self::open_at(system(), rows, seed, environment, make, Surroundings::of_this_machine())
    }

    fn open_at(
        system: &'static System,
        rows: &[(&str, &str, u32)],
        seed: Option<u64>,
        environment: &[(&str, &str)],
        make: fn(&InProcess, &Place, Surroundings) -> Clients,
        surroundings: Surroundings,
    ) -> Self {
        let tables = Tables::in_memory().unwrap();
        for table in &system.tables {
            let made = tables.blocking_answer("CreateTable", table.create.to_string().as_bytes());
            assert_eq!(made.status, 200, "{}", made.body);
        }
        for row in rows {
            put_stock(&tables, *row);
        }
        Self::over(system, Arc::new(Aws::new(tables, seed)), environment, make, surroundings)
    }

    /// The same shop as another process runs it, which remembers nothing of what this one has seen.
    pub fn another_process(&self) -> Self {
        Self::over(system(), Arc::clone(&self.aws), &[], Clients::by_sdk, Surroundings::of_this_machine())
    }

    fn over(
        system: &'static System,
        aws: Arc<Aws>,
        environment: &[(&str, &str)],
        make: fn(&InProcess, &Place, Surroundings) -> Clients,
        surroundings: Surroundings,
    ) -> Self {
        let memory = Memory::default();
        let servers = Arc::new(Servers::default());
        let stripe = Arc::new(StrictStripe::default());
        let clients = |http: &InProcess| Clients {
            memory: memory.clone(),
            http: servers.clone(),
            web: stripe.clone(),
            ..make(http, &place(), surroundings.clone())
        };
        let handlers = system.functions.values().map(|function| {
            let mut clients = clients(&InProcess::new(Endpoint { aws: Arc::clone(&aws), function }));
            clients.secrets = Arc::new(Keys { aws: Arc::clone(&aws), function });
            clients.cloudwatch = Arc::new(CloudWatchOf { aws: Arc::clone(&aws), function });
            let mut variables = function.environment.clone();
            for (name, value) in environment {
                variables.insert((*name).to_owned(), (*value).to_owned());
            }
            let variables = Environment::from_pairs(variables);
            let handler = handler_of(&function.binary, &clients, &variables);
            (function.binary.clone(), handler.expect("every function of the template has a handler").unwrap())
        });
        let handlers = handlers.collect();
        let clients = clients(&InProcess::new(Past(Arc::clone(&aws))));
        let orders_table = [("ORDERS_TABLE".to_owned(), "OrdersTable".to_owned())];
        let orders_table = Environment::from_pairs(orders_table);
        let routes = system.routes.iter().filter_map(|route| {
            let binary = &system.functions[&route.function].binary;
            let route = (route.method.clone()?, route.path.clone(), binary.clone());
            (binary != "api").then_some(route)
        });
        Self {
            routes: routes.collect(),
            stripe: Some(stripe),
            handlers,
            orders: Orders::new(&clients, &orders_table).unwrap(),
            stock: Stock::new(clients.dynamodb, "StockTable"),
            servers: servers.clone(),
            aws,
        }
    }

    /// Invokes the function with this binary.
    ///
    /// # Errors
    /// The error of the function.
    pub async fn invoke(&self, binary: &str, event: Value) -> Result<Value, Fault> {
        let answer = logged(&*self.handlers[binary], binary, event).await;
        if let Err(fault) = &answer {
            failures::check(binary, &fault.error_type);
        }
        answer
    }

    /// Invokes an activity of the workflow, with the order's id as its only input.
    ///
    /// # Errors
    /// The error of the activity.
    pub async fn forward(&self, binary: &str, id: &OrderId) -> Result<Value, Fault> {
        self.invoke(binary, json!({ "order_id": id })).await
    }

    /// Invokes an activity that keeps this task token.
    ///
    /// # Errors
    /// The error of the activity.
    pub async fn wait(&self, binary: &str, id: &OrderId, token: &str) -> Result<Value, Fault> {
        self.invoke(binary, json!({ "order_id": id, "task_token": token })).await
    }

    /// Invokes a compensation, as a workflow does that has caught `error`.
    ///
    /// # Errors
    /// The error of the compensation.
    pub async fn undo(&self, binary: &str, id: &OrderId, error: &str) -> Result<Value, Fault> {
        self.invoke(binary, json!({ "order_id": id, "failure": { "Error": error, "Cause": "" } })).await
    }

    /// Delivers the event that the execution of this name has failed, as often as EventBridge and Lambda do.
    pub async fn execution_failed(&self, name: &str) {
        let arn = format!("arn:aws:states:us-east-1:000000000000:execution:OrderStateMachine:{name}");
        let event = json!({
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "resources": [arn],
            "detail": { "executionArn": arn, "name": name, "status": "FAILED" },
        });
        for _ in 0..3 {
            if self.invoke("mark-needs-attention", event.clone()).await.is_ok() {
                return;
            }
        }
    }

    /// Sends a request to the API.
    pub async fn http(&self, method: &str, path: &str, body: Value) -> HttpAnswer {
        self.send(method, path, &[], body, &Value::Null).await
    }

    /// As [`Shop::http`], from a caller whom the gateway has authorized: `requestContext.authorizer` of the
    /// event.
    pub async fn http_as(&self, authorizer: &Value, method: &str, path: &str, body: Value) -> HttpAnswer {
        self.send(method, path, &[], body, authorizer).await
    }

    /// Sends a POST request with an `Idempotency-Key`.
    pub async fn http_once(&self, key: &str, path: &str, body: Value) -> HttpAnswer {
        self.send("POST", path, &[("idempotency-key", key)], body, &Value::Null).await
    }

    /// As [`Shop::http_as`], with these headers.
    pub async fn http_with(
        &self,
        headers: &[(&str, &str)],
        authorizer: &Value,
        method: &str,
        path: &str,
        body: Value,
    ) -> HttpAnswer {
        self.send(method, path, headers, body, authorizer).await
    }

    /// As [`Shop::http_once`], from a caller whom the gateway has authorized.
    pub async fn http_once_as(&self, authorizer: &Value, key: &str, path: &str, body: Value) -> HttpAnswer {
        self.send("POST", path, &[("idempotency-key", key)], body, authorizer).await
    }

    /// Sends a GET request to the function's own URL, with the path as the caller wrote it.
    pub async fn http_by_function_url(&self, path: &str) -> HttpAnswer {
        let mut event = event("GET", path, &[], &Value::Null);
        event["requestContext"]["domainName"] = Value::from("abc123.lambda-url.us-east-1.on.aws");
        self.ask(event).await
    }

    /// Posts a body exactly as it is given here.
    pub async fn post_text(&self, path: &str, body: &str) -> HttpAnswer {
        let mut event = event("POST", path, &[], &Value::Null);
        event["body"] = Value::from(body);
        self.ask(event).await
    }

    /// Sends a request with these headers, and with the body exactly as it is given.
    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> HttpAnswer {
        let mut event = event("POST", path, headers, &Value::Null);
        event["body"] = Value::from(body);
        self.ask(event).await
    }

    /// Sends a GET request with a `Prefer` header.
    pub async fn http_preferring(&self, preference: &str, authorizer: &Value, path: &str) -> HttpAnswer {
        self.send("GET", path, &[("prefer", preference)], Value::Null, authorizer).await
    }

    /// Sends a GET request of a client that has the content with this `ETag`.
    pub async fn http_knowing(&self, etag: &str, path: &str) -> HttpAnswer {
        self.send("GET", path, &[("if-none-match", etag)], Value::Null, &Value::Null).await
    }

    /// Sends a request whose sender reads these languages (`Accept-Language`).
    pub async fn http_in(&self, languages: &str, method: &str, path: &str, body: Value) -> HttpAnswer {
        self.send(method, path, &[("accept-language", languages)], body, &Value::Null).await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Value,
        authorizer: &Value,
    ) -> HttpAnswer {
        let mut event = event(method, path, headers, authorizer);
        if !body.is_null() {
            event["body"] = Value::from(body.to_string());
        }
        self.ask(event).await
    }

    /// As [`Shop::http_as`], with slashes in parameters of the path as the caller writes them (`%2F`): an HTTP API leads the
    /// request by that path, and hands it over decoded.
    pub async fn http_escaped_as(&self, authorizer: &Value, method: &str, path: &str) -> HttpAnswer {
        let binary = self.binary_of(&event(method, path, &[], authorizer)).to_owned();
        self.ask_of(&binary, event(method, &path.replace("%2F", "/"), &[], authorizer)).await
    }

    async fn ask(&self, event: Value) -> HttpAnswer {
        self.ask_of(self.binary_of(&event), event.clone()).await
    }

    async fn ask_of(&self, binary: &str, event: Value) -> HttpAnswer {
        let answer = self.invoke(binary, event).await.unwrap();
        HttpAnswer {
            status: answer["statusCode"].as_u64().unwrap(),
            headers: answer["headers"].clone(),
            body: json_or_text(answer["body"].as_str().unwrap()),
        }
    }

    /// The function that the gateway leads the request to.
    fn binary_of(&self, event: &Value) -> &str {
        let method = event["requestContext"]["http"]["method"].as_str().unwrap();
        let segments: Vec<_> = event["rawPath"].as_str().unwrap().split('/').collect();
        let leads = |path: &str| {
            let pattern: Vec<_> = path.split('/').collect();
            let mut pairs = pattern.iter().zip(&segments);
            pattern.len() == segments.len()
                && pairs.all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
        };
        let route = self.routes.iter().find(|(known, path, _)| known == method && leads(path));
        route.map_or("api", |(_, _, binary)| binary.as_str())
    }

    /// Delivers what Stripe sends: the body, and its signature.
    pub async fn hear(&self, body: &str, signature: &str) -> u64 {
        let mut event = event("POST", "/webhooks/stripe", &[("stripe-signature", signature)], &Value::Null);
        event["body"] = Value::from(body);
        self.ask(event).await.status
    }

    /// As [`Shop::hear`], with the body in base64, as API Gateway hands over what it doesn't take for text.
    pub async fn hear_base64(&self, base64: &str, signature: &str) -> u64 {
        let mut event = event("POST", "/webhooks/stripe", &[("Stripe-Signature", signature)], &Value::Null);
        event["body"] = Value::from(base64);
        event["isBase64Encoded"] = Value::from(true);
        self.ask(event).await.status
    }

    /// Creates an order, which must be accepted, and returns its id.
    pub async fn place(&self, body: Value) -> OrderId {
        let answer = self.http("POST", "/api/v1/orders", body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        OrderId::parse(answer.body["order_id"].as_str().unwrap()).unwrap()
    }

    /// Orders `quantity` pieces of one product.
    pub async fn place_one(&self, product: &str, quantity: u32) -> OrderId {
        self.place(json!({ "items": [{ "product_id": product, "quantity": quantity }] })).await
    }

    /// Makes a decision that needs no body, such as `pay` or `cancel`.
    pub async fn decide(&self, id: &OrderId, decision: &str) -> HttpAnswer {
        self.http("POST", &format!("/api/v1/orders/{id}/{decision}"), Value::Null).await
    }

    /// Pays with this payment method.
    pub async fn pay(&self, id: &OrderId, method: &str) -> HttpAnswer {
        self.http("POST", &format!("/api/v1/orders/{id}/pay"), json!({ "method": method })).await
    }

    /// Reviews the order; `action` is `APPROVE` or `REJECT`.
    pub async fn audit(&self, id: &OrderId, action: &str) -> HttpAnswer {
        self.http("POST", &format!("/api/v1/orders/{id}/audit"), json!({ "action": action })).await
    }

    /// Walks the order to its end, which must be a good one.
    pub async fn complete(&self, id: &OrderId) {
        crate::Walk::of(id).to_the_end(self).await.unwrap();
        assert_eq!(self.order(id).await.status(), Status::Completed);
    }

    /// Asks to return these products of the order, which must be granted, and returns the number of the return.
    pub async fn ask_back(&self, id: &OrderId, items: &[(&str, u32)]) -> u64 {
        let answer = self.http("POST", &format!("/api/v1/orders/{id}/returns"), asked_back(items)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["return"].as_u64().unwrap()
    }

    /// Makes a decision about a return: `audit`, `received`, `retry` or `resolve`.
    pub async fn on_return(&self, id: &OrderId, number: u32, decision: &str, body: Value) -> HttpAnswer {
        self.http("POST", &format!("/api/v1/orders/{id}/returns/{number}/{decision}"), body).await
    }

    /// Approves the return, or says that all its goods have come and can be sold again.
    pub(crate) async fn favour_return(&self, id: &OrderId, number: u32) -> HttpAnswer {
        let order = self.order(id).await;
        let it = order.return_of(number).unwrap();
        if it.state == ReturnState::AwaitingReview {
            return self.on_return(id, number, "audit", json!({ "action": "APPROVE" })).await;
        }
        let mut pieces = BTreeMap::<&str, u32>::new();
        for line in &it.lines {
            *pieces.entry(&line.product_id).or_default() += line.quantity;
        }
        let items = pieces.iter().map(|(id, pieces)| json!({ "product_id": id, "restock": pieces }));
        let items: Vec<_> = items.collect();
        self.on_return(id, number, "received", json!({ "items": items })).await
    }

    /// The order as it is stored.
    pub async fn order(&self, id: &OrderId) -> Order {
        self.orders.get(id).await.unwrap()
    }

    /// Changes the stored order without going through any handler or decision.
    pub async fn tamper(&self, id: &OrderId, change: impl Fn(&mut OrderRecord)) {
        self.try_to_tamper(id, change).await.unwrap();
    }

    /// As [`Shop::tamper`], but returns an error of the table.
    ///
    /// # Errors
    /// The error of the table.
    pub async fn try_to_tamper(&self, id: &OrderId, change: impl Fn(&mut OrderRecord)) -> Result<(), Error> {
        let changed = self.orders.update(id, |order| {
            let mut record = order.record().clone();
            change(&mut record);
            *order = Order::restore(record);
            Ok::<_, Error>(())
        });
        changed.await.map(drop)
    }

    /// Moves the order's payment deadline into the past, to the moment at which the order was made: the clock of a shop
    /// whose time the test moves may be behind this machine's.
    pub async fn pass_deadline(&self, id: &OrderId) {
        self.tamper(id, |order| order.payment.deadline = Some(order.timeline[0].at)).await;
    }

    /// Makes the signal that the workflow still has to receive an hour old, so that the sweeper sends it.
    pub async fn age_signal(&self, id: &OrderId) {
        self.tamper(id, |order| {
            order.pending_since = order.pending_since.map(|since| since - 3_600_000);
        })
        .await;
    }

    /// Runs the sweeper, and returns how many signals it `sent`, `settled` and `failed` to send.
    pub async fn sweep(&self) -> (u64, u64, u64) {
        let swept = self.invoke("sweep-orders", json!({})).await.unwrap();
        let count = |name: &str| swept[name].as_u64().unwrap();
        (count("sent"), count("settled"), count("failed"))
    }

    /// Writes the order again unchanged, as another process would: this process's memory of it isn't
    /// updated.
    pub fn touch(&self, id: &OrderId) {
        self.write_elsewhere(id, |_| ());
    }

    /// Writes another status, as another process would: this process's memory of the order isn't updated.
    pub fn set_status(&self, id: &OrderId, status: Status) {
        self.write_elsewhere(id, |item| item["status"] = json!({ "S": status.name() }));
    }

    /// Changes the order's item, as another process would: this process's memory of the order isn't updated.
    pub fn write_elsewhere(&self, id: &OrderId, change: impl FnOnce(&mut Value)) {
        self.rewrite(id, |item| {
            let version: u64 = item["version"]["N"].as_str().unwrap().parse().unwrap();
            item["version"] = json!({ "N": (version + 1).to_string() });
            change(item);
        });
    }

    /// All items of a table, in the JSON of DynamoDB.
    pub fn items(&self, table: &str) -> Vec<Value> {
        scan(&self.aws.tables, table)
    }

    /// Writes an item without going through any handler.
    pub fn put(&self, table: &str, item: Value) {
        put(&self.aws.tables, table, item);
    }

    /// Makes the stored order unreadable.
    pub fn spoil(&self, id: &OrderId) {
        self.rewrite(id, |item| item["document"] = json!({ "S": "no document" }));
    }

    /// The item of an order, in the JSON of DynamoDB.
    pub fn item(&self, id: &OrderId) -> Value {
        let mut items = scan(&self.aws.tables, "OrdersTable").into_iter();
        items.find(|item| item["order_id"]["S"] == id.as_str()).unwrap()
    }

    fn rewrite(&self, id: &OrderId, change: impl FnOnce(&mut Value)) {
        let mut item = self.item(id);
        change(&mut item);
        put(&self.aws.tables, "OrdersTable", item);
    }

    /// All rows of the stock, sorted by product and warehouse.
    pub async fn stock(&self) -> Vec<StockRow> {
        let mut rows = self.stock.all().await.unwrap();
        rows.sort_by(|a, b| (&a.product_id, &a.warehouse_id).cmp(&(&b.product_id, &b.warehouse_id)));
        rows
    }

    /// The ledger of the simulated payment gateway and warehouses: the attributes of each entry.
    pub fn ledger(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let entries = scan(&self.aws.tables, "SimulatedLedgerTable").into_iter().map(|item| {
            let text = |value: &Value| {
                value.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
            };
            let mut facts: BTreeMap<_, _> =
                item.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value))).collect();
            (facts.remove("entry").unwrap(), facts)
        });
        entries.collect()
    }

    /// Whether money was captured for this order, and whether it was refunded.
    pub fn money(&self, id: &OrderId) -> (bool, bool) {
        let ledger = self.ledger();
        let entry = ledger.get(&format!("payment#{id}"));
        let has = |fact: &str| entry.is_some_and(|facts| facts.contains_key(fact));
        (has("captured"), has("refunded"))
    }

    /// Everything that is stored, except times, tokens, the order's id, the names of its writes and what it
    /// has to announce, as a text. It is equal for two shops in which the same was done.
    pub async fn world(&self, id: &OrderId) -> String {
        let mut order = self.order(id).await.record().clone();
        (order.version, order.writes, order.announcements) = (0, Writes::default(), Announcements::default());
        (order.pending_since, order.number) = (None, None);
        order.pending_signal.take_if(|signal| *signal == Signal::Announce);
        let times = order.timeline.iter_mut().map(|change| &mut change.at);
        let said = order.shipments.iter_mut().flat_map(|shipment| &mut shipment.history);
        let times = times.chain(&mut order.payment.deadline).chain(said.map(|said| &mut said.at));
        times
            .chain(order.audit.as_mut().map(|audit| &mut audit.at))
            .for_each(|at| *at = DateTime::UNIX_EPOCH);
        let world = json!({ "stock": self.stock().await, "ledger": self.ledger() });
        let digits = id.as_str().trim_start_matches("ORD-");
        format!("{order:#?}\n{world:#}").replace(digits, "N")
    }
}

/// The body that asks to return these products.
pub fn asked_back(items: &[(&str, u32)]) -> Value {
    let items = items.iter().map(|(id, quantity)| json!({ "product_id": id, "quantity": quantity }));
    json!({ "items": items.collect::<Vec<_>>(), "reason": "too small" })
}

/// The `requestContext.authorizer` of an event for a customer whose token has this subject.
pub fn customer(subject: &str) -> Value {
    json!({ "jwt": { "claims": { "sub": subject, "scope": "openid" } } })
}

/// A request without a body as API Gateway passes it to a function, in payload format 2.0.
fn event(method: &str, path: &str, headers: &[(&str, &str)], authorizer: &Value) -> Value {
    let headers: BTreeMap<_, _> = headers.iter().copied().collect();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": { "http": { "method": method, "path": path }, "authorizer": authorizer },
        "isBase64Encoded": false,
    })
}

/// The body as JSON or, since pages and scripts are not JSON, as a text.
fn json_or_text(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| Value::from(body))
}

/// All items of a table.
pub(crate) fn scan(tables: &Tables, table: &str) -> Vec<Value> {
    let answer = tables.blocking_answer("Scan", json!({ "TableName": table }).to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer: Value = serde_json::from_str(&answer.body).unwrap();
    answer["Items"].as_array().unwrap().clone()
}

fn put(tables: &Tables, table: &str, item: Value) {
    let answer =
        tables.blocking_answer("PutItem", json!({ "TableName": table, "Item": item }).to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.body);
}

fn put_stock(tables: &Tables, (product, warehouse, available): (&str, &str, u32)) {
    let stock = json!({
        "product_id": { "S": product },
        "warehouse_id": { "S": warehouse },
        "available": { "N": available.to_string() },
        "reserved": { "N": "0" },
        "sold": { "N": "0" },
    });
    put(tables, "StockTable", stock);
    let product = json!({
        "lookup": { "S": lookup(product) },
        "product_id": { "S": product },
        "name": { "S": product },
        "price": { "S": PRICE },
    });
    put(tables, "ProductsTable", product);
}
