//! Whatever a definition, a path, a function call or an expression looks like, the interpreter neither panics
//! nor hangs, and an execution comes to its end.

mod common;

use asl::{Event, Execution, Machine, MachineType};
use common::{Outside, begin, start};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Runs a machine to its end, answering every call with its arguments or, now and then, with an error.
fn run(definition: &Value, input: Value) {
    let Ok(machine) = Machine::parse(&definition.to_string()) else { return };
    let mut outside = Outside { now: begin(), seed: 1 };
    let (mut execution, mut effects) = Execution::start(&machine, start(input), &mut outside);
    let mut calls = Vec::new();
    for turn in 0_u32..2_000 {
        calls.append(&mut effects.invocations);
        if let Some(call) = calls.pop() {
            let event = if turn % 3 == 2 {
                Event::TaskFailed { task: call.task, error: Some("Odd".into()), cause: None }
            } else {
                Event::TaskSucceeded { task: call.task, output: call.arguments.clone() }
            };
            effects = execution.apply(&machine, event, &mut outside);
        } else if let Some(at) = execution.wake_at() {
            outside.now = at.max(outside.now);
            effects = execution.apply(&machine, Event::Wake, &mut outside);
        } else {
            break;
        }
        let stored = serde_json::to_vec(&execution).expect("an execution is JSON");
        execution = serde_json::from_slice(&stored).expect("what was stored can be loaded");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c{}$.\\\\' ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        "\\.[a-c]",
        "\\.\\.[a-c*]",
        Just(".*".to_owned()),
        "\\[-?[0-9]{1,20}\\]",
        "\\[-?[0-9]:-?[0-9]\\]",
        "\\['[a-c]'(,'[a-c]')?\\]",
        "\\[\\?\\(@\\.[a-c] (==|<|>=|!=) ([0-9]|'[a-c]')\\)\\]",
        "\\[\\?\\(@\\.[a-c] && !@\\.[a-c]\\)\\]",
        Just(".length()".to_owned()),
        "[.\\[\\]()'?@*a-c0-9]{1,6}",
    ];
    ("\\$\\$?|\\$[a-z]", prop::collection::vec(step, 0..5)).prop_map(|(root, steps)| root + &steps.concat())
}

fn function_call() -> impl Strategy<Value = String> {
    let leaf =
        prop_oneof![path(), "'[a-c{}\\\\ ,]{0,6}'", "-?[0-9]{1,20}(\\.[0-9]{1,3})?", Just("null".to_owned())];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let name = prop::sample::select(vec![
            "Array",
            "ArrayContains",
            "ArrayGetItem",
            "ArrayLength",
            "ArrayPartition",
            "ArrayRange",
            "ArrayUnique",
            "Base64Decode",
            "Base64Encode",
            "Format",
            "Hash",
            "JsonMerge",
            "JsonToString",
            "MathAdd",
            "MathRandom",
            "StringSplit",
            "StringToJson",
            "UUID",
        ]);
        (name, prop::collection::vec(inner, 0..4))
            .prop_map(|(name, arguments)| format!("States.{name}({})", arguments.join(", ")))
    })
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("$states.input".to_owned()),
        Just("$states.input.a".to_owned()),
        Just("$states.context.Execution.Name".to_owned()),
        Just("$states".to_owned()),
        "-?[0-9]{1,20}",
        "'[a-c]{0,3}'",
        Just("null".to_owned()),
        Just("$uuid()".to_owned()),
        Just("$now()".to_owned()),
        Just("[1..20]".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operator =
            prop::sample::select(vec!["+", "-", "*", "/", "%", "&", "=", "<", "in", "and", "or", "~>"]);
        let function = prop::sample::select(vec![
            "string",
            "number",
            "length",
            "keys",
            "count",
            "sum",
            "range",
            "partition",
            "hash",
            "random",
            "parse",
            "eval",
            "split",
            "join",
            "reverse",
            "distinct",
            "merge",
            "each",
            "formatNumber",
            "fromMillis",
            "type",
            "spread",
        ]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (function, prop::collection::vec(inner.clone(), 0..4))
                .prop_map(|(f, a)| format!("${f}({})", a.join(", "))),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            inner.clone().prop_map(|value| format!("{{'k': {value}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("$map({a}, function($v) {{ {b} }})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a})[{b}]")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// A machine of a few states of all types that lead anywhere.
fn machine() -> impl Strategy<Value = Value> {
    let state = (0_u8..8, 0_u8..5, json_value(), expression()).prop_map(|(kind, next, value, expression)| {
        let expression = format!("{{% {expression} %}}");
        let inner = json!({"StartAt": "I", "States": {"I": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": value, "End": true}}});
        let mut state = match kind {
            0 => json!({"Type": "Pass", "Output": expression, "Assign": {"x": value}}),
            1 => json!({"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "TimeoutSeconds": 5,
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S4"}]}),
            2 => json!({"Type": "Wait", "Seconds": 3}),
            3 => json!({"Type": "Map", "Items": expression, "ItemProcessor": inner}),
            4 => json!({"Type": "Parallel", "Branches": [inner]}),
            5 => return json!({"Type": "Choice", "Choices": [{"Condition": expression, "Next": format!("S{next}")}], "Default": "S4"}),
            6 => return json!({"Type": "Fail", "Error": "E"}),
            _ => return json!({"Type": "Succeed", "Output": expression}),
        };
        state["Next"] = format!("S{next}").into();
        state
    });
    prop::collection::vec(state, 4).prop_map(|states| {
        let mut map: Map<String, Value> =
            states.into_iter().enumerate().map(|(i, state)| (format!("S{i}"), state)).collect();
        map.insert("S4".into(), json!({"Type": "Succeed"}));
        // The name of a state must be unique in the whole machine.
        for (i, state) in map.values_mut().enumerate() {
            for part in ["/ItemProcessor", "/Branches/0"] {
                if let Some(inner) = state.pointer_mut(part) {
                    let one = inner["States"]["I"].take();
                    *inner = json!({"StartAt": format!("I{i}"), "States": {format!("I{i}"): one}});
                }
            }
        }
        json!({"QueryLanguage": "JSONata", "StartAt": "S0", "States": map})
    })
}

/// Leaves out the states that nothing leads to, which validation would refuse.
fn reachable(mut definition: Value) -> Value {
    loop {
        let found = asl::validate::validate(&definition.to_string(), MachineType::Standard);
        let unreached: Vec<String> = found
            .iter()
            .filter_map(|d| Some(d.message.strip_prefix("State \"")?.split_once('"')?.0.to_owned()))
            .collect();
        if unreached.is_empty() {
            return definition;
        }
        let states = definition["States"].as_object_mut().expect("states");
        unreached.iter().for_each(|name| {
            states.shift_remove(name);
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_validated_without_a_panic(text in "\\PC{0,200}") {
        asl::validate::validate(&text, MachineType::Express);
    }

    #[test]
    fn any_json_is_validated_without_a_panic(value in json_value()) {
        asl::validate::validate(&value.to_string(), MachineType::Standard);
        asl::validate::validate(&json!({"StartAt": "a", "States": value}).to_string(), MachineType::Standard);
        asl::validate::validate(&json!({"StartAt": "a", "States": {"a": value}}).to_string(), MachineType::Standard);
    }

    #[test]
    fn a_path_is_refused_or_evaluated(path in path(), input in json_value()) {
        run(&json!({"StartAt": "A", "States": {
            "A": {"Type": "Pass", "Parameters": {"v.$": path}, "Next": "B"},
            "B": {"Type": "Choice", "Choices": [{"Variable": path, "IsPresent": true, "Next": "C"}], "Default": "C"},
            "C": {"Type": "Pass", "InputPath": path, "ResultPath": "$.r", "End": true}
        }}), input);
    }

    #[test]
    fn a_function_call_is_refused_or_evaluated(call in function_call(), input in json_value()) {
        run(&json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"v.$": call}, "End": true}}}), input);
    }

    #[test]
    fn an_expression_is_refused_or_evaluated(expression in expression(), input in json_value()) {
        run(&json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
            "A": {"Type": "Pass", "Output": {"v": format!("{{% {expression} %}}")}, "End": true}
        }}), input);
    }

    #[test]
    fn any_machine_comes_to_an_end_or_waits_and_can_be_stored_at_every_step(definition in machine(), input in json_value()) {
        run(&reachable(definition), input);
    }
}

/// Expressions that try to hang, to fill the memory or to run off the stack.
#[test]
fn a_hostile_expression_fails_instead_of_hanging() {
    let hostile = [
        "($f := function($n) { 1 + $f($n + 1) }; $f(0))".to_owned(),
        "($f := function($n) { $f($n + 1) }; $f(0))".to_owned(),
        "$reduce([1..100000], function($a, $b) { [$a] })".to_owned(),
        "$reduce([1..100000], function($a, $b) { {'a': $a} })".to_owned(),
        "(function($f) { $f($f) })(function($g) { {'a': $g($g)} })".to_owned(),
        "[1..10000000]".to_owned(),
        "$map([1..100000], function($x) { [1..1000] })".to_owned(),
        format!("{}1{}", "(".repeat(900), ")".repeat(900)),
        format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000)),
        format!("1{}", " + 1".repeat(5_000)),
        "$map([1], $random)".to_owned(),
        "$eval('1')".to_owned(),
        "1e308 * 10".to_owned(),
        "$match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /(a+)+$/)".to_owned(),
    ];
    for expression in hostile {
        let shown: String = expression.chars().take(60).collect();
        let begun = std::time::Instant::now();
        run(
            &json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
                "A": {"Type": "Pass", "Output": {"v": format!("{{% {expression} %}}")}, "End": true}
            }}),
            json!({}),
        );
        assert!(begun.elapsed().as_secs() < 30, "{shown} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_value_that_grows_deeper_at_every_state_ends_the_execution() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Parameters": {"a.$": "$"}, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.stop", "IsPresent": true, "Next": "C"}], "Default": "A"},
        "C": {"Type": "Succeed"}
    }});
    run(&definition, json!({}));
}

#[test]
fn a_deeply_nested_definition_is_refused() {
    let text = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let found = asl::validate::validate(&text, MachineType::Standard);
    assert_eq!(found[0].code, "INVALID_JSON_DESCRIPTION");
}
