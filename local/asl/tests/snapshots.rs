//! Executions as earlier releases have stored them: each is loaded by today's code and goes on to its end.
//!
//! The files under `fixtures/execution-v1` are literal: nothing writes them again when the code changes. They
//! all come from one execution of `fixtures/order.asl.json`, stored while it waited in different ways. Those
//! under `fixtures/execution-v2` and `fixtures/execution-v3` are what the second and the third form have besides.

mod common;

use std::path::PathBuf;

use asl::{Event, Execution, Invocation, LaterRelease, LoadError, Machine, Outcome, TaskId, Timestamp};
use common::{Host, Outside, begin};
use serde_json::{Value, json};

/// Every stored execution of the first form.
const FIRST_FORM: [&str; 8] = [
    "scheduled",
    "waiting-for-a-token",
    "waiting-for-a-time",
    "backing-off",
    "in-a-map",
    "stopped",
    "redriven",
    "in-a-parallel",
];

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn stored(name: &str) -> String {
    fixture(&format!("execution-v1/{name}.json"))
}

/// A host that has just loaded a stored execution. Its clock stands at the end of the execution's first day,
/// long after the execution was stored.
fn resume(name: &str) -> Host {
    let execution: Execution = serde_json::from_str(&stored(name)).expect("a stored execution can be loaded");
    let machine = Machine::parse(&fixture("order.asl.json")).unwrap_or_else(|invalid| panic!("{invalid}"));
    let outside = Outside { now: begin() + chrono::TimeDelta::days(1), seed: 1 };
    let mut host = Host::load(machine, execution, outside);
    host.calls = host.execution.invocations();
    host
}

fn answer(state: &str, arguments: &Value) -> Value {
    match state {
        "AwaitPayment" => json!({"amount": "12.50"}),
        "ReserveStock" => json!({"reserved": true}),
        "PackOne" => format!("{} packed", arguments["sku"].as_str().expect("a SKU")).into(),
        "Ship" => "by van".into(),
        other => panic!("{other} calls nothing"),
    }
}

/// Answers every call and wakes the execution whenever it wants to be, until nothing is left to do.
fn play(host: &mut Host) {
    loop {
        if let Some(call) = host.calls.pop() {
            let output = answer(&call.state, &call.arguments);
            host.succeed(call.task, output);
        } else if let Some(at) = host.execution.wake_at() {
            host.outside.now = at.max(host.outside.now);
            host.send(Event::Wake);
        } else {
            return;
        }
    }
}

fn output(tries: u64) -> Value {
    json!({
        "shipped": ["by van", "order-1", "12.50"],
        "packed": ["cup packed", "tray packed", "jug packed"],
        "tries": tries,
        "paid": "12.50",
        "started": "2026-01-01T00:00:00.000Z"
    })
}

fn at(time: &str) -> Option<Timestamp> {
    Some(format!("2026-01-01T{time}Z").parse().expect("a timestamp"))
}

fn called(host: &Host) -> Vec<(TaskId, String)> {
    host.execution.invocations().into_iter().map(|Invocation { task, state, .. }| (task, state)).collect()
}

#[test]
fn a_stored_call_is_made_again_and_its_answer_is_taken() {
    let mut host = resume("scheduled");
    assert_eq!(called(&host), [(TaskId(1), "AwaitPayment".to_owned())]);
    let call = &host.calls[0];
    assert_eq!(call.token.as_deref(), Some("token-1"));
    assert_eq!(
        *call.arguments,
        json!({"FunctionName": "payment", "Payload": {"order": "order-1", "token": "token-1"}})
    );
    play(&mut host);
    assert_eq!(host.output(), output(0));
}

#[test]
fn a_stored_wait_for_a_token_goes_on_to_its_end() {
    let mut host = resume("waiting-for-a-token");
    assert!(host.execution.pending(TaskId(1)));
    assert!(host.execution.invocations().is_empty());
    assert_eq!(host.execution.wake_at(), at("00:10:00"), "the heartbeat is due first");
    host.succeed(TaskId(1), json!({"amount": "12.50"}));
    play(&mut host);
    assert_eq!(host.output(), output(0));
}

#[test]
fn a_stored_wait_for_a_token_times_out_when_nothing_is_heard() {
    let mut host = resume("waiting-for-a-token");
    host.send(Event::Wake);
    assert_eq!(host.error().0, "States.Timeout");
}

#[test]
fn a_stored_wait_for_a_time_goes_on_to_its_end() {
    let mut host = resume("waiting-for-a-time");
    assert_eq!(host.execution.wake_at(), at("00:30:00"));
    play(&mut host);
    assert_eq!(host.output(), output(0));
}

#[test]
fn a_stored_back_off_before_a_retry_goes_on_to_its_end() {
    let mut host = resume("backing-off");
    assert_eq!(host.execution.wake_at(), at("00:30:12"));
    play(&mut host);
    assert_eq!(host.output(), output(2));
}

#[test]
fn a_stored_map_goes_on_to_its_end() {
    let mut host = resume("in-a-map");
    assert_eq!(called(&host), [(TaskId(7), "PackOne".to_owned())]);
    assert_eq!(host.execution.wake_at(), at("00:30:19"), "one iteration backs off");
    let jug = host.calls.remove(0);
    host.succeed(jug.task, "jug packed".into());
    host.send(Event::Wake);
    let cup = host.call();
    host.succeed(cup.task, "cup packed".into());
    let ship = host.call();
    host.succeed(ship.task, "by van".into());
    play(&mut host);
    assert_eq!(host.output(), output(2));
}

#[test]
fn a_stored_parallel_goes_on_to_its_end() {
    let mut host = resume("in-a-parallel");
    assert!(host.execution.pending(TaskId(10)));
    assert_eq!(host.execution.redrive_count(), 1);
    assert_eq!(host.execution.wake_at(), at("00:31:12"));
    host.succeed(TaskId(10), "by van".into());
    play(&mut host);
    assert_eq!(host.output(), output(2));
}

#[test]
fn a_stored_execution_that_was_stopped_is_redriven_to_its_end() {
    let mut host = resume("stopped");
    let stopped = Outcome::Aborted { error: Some("Held".into()), cause: Some("by hand".into()) };
    assert_eq!(host.execution.outcome(), Some(&stopped));
    host.send(Event::Redrive);
    play(&mut host);
    assert_eq!(host.output(), output(2));
}

#[test]
fn a_stored_redrive_goes_on_to_its_end() {
    let mut host = resume("redriven");
    assert_eq!(host.execution.redrive_time(), at("00:30:12"));
    play(&mut host);
    assert_eq!(host.output(), output(2));
}

#[test]
fn an_execution_of_an_earlier_form_is_written_again_in_the_third_with_nothing_changed() {
    for name in FIRST_FORM {
        let execution: Execution = serde_json::from_str(&stored(name)).expect("it can be loaded");
        let written = serde_json::to_string(&execution).expect("it can be stored");
        assert_eq!(written, in_the_third_form(&stored(name)), "{name}");
    }
}

/// The text of an execution of an earlier form, with the version of the third and without the two members of a Map
/// that this form has no more.
fn in_the_third_form(earlier: &str) -> String {
    let rest = earlier.strip_prefix("{\"v\":2,").unwrap_or(&earlier[1..]);
    format!("{{\"v\":3,{rest}").replace(r#","f":0,"t":{"c":null,"p":null}"#, "")
}

#[test]
fn a_stored_distributed_map_gives_its_children_and_goes_on_to_its_end() {
    let text = fixture("execution-v3/in-a-distributed-map.json");
    let execution = Execution::from_json(text.as_bytes()).expect("it can be loaded");
    assert_eq!(serde_json::to_string(&execution).expect("it can be stored"), text);
    let definition = fixture("count.asl.json");
    let machine = Machine::parse(&definition).unwrap_or_else(|invalid| panic!("{invalid}"));
    let mut host = Host::load(machine, execution, Outside { now: begin(), seed: 1 });
    let run = TaskId(1);
    assert_eq!(
        host.children(run, 2, 9),
        [
            (2, json!({ "BatchInput": { "night": 7 }, "Items": ["mug", "jug"] })),
            (
                1,
                json!({
            "BatchInput": { "night": 7 }, "Items": ["cup"] })
            )
        ]
    );
    host.send(Event::MapRunSucceeded { run, output: json!([3, 2, 1]).into() });
    assert_eq!(host.output(), json!([3, 2, 1]));

    let mut later: Value = serde_json::from_str(&text).expect("JSON");
    later["b"]["s"]["w"]["d"]["later"] = json!(1);
    assert!(matches!(Execution::from_json(later.to_string().as_bytes()), Err(LoadError::Malformed(_))));
}

#[test]
fn a_stored_map_over_an_object_goes_on_to_its_end() {
    let text = fixture("execution-v2/in-a-map-over-an-object.json");
    let execution = Execution::from_json(text.as_bytes()).expect("it can be loaded");
    assert_eq!(serde_json::to_string(&execution).expect("it can be stored"), in_the_third_form(&text));
    let machine = Machine::parse(&fixture("boilers.asl.json")).unwrap_or_else(|invalid| panic!("{invalid}"));
    let mut host = Host::load(machine, execution, Outside { now: begin(), seed: 1 });
    host.calls = host.execution.invocations();
    for _ in 0..2 {
        let call = host.call();
        let output = json!([call.arguments["Payload"], "read"]);
        host.succeed(call.task, output);
    }
    assert_eq!(
        host.output(),
        json!([
            [{"boiler": "cellar", "limit": 4}, "read"],
            [{"boiler": "loft", "limit": 7}, "read"],
        ])
    );
}

/// A stored execution with another value for one of its members, or with one more.
fn with(name: &str, object: &str, member: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(&stored(name)).expect("a stored execution is JSON");
    let object = json.pointer_mut(object).unwrap_or_else(|| panic!("{name} has no {object}"));
    object[member] = value;
    json.to_string()
}

#[test]
fn the_first_form_may_say_its_version() {
    let execution =
        Execution::from_json(with("in-a-map", "", "v", 1.into()).as_bytes()).expect("it can be loaded");
    assert_eq!(
        serde_json::to_string(&execution).expect("it can be stored"),
        in_the_third_form(&stored("in-a-map"))
    );
}

#[test]
fn an_execution_of_a_later_release_is_refused_as_such() {
    let later = LaterRelease { found: 4, known: 3 };
    // Whatever else the later form has, and wherever its version stands.
    let forms = [
        format!("{{\"v\":4,{}", &stored("waiting-for-a-token")[1..]),
        with("waiting-for-a-token", "", "v", 4.into()),
        r#"{"v": 4, "x": "another form", "y": [1, 2]}"#.to_owned(),
        r#"{"y": {"v": 7}, "v": 4}"#.to_owned(),
    ];
    for form in forms {
        match Execution::from_json(form.as_bytes()) {
            Err(LoadError::LaterRelease(found)) => assert_eq!(found, later, "{form}"),
            other => panic!("{form}: {other:?}"),
        }
    }
}

#[test]
fn a_host_that_reads_with_serde_alone_is_told_of_the_later_release() {
    let form = r#"{"v": 9, "x": "another form"}"#;
    let json = serde_json::from_str::<Execution>(form).expect_err("it is refused").to_string();
    let value: Value = serde_json::from_str(form).expect("JSON");
    let packed = rmp_serde::to_vec_named(&value).expect("MessagePack");
    let packed = rmp_serde::from_slice::<Execution>(&packed).expect_err("it is refused").to_string();
    for text in [json, packed] {
        assert!(text.contains("is of a later release") && text.contains("version 9"), "{text}");
    }
}

#[test]
fn a_member_that_this_release_does_not_know_is_refused_and_not_dropped() {
    let places = [
        ("scheduled", ""),
        ("scheduled", "/x"),
        ("scheduled", "/b"),
        ("scheduled", "/b/s"),
        ("scheduled", "/b/s/w/t"),
        ("scheduled", "/b/s/w/t/a"),
        ("scheduled", "/b/s/w/t/a/r/Service"),
        ("in-a-map", "/b/s/w/m"),
        ("in-a-map", "/b/s/w/m/r/0"),
        ("in-a-map", "/b/s/w/m/r/0/i"),
        ("in-a-map", "/b/s/w/m/r/1/s/w/t/a/r/LambdaFunction"),
        ("in-a-parallel", "/b/s/w/p/2"),
        ("redriven", "/x/rd"),
        ("stopped", "/o/Aborted"),
    ];
    for (name, place) in places {
        let form = with(name, place, "later", json!({"n": 1}));
        match Execution::from_json(form.as_bytes()) {
            Err(LoadError::Malformed(error)) => {
                assert!(error.to_string().contains("unknown field `later`"), "{name} {place}: {error}");
            }
            other => panic!("{name} {place}: {other:?}"),
        }
    }
}

#[test]
fn text_that_is_no_execution_is_malformed() {
    for text in ["", "{", "null", "{}", r#"{"v": "2"}"#, r#"{"v": 1}"#, r#"{"v": -1}"#] {
        assert!(matches!(Execution::from_json(text.as_bytes()), Err(LoadError::Malformed(_))), "{text}");
    }
}
