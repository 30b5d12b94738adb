//! What a shop would write: a nightly count of its stock, one child execution for each of ten thousand products, on an
//! engine whose process dies in the middle of it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use engine::{Engine, ExecutionStatus, Health, ManualClock, MapRunCounts, MapRunDescription, PageRequest};
use serde_json::{Value, json};
use support::{Outside, create, eventually, open, open_with, some_time, start};

const PRODUCTS: usize = 10_000;

/// The machine, which `docs/distributed-map.md` shows, too.
fn machine() -> Value {
    serde_json::from_str(include_str!("nightly-count.asl.json")).unwrap()
}

fn product(number: usize) -> String {
    format!("SKU-{number:05}")
}

/// The shop's functions: one lists the products, the other counts one of them.
fn shop() -> Outside {
    Outside::new(|function, event| match function {
        "list-products" => Ok((0..PRODUCTS).map(|number| json!(product(number))).collect()),
        _ => {
            assert_eq!(event["warehouse"], "north");
            let number: usize = event["product"].as_str().unwrap()[4..].parse().unwrap();
            Ok(json!(number % 7))
        }
    })
}

fn is_dead(engine: &Engine) -> bool {
    matches!(engine.health(), Health::Unhealthy(trouble) if trouble.is_final())
}

fn run_of(engine: &Engine, execution: &str) -> Option<MapRunDescription> {
    let page = engine.list_map_runs(execution, &PageRequest::default()).unwrap();
    page.map_runs.first().map(|run| engine.describe_map_run(&run.arn).unwrap())
}

fn expected() -> String {
    let pieces: usize = (0..PRODUCTS).map(|number| number % 7).sum();
    json!({ "counted": PRODUCTS, "pieces": pieces }).to_string()
}

/// How often each product was counted.
fn counted(outside: &Outside) -> HashMap<String, usize> {
    let mut counted = HashMap::new();
    for (function, event) in outside.calls() {
        if function == "count-product" {
            *counted.entry(event["product"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_products_are_counted_each_once_though_the_process_dies_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, before, after) = (ManualClock::starting_at(some_time()), shop(), shop());
    // It dies in a commit, so that nothing of that group is kept, as when the process is killed.
    let commits = Arc::new(AtomicUsize::new(0));
    let (count, calls) = (Arc::clone(&commits), before.clone());
    let dies = move || {
        count.fetch_add(1, SeqCst);
        assert!(calls.calls().len() < PRODUCTS / 3, "the death that this test is about");
        Ok(())
    };
    let engine = open_with(folder.path(), &clock, &before, dies);
    let machine = create(&engine, "nightly", &machine()).await;
    let arn = start(&engine, &machine, "2027-01-15", &json!({ "warehouse": "north" })).await;
    eventually("it dies", || is_dead(&engine)).await;
    let committed = commits.load(SeqCst);
    let finished: Vec<_> = {
        let run = run_of(&engine, &arn).unwrap();
        assert!(run.executions.running <= 500, "{:?}", run.executions);
        assert!(
            run.executions.total == PRODUCTS as u64 && run.executions.succeeded > 0,
            "{:?}",
            run.executions
        );
        // The work is spread over many commits, and no more children exist than have had room.
        assert!(committed > 5, "{committed} commits");
        assert!(run.executions.pending > PRODUCTS as u64 / 2, "{:?}", run.executions);
        succeeded(&engine, &run.arn)
    };
    engine.shut_down();

    let engine = open(folder.path(), &clock, &after);
    // As long as it goes on, it may take its time.
    while engine.describe_execution(&arn).unwrap().status == ExecutionStatus::Running {
        let so_far = after.calls().len();
        eventually("the count goes on", || {
            after.calls().len() > so_far
                || engine.describe_execution(&arn).unwrap().status != ExecutionStatus::Running
        })
        .await;
    }
    let end = engine.describe_execution(&arn).unwrap();
    assert_eq!((end.status, end.output), (ExecutionStatus::Succeeded, Some(expected())));
    let all = MapRunCounts { succeeded: PRODUCTS as u64, total: PRODUCTS as u64, ..MapRunCounts::default() };
    assert_eq!(run_of(&engine, &arn).unwrap().executions, all);
    // What had been counted was not counted again, and what was being counted was counted once more.
    let again = counted(&after);
    assert!(finished.iter().all(|product| !again.contains_key(product)));
    assert!(again.values().all(|times| *times == 1));
    assert_eq!(again.len() + finished.len(), PRODUCTS);
    engine.shut_down();
}

/// The products of the children that have succeeded.
fn succeeded(engine: &Engine, run: &str) -> Vec<String> {
    let (mut products, mut next) = (Vec::new(), None);
    loop {
        let page = PageRequest { limit: 1000, next };
        let status = Some(ExecutionStatus::Succeeded);
        let page = engine.list_map_run_executions(run, status, &page).unwrap();
        products.extend(page.executions.iter().map(|child| {
            let input: Value = serde_json::from_str(&child.input).unwrap();
            input["product"].as_str().unwrap().to_owned()
        }));
        next = page.next;
        if next.is_none() {
            return products;
        }
    }
}
