//! What an execution does, seen from its host: retries, catches, timers, branches, recovery.

mod common;

use asl::{Event, Execution, Outcome, Pattern, Resource, TaskId};
use common::{Host, task};
use serde_json::{Value, json};

#[test]
fn a_retry_waits_longer_each_time_and_gives_up_after_its_attempts() {
    let retry = json!([{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3, "MaxDelaySeconds": 10}]);
    let mut host = Host::run(&task(json!({ "Retry": retry })), json!({}));
    for wait in [2.0, 6.0, 10.0] {
        let call = host.call();
        host.fail(call.task, "Busy");
        assert_eq!(host.due(), Some(wait));
        host.wake_until_quiet();
    }
    let call = host.call();
    host.fail(call.task, "Busy");
    assert_eq!(host.error(), ("Busy".into(), "because".into()));
}

#[test]
fn each_attempt_has_an_id_of_its_own_and_a_late_answer_to_an_old_one_changes_nothing() {
    let retry = json!([{"ErrorEquals": ["States.ALL"]}]);
    let mut host = Host::run(&task(json!({ "Retry": retry })), json!({}));
    let first = host.call();
    host.fail(first.task, "Busy");
    host.wake_until_quiet();
    let second = host.call();
    assert_ne!(first.task, second.task);
    assert!(!host.execution.pending(first.task));
    let before = host.history.len();
    host.succeed(first.task, json!("late"));
    assert_eq!(host.history.len(), before);
    host.succeed(second.task, json!("in time"));
    assert_eq!(host.output(), json!("in time"));
}

#[test]
fn full_jitter_stays_below_the_backoff_and_follows_the_seed() {
    let retry = json!([{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 100, "JitterStrategy": "FULL"}]);
    let definition = task(json!({ "Retry": retry }));
    let delay = |seed| {
        let mut host = Host::run(&definition, json!({}));
        host.outside.seed = seed;
        let call = host.call();
        host.fail(call.task, "Busy");
        host.due().expect("a retry")
    };
    let delays: Vec<f64> = (0..50).map(delay).collect();
    assert!(delays.iter().all(|d| (0.0..=100.0).contains(d)), "{delays:?}");
    assert!(delays.iter().any(|d| *d < 50.0) && delays.iter().any(|d| *d > 50.0), "{delays:?}");
    assert_eq!(delay(7), delay(7));
}

#[test]
fn a_catcher_gets_the_error_by_name_and_the_first_that_matches_wins() {
    let catch = json!([
        {"ErrorEquals": ["OutOfStock"], "Next": "Rescue", "Output": "{% $states.errorOutput.Cause %}"},
        {"ErrorEquals": ["States.ALL"], "Next": "Done"}
    ]);
    let mut host = Host::run(&task(json!({ "Catch": catch })), json!({}));
    let call = host.call();
    host.fail(call.task, "OutOfStock");
    assert_eq!(host.output(), json!("because"));
}

#[test]
fn a_runtime_error_is_not_caught_by_states_all() {
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "Rescue"}]);
    let definition = json!({"StartAt": "Work", "States": {
        "Work": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "InputPath": "$.missing", "Catch": catch, "End": true},
        "Rescue": {"Type": "Pass", "End": true}
    }});
    let host = Host::run(&definition, json!({}));
    assert_eq!(host.error().0, "States.Runtime");
}

#[test]
fn a_task_that_takes_too_long_times_out_and_is_cancelled() {
    let mut host = Host::run(&task(json!({"TimeoutSeconds": 30})), json!({}));
    let call = host.call();
    assert_eq!(host.due(), Some(30.0));
    host.advance(29);
    assert!(host.execution.outcome().is_none());
    host.advance(1);
    assert_eq!(host.error().0, "States.Timeout");
    assert_eq!(host.cancelled, [call.task]);
}

#[test]
fn a_heartbeat_puts_the_heartbeat_timeout_off_but_not_the_timeout() {
    let mut host = Host::run(&task(json!({"TimeoutSeconds": 100, "HeartbeatSeconds": 40})), json!({}));
    let call = host.call();
    host.advance(30);
    host.send(Event::TaskHeartbeat { task: call.task });
    assert_eq!(host.due(), Some(40.0));
    host.advance(39);
    host.send(Event::TaskHeartbeat { task: call.task });
    assert_eq!(host.due(), Some(31.0));
    host.advance(31);
    assert_eq!(host.error().0, "States.Timeout");
}

#[test]
fn a_timeout_can_be_caught() {
    let catch = json!([{"ErrorEquals": ["States.Timeout"], "Next": "Rescue", "Output": "late"}]);
    let mut host = Host::run(&task(json!({"TimeoutSeconds": 5, "Catch": catch})), json!({}));
    host.wake_until_quiet();
    assert_eq!(host.output(), json!("late"));
}

#[test]
fn the_execution_timeout_ends_everything() {
    let mut definition = task(json!({}));
    definition["TimeoutSeconds"] = 60.into();
    let mut host = Host::run(&definition, json!({}));
    let call = host.call();
    host.advance(60);
    assert!(matches!(host.execution.outcome(), Some(Outcome::TimedOut { .. })));
    assert_eq!(host.cancelled, [call.task]);
    assert_eq!(host.types().last(), Some(&"ExecutionTimedOut"));
}

#[test]
fn a_token_is_handed_out_and_the_submitted_call_is_not_repeated() {
    let definition = task(json!({
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}}
    }));
    let mut host = Host::run(&definition, json!({}));
    let call = host.call();
    assert_eq!(call.token.as_deref(), Some("token-1"));
    assert_eq!(call.arguments["Payload"]["token"], "token-1");
    let wanted = Resource::Service {
        service: "lambda".into(),
        action: "invoke".into(),
        sdk: false,
        pattern: Pattern::WaitForTaskToken,
    };
    assert_eq!(call.resource, wanted);
    assert_eq!(host.execution.invocations(), std::slice::from_ref(&call));
    host.send(Event::TaskSubmitted { task: call.task, output: json!({}).into() });
    assert!(host.execution.invocations().is_empty());
    assert!(host.execution.pending(call.task));
    host.succeed(call.task, json!({"paid": true}));
    assert_eq!(host.output(), json!({"paid": true}));
}

fn map(max_concurrency: u64) -> Value {
    json!({"QueryLanguage": "JSONata", "StartAt": "All", "States": {"All": {
        "Type": "Map", "Items": "{% $states.input %}", "MaxConcurrency": max_concurrency, "End": true,
        "ItemProcessor": {"StartAt": "One", "States": {"One": {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": "{% $states.input %}", "End": true
        }}}
    }}})
}

#[test]
fn a_map_runs_as_many_iterations_at_once_as_it_may_and_keeps_the_order_of_its_items() {
    let mut host = Host::run(&map(2), json!(["a", "b", "c", "d"]));
    assert_eq!(host.calls.len(), 2);
    let second = host.calls.remove(1);
    host.succeed(second.task, json!("B"));
    assert_eq!(host.calls.len(), 2);
    while !host.calls.is_empty() {
        let call = host.call();
        let upper = call.arguments.as_str().expect("text").to_uppercase();
        host.succeed(call.task, upper.into());
    }
    assert_eq!(host.output(), json!(["A", "B", "C", "D"]));
}

#[test]
fn an_inline_map_without_a_limit_runs_forty_iterations_at_once() {
    let items: Vec<u32> = (0..100).collect();
    let host = Host::run(&map(0), json!(items));
    assert_eq!(host.calls.len(), 40);
}

#[test]
fn one_failed_iteration_fails_the_map_and_cancels_the_others() {
    let mut host = Host::run(&map(0), json!([1, 2, 3]));
    let tasks: Vec<TaskId> = host.calls.iter().map(|call| call.task).collect();
    host.fail(tasks[1], "Broken");
    assert_eq!(host.error().0, "Broken");
    assert_eq!(host.cancelled, [tasks[0], tasks[2]]);
    assert!(host.types().contains(&"MapIterationFailed"));
    assert!(host.types().contains(&"MapIterationAborted"));
}

#[test]
fn an_empty_map_succeeds_at_once() {
    assert_eq!(Host::run(&map(0), json!([])).output(), json!([]));
}

#[test]
fn a_parallel_collects_its_branches_and_inner_variables_stay_inside() {
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Set", "States": {
        "Set": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Both"},
        "Both": {"Type": "Parallel", "Next": "After", "Branches": [
            {"StartAt": "L", "States": {"L": {"Type": "Pass", "Assign": {"y": "{% $x + 1 %}"}, "Next": "L2"}, "L2": {"Type": "Pass", "Output": "{% $y %}", "End": true}}},
            {"StartAt": "R", "States": {"R": {"Type": "Wait", "Seconds": 5, "Next": "R2"}, "R2": {"Type": "Pass", "Output": "{% $x %}", "End": true}}}
        ]},
        "After": {"Type": "Pass", "Output": "{% {'got': $states.input, 'y': $exists($y)} %}", "End": true}
    }});
    let mut host = Host::run(&definition, json!({}));
    assert_eq!(host.due(), Some(5.0));
    host.wake_until_quiet();
    assert_eq!(host.output(), json!({"got": [2, 1], "y": false}));
}

#[test]
fn a_stopped_execution_can_be_redriven_from_the_state_it_was_in() {
    let mut host = Host::run(&task(json!({})), json!({"n": 1}));
    let first = host.call();
    host.send(Event::Abort { error: Some("Stop".into()), cause: None });
    assert!(matches!(host.execution.outcome(), Some(Outcome::Aborted { .. })));
    assert_eq!(host.cancelled, [first.task]);
    host.send(Event::Redrive);
    let second = host.call();
    assert_eq!(second.arguments["Payload"], json!({"n": 1}));
    assert_eq!(host.execution.redrive_count(), 1);
    host.succeed(second.task, json!("done"));
    assert_eq!(host.output(), json!("done"));
    host.send(Event::Redrive);
    assert_eq!(host.output(), json!("done"));
}

#[test]
fn a_redrive_repeats_only_what_failed_in_a_parallel() {
    let one = |name: &str| {
        json!({"StartAt": name, "States": {name: {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": name}, "End": true
        }}})
    };
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Both", "States": {
        "Both": {"Type": "Parallel", "Branches": [one("Left"), one("Right")], "End": true}
    }});
    let mut host = Host::run(&definition, json!({}));
    let (left, right) = (host.call(), host.call());
    host.succeed(left.task, json!("L"));
    host.fail(right.task, "Broken");
    host.send(Event::Redrive);
    let again = host.call();
    assert_eq!(again.state, "Right");
    assert!(host.calls.is_empty());
    host.succeed(again.task, json!("R"));
    assert_eq!(host.output(), json!(["L", "R"]));
}

#[test]
fn an_endless_loop_ends_with_the_history() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": true, "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"}
    }});
    let host = Host::run(&definition, json!({}));
    assert_eq!(host.history.len(), 25_000);
    assert_eq!(host.types().last(), Some(&"ExecutionFailed"));
}

#[test]
fn a_result_beyond_256_kib_fails_the_execution() {
    let mut host = Host::run(&task(json!({})), json!({}));
    let call = host.call();
    host.succeed(call.task, json!("x".repeat(256 * 1024)));
    assert_eq!(host.error().0, "States.DataLimitExceeded");
}

#[test]
fn an_execution_that_waits_for_a_token_is_small() {
    let definition = task(json!({
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Arguments": {"FunctionName": "f", "Payload": {"token": "{% $states.context.Task.Token %}"}}
    }));
    let input = json!({"orderId": "0192d3c4-0000-7000-8000-000000000001", "items": ["iPhone 15"], "amount": "799.00"});
    let mut host = Host::run(&definition, input);
    let call = host.call();
    host.send(Event::TaskSubmitted { task: call.task, output: json!({}).into() });
    let json = serde_json::to_vec(&host.execution).expect("JSON");
    let packed = rmp_serde::to_vec_named(&host.execution).expect("MessagePack");
    assert!(json.len() < 1024 && packed.len() < 1024, "{} {}", json.len(), packed.len());
}

/// The digests of "abc" as RFC 1321 (appendix A.5) and FIPS 180-2 (appendices A to D) give them.
#[test]
fn hashes_are_those_of_the_standards() {
    let digests = [
        ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
        ("SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "SHA-384",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            "SHA-512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ];
    for (algorithm, digest) in digests {
        let by_path = json!({"StartAt": "Hash", "States": {"Hash": {
            "Type": "Pass", "End": true, "Parameters": {"hash.$": format!("States.Hash($.data, '{algorithm}')")}
        }}});
        let host = Host::run(&by_path, json!({ "data": "abc" }));
        assert_eq!(host.output(), json!({ "hash": digest }), "{algorithm}");

        let by_jsonata = json!({"QueryLanguage": "JSONata", "StartAt": "Hash", "States": {"Hash": {
            "Type": "Pass", "End": true, "Output": format!("{{% $hash($states.input.data, '{algorithm}') %}}")
        }}});
        let host = Host::run(&by_jsonata, json!({ "data": "abc" }));
        assert_eq!(host.output(), json!(digest), "{algorithm}");
    }
}

/// Runs a machine with every kind of wait in it. `between` may replace the execution after each event.
fn long_run(mut between: impl FnMut(Execution) -> Execution) -> (Vec<Value>, Value) {
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "Pause", "States": {
        "Pause": {"Type": "Wait", "Seconds": 10, "Assign": {"seen": "{% $states.input.n %}"}, "Next": "Each"},
        "Each": {
            "Type": "Map", "Items": "{% [1..5] %}", "MaxConcurrency": 2, "Next": "Both",
            "ItemSelector": {"item": "{% $states.context.Map.Item.Value %}", "seen": "{% $seen %}"},
            "ItemProcessor": {"StartAt": "Try", "States": {"Try": {
                "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
                "Retry": [{"ErrorEquals": ["Odd"], "JitterStrategy": "FULL"}], "TimeoutSeconds": 60, "End": true
            }}}
        },
        "Both": {"Type": "Parallel", "End": true, "Branches": [
            {"StartAt": "Id", "States": {"Id": {"Type": "Pass", "Output": "{% $uuid() %}", "End": true}}},
            {"StartAt": "Later", "States": {"Later": {"Type": "Wait", "Seconds": 3, "End": true}}}
        ]}
    }});
    let mut host = Host::run(&definition, json!({"n": 7}));
    // A clock may be finer than the stored milliseconds. That must make no difference.
    host.outside.now += chrono::TimeDelta::nanoseconds(123_456);
    let mut failed = Vec::new();
    while host.execution.outcome().is_none() {
        host.execution = between(host.execution);
        if let Some(call) = host.calls.pop() {
            let item = call.arguments["Payload"]["item"].clone();
            if item == 3 && !failed.contains(&item) {
                failed.push(item);
                host.fail(call.task, "Odd");
            } else {
                host.succeed(call.task, json!({"did": item, "seen": call.arguments["Payload"]["seen"]}));
            }
        } else {
            let at = host.execution.wake_at().expect("something to wait for");
            host.outside.now = at + chrono::TimeDelta::nanoseconds(777_777);
            host.send(Event::Wake);
        }
    }
    let history = host.history.iter().map(|event| serde_json::to_value(event).expect("JSON")).collect();
    (history, host.output())
}

#[test]
fn storing_and_loading_an_execution_at_every_step_gives_the_same_continuation() {
    let undisturbed = long_run(|execution| execution);
    let json = long_run(|e| serde_json::from_slice(&serde_json::to_vec(&e).expect("JSON")).expect("JSON"));
    let packed = long_run(|e| {
        rmp_serde::from_slice(&rmp_serde::to_vec_named(&e).expect("MessagePack")).expect("MessagePack")
    });
    assert_eq!(undisturbed, json);
    assert_eq!(undisturbed, packed);
    assert_eq!(undisturbed.1[1]["n"], Value::Null);
}

#[test]
fn events_serialize_to_the_shape_of_the_api() {
    let host = Host::run(&task(json!({})), json!({"n": 1}));
    let started = serde_json::to_value(&host.history[0]).expect("JSON");
    assert_eq!(
        started,
        json!({
            "timestamp": 1767225600.0, "type": "ExecutionStarted", "id": 1, "previousEventId": 0,
            "executionStartedEventDetails": {
                "input": "{\"n\":1}", "inputDetails": {"truncated": false},
                "roleArn": "arn:aws:iam::000000000000:role/machine"
            }
        })
    );
    let scheduled = serde_json::to_value(&host.history[2]).expect("JSON");
    assert_eq!(scheduled["taskScheduledEventDetails"]["resourceType"], "lambda");
    assert_eq!(scheduled["taskScheduledEventDetails"]["region"], "eu-central-1");
}

#[test]
fn what_is_not_supported_is_named_with_its_place() {
    let definition = json!({"StartAt": "Send", "States": {"Send": {
        "Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {}, "End": true
    }}});
    let machine = asl::Machine::parse(&definition.to_string()).expect("valid");
    let found: Vec<String> = machine.unsupported().iter().map(ToString::to_string).collect();
    assert_eq!(
        found,
        ["The service integration sqs:sendMessage is not supported here (at /States/Send/Resource)"]
    );
    assert_eq!(machine.task_resources().collect::<Vec<_>>(), ["arn:aws:states:::sqs:sendMessage"]);
}

#[test]
fn an_end_from_outside_follows_no_event() {
    let last = |host: &Host| serde_json::to_value(host.history.last().expect("an event")).expect("JSON");
    let mut stopped = Host::run(&task(json!({})), json!({}));
    stopped.send(Event::Abort { error: None, cause: None });
    let event = last(&stopped);
    assert_eq!((&event["type"], &event["previousEventId"]), (&json!("ExecutionAborted"), &json!(0)));
    assert_eq!(event["executionAbortedEventDetails"], json!({}));
    let mut definition = task(json!({}));
    definition["TimeoutSeconds"] = 60.into();
    let mut late = Host::run(&definition, json!({}));
    late.advance(60);
    let event = last(&late);
    assert_eq!((&event["type"], &event["previousEventId"]), (&json!("ExecutionTimedOut"), &json!(0)));
    assert_eq!(event["executionTimedOutEventDetails"], json!({"error": "States.Timeout"}));
}

#[test]
fn a_test_of_a_state_refuses_what_is_not_had_unless_it_is_mocked() {
    use asl::test_state::{Mock, Request, run};
    let mut outside = common::Outside { now: common::begin(), seed: 1 };
    let mut request = Request {
        definition: r#"{"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {}, "End": true}"#,
        ..Request::default()
    };
    let refused = run(&request, &mut outside, &mut |_, _| unreachable!("nothing is called")).unwrap_err();
    assert_eq!(refused.code, "InvalidDefinition");
    assert!(refused.message.starts_with("The service integration sqs:sendMessage is not supported here"));
    request.mock = Some(Mock { result: Some("{}"), ..Mock::default() });
    let tested = run(&request, &mut outside, &mut |_, _| unreachable!("nothing is called")).unwrap();
    assert_eq!(tested.output.as_deref(), Some("{}"));
}

#[test]
fn a_broken_definition_is_refused_in_the_words_of_aws_with_a_line() {
    let text = "{\n  \"StartAt\": \"A\",\n  \"States\": {\n    \"A\": {\n      \"Type\": \"Pass\",\n      \"Next\": \"B\"\n    },\n    \"C\": {\"Type\": \"Succeed\"}\n  }\n}";
    let found = asl::validate::validate(text, asl::MachineType::Standard);
    let shown: Vec<_> = found.iter().map(|d| (d.to_string(), d.line(text))).collect();
    assert_eq!(
        shown,
        [
            ("MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A/Next".to_owned(), Some(6)),
            ("MISSING_TRANSITION_TARGET: State \"C\" is not reachable. at /States/C".to_owned(), Some(8)),
        ]
    );
}
