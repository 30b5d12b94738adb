//! `kill -9` at any moment, a new start on the same data: no order is lost, no effect doubled, nothing acknowledged is
//! forgotten, and timers that came due meanwhile fire at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::future::join_all;
use futures::stream::{self, StreamExt as _};
use omniflow_e2e::{
    COUNTED, EAST, EVERYWHERE, FRAGILE, Order, Runtime, Seed, Settings, Shop, Stock, eventually,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const WINDOW_SECONDS: u32 = 3;
const BUYERS: usize = 12;
/// How often the process is killed; `OMNIFLOW_CRASH_ROUNDS` sets another number.
const ROUNDS: u64 = 8;
/// Within this time of the last start all orders must have ended: the payment window, retries, and time to spare. What
/// a crash left behind goes on at the start and doesn't wait for some later sweep.
const SETTLED: Duration = Duration::from_secs(40);

fn one_of(product: &str) -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": product, "quantity": 1, "price": 10 }] })
}

/// What a customer wants to do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Plan {
    Pay,
    Prepaid,
    Forget,
    Cancel,
}

/// What a customer heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// A 2xx.
    Yes,
    /// A 409: somebody else was first.
    No,
    /// The connection broke: it may have happened or not.
    Nothing,
}

/// Everything that customers know, from outside.
#[derive(Debug, Default)]
struct Book {
    /// Orders by id.
    orders: BTreeMap<String, Entry>,
    /// Orders asked for that no answer came to: key, plan and body.
    unanswered: Vec<(String, Plan, Value)>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    plan: Plan,
    /// The answer to the payment or cancellation, once asked for.
    heard: Option<Heard>,
}

impl Book {
    /// What is wrong with how this order ended, if anything.
    fn complaint(&self, order: &Order) -> Option<String> {
        let entry = self.orders.get(order.id())?;
        let end = (order.state(), order.reason());
        const COMPLETED: (&str, Option<&str>) = ("COMPLETED", None);
        const TIMED_OUT: (&str, Option<&str>) = ("CANCELLED", Some("PAYMENT_TIMEOUT"));
        const BY_CUSTOMER: (&str, Option<&str>) = ("CANCELLED", Some("CUSTOMER"));
        let expected: &[_] = match (entry.plan, entry.heard) {
            (Plan::Prepaid, _) | (Plan::Pay, Some(Heard::Yes)) => &[COMPLETED],
            (Plan::Forget, _) | (_, Some(Heard::No) | None) => &[TIMED_OUT],
            (Plan::Pay, Some(Heard::Nothing)) => &[COMPLETED, TIMED_OUT],
            (Plan::Cancel, Some(Heard::Yes)) => &[BY_CUSTOMER],
            (Plan::Cancel, Some(Heard::Nothing)) => &[BY_CUSTOMER, TIMED_OUT],
        };
        (!expected.contains(&end)).then(|| format!("{entry:?}, but it ended as {end:?}: {order:?}"))
    }
}

async fn with_key(shop: &Shop, key: &str, body: &Value) -> Result<omniflow_e2e::Answer, reqwest::Error> {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    shop.try_send(Method::POST, "/api/v1/orders", &headers, Some(body.to_string())).await
}

/// Orders, pays, cancels and forgets until the process is gone.
async fn buy_until_the_end(shop: &Shop, book: &Mutex<Book>, seed: &Mutex<Seed>) {
    loop {
        let plan =
            choose(seed, &[Plan::Pay, Plan::Pay, Plan::Pay, Plan::Prepaid, Plan::Forget, Plan::Cancel]);
        let mut body = one_of(choose(seed, PRODUCTS));
        if plan == Plan::Prepaid {
            let method = choose(seed, &["pm_card", "pm_timeout_twice"]);
            body["payment"] = json!({ "method": method });
        }
        let key = Uuid::new_v4().to_string();
        let Ok(answer) = with_key(shop, &key, &body).await else {
            book.lock().unwrap().unanswered.push((key, plan, body));
            return;
        };
        let id = answer.success()["order_id"].as_str().unwrap().to_owned();
        book.lock().unwrap().orders.insert(id.clone(), Entry { plan, heard: None });
        let action = match plan {
            Plan::Pay => "pay",
            Plan::Cancel => "cancel",
            Plan::Prepaid | Plan::Forget => continue,
        };
        if plan == Plan::Pay && !is_payable(shop, &id).await {
            return;
        }
        let path = format!("/api/v1/orders/{id}/{action}");
        let heard = match shop.try_send(Method::POST, &path, &[], None).await {
            Ok(answer) if answer.is_success() => Heard::Yes,
            Ok(answer) => {
                answer.problem(409);
                Heard::No
            }
            Err(_) => Heard::Nothing,
        };
        book.lock().unwrap().orders.get_mut(&id).unwrap().heard = Some(heard);
        if heard == Heard::Nothing {
            return;
        }
    }
}

fn choose<T: Copy>(seed: &Mutex<Seed>, choices: &[T]) -> T {
    seed.lock().unwrap().choose(choices)
}

/// Waits until it can be paid (or can't any more); false when the process is gone.
async fn is_payable(shop: &Shop, id: &str) -> bool {
    loop {
        match shop.try_send(Method::GET, &format!("/api/v1/orders/{id}"), &[], None).await {
            Ok(answer) if matches!(answer.json()["state"].as_str(), Some("RECEIVED" | "RESERVED")) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

/// What is bought: from three warehouses, from one, and something whose shipments fail at first.
const PRODUCTS: &[&str] = &[EVERYWHERE, COUNTED, EAST, FRAGILE];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_in_the_middle_of_many_orders_every_order_ends_as_it_should() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(WINDOW_SECONDS).data(data.path());
    let rounds =
        std::env::var("OMNIFLOW_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let (seed, book) = (Mutex::new(Seed::new()), Mutex::new(Book::default()));
    let mut before = None;
    for round in 0..rounds {
        let Some(runtime) = Runtime::own(&settings) else { return };
        let shop = runtime.shop();
        if round == 0 {
            deliver(&runtime).await;
            before = Some(shop.get("/api/v1/stock").await.success());
        }
        // Every third life is cut short in its first moments: recovery must survive being killed, too.
        let longest = if round % 3 == 2 { Duration::from_millis(60) } else { Duration::from_millis(1500) };
        let life = seed.lock().unwrap().moment(Duration::from_millis(1), longest);
        let buyers = join_all((0..BUYERS).map(|_| buy_until_the_end(&shop, &book, &seed)));
        let killer = async {
            tokio::time::sleep(life).await;
            tokio::task::spawn_blocking(|| runtime.kill()).await.unwrap();
        };
        tokio::join!(buyers, killer);
    }

    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    let mut book = book.into_inner().unwrap();
    // Whoever heard nothing asks again with the same key, and must get one order, be it the first or a new one.
    for (key, plan, body) in std::mem::take(&mut book.unanswered) {
        let id =
            with_key(&shop, &key, &body).await.unwrap().success()["order_id"].as_str().unwrap().to_owned();
        let plan = if plan == Plan::Prepaid { plan } else { Plan::Forget };
        book.orders.insert(id, Entry { plan, heard: None });
    }
    println!("{} orders over {rounds} kills", book.orders.len());
    assert!(book.orders.len() > BUYERS, "too few orders to prove anything: {}", book.orders.len());

    let ends = stream::iter(book.orders.keys()).map(|id| shop.ends_within(SETTLED, id)).buffer_unordered(64);
    let ends: Vec<Order> = ends.collect().await;
    let complaints: Vec<_> = ends.iter().filter_map(|order| book.complaint(order)).collect();
    assert!(complaints.is_empty(), "{} of {}: {}", complaints.len(), ends.len(), complaints.join("\n"));

    let known: BTreeSet<_> = book.orders.keys().cloned().collect();
    let listed: Vec<_> = shop.all_orders().await.iter().map(|order| order.id().to_owned()).collect();
    assert_eq!(listed.len(), known.len(), "orders nobody knows, or orders lost, in the list");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), known);

    every_step_happened_once(&ends);
    stock_is_conserved(&shop, &before.unwrap(), &ends).await;
    money_is_conserved(&runtime, &ends).await;
    histories_have_no_gaps(&runtime, &ends).await;
}

/// Brings so much stock that no machine is fast enough to sell it all, straight into the table as an operator would.
async fn deliver(runtime: &Runtime) {
    let (shop, aws) = (runtime.shop(), runtime.aws().unwrap());
    let table = aws.table("StockTable").await;
    for product in PRODUCTS {
        for place in shop.stock(product).await.places {
            let update = json!({
                "TableName": table,
                "Key": { "product_id": { "S": product }, "warehouse_id": { "S": place.warehouse } },
                "UpdateExpression": "SET available = available + :many",
                "ExpressionAttributeValues": { ":many": { "N": "1000000" } },
            });
            aws.dynamodb("UpdateItem", &update).await;
        }
    }
}

/// A step that ran twice would show its status twice.
fn every_step_happened_once(ends: &[Order]) {
    for order in ends {
        let mut states = order.states();
        states.sort_unstable();
        let all = states.len();
        states.dedup();
        assert_eq!(states.len(), all, "a status came twice: {order:?}");
    }
}

async fn stock_is_conserved(shop: &Shop, before: &Value, ends: &[Order]) {
    for product in before["products"].as_array().unwrap() {
        let before = Stock::read(product);
        shop.stock(&before.product).await.is_after_selling(sold(ends, &before.product), &before);
    }
}

fn sold(ends: &[Order], product: &str) -> i64 {
    ends.iter()
        .filter(|order| order.state() == "COMPLETED")
        .flat_map(|order| order.0["items"].as_array().unwrap())
        .filter(|item| item["product_id"] == product)
        .map(|item| item["quantity"].as_i64().unwrap())
        .sum()
}

/// What the payment gateway took and did not give back is what completed orders cost: its own ledger is the witness.
async fn money_is_conserved(runtime: &Runtime, ends: &[Order]) {
    let aws = runtime.aws().unwrap();
    let ledger = aws.scan(&aws.table("SimulatedLedgerTable").await).await;
    let payments: BTreeMap<_, _> = ledger
        .iter()
        .filter_map(|entry| Some((entry["entry"]["S"].as_str()?.strip_prefix("payment#")?, entry)))
        .collect();
    for order in ends {
        let payment = payments.get(order.id());
        let taken = payment.and_then(|payment| payment["captured"]["S"].as_str());
        let given_back = payment.is_some_and(|payment| payment.get("refunded").is_some());
        let kept = taken.filter(|_| !given_back).map_or(0.0, |amount| amount.parse().unwrap());
        let due = if order.state() == "COMPLETED" { order.0["amount"].as_f64().unwrap() } else { 0.0 };
        assert!((kept - due).abs() < 0.001, "{kept} kept, {due} due: {payment:?} {order:?}");
    }
}

/// Finished steps are not run again: in a history each state is left once, and its events are numbered without gaps.
async fn histories_have_no_gaps(runtime: &Runtime, ends: &[Order]) {
    let aws = runtime.aws().unwrap();
    let Some(first) = ends.first() else { return };
    let some = aws.execution_of(first.id()).await;
    for order in ends {
        let events = aws.history(&some.replace(first.id(), order.id())).await;
        for (index, event) in events.iter().enumerate() {
            assert_eq!(event["id"], index + 1, "{}: {event:#}", order.id());
        }
        let mut left: Vec<_> = events
            .iter()
            .filter(|event| event["type"].as_str().unwrap().ends_with("StateExited"))
            .map(|event| event["stateExitedEventDetails"]["name"].as_str().unwrap())
            .filter(|name| *name != "ShipWarehouse")
            .collect();
        left.sort_unstable();
        let all = left.len();
        left.dedup();
        assert_eq!(left.len(), all, "a state was left twice by {}: {events:#?}", order.id());
    }
}

#[tokio::test]
async fn what_was_acknowledged_just_before_the_kill_still_holds() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(600).parameter("AuditThreshold", 100).data(data.path());
    let (mut paid, mut cancelled, mut approved, mut rejected) = (vec![], vec![], vec![], vec![]);
    for _ in 0..5 {
        let Some(runtime) = Runtime::own(&settings) else { return };
        let shop = runtime.shop();
        let mut ids = Vec::new();
        for price in [10, 10, 200, 200] {
            let mut body = one_of(EVERYWHERE);
            body["items"][0]["price"] = json!(price);
            ids.push(shop.place(&body).await);
        }
        shop.reaches(&ids[0], "AWAITING_PAYMENT").await;
        shop.reaches(&ids[1], "AWAITING_PAYMENT").await;
        shop.reaches(&ids[2], "AWAITING_AUDIT").await;
        shop.reaches(&ids[3], "AWAITING_AUDIT").await;
        let answers = tokio::join!(
            shop.pay(&ids[0]),
            shop.cancel(&ids[1]),
            shop.audit(&ids[2], "APPROVE"),
            shop.audit(&ids[3], "REJECT")
        );
        runtime.kill();
        for answer in [answers.0, answers.1, answers.2, answers.3] {
            answer.success();
        }
        for (id, list) in ids.into_iter().zip([&mut paid, &mut cancelled, &mut approved, &mut rejected]) {
            list.push(id);
        }
    }
    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    for id in &paid {
        shop.reaches(id, "COMPLETED").await;
    }
    for (ids, reason) in [(&cancelled, "CUSTOMER"), (&rejected, "AUDIT_REJECTED")] {
        for id in ids {
            assert_eq!(shop.reaches(id, "CANCELLED").await.reason(), Some(reason));
        }
    }
    for id in &approved {
        shop.reaches(id, "AWAITING_PAYMENT").await;
    }
}

#[tokio::test]
async fn an_acknowledged_order_is_there_after_a_kill_at_once() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(600).data(data.path());
    let mut ids = Vec::new();
    for _ in 0..5 {
        let Some(runtime) = Runtime::own(&settings) else { return };
        ids.push(runtime.shop().place(&one_of(EVERYWHERE)).await);
        runtime.kill();
    }
    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    for id in &ids {
        shop.reaches(id, "AWAITING_PAYMENT").await;
    }
    assert_eq!(shop.stock(EVERYWHERE).await.reserved(), 5, "each order holds one");
}

#[tokio::test]
async fn a_timer_that_came_due_while_everything_was_down_fires_at_start() {
    const LATE: u32 = 4;
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(LATE).data(data.path());
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(shop.place(&one_of(EVERYWHERE)).await);
    }
    let mut deadline = Utc::now();
    for id in &ids {
        deadline = deadline.max(shop.reaches(id, "AWAITING_PAYMENT").await.deadline());
    }
    runtime.kill();
    eventually(
        "the deadlines have passed",
        async || if Utc::now() > deadline { Ok(()) } else { Err(deadline) },
    )
    .await;

    let begun = Instant::now();
    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    for id in &ids {
        let order = shop.reaches(id, "CANCELLED").await;
        assert_eq!(order.reason(), Some("PAYMENT_TIMEOUT"));
    }
    // A window that began anew at the start would end later than this.
    assert!(begun.elapsed() < Duration::from_secs(LATE.into()), "after {:?}", begun.elapsed());
    shop.stock_is_back(&before).await;
}

#[tokio::test]
async fn restarts_neither_prolong_nor_shorten_a_payment_window() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(4).data(data.path());
    let Some(mut runtime) = Runtime::own(&settings) else { return };
    let id = runtime.shop().place_unpaid(&one_of(EVERYWHERE)).await;
    let deadline = runtime.shop().read(&id).await.deadline();
    for _ in 0..4 {
        runtime.kill();
        runtime = Runtime::own(&settings).unwrap();
        assert_eq!(runtime.shop().read(&id).await.deadline(), deadline);
    }
    let order = runtime.shop().reaches(&id, "CANCELLED").await;
    let late = order.since("COMPENSATING") - deadline;
    assert!(late >= chrono::TimeDelta::zero(), "cancelled {late} before its deadline");
    assert!(late < chrono::TimeDelta::seconds(3), "cancelled {late} after its deadline");
}

#[tokio::test]
async fn a_step_in_flight_at_the_kill_has_its_effect_once() {
    let data = tempfile::tempdir().unwrap();
    let slow =
        Settings::default().payment_window(600).parameter("SimulatedLatencyMillis", 400).data(data.path());
    let Some(runtime) = Runtime::own(&slow) else { return };
    let shop = runtime.shop();
    let before = shop.stock(EVERYWHERE).await;
    let capturing = shop.place_unpaid(&one_of(EVERYWHERE)).await;
    let shipping = shop.place_unpaid(&one_of(EVERYWHERE)).await;
    shop.pay(&shipping).await.success();
    shop.reaches(&shipping, "SHIPPING").await;
    shop.pay(&capturing).await.success();
    runtime.kill();

    let runtime = Runtime::own(&slow).unwrap();
    let shop = runtime.shop();
    let ends = [shop.reaches(&capturing, "COMPLETED").await, shop.reaches(&shipping, "COMPLETED").await];
    every_step_happened_once(&ends);
    money_is_conserved(&runtime, &ends).await;
    assert_eq!(shop.stock(EVERYWHERE).await.available(), before.available() - 2);
    for order in &ends {
        assert_eq!(order.shipments().len(), 1, "{order:?}");
    }
}

/// The two moments in which a crash is worst: what was decided is written, and nobody has told the workflow yet. They are
/// too short to be hit by chance, so the table is put into that state by hand.
#[tokio::test]
async fn what_was_written_but_never_sent_goes_on_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(600).data(data.path());
    let Some(runtime) = Runtime::own(&settings) else { return };
    let (shop, aws) = (runtime.shop(), runtime.aws().unwrap());
    let table = aws.table("OrdersTable").await;
    let paid = shop.place_unpaid(&one_of(EVERYWHERE)).await;
    let item = aws.scan(&table).await.remove(0);
    let version: u64 = item["version"]["N"].as_str().unwrap().parse().unwrap();
    let now = Utc::now();

    // The payment was accepted, its workflow doesn't know.
    let mut pay = item.clone();
    pay["status"] = json!({ "S": "PAYMENT_RECEIVED" });
    pay["version"] = json!({ "N": (version + 1).to_string() });
    pay["payment"]["M"]["method"] = json!({ "S": "pm_card" });
    pay["payment"]["M"]["state"] = json!({ "S": "AUTHORISED" });
    let change = json!({ "M": { "status": { "S": "PAYMENT_RECEIVED" }, "at": { "S": now } } });
    pay["timeline"]["L"].as_array_mut().unwrap().push(change);
    signal(&mut pay, "PAID", now);

    // Another order was accepted, its workflow was never started.
    let accepted = format!("ORD-{}000000", now.timestamp_millis());
    let mut create = item;
    create["order_id"] = json!({ "S": accepted });
    create["status"] = json!({ "S": "RECEIVED" });
    create["version"] = json!({ "N": "1" });
    create["payment"] = json!({ "M": { "state": { "S": "PENDING" }, "prepaid": { "BOOL": false } } });
    create["reservation"] = json!({ "S": "NONE" });
    create["shipments"] = json!({ "L": [] });
    create["timeline"]["L"].as_array_mut().unwrap().truncate(1);
    create.as_object_mut().unwrap().remove("task_token");
    signal(&mut create, "START", now);

    for item in [pay, create] {
        aws.dynamodb("PutItem", &json!({ "TableName": table, "Item": item })).await;
    }
    runtime.kill();

    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    shop.reaches_within(SETTLED, &paid, "COMPLETED").await;
    shop.reaches_within(SETTLED, &accepted, "AWAITING_PAYMENT").await;
}

fn signal(item: &mut Value, signal: &str, since: chrono::DateTime<Utc>) {
    item["pending_signal"] = json!({ "S": signal });
    item["pending_since"] = json!({ "N": since.timestamp_millis().to_string() });
}
