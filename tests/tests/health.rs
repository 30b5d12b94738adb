//! `/health` tells the truth: 503 with the reason while orders can't proceed, 200 when they can again. A process that
//! can't recover by itself ends, and its next start goes on.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use omniflow_e2e::{Answer, EVERYWHERE, Runtime, Settings, Shop, eventually};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

fn one() -> Value {
    json!({ "customer_id": "customer", "items": [{ "product_id": EVERYWHERE, "quantity": 1, "price": 10 }] })
}

/// Limits the size of the process's files, which is how a disk is full for it.
fn limit_files(runtime: &Runtime, bytes: Option<u64>) {
    let process = Pid::from_raw(i32::try_from(runtime.process_id()).unwrap());
    prlimit(process, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
}

async fn health(shop: &Shop) -> Answer {
    shop.get("/health").await
}

async fn becomes_healthy(shop: &Shop) {
    eventually("/health is 200", async || {
        let answer = health(shop).await;
        if answer.status == 200 { Ok(()) } else { Err(answer) }
    })
    .await;
}

async fn becomes_unhealthy(shop: &Shop) -> String {
    let answer = eventually("/health is 503", async || {
        let answer = health(shop).await;
        if answer.status == 503 { Ok(answer) } else { Err(answer) }
    })
    .await;
    assert_eq!(answer.header("retry-after"), "1");
    answer.problem(503).detail
}

#[tokio::test]
async fn while_the_disk_is_full_health_is_503_with_the_reason_and_then_200_again_by_itself() {
    let settings = Settings::default().payment_window(3_000).survives_file_limit();
    let Some(runtime) = Runtime::own(&settings) else { return };
    let shop = runtime.shop();
    let waiting = shop.place_unpaid(&one()).await;
    health(&shop).await.success();

    limit_files(&runtime, Some(4096));
    let refused = shop.pay(&waiting).await;
    assert!(refused.status >= 500, "{refused:?}");
    let detail = becomes_unhealthy(&shop).await;
    assert!(detail.contains("can't be written"), "{detail}");
    // What reads goes on.
    shop.read(&waiting).await;

    limit_files(&runtime, None);
    becomes_healthy(&shop).await;
    shop.pay(&waiting).await.success();
    shop.reaches(&waiting, "COMPLETED").await;
    let log = runtime.log();
    let errors = log.lines().filter(|line| line.contains(" ERROR ")).count();
    assert!(errors < 40, "{errors} lines of errors: {log}");
}

/// A library that lets fsync fail while a file exists.
fn failing_sync(folder: &TempDir) -> (PathBuf, PathBuf) {
    let (source, library, switch) =
        (folder.path().join("sync.c"), folder.path().join("sync.so"), folder.path().join("fails"));
    let code = format!(
        r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
static int sync_by(const char *name, int file) {{
    if (access("{}", F_OK) == 0) {{ errno = EIO; return -1; }}
    int (*next)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    return next(file);
}}
int fsync(int file) {{ return sync_by("fsync", file); }}
int fdatasync(int file) {{ return sync_by("fdatasync", file); }}
"#,
        switch.display()
    );
    fs::write(&source, code).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(compiled.success());
    (library, switch)
}

#[tokio::test]
async fn after_a_failed_sync_the_process_ends_for_its_supervisor_and_the_next_one_goes_on() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (library, switch) = failing_sync(&folder);
    let settings = Settings::default().payment_window(3_000).data(data.path());
    let preloaded = settings.clone().environment("LD_PRELOAD", library.to_str().unwrap());
    let Some(runtime) = Runtime::own(&preloaded) else { return };
    let shop = runtime.shop();
    let waiting = shop.place_unpaid(&one()).await;
    fs::write(&switch, "").unwrap();
    // It may get an answer, but no success: nothing of it is safe.
    if let Ok(answer) = shop.try_pay(&waiting).await {
        assert!(!answer.is_success(), "{answer:?}");
    }
    let (status, said) = runtime.ends_by_itself();
    assert_eq!(status.code(), Some(75), "{said}");
    let says_why = |line: &str| line.starts_with("omniflow: ") && line.contains("exit code 75");
    assert!(said.lines().any(says_why), "{said}");

    let runtime = Runtime::own(&settings).unwrap();
    let shop = runtime.shop();
    becomes_healthy(&shop).await;
    if shop.read(&waiting).await.state() == "AWAITING_PAYMENT" {
        shop.pay(&waiting).await.success();
    }
    shop.reaches(&waiting, "COMPLETED").await;
}

/// The runtime in memory has no disk to fail.
#[tokio::test]
async fn in_memory_health_is_200() {
    let Some(runtime) = Runtime::own(&Settings::default().in_memory()) else { return };
    health(&runtime.shop()).await.success();
}
