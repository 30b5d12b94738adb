//! The tables are down while orders stand in every phase: afterwards all of them go on by themselves to the end that
//! they would have come to. Engine, functions, tables and bus are the real ones; time is moved by hand.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ambient::{ManualClock, Randomness, Surroundings};
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_get_item::builders::BatchGetItemInputBuilder;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::get_item::builders::GetItemInputBuilder;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemInputBuilder;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::query::builders::QueryInputBuilder;
use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::operation::scan::builders::ScanInputBuilder;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsInputBuilder;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemInputBuilder;
use chrono::DateTime;
use clap::Parser as _;
use omniflow::Runtime;
use omniflow::config::Cli;
use omniflow::functions::{Clients, handler_of};
use omniflow::lambda::Hosted;
use omniflow_services::{DynamoDb, Environment, ServiceError, ServiceFuture};
use serde_json::{Value, json};

/// The functions whose requests to the tables fail, by their binaries, and how often each has failed so far.
#[derive(Clone, Default)]
struct Outage(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    down: BTreeSet<String>,
    failures: BTreeMap<String, usize>,
}

/// The tables as one function reaches them.
struct Reached {
    tables: Arc<dyn DynamoDb>,
    binary: String,
    outage: Outage,
}

impl Outage {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, binaries: impl IntoIterator<Item = String>) {
        self.state().down.extend(binaries);
    }

    fn end(&self) {
        self.state().down.clear();
    }

    fn failures(&self, binary: &str) -> usize {
        self.state().failures.get(binary).copied().unwrap_or_default()
    }
}

impl Reached {
    fn reach<T>(&self, go: impl FnOnce(&dyn DynamoDb) -> ServiceFuture<'_, T>) -> ServiceFuture<'_, T> {
        let mut outage = self.outage.state();
        if outage.down.contains(&self.binary) {
            *outage.failures.entry(self.binary.clone()).or_default() += 1;
            return Box::pin(async { Err(ServiceError::new("InternalServerError", "the tables are down")) });
        }
        drop(outage);
        go(&*self.tables)
    }
}

impl DynamoDb for Reached {
    fn get_item(&self, request: GetItemInputBuilder) -> ServiceFuture<'_, GetItemOutput> {
        self.reach(|tables| tables.get_item(request))
    }

    fn batch_get_item(&self, request: BatchGetItemInputBuilder) -> ServiceFuture<'_, BatchGetItemOutput> {
        self.reach(|tables| tables.batch_get_item(request))
    }

    fn query(&self, request: QueryInputBuilder) -> ServiceFuture<'_, QueryOutput> {
        self.reach(|tables| tables.query(request))
    }

    fn scan(&self, request: ScanInputBuilder) -> ServiceFuture<'_, ScanOutput> {
        self.reach(|tables| tables.scan(request))
    }

    fn put_item(&self, request: PutItemInputBuilder) -> ServiceFuture<'_, ()> {
        self.reach(|tables| tables.put_item(request))
    }

    fn update_item(&self, request: UpdateItemInputBuilder) -> ServiceFuture<'_, UpdateItemOutput> {
        self.reach(|tables| tables.update_item(request))
    }

    fn transact_write_items(&self, request: TransactWriteItemsInputBuilder) -> ServiceFuture<'_, ()> {
        self.reach(|tables| tables.transact_write_items(request))
    }
}

/// The functions that the workflows of these orders invoke: the warehouses answer in the call.
const STEPS: [&str; 9] = [
    "reserve-stock",
    "open-payment-window",
    "request-audit",
    "capture-payment",
    "ship-warehouse",
    "cancel-shipments",
    "refund-payment",
    "release-stock",
    "close-order",
];
/// What else reads or writes orders without a caller who waits.
const OTHERS: [&str; 4] =
    ["close-payment-window", "mark-needs-attention", "sweep-orders", "reconcile-orders"];
const WINDOW: Duration = Duration::from_secs(30 * 60);
const STEP: Duration = Duration::from_secs(30);

struct System {
    runtime: Runtime,
    clock: ManualClock,
    outage: Outage,
    http: reqwest::Client,
}

impl System {
    async fn start() -> Self {
        let window = format!("PaymentWindowSeconds={}", WINDOW.as_secs());
        let arguments =
            ["omniflow", "--memory", "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0", "--parameter", &window];
        let config = Cli::try_parse_from(arguments).unwrap().config;
        let clock = ManualClock::starting_at(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let outage = Outage::default();
        let surroundings = Surroundings { clock: Arc::new(clock.clone()), randomness: Randomness::seeded(1) };
        let reached = outage.clone();
        let runtime = Runtime::start_hosting(config, surroundings, move |system, place, inside| {
            let memory = inside.clients(place).memory;
            let hosted = system.functions.values().map(|function| {
                let clients = inside.clients(place);
                let tables = Reached {
                    tables: Arc::clone(&clients.dynamodb),
                    binary: function.binary.clone(),
                    outage: reached.clone(),
                };
                let clients = Clients { dynamodb: Arc::new(tables), memory: memory.clone(), ..clients };
                let environment = Environment::from_pairs(function.environment.clone());
                let handler = handler_of(&function.binary, &clients, &environment).unwrap().unwrap();
                Hosted { function: function.clone(), handler }
            });
            Ok(hosted.collect())
        });
        Self { runtime: runtime.await.unwrap(), clock, outage, http: reqwest::Client::new() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/orders{path}", self.runtime.http)
    }

    async fn place(&self, order: Value) -> String {
        let answer = self.http.post(self.url("")).json(&order).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["order_id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn decide(&self, id: &str, decision: &str, body: Value) {
        let answer = self.http.post(self.url(&format!("/{id}/{decision}"))).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{decision} {id}: {}", answer.text().await.unwrap());
    }

    async fn order(&self, id: &str) -> Value {
        self.http.get(self.url(&format!("/{id}"))).send().await.unwrap().json().await.unwrap()
    }

    async fn reaches(&self, id: &str, state: &str) {
        for _ in 0..5000 {
            if self.order(id).await["state"] == state {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("never {state}: {:#}", self.order(id).await);
    }

    /// An order that stands before this step, whose function can't reach the tables from now on.
    async fn stopped_at(&self, step: &str) -> String {
        self.outage.begin([step.to_owned()]);
        let failures = self.outage.failures(step);
        let undone = STEPS.iter().position(|known| *known == step) >= Some(5);
        let mut order = json!({ "items": [if undone { "fragile-vase" } else { "prod-001" }] });
        match step {
            "open-payment-window" => {}
            "request-audit" => order["amount"] = json!(20_000),
            _ => order["payment"] = json!({ "method": "pm_card" }),
        }
        let id = self.place(order).await;
        for _ in 0..5000 {
            if self.outage.failures(step) > failures {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{step} never ran: {:#}", self.order(&id).await);
    }

    /// Lets time pass, as the schedules do their work.
    async fn pass(&self, time: Duration) {
        for step in 1..=time.as_secs() / STEP.as_secs() {
            self.clock.advance(STEP);
            self.settle().await;
            if step % 2 == 0 {
                self.invoke("SweepOrdersFunction").await;
            }
            if step % 10 == 0 {
                self.invoke("ReconcileOrdersFunction").await;
            }
        }
    }

    async fn invoke(&self, function: &str) {
        // While the tables are down this fails, as everything else.
        let _ = self.runtime.aws.functions.invoke(function, json!({})).await.unwrap();
        self.settle().await;
    }

    /// Waits until what the step of time set off has been done. Work that takes longer goes on in the next step.
    async fn settle(&self) {
        let mut before = (0, 0);
        loop {
            tokio::time::sleep(Duration::from_millis(4)).await;
            let groups = self.runtime.aws.engine.stats().snapshot().groups;
            let now = (groups, self.runtime.aws.functions.invocations().count());
            if now == before {
                return;
            }
            before = now;
        }
    }
}

/// Orders stand in every phase when the tables go, and are looked at when they have been back for long enough.
async fn tables_are_down_for(time: Duration) {
    let system = System::start().await;
    let waiting = system.place(json!({ "items": ["prod-001"] })).await;
    system.reaches(&waiting, "AWAITING_PAYMENT").await;
    let reviewed = system.place(json!({ "items": ["prod-001"], "amount": 20_000 })).await;
    system.reaches(&reviewed, "AWAITING_AUDIT").await;
    let mut stopped = Vec::new();
    // The later steps first, so that an order passes the earlier ones.
    for step in STEPS.iter().rev() {
        stopped.push((*step, system.stopped_at(step).await));
    }
    system.outage.begin(OTHERS.map(str::to_owned));
    system.pass(time).await;
    system.outage.end();
    system.pass(Duration::from_secs(20 * 60)).await;

    if time < WINDOW {
        // Half of its time may be over; the rest is still to come.
        let state = system.order(&waiting).await["state"].clone();
        if state == "AWAITING_PAYMENT" {
            system.decide(&waiting, "pay", json!({})).await;
        }
    }
    system.decide(&reviewed, "audit", json!({ "action": "APPROVE" })).await;
    for (step, id) in &stopped {
        match *step {
            "open-payment-window" => {
                system.reaches(id, "AWAITING_PAYMENT").await;
                system.decide(id, "pay", json!({})).await;
            }
            "request-audit" => {
                system.reaches(id, "AWAITING_AUDIT").await;
                system.decide(id, "audit", json!({ "action": "APPROVE" })).await;
                system.reaches(id, "AWAITING_PAYMENT").await;
                system.decide(id, "pay", json!({})).await;
            }
            _ => {}
        }
    }
    system.reaches(&reviewed, "AWAITING_PAYMENT").await;
    system.decide(&reviewed, "pay", json!({})).await;
    system.pass(Duration::from_secs(10 * 60)).await;

    let end = async |id: &str| {
        let order = system.order(id).await;
        (order["state"].clone(), order["reason"].clone())
    };
    let completed = (json!("COMPLETED"), Value::Null);
    let in_time = time + Duration::from_secs(20 * 60) < WINDOW;
    let expected = if in_time { completed.clone() } else { (json!("CANCELLED"), json!("PAYMENT_TIMEOUT")) };
    assert_eq!(end(&waiting).await, expected, "it had {WINDOW:?} to be paid");
    assert_eq!(end(&reviewed).await, completed);
    for (index, (step, id)) in stopped.iter().rev().enumerate() {
        let expected =
            if index < 5 { completed.clone() } else { (json!("CANCELLED"), json!("SHIPMENT_FAILED")) };
        assert_eq!(end(id).await, expected, "stopped at {step}: {:#}", system.order(id).await);
    }
    system.runtime.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_down_for_a_minute() {
    tables_are_down_for(Duration::from_secs(60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_down_for_ten_minutes() {
    tables_are_down_for(Duration::from_secs(10 * 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_are_down_for_three_hours() {
    tables_are_down_for(Duration::from_secs(3 * 60 * 60)).await;
}
