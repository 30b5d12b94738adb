//! What the local runtime counts, for Prometheus and for the console.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use omniflow_e2e::{EVERYWHERE, Runtime, Settings, eventually};
use serde_json::json;

/// The value of a line of `/metrics`, which begins with this name and its labels.
async fn value(runtime: &Runtime, name: &str) -> Option<f64> {
    let answer = reqwest::get(format!("{}/metrics", runtime.aws_url())).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map(|value| value.parse().unwrap())
}

async fn reaches(runtime: &Runtime, name: &str, wanted: f64) {
    eventually(name, async || match value(runtime, name).await {
        Some(value) if value == wanted => Ok(()),
        other => Err(json!(other)),
    })
    .await;
}

#[tokio::test]
async fn orders_are_counted_by_their_outcomes_and_phases_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::default().payment_window(3_000).data(folder.path());
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    let wanted = |method: &str| json!({ "items": [EVERYWHERE], "payment": { "method": method } });
    let completed = shop.place(&wanted("pm_card")).await;
    shop.reaches(&completed, "COMPLETED").await;
    let declined = shop.place(&wanted("pm_declined")).await;
    shop.reaches(&declined, "CANCELLED").await;
    let lamp = json!({ "items": ["fragile-lamp"], "payment": { "method": "pm_card" } });
    let retried = shop.place(&lamp).await;
    shop.reaches(&retried, "COMPLETED").await;
    const COMPLETED: &str = "omniflow_orders_total{outcome=\"completed\"}";
    const CANCELLED: &str = "omniflow_orders_total{outcome=\"cancelled\"}";
    const RESERVED: &str = "omniflow_order_phase_seconds_count{phase=\"reserve\"}";
    reaches(&runtime, COMPLETED, 2.0).await;
    reaches(&runtime, CANCELLED, 1.0).await;
    reaches(&runtime, RESERVED, 3.0).await;
    reaches(&runtime, "omniflow_task_retries_total", 2.0).await;
    reaches(&runtime, "omniflow_open_executions", 0.0).await;
    shop.place_unpaid(&json!({ "items": [EVERYWHERE] })).await;
    // The order waits, and so does its payment window.
    reaches(&runtime, "omniflow_open_executions", 2.0).await;
    for (name, value_there) in [("omniflow_healthy", 1.0), ("omniflow_dead_letters", 0.0)] {
        assert_eq!(value(&runtime, name).await, Some(value_there), "{name}");
    }
    let told = shop.get("/api/v1/metrics").await.success();
    let minutes = told["minutes"].as_array().unwrap();
    let ended: u64 = minutes.iter().filter_map(|minute| minute["outcomes"]["completed"].as_u64()).sum();
    assert_eq!((minutes.len(), ended, &told["retries"]), (60, 2, &json!(2)));
    assert!(told["phases"]["complete"]["p95"].is_number(), "{told}");

    assert!(runtime.terminate().success());
    let Some(runtime) = Runtime::own(&settings) else { return };
    assert_eq!(value(&runtime, COMPLETED).await, Some(2.0), "what was counted before is kept");
    // The engine counts from the start on; what is open is open.
    assert_eq!(value(&runtime, "omniflow_task_retries_total").await, Some(0.0));
    reaches(&runtime, "omniflow_open_executions", 2.0).await;
}
