//! Clients that hang up, that close their half of the connection, that don't read, and many at once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use omniflow_e2e::{EVERYWHERE, Runtime, Seed, Settings, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

fn host(runtime: &Runtime) -> String {
    runtime.url().strip_prefix("http://").unwrap().to_owned()
}

fn one() -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": EVERYWHERE, "quantity": 1, "price": 10 }] })
}

/// The template without a sweeper that would do later what was left undone.
fn without_sweeps() -> (TempDir, Settings) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(repository.join("template.yaml")).unwrap();
    let changed = text.replace("Schedule: rate(1 minute)", "Schedule: rate(1 day)");
    assert_ne!(changed, text, "the sweeper's schedule is another");
    fs::write(folder.path().join("template.yaml"), changed).unwrap();
    symlink(repository.join("statemachine"), folder.path().join("statemachine")).unwrap();
    let path = folder.path().join("template.yaml");
    let settings = Settings::default().arguments(["--template", path.to_str().unwrap()]);
    (folder, settings.payment_window(600))
}

async fn place_many(shop: &Shop, count: usize) -> Vec<String> {
    let placed = (0..count).map(|_| {
        let shop = shop.clone();
        async move { shop.place_unpaid(&one()).await }
    });
    stream::iter(placed).buffer_unordered(16).collect().await
}

/// Sends the request to pay, and hangs up after a moment without reading an answer.
async fn pay_and_hang_up(host: &str, id: &str, moment: Duration) {
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request =
        format!("POST /api/v1/orders/{id}/pay HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(moment).await;
    // The other side learns it at once, by a reset.
    stream.set_zero_linger().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_goes_on_although_the_client_has_hung_up() {
    const ORDERS: usize = 120;
    let (_template, settings) = without_sweeps();
    let Some(runtime) = Runtime::own(&settings) else { return };
    let (shop, host) = (runtime.shop(), host(&runtime));
    let ids = place_many(&shop, ORDERS).await;
    let mut seed = Seed::new();
    let moments: Vec<_> =
        ids.iter().map(|_| seed.moment(Duration::ZERO, Duration::from_millis(12))).collect();
    let paying = ids.iter().zip(moments).map(|(id, moment)| pay_and_hang_up(&host, id, moment));
    stream::iter(paying).buffer_unordered(24).collect::<Vec<_>>().await;
    // An order whose request was cut off before it was read still waits, and can be paid.
    for id in &ids {
        let order = shop.read(id).await;
        if order.state() == "AWAITING_PAYMENT" {
            let answer = shop.pay(id).await;
            assert!(answer.is_success() || answer.status == 409, "{answer:?}");
        }
    }
    let ends = ids.iter().map(|id| shop.ends_within(Duration::from_secs(40), id));
    let ends: Vec<_> = stream::iter(ends).buffer_unordered(32).collect().await;
    assert!(ends.iter().all(|order| order.state() == "COMPLETED"), "{ends:?}");
}

#[tokio::test]
async fn a_client_that_has_closed_its_half_gets_its_answer() {
    let runtime = Runtime::shared();
    if runtime.is_foreign() {
        return;
    }
    for (url, request) in [
        (runtime.url(), "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (runtime.url(), "GET /api/v1/stock HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (runtime.aws_url(), "GET /_omniflow/stats HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ] {
        let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{request}: {answer}");
    }
}

/// Brings enough for all who buy, straight into the table as an operator would.
async fn stock_up(runtime: &Runtime) {
    let aws = runtime.aws().unwrap();
    for place in runtime.shop().stock(EVERYWHERE).await.places {
        let update = json!({
            "TableName": aws.table("StockTable").await,
            "Key": { "product_id": { "S": EVERYWHERE }, "warehouse_id": { "S": place.warehouse } },
            "UpdateExpression": "SET available = available + :many",
            "ExpressionAttributeValues": { ":many": { "N": "10000" } },
        });
        aws.dynamodb("UpdateItem", &update).await;
    }
}

/// 3,000 orders are paid at once while each payment takes 3 s: nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_steps_hold_up_neither_health_nor_reads_nor_decisions() {
    const ORDERS: usize = 3_000;
    const AT_ONCE: usize = 128;
    // In a debug build on a busy machine; a queue behind the slow steps would take more than a minute.
    const LONGEST: Duration = Duration::from_secs(10);
    let settings = Settings::default().payment_window(3_000).parameter("SimulatedLatencyMillis", 3_000);
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    stock_up(&runtime).await;
    // They bring their payment, so that they are paid as soon as their stock is reserved.
    let mut prepaid = one();
    prepaid["payment"] = json!({ "method": "pm_card" });
    let ordering = (0..ORDERS).map(|_| shop.order(&prepaid));
    let mut ordering = stream::iter(ordering).buffer_unordered(AT_ONCE);
    while let Some(answer) = ordering.next().await {
        answer.success();
    }
    // 3,000 payments of 3 s on 128 places are under way for more than a minute from here on.
    for _ in 0..5 {
        let begun = Instant::now();
        shop.get("/health").await.success();
        assert!(begun.elapsed() < LONGEST, "/health took {:?}", begun.elapsed());
        let begun = Instant::now();
        let id = shop.place(&one()).await;
        shop.read(&id).await;
        shop.cancel(&id).await.success();
        assert!(begun.elapsed() < LONGEST, "ordering and cancelling took {:?}", begun.elapsed());
    }
    let unpaid = shop.get("/api/v1/summary").await.success();
    assert_ne!(unpaid["states"]["COMPLETED"], ORDERS, "the payments were not slow: {unpaid}");
}

/// The resident memory of a process, in KiB (proc(5), `VmRSS` of `/proc/PID/status`).
fn memory_of(runtime: &Runtime) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", runtime.process_id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Clients ask again and again for something large, and never read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_take_little_memory_and_others_are_served() {
    const CLIENTS: usize = 1_500;
    const REQUESTS: usize = 50;
    /// What they may take, in KiB. Without a bound it is the size of the answer for each client.
    const MOST: u64 = 150_000;
    let Some(runtime) = Runtime::own(&Settings::default()) else { return };
    let (shop, host) = (runtime.shop(), host(&runtime));
    let size = u64::try_from(shop.get("/openapi.json").await.text.len()).unwrap();
    assert!(
        size * u64::try_from(CLIENTS).unwrap() / 1024 > MOST,
        "the answer is too small to prove anything"
    );
    let Some(before) = memory_of(&runtime) else { return };
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(REQUESTS);
    let asking = (0..CLIENTS).map(|_| async {
        // A small window: what the kernel holds for a client is not the process's.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let mut stream = socket.connect(host.parse().unwrap()).await.unwrap();
        // When it has been hung up on, it can't send any more.
        let _ = stream.write_all(requests.as_bytes()).await;
        stream
    });
    let mut clients = Vec::new();
    let mut most = 0;
    let mut asking = stream::iter(asking).buffer_unordered(64);
    while let Some(client) = asking.next().await {
        clients.push(client);
        most = most.max(memory_of(&runtime).unwrap());
    }
    for _ in 0..10 {
        let begun = Instant::now();
        // A connection that was kept may be closed to make room just when it is used again (RFC 9112, section
        // 9.3.1); another one is served.
        while shop.try_send(Method::GET, "/api/v1/stock", &[], None).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody answers: {:?}", begun.elapsed());
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "others wait: {:?}", begun.elapsed());
        most = most.max(memory_of(&runtime).unwrap());
    }
    assert!(most < before + MOST, "{before} KiB became {most} KiB");
    drop(clients);
}
