//! `kill -9` at any moment, a new start on the same data: no order is lost, no effect doubled, nothing acknowledged is
//! forgotten, and timers that came due meanwhile fire at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conservation;
mod customers;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::stream::{self, StreamExt as _};
use omniflow_e2e::{EVERYWHERE, Order, Runtime, Seed, Settings, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;

use conservation::{
    deliver, every_step_happened_once, histories_have_no_gaps, money_is_conserved, stock_is_conserved,
};
use customers::{Book, buy_until_the_end, one_of};

const WINDOW_SECONDS: u32 = 3;
/// How often the process is killed; `OMNIFLOW_CRASH_ROUNDS` sets another number.
const ROUNDS: u64 = 8;
/// Within this time of the last start all orders must have ended: the payment window, retries, and time to spare. What
/// a crash left behind goes on at the start and doesn't wait for some later sweep.
const SETTLED: Duration = Duration::from_secs(40);

/// Customers who buy from one folder of data, whatever happens to the process.
struct Trade {
    settings: Settings,
    seed: Mutex<Seed>,
    book: Mutex<Book>,
    stock_before: Value,
    _data: TempDir,
}

impl Trade {
    async fn open() -> Option<Self> {
        let data = tempfile::tempdir().unwrap();
        let settings = Settings::default().payment_window(WINDOW_SECONDS).data(data.path());
        let runtime = Runtime::own(&settings)?;
        deliver(&runtime).await;
        let stock_before = runtime.shop().get("/api/v1/stock").await.success();
        assert!(runtime.terminate().success());
        let (seed, book) = (Mutex::new(Seed::new()), Mutex::new(Book::default()));
        Some(Self { settings, seed, book, stock_before, _data: data })
    }

    /// One life of the process, at most so long and ended like this, with everyone buying.
    async fn live(&self, longest: Duration, end: impl FnOnce(Runtime) + Send + 'static) {
        let runtime = Runtime::own(&self.settings).unwrap();
        let shop = runtime.shop();
        let life = self.seed.lock().unwrap().moment(Duration::from_millis(1), longest);
        let killer = async {
            tokio::time::sleep(life).await;
            tokio::task::spawn_blocking(|| end(runtime)).await.unwrap();
        };
        tokio::join!(buy_until_the_end(&shop, &self.book, &self.seed), killer);
    }

    /// Starts a last time, waits until all orders have ended, and looks at everything.
    async fn settle(self) {
        let runtime = Runtime::own(&self.settings).unwrap();
        let shop = runtime.shop();
        let mut book = self.book.into_inner().unwrap();
        book.ask_again(&shop).await;
        println!("{} orders", book.orders.len());
        assert!(!book.orders.is_empty(), "no orders, no proof");

        let ends = book.orders.keys().map(|id| shop.ends_within(SETTLED, id));
        let ends: Vec<Order> = stream::iter(ends).buffer_unordered(64).collect().await;
        let complaints: Vec<_> = ends.iter().filter_map(|order| book.complaint(order)).collect();
        assert!(complaints.is_empty(), "{} of {}: {}", complaints.len(), ends.len(), complaints.join("\n"));
        let listed: Vec<_> = shop.all_orders().await.iter().map(|order| order.id().to_owned()).collect();
        assert_eq!(listed.len(), book.orders.len(), "orders nobody knows, or orders lost, in the list");
        assert!(listed.iter().all(|id| book.orders.contains_key(id)), "orders nobody knows: {listed:?}");

        every_step_happened_once(&ends);
        stock_is_conserved(&shop, &self.stock_before, &ends).await;
        money_is_conserved(&runtime, &ends).await;
        histories_have_no_gaps(&runtime, &ends).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_in_the_middle_of_many_orders_every_order_ends_as_it_should() {
    let rounds = std::env::var("OMNIFLOW_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok());
    let Some(trade) = Trade::open().await else { return };
    for round in 0..rounds.unwrap_or(ROUNDS) {
        // Every third life is cut short in its first moments: recovery must survive being killed, too.
        let longest = Duration::from_millis(if round % 3 == 2 { 60 } else { 1500 });
        trade.live(longest, Runtime::kill).await;
    }
    trade.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_in_the_middle_of_many_orders_it_ends_well_and_loses_none() {
    let Some(trade) = Trade::open().await else { return };
    for _ in 0..3 {
        trade
            .live(Duration::from_millis(800), |runtime| assert_eq!(runtime.terminate().code(), Some(0)))
            .await;
    }
    trade.settle().await;
}

#[tokio::test]
async fn what_was_acknowledged_just_before_the_kill_still_holds() {
    let data = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(600).data(data.path());
    let (mut paid, mut cancelled, mut approved, mut rejected) = (vec![], vec![], vec![], vec![]);
    for _ in 0..5 {
        let Some(runtime) = Runtime::own(&settings) else { return };
        let shop = runtime.shop();
        let mut ids = Vec::new();
        for price in [10, 10, 20_000, 20_000] {
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
    let document: Value = serde_json::from_str(item["document"]["S"].as_str().unwrap()).unwrap();
    let version: u64 = item["version"]["N"].as_str().unwrap().parse().unwrap();
    let now = Utc::now().timestamp_millis();

    // The payment was accepted, its workflow doesn't know.
    let mut pay = document.clone();
    pay["payment"]["method"] = json!("pm_card");
    pay["payment"]["state"] = json!("AUTHORISED");
    pay["timeline"].as_array_mut().unwrap().push(json!(["PAYMENT_RECEIVED", now]));
    let pay = item_of(&paid, version + 1, "PAYMENT_RECEIVED", ("PAID", now), &pay);

    // Another order was accepted, its workflow was never started.
    let accepted = format!("ORD-{now}000000");
    let mut create = document;
    create["payment"] = json!({ "state": "PENDING" });
    create["reservation"] = json!("NONE");
    create["timeline"].as_array_mut().unwrap().truncate(1);
    for later in ["shipments", "task_token"] {
        create.as_object_mut().unwrap().remove(later);
    }
    let create = item_of(&accepted, 1, "RECEIVED", ("START", now), &create);

    for item in [pay, create] {
        aws.dynamodb("PutItem", &json!({ "TableName": table, "Item": item })).await;
    }
    runtime.kill();

    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    shop.reaches_within(SETTLED, &paid, "COMPLETED").await;
    shop.reaches_within(SETTLED, &accepted, "AWAITING_PAYMENT").await;
}

/// An order's item, as the functions write it.
fn item_of(id: &str, version: u64, status: &str, (signal, since): (&str, i64), document: &Value) -> Value {
    json!({
        "order_id": { "S": id },
        "version": { "N": version.to_string() },
        "status": { "S": status },
        "pending_signal": { "S": signal },
        "pending_since": { "N": since.to_string() },
        "document": { "S": document.to_string() },
    })
}
