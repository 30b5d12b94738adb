//! Data that an earlier release left behind, killed in the middle of its work, is gone on with: every order comes to
//! the end that it would have come to. Data of a later release is refused. `fixtures/make-data.py` makes the data.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{TimeDelta, Utc};
use omniflow_e2e::{Order, Runtime, Settings, Shop, Stock, eventually, refusal};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// As long as an order can be reviewed (`TimeoutSeconds` of `AwaitAudit` in `statemachine/order.asl.json`).
const LONGEST_REVIEW: TimeDelta = TimeDelta::days(365);
/// So long an idempotency key is kept. It is forgotten with the whole second in which its time ends.
const KEY_IS_KEPT: TimeDelta = TimeDelta::seconds(24 * 60 * 60 - 1);

/// What a release left behind.
struct Left {
    /// The folder of its data, for this test alone.
    data: TempDir,
    /// What it had told just before.
    told: Value,
}

/// An order as the release told it.
struct Told<'a>(&'a Value);

impl Left {
    /// By all earlier releases of which there is data.
    fn by_each_release() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut archives: Vec<_> = files.filter(|path| path.to_str().unwrap().ends_with(".tar.gz")).collect();
        archives.sort();
        assert!(!archives.is_empty(), "no data of earlier releases in {}", folder.display());
        archives.into_iter().map(|archive| Self::in_archive(&archive)).collect()
    }

    fn in_archive(archive: &Path) -> Self {
        let data = tempfile::tempdir().unwrap();
        let unpacked =
            Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(data.path()).status().unwrap();
        assert!(unpacked.success(), "{} can't be unpacked", archive.display());
        let told = archive.to_str().unwrap().replace(".tar.gz", ".json");
        Self { data, told: serde_json::from_str(&fs::read_to_string(told).unwrap()).unwrap() }
    }

    fn release(&self) -> &str {
        self.told["release"].as_str().unwrap()
    }

    fn orders(&self) -> impl Iterator<Item = Told<'_>> {
        self.told["orders"].as_array().unwrap().iter().map(Told)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.data.path().join(file)
    }

    /// What starts a runtime on it. Deliveries that fail are tried no more often than they were.
    fn settings(&self) -> Settings {
        let settings = Settings::default().data(self.data.path());
        settings.payment_window(600).parameter("NotificationRetries", 0)
    }
}

impl Told<'_> {
    fn order(&self) -> Order {
        Order(self.0["order"].clone())
    }

    /// How it must end: the state and the reason.
    fn end(&self) -> (&str, Option<&str>) {
        (self.0["ends"]["state"].as_str().unwrap(), self.0["ends"]["reason"].as_str())
    }

    /// Approves it, and pays it unless it brought its payment. When it is too late for that: the reasons for which it
    /// may be cancelled.
    async fn is_reviewed(told: &Order, shop: &Shop) -> &'static [&'static str] {
        if Utc::now() >= told.since("AWAITING_AUDIT") + LONGEST_REVIEW {
            return &["INTERNAL_ERROR"];
        }
        shop.audit(told.id(), "APPROVE").await.success();
        if told.0["payment"]["method"].is_null() {
            shop.reaches(told.id(), "AWAITING_PAYMENT").await;
            shop.pay(told.id()).await.success();
        }
        &[]
    }

    /// Pays it. When it is too late for that: the reasons for which it may be cancelled.
    async fn is_paid(told: &Order, shop: &Shop) -> &'static [&'static str] {
        if shop.pay(told.id()).await.is_success() {
            return &[];
        }
        assert!(Utc::now() >= told.deadline(), "its time has not ended, and it can't be paid: {told:?}");
        // Whether the window's own timer is heard first or that of the step that waits, which ends a day later.
        &["PAYMENT_TIMEOUT"]
    }

    /// Does what the order waits for, if it waits for a person, and sees it end.
    async fn goes_on(&self, shop: &Shop) -> Order {
        let told = self.order();
        let id = told.id();
        let too_late: &[&str] = match told.state() {
            "AWAITING_AUDIT" => Self::is_reviewed(&told, shop).await,
            "AWAITING_PAYMENT" => Self::is_paid(&told, shop).await,
            _ => &[],
        };
        let order = shop.ends(id).await;
        let end = (order.state(), order.reason());
        if too_late.is_empty() {
            assert_eq!(end, self.end(), "{}: {order:?}", self.0["name"]);
        } else {
            let cancelled = too_late.iter().any(|reason| end == ("CANCELLED", Some(*reason)));
            assert!(cancelled, "{} is not cancelled for {too_late:?}: {order:?}", self.0["name"]);
        }
        if order.states().contains(&"PAYMENT_RECEIVED") && told.state() == "AWAITING_PAYMENT" {
            assert!(order.since("PAYMENT_RECEIVED") < told.deadline(), "paid too late: {order:?}");
        }
        order
    }

    /// Whoever asks again with an idempotency key that the release kept gets an answer: the same one, for a day.
    async fn is_asked_for_again(&self, shop: &Shop) {
        let Some(key) = self.0["key"].as_str() else { return };
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        let body = self.0["body"].as_str().unwrap().to_owned();
        let answer = shop.send(Method::POST, "/api/v1/orders", &headers, Some(body)).await.success();
        let id = answer["order_id"].as_str().unwrap();
        let told = self.order();
        let age = Utc::now() - told.since("RECEIVED");
        assert!(id == told.id() || age >= KEY_IS_KEPT, "the key was forgotten after {age}: {answer:#}");
    }
}

/// Whether `now` says all that `before` said. It may say more, and people may be told in other words.
fn says_the_same(before: &Value, now: &Value) -> bool {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => before.iter().all(|(name, value)| {
            name == "status" || now.get(name).is_some_and(|now| says_the_same(value, now))
        }),
        (Value::Array(before), Value::Array(now)) => {
            before.len() == now.len()
                && before.iter().zip(now).all(|(before, now)| says_the_same(before, now))
        }
        _ => before == now,
    }
}

async fn ended_orders_read_as_before(left: &Left, shop: &Shop) {
    for told in left.orders().map(|story| story.order()).filter(Order::is_final) {
        let now = shop.read(told.id()).await;
        assert!(says_the_same(&told.0, &now.0), "{told:?} reads otherwise now: {now:?}");
    }
}

/// What an order had gone through before stays, and no step comes twice.
fn went_on_where_it_was(told: &Order, order: &Order) {
    let steps = told.0["timeline"].as_array().unwrap().len();
    let mut before = order.0["timeline"].clone();
    before.as_array_mut().unwrap().truncate(steps);
    assert!(says_the_same(&told.0["timeline"], &before), "{told:?} went on as {order:?}");
    let mut states = order.states();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), order.states().len(), "a status came twice: {order:?}");
}

fn money_is_where_it_belongs(order: &Order) {
    let kept = matches!(order.state(), "COMPLETED" | "NEEDS_ATTENTION");
    assert_eq!(order.money() == "CAPTURED", kept, "{order:?}");
}

/// The workflow has ended as its order has.
async fn workflow_has_ended(shop: &Shop, order: &Order) {
    let expected = if order.state() == "NEEDS_ATTENTION" { "FAILED" } else { "SUCCEEDED" };
    eventually("the order's workflow ends", async || {
        let workflow = shop.get(&format!("/api/v1/orders/{}/workflow", order.id())).await.success();
        let executions = workflow["executions"].as_array().unwrap();
        let of_order = executions.iter().find(|execution| execution["part"] == "order").unwrap();
        if of_order["status"] == expected { Ok(()) } else { Err(of_order["status"].clone()) }
    })
    .await;
}

/// Pieces of each product in orders that are in this state.
fn pieces(ends: &[Order], state: &str) -> BTreeMap<String, i64> {
    let mut pieces = BTreeMap::new();
    let orders = ends.iter().filter(|order| order.state() == state);
    for item in orders.flat_map(|order| order.0["items"].as_array().unwrap()) {
        let product = item["product_id"].as_str().unwrap().to_owned();
        *pieces.entry(product).or_default() += item["quantity"].as_i64().unwrap();
    }
    pieces
}

/// No piece is lost or made: sold are those of completed orders, and only those that a person must look for are still
/// set aside.
async fn stock_adds_up(shop: &Shop, told: &Value, ends: &[Order]) {
    let (sold, set_aside) = (pieces(ends, "COMPLETED"), pieces(ends, "NEEDS_ATTENTION"));
    for before in told.as_array().unwrap().iter().map(Stock::read) {
        let now = shop.stock(&before.product).await;
        let all = before.available() + before.reserved() + before.sold();
        let of = |pieces: &BTreeMap<String, i64>| pieces.get(&before.product).copied().unwrap_or_default();
        let (sold, set_aside) = (of(&sold), of(&set_aside));
        let expected = (all - set_aside - sold, set_aside, sold);
        assert_eq!((now.available(), now.reserved(), now.sold()), expected, "before: {before:?}");
    }
}

/// What customers could not be told stays known, and what was to be tried again has been.
async fn nothing_undelivered_is_forgotten(shop: &Shop, told: &Value) {
    eventually("all that could not be delivered is a dead letter", async || {
        let outbox = shop.get("/_omniflow/outbox").await.success();
        let dead = outbox["dead_letters"].as_array().unwrap();
        let all =
            told.as_array().unwrap().iter().all(|event| dead.iter().any(|dead| dead["event"] == *event));
        if all && outbox["waiting"] == Value::Array(Vec::new()) { Ok(()) } else { Err(outbox) }
    })
    .await;
}

#[tokio::test]
async fn orders_of_an_earlier_release_come_to_their_ends() {
    for left in Left::by_each_release() {
        let Some(runtime) = Runtime::own(&left.settings()) else { return };
        let shop = runtime.shop();
        println!("data of release {}", left.release());
        let mut ends = Vec::new();
        for story in left.orders() {
            let order = story.goes_on(&shop).await;
            went_on_where_it_was(&story.order(), &order);
            money_is_where_it_belongs(&order);
            workflow_has_ended(&shop, &order).await;
            ends.push(order);
        }
        ended_orders_read_as_before(&left, &shop).await;
        stock_adds_up(&shop, &left.told["stock"], &ends).await;
        nothing_undelivered_is_forgotten(&shop, &left.told["undelivered"]).await;

        let mut listed: Vec<_> = shop.all_orders().await.iter().map(|order| order.id().to_owned()).collect();
        let mut known: Vec<_> = ends.iter().map(|order| order.id().to_owned()).collect();
        listed.sort();
        known.sort();
        assert_eq!(listed, known, "orders nobody knows, or orders lost, in the list");
        for story in left.orders() {
            story.is_asked_for_again(&shop).await;
        }
    }
}

/// The version that a file says it has.
fn version_of(file: &Path) -> i64 {
    let connection = Connection::open(file).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn set_version(file: &Path, version: i64) {
    Connection::open(file).unwrap().pragma_update(None, "user_version", version).unwrap();
}

#[tokio::test]
async fn data_of_a_later_release_is_refused_in_one_line_and_left_as_it_is() {
    for file in ["journal.db", "tables.db"] {
        let left = Left::by_each_release().pop().unwrap();
        let path = left.path(file);
        let version = version_of(&path);
        set_version(&path, 1000);
        let before = fs::read(&path).unwrap();

        let said = refusal(&left.settings());
        assert!(said.contains(&format!("{file} was written by a later release")), "{said}");
        assert!(said.contains(left.data.path().to_str().unwrap()), "which folder? {said}");
        assert!(said.contains("--data"), "what to do? {said}");
        assert_eq!(fs::read(&path).unwrap(), before, "{file} was changed");

        set_version(&path, version);
        let Some(runtime) = Runtime::own(&left.settings()) else { return };
        ended_orders_read_as_before(&left, &runtime.shop()).await;
    }
}
