//! The quotas of AWS on what an execution holds (AWS Step Functions Developer Guide, "Service quotas" and "Passing data
//! between states with variables", "Limits").

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use asl::Outcome;
use common::Host;
use serde_json::{Value, json};

/// Runs a machine in JSONata to its end, and gives the error name if it fails. Tasks answer with their arguments.
fn run(states: Value, start: &str, input: Value) -> Option<String> {
    let definition = json!({ "QueryLanguage": "JSONata", "StartAt": start, "States": states });
    let mut host = Host::run(&definition, input);
    while !host.calls.is_empty() {
        let call = host.call();
        host.succeed(call.task, Value::clone(&call.arguments));
    }
    match host.execution.outcome().unwrap() {
        Outcome::Succeeded { .. } => None,
        Outcome::Failed { error, .. } => error.clone(),
        other => panic!("{other:?}"),
    }
}

const TOO_LARGE: Option<&str> = Some("States.DataLimitExceeded");

fn text(kib: usize) -> String {
    "x".repeat(kib * 1024 - 2)
}

#[test]
fn a_variable_and_all_of_one_assign_have_256_kib() {
    let assign = |variables: Value| {
        let set = json!({ "Type": "Pass", "Assign": variables, "Output": {}, "End": true });
        run(json!({ "Set": set }), "Set", json!({}))
    };
    assert_eq!(assign(json!({ "a": text(256) })), None);
    assert_eq!(assign(json!({ "a": format!("{}x", text(256)) })).as_deref(), TOO_LARGE);
    assert_eq!(assign(json!({ "a": text(128), "b": text(128) })), None);
    assert_eq!(assign(json!({ "a": text(128), "b": text(129) })).as_deref(), TOO_LARGE);
}

/// States that set so many variables of 256 KiB each, one after another.
fn setting(count: usize, name: impl Fn(usize) -> String) -> Value {
    let mut states = serde_json::Map::new();
    for n in 0..count {
        let next = format!("S{}", n + 1);
        let variables = json!({ name(n): "{% $states.input %}" });
        states.insert(format!("S{n}"), json!({ "Type": "Pass", "Assign": variables, "Next": next }));
    }
    states.insert(format!("S{count}"), json!({ "Type": "Pass", "Output": {}, "End": true }));
    Value::Object(states)
}

#[test]
fn all_variables_of_an_execution_have_10_mib() {
    let each = |n: usize| format!("v{n}");
    assert_eq!(run(setting(40, each), "S0", json!(text(256))), None);
    assert_eq!(run(setting(41, each), "S0", json!(text(256))).as_deref(), TOO_LARGE);
    // What is set again takes the place of what it was.
    assert_eq!(run(setting(60, |_| "same".to_owned()), "S0", json!(text(256))), None);
}

#[test]
fn variables_of_branches_count_while_the_branches_run() {
    let waits = |set: Value| {
        json!({ "StartAt": "Ask", "States": {
            "Ask": { "Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "Arguments": {},
                "Assign": set, "Next": "Again" },
            "Again": { "Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "Arguments": {},
                "Output": 1, "End": true } } })
    };
    let map = |items: usize, concurrency: usize| {
        let items: Vec<_> = (0..items).collect();
        let each = json!({ "Type": "Map", "Items": items, "MaxConcurrency": concurrency, "End": true, "Output": {},
            "ItemProcessor": waits(json!({ "v": text(256) })) });
        run(json!({ "Each": each }), "Each", json!({}))
    };
    assert_eq!(map(50, 10), None, "an iteration that has ended takes its variables with it");
    // 40 iterations run at once, and the execution has a variable of its own besides.
    let items: Vec<_> = (0..40).collect();
    let states = json!({
        "Own": { "Type": "Pass", "Assign": { "own": text(1) }, "Next": "Each" },
        "Each": { "Type": "Map", "Items": items, "End": true, "Output": {}, "ItemProcessor": waits(json!({ "v": text(256) })) } });
    assert_eq!(run(states, "Own", json!({})).as_deref(), TOO_LARGE);
}

#[test]
fn the_outputs_of_a_map_and_of_a_parallel_are_together_a_payload() {
    let output = |kib: usize| json!({ "StartAt": "P", "States": { "P": { "Type": "Pass", "Output": text(kib), "End": true } } });
    let map = |kib: usize, concurrency: usize| {
        let items: Vec<_> = (0..100).collect();
        let each = json!({ "Type": "Map", "Items": items, "MaxConcurrency": concurrency, "ItemProcessor": output(kib),
            "Output": {}, "End": true });
        run(json!({ "Each": each }), "Each", json!({}))
    };
    assert_eq!(map(2, 0), None);
    assert_eq!(map(3, 0).as_deref(), TOO_LARGE);
    assert_eq!(map(3, 1).as_deref(), TOO_LARGE);
    let parallel = |kib: usize| {
        let branches = ["P", "Q"].map(|name| {
            json!({ "StartAt": name, "States": { name: { "Type": "Pass", "Output": text(kib), "End": true } } })
        });
        let both = json!({ "Type": "Parallel", "Branches": branches, "Output": {}, "End": true });
        run(json!({ "Both": both }), "Both", json!({}))
    };
    assert_eq!(parallel(127), None);
    assert_eq!(parallel(128).as_deref(), TOO_LARGE);
}

#[test]
fn a_map_whose_outputs_are_too_large_begins_no_further_iterations() {
    let items: Vec<_> = (0..100).collect();
    let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "Each", "States": { "Each": {
        "Type": "Map", "Items": items, "MaxConcurrency": 1, "End": true, "ItemProcessor": {
            "StartAt": "P", "States": { "P": { "Type": "Pass", "Output": text(200), "End": true } } } } } });
    let host = Host::run(&definition, json!({}));
    let begun = host.history.iter().filter(|event| event.event_type == "MapIterationStarted").count();
    assert_eq!(begun, 2);
}

#[test]
fn inputs_of_branches_and_iterations_are_payloads() {
    let inner = json!({ "StartAt": "P", "States": { "P": { "Type": "Pass", "Output": 1, "End": true } } });
    let parallel = json!({ "Type": "Parallel", "Arguments": [text(128), text(128)], "Branches": [inner.clone()], "End": true });
    assert_eq!(run(json!({ "Both": parallel }), "Both", json!({})).as_deref(), TOO_LARGE);
    let map = json!({ "Type": "Map", "Items": [1], "ItemSelector": [text(128), text(128)], "ItemProcessor": inner, "End": true });
    assert_eq!(run(json!({ "Each": map }), "Each", json!({})).as_deref(), TOO_LARGE);
}
