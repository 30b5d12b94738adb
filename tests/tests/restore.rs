//! Tables of a deployed stack are put back to an earlier moment while an order waits (docs/restore.md), and the order goes on.
//! An emulator needs no moment to have passed: it puts them back to what they held just before they were deleted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use omniflow_e2e::Runtime;
use serde_json::json;

/// Runs `operations/restore.sh` for a stack, and types this when it asks for the stack's name.
fn restore(stack: &str, typed: &str) -> Output {
    let mut restore = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../operations/restore.sh"));
    let moment = chrono::Utc::now().format("%FT%TZ").to_string();
    restore.args([stack, &moment]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = restore.spawn().unwrap();
    writeln!(running.stdin.take().unwrap(), "{typed}").unwrap();
    running.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("{out}{err}")
}

// A thread of its own notices meanwhile that the API closes connections that nothing is sent over: the request after the
// restore would else go out over a closed one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_order_that_waits_goes_on_after_its_tables_were_put_back() {
    let Ok(stack) = std::env::var("OMNIFLOW_RESTORE") else {
        println!("skipped: OMNIFLOW_RESTORE names the stack behind OMNIFLOW_URL whose tables are put back");
        return;
    };
    let runtime = Runtime::shared();
    let shop = runtime.shop();
    let before = shop.stock("Mac Pro").await;
    let body = json!({ "amount": 20_000, "items": ["Mac Pro"], "payment": { "method": "pm_card" } });
    let id = shop.place(&body).await;
    shop.reaches(&id, "AWAITING_AUDIT").await;

    let refused = restore(&stack, "another stack");
    assert!(
        !refused.status.success() && said(&refused).contains("Nothing was changed."),
        "{}",
        said(&refused)
    );
    let restored = restore(&stack, &stack);
    assert!(restored.status.success(), "{}", said(&restored));

    assert_eq!(shop.read(&id).await.state(), "AWAITING_AUDIT");
    shop.audit(&id, "APPROVE").await.success();
    let order = shop.ends(&id).await;
    assert_eq!((order.state(), order.money()), ("COMPLETED", "CAPTURED"), "{order:?}");
    shop.stock("Mac Pro").await.is_after_selling(1, &before);
    let next = shop
        .place(&json!({ "amount": 20, "items": ["iPhone 15"], "payment": { "method": "pm_card" } }))
        .await;
    assert_eq!(shop.ends(&next).await.state(), "COMPLETED");
}
