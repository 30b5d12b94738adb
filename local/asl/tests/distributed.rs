//! Distributed Map: what the interpreter asks of its host, and what it makes of what the host reports.

mod common;

use asl::{Event, Machine, MachineType, MapRunChange, MapRunStart, Outcome, TaskId, Tolerated};
use common::Host;
use serde_json::{Value, json};

/// A machine whose state Count is a Distributed Map with these fields besides.
fn machine(fields: Value) -> Value {
    let mut state = json!({
        "Type": "Map", "End": true, "Label": "Shelves",
        "ItemProcessor": {
            "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" },
            "StartAt": "Shelf",
            "States": { "Shelf": { "Type": "Pass", "End": true } } } });
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        state[name] = value;
    }
    json!({ "StartAt": "Count", "States": { "Count": state, "After": { "Type": "Pass", "End": true } } })
}

/// The same, without the state that nothing leads to.
fn alone(fields: Value) -> Value {
    let mut machine = machine(fields);
    machine["States"].as_object_mut().expect("states").remove("After");
    machine
}

fn started(host: &Host) -> MapRunStart {
    match host.map_runs.last() {
        Some(MapRunChange::Started(start)) => (**start).clone(),
        other => panic!("{other:?}"),
    }
}

fn types(host: &Host) -> Vec<&'static str> {
    host.history.iter().map(|event| event.event_type).collect()
}

#[test]
fn a_run_begins_with_all_that_its_children_need() {
    let fields = json!({ "ItemsPath": "$.products", "MaxConcurrency": 7, "ToleratedFailureCount": 1,
                         "ToleratedFailurePercentage": 12.5 });
    let mut host = Host::run(&alone(fields), json!({ "products": ["mug", "jug", "cup"] }));
    let run = started(&host);
    assert_eq!(run.run, TaskId(1));
    assert!(
        run.arn.starts_with("arn:aws:states:eu-central-1:000000000000:mapRun:machine/Shelves:"),
        "{}",
        run.arn
    );
    assert_eq!((run.items, run.items_a_child, run.max_concurrency), (3, 1, 7));
    assert_eq!(run.tolerated, Tolerated { count: Some(1), percentage: Some(12.5) });
    assert_eq!(run.child_type, MachineType::Standard);
    // The definition stands for itself.
    Machine::parse_as(&run.definition, run.child_type).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(types(&host), ["ExecutionStarted", "MapStateEntered", "MapStateStarted", "MapRunStarted"]);

    assert_eq!(host.children(run.run, 0, 2), [(1, json!("mug")), (1, json!("jug"))]);
    assert_eq!(host.children(run.run, 2, 2), [(1, json!("cup"))]);
    assert_eq!(host.children(run.run, 3, 2), []);
    host.send(Event::MapRunSucceeded { run: run.run, output: json!([1, 2, 3]).into() });
    assert_eq!(host.output(), json!([1, 2, 3]));
    let after = ["MapRunSucceeded", "MapStateSucceeded", "MapStateExited", "ExecutionSucceeded"];
    assert_eq!(types(&host)[4..], after);
}

#[test]
fn children_have_the_language_of_their_machine() {
    let mut machine = alone(json!({ "Items": "{% $states.input %}" }));
    machine["QueryLanguage"] = json!("JSONata");
    machine["States"]["Count"]["ItemProcessor"]["States"]["Shelf"]["Output"] =
        json!("{% $states.input & '!' %}");
    let run = started(&Host::run(&machine, json!(["mug"])));
    let definition: Value = serde_json::from_str(&run.definition).expect("a definition");
    assert_eq!(
        (&definition["QueryLanguage"], &definition["ProcessorConfig"]),
        (&json!("JSONata"), &Value::Null)
    );
    Machine::parse(&run.definition).unwrap_or_else(|invalid| panic!("{invalid}"));
}

#[test]
fn a_selector_sees_the_item_and_its_index() {
    let selector =
        json!({ "product.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index", "night.$": "$.night" });
    let fields = json!({ "ItemsPath": "$.products", "ItemSelector": selector });
    let mut host = Host::run(&alone(fields), json!({ "night": 7, "products": ["mug", "jug"] }));
    assert_eq!(
        host.children(TaskId(1), 0, 9),
        [
            (1, json!({ "product": "mug", "at": 0, "night": 7 })),
            (1, json!({ "product": "jug", "at": 1, "night": 7 })),
        ]
    );
}

#[test]
fn batches_hold_as_many_items_as_their_number_and_their_bytes_allow() {
    let batch = |limits: Value| {
        let fields = json!({ "ItemsPath": "$.products", "ItemBatcher": limits });
        let mut host =
            Host::run(&alone(fields), json!({ "most": 2, "products": ["a", "b", "cc", "d", "e"] }));
        let children = host.children(TaskId(1), 0, 9);
        children.into_iter().map(|(_, input)| input["Items"].clone()).collect::<Vec<_>>()
    };
    let pairs = [json!(["a", "b"]), json!(["cc", "d"]), json!(["e"])];
    assert_eq!(batch(json!({ "MaxItemsPerBatch": 2 })), pairs);
    assert_eq!(batch(json!({ "MaxItemsPerBatchPath": "$.most" })), pairs);
    // {"Items":["a","b"]} has 19 bytes.
    assert_eq!(
        batch(json!({ "MaxInputBytesPerBatch": 19 })),
        [json!(["a", "b"]), json!(["cc"]), json!(["d", "e"])]
    );
    assert_eq!(
        batch(json!({ "MaxItemsPerBatch": 1, "MaxInputBytesPerBatch": 19 })),
        [json!(["a"]), json!(["b"]), json!(["cc"]), json!(["d"]), json!(["e"])]
    );
}

#[test]
fn a_batch_has_its_input_beside_its_items_and_the_selector_makes_the_items() {
    let fields = json!({ "ItemsPath": "$.products",
        "ItemSelector": { "sku.$": "$$.Map.Item.Value" },
        "ItemBatcher": { "MaxItemsPerBatch": 2, "BatchInput": { "night.$": "$.night" } } });
    let mut host = Host::run(&alone(fields), json!({ "night": 7, "products": ["mug", "jug"] }));
    assert_eq!(started(&host).items_a_child, 2);
    let input = json!({ "BatchInput": { "night": 7 }, "Items": [{ "sku": "mug" }, { "sku": "jug" }] });
    assert_eq!(host.children(TaskId(1), 0, 1), [(2, input)]);
}

#[test]
fn an_item_that_fits_into_no_batch_fails_the_state() {
    let fields = json!({ "ItemBatcher": { "MaxInputBytesPerBatch": 15 } });
    let mut host = Host::run(&alone(fields), json!(["a", "a long product"]));
    assert_eq!(host.children(TaskId(1), 0, 9), []);
    let (error, cause) = host.error();
    assert_eq!(error, "States.DataLimitExceeded");
    assert!(cause.contains("The item with the index 1 does not fit into a batch of 15 bytes."), "{cause}");
    assert_eq!(host.map_runs.last(), Some(&MapRunChange::Failed { run: TaskId(1) }));
}

#[test]
fn an_input_that_cannot_be_made_fails_the_run_and_the_state() {
    let fields = json!({ "ItemSelector": { "sku.$": "$$.Map.Item.Value.sku" } });
    let mut host = Host::run(&alone(fields), json!([{ "sku": "mug" }, {}]));
    assert_eq!(host.children(TaskId(1), 0, 1), [(1, json!({ "sku": "mug" }))]);
    assert_eq!(host.children(TaskId(1), 1, 1), []);
    assert_eq!(host.error().0, "States.Runtime");
    assert_eq!(types(&host)[4..], ["MapRunFailed", "ExecutionFailed"]);
    assert_eq!(host.map_runs.last(), Some(&MapRunChange::Failed { run: TaskId(1) }));
}

#[test]
fn too_many_failures_can_be_caught_and_retried_with_a_new_run() {
    let exceeded = "States.ExceedToleratedFailureThreshold";
    let fields = json!({
        "Retry": [{ "ErrorEquals": [exceeded], "IntervalSeconds": 1, "MaxAttempts": 1 }],
        "Catch": [{ "ErrorEquals": ["States.ALL"], "ResultPath": "$.caught", "Next": "After" }],
        "ItemsPath": "$.products",
    });
    let mut host = Host::run(&machine(fields), json!({ "products": ["mug"] }));
    let first = started(&host);
    host.send(Event::MapRunFailed { run: first.run });
    host.wake_until_quiet();
    let second = started(&host);
    assert!(second.run != first.run && second.arn != first.arn);
    // A report on the run that was given up changes nothing.
    let before = host.history.len();
    host.send(Event::MapRunSucceeded { run: first.run, output: json!([]).into() });
    assert_eq!(host.history.len(), before);
    host.send(Event::MapRunFailed { run: second.run });
    assert_eq!(
        host.output()["caught"],
        json!({
        "Error": exceeded, "Cause": "The specified tolerated failure threshold was exceeded" })
    );
    assert!(types(&host).ends_with(&[
        "MapRunFailed",
        "MapStateFailed",
        "MapStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]));
}

#[test]
fn outputs_that_are_too_large_fail_the_execution_and_a_redrive_begins_a_new_run() {
    let mut host = Host::run(&alone(json!({})), json!(["mug"]));
    let first = started(&host);
    host.send(Event::MapRunTooLarge { run: first.run });
    assert_eq!(host.error().0, "States.DataLimitExceeded");
    host.send(Event::Redrive);
    assert_ne!(started(&host).arn, first.arn);
}

#[test]
fn a_redrive_goes_on_with_the_run() {
    let mut host = Host::run(&alone(json!({})), json!(["mug", "jug"]));
    let run = started(&host);
    for redrive in 1..3 {
        host.send(Event::MapRunFailed { run: run.run });
        assert_eq!(host.error().0, "States.ExceedToleratedFailureThreshold");
        assert!(!host.execution.pending(run.run));
        host.send(Event::Redrive);
        assert_eq!(host.map_runs.last(), Some(&MapRunChange::Redriven { run: run.run }));
        assert!(host.execution.pending(run.run));
        let (member, details) = host.history.last().expect("events").details_json().expect("details");
        assert_eq!(member, "mapRunRedrivenEventDetails");
        assert_eq!(details, json!({ "mapRunArn": run.arn, "redriveCount": redrive }));
    }
    assert_eq!(host.children(run.run, 1, 5), [(1, json!("jug"))]);
    host.send(Event::MapRunSucceeded { run: run.run, output: json!(["done"]).into() });
    assert_eq!(host.output(), json!(["done"]));
}

#[test]
fn a_run_is_aborted_with_its_execution_or_its_parallel() {
    let aborted = MapRunChange::Aborted { run: TaskId(1) };
    let mut stopped = Host::run(&alone(json!({})), json!(["mug"]));
    stopped.send(Event::Abort { error: None, cause: None });
    assert!(matches!(stopped.execution.outcome(), Some(Outcome::Aborted { .. })));
    assert_eq!(types(&stopped)[4..], ["MapRunAborted", "ExecutionAborted"]);
    assert_eq!(stopped.map_runs.last(), Some(&aborted));

    let mut slow = alone(json!({}));
    slow["TimeoutSeconds"] = json!(60);
    let mut late = Host::run(&slow, json!(["mug"]));
    late.advance(60);
    assert_eq!(types(&late)[4..], ["MapRunAborted", "ExecutionTimedOut"]);
    assert_eq!(late.map_runs.last(), Some(&aborted));

    let branches = json!([
        alone(json!({})),
        { "StartAt": "Wait", "States": {
            "Wait": { "Type": "Wait", "Seconds": 5, "Next": "Give up" },
            "Give up": { "Type": "Fail", "Error": "Closed" } } } ]);
    let parallel = json!({ "StartAt": "Both", "States": { "Both": {
        "Type": "Parallel", "End": true, "Branches": branches } } });
    let mut both = Host::run(&parallel, json!(["mug"]));
    both.advance(5);
    assert_eq!(both.error().0, "Closed");
    assert_eq!(both.map_runs.last(), Some(&aborted));
    let given_up: Vec<_> = types(&both).into_iter().filter(|event| event.ends_with("Aborted")).collect();
    assert_eq!(given_up, ["MapRunAborted", "MapStateAborted"]);
    // The redrive takes both up again, and the other branch fails again.
    both.send(Event::Redrive);
    assert_eq!(both.map_runs[2..], [MapRunChange::Redriven { run: TaskId(1) }, aborted]);
}

#[test]
fn what_is_wrong_with_a_distributed_map_is_said_where_it_stands() {
    let refused = |machine: &Value, kind: MachineType| {
        Machine::parse_as(&machine.to_string(), kind).expect_err("it is refused").to_string()
    };
    let with = |fields: Value| refused(&alone(fields), MachineType::Standard);
    let mut untyped = alone(json!({}));
    untyped["States"]["Count"]["ItemProcessor"]["ProcessorConfig"] = json!({ "Mode": "DISTRIBUTED" });
    let said = refused(&untyped, MachineType::Standard);
    assert!(
        said.contains("These fields are required: [ExecutionType] at /States/Count/ItemProcessor"),
        "{said}"
    );
    let said = refused(&alone(json!({})), MachineType::Express);
    assert!(
        said.contains("Express state machine does not support Map state in 'DISTRIBUTED' mode"),
        "{said}"
    );
    let mut express = alone(json!({}));
    express["States"]["Count"]["ItemProcessor"] = json!({
        "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS" },
        "StartAt": "Ask", "States": { "Ask": { "Type": "Task", "End": true,
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": { "FunctionName": "ask", "Payload": { "token.$": "$$.Task.Token" } } } } });
    let said = refused(&express, MachineType::Standard);
    assert!(said.contains("Express state machine does not support '.waitForTaskToken'"), "{said}");
    for (fields, wanted) in [
        (
            json!({ "Label": "x".repeat(41) }),
            "Label must be between 1 and 40 characters long at /States/Count/Label",
        ),
        (json!({ "Label": "a/b" }), "Label contains invalid characters at /States/Count/Label"),
        (
            json!({ "ItemBatcher": {} }),
            "These fields are required: [MaxItemsPerBatch] at /States/Count/ItemBatcher",
        ),
        (
            json!({ "ItemBatcher": { "MaxItemsPerBatch": 0 } }),
            "Minimum value is 1 at /States/Count/ItemBatcher/MaxItemsPerBatch",
        ),
        (json!({ "ItemBatcher": { "MaxInputBytesPerBatch": 262_145 } }), "Maximum value is 262144"),
        (json!({ "ItemBatcher": { "MaxItemsPerBatch": 1, "Max": 1 } }), "Field 'Max' is not supported"),
    ] {
        let said = with(fields);
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn readers_and_writers_are_named_as_missing_and_so_is_a_batcher_of_an_inline_map() {
    let writer = json!({ "Resource": "arn:aws:states:::s3:putObject", "Parameters": { "Bucket": "b", "Prefix": "p" } });
    let reader =
        json!({ "Resource": "arn:aws:states:::s3:getObject", "Parameters": { "Bucket": "b", "Key": "k" } });
    for (fields, feature) in
        [(json!({ "ItemReader": reader }), "ItemReader"), (json!({ "ResultWriter": writer }), "ResultWriter")]
    {
        let machine =
            Machine::parse(&alone(fields).to_string()).unwrap_or_else(|invalid| panic!("{invalid}"));
        assert_eq!(machine.unsupported().iter().map(|u| u.feature.as_str()).collect::<Vec<_>>(), [feature]);
    }
    let mut inline = alone(json!({ "ItemBatcher": { "MaxItemsPerBatch": 2 } }));
    inline["States"]["Count"]["ItemProcessor"]["ProcessorConfig"] = json!({ "Mode": "INLINE" });
    let machine = Machine::parse(&inline.to_string()).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert_eq!(machine.unsupported()[0].feature, "ItemBatcher outside of a Distributed Map");
    let machine = Machine::parse(&alone(json!({})).to_string()).unwrap_or_else(|invalid| panic!("{invalid}"));
    assert!(machine.unsupported().is_empty());
}
