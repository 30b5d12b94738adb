//! Whatever an expression asks for, it is bounded in size and in work, and a crash of the library is its failure alone.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::{Duration, Instant};

use asl::{Ambient, Execution, Machine, Outcome, TaskId, Timestamp};
use serde_json::{Value, json};

struct Still;

impl Ambient for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&mut self) -> u64 {
        4
    }

    fn task_token(&mut self, _: TaskId) -> String {
        String::new()
    }
}

fn evaluate(expression: &str, input: Value) -> Result<Value, (String, String)> {
    let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "A", "States": { "A": {
        "Type": "Pass", "Output": format!("{{% {expression} %}}"), "End": true } } });
    let machine = Machine::parse(&definition.to_string())
        .map_err(|invalid| ("Invalid".to_owned(), invalid.to_string()))?;
    let (execution, _) = Execution::start(&machine, common::start(input), &mut Still);
    match execution.outcome().unwrap().clone() {
        Outcome::Succeeded { output } => Ok(Value::clone(&output)),
        Outcome::Failed { error, cause } => Err((error.unwrap(), cause.unwrap())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_would_fill_the_memory_or_take_minutes_fails_at_once() {
    let long = "x".repeat(200_000);
    let texts: Vec<_> = (0..20_000).map(|number| number.to_string()).collect();
    for expression in [
        r#"$length($pad("x", 2000000000))"#,
        r#"$length("x" ~> $pad(2000000000))"#,
        r#"$length($pad(?, 2000000000)("x"))"#,
        r#"($wide := $pad; $length($wide("x", 2000000000)))"#,
        r#"$pad("x", -2000000000, $states.input.long)"#,
        "$length($join($states.input.texts, $states.input.long))",
        r#"$length($replace($states.input.long, "x", $states.input.long))"#,
        r#"$length($replace($states.input.long, /x/, $states.input.long))"#,
        "$length($reduce([1..40], function($text) { $text & $text }, 'x'))",
        "$string($reduce([1..40], function($value) { [[$value], [$value]] }, ['x']))",
        "$reduce([1..40], function($value) { [[$value], [$value]] }, ['x'])",
        "$reduce([1..40], function($v) { {'a': $v, 'b': $v} }, 1) = $reduce([1..40], function($v) { {'a': $v, 'b': $v} }, 1)",
        "$count($distinct($states.input.texts))",
        "$count([1..9000000])",
        r#"$fromMillis(1, "[Y,200000000]")"#,
        "$count($states.input.texts.($states.input.long & $))",
        "($loop := function($n) { $loop($n + 1) }; $loop(0))",
        "$sort([1..3000], function($a, $b) { $count($states.input.texts[$ != $string($a)]) > $b })",
    ] {
        let begun = Instant::now();
        let (error, cause) = evaluate(expression, json!({ "long": long, "texts": texts })).unwrap_err();
        assert_eq!(error, "States.QueryEvaluationError", "{expression}: {cause}");
        // On a busy machine, the evaluation gets a part of the time only.
        assert!(begun.elapsed() < Duration::from_secs(5), "{expression}: {:?}", begun.elapsed());
    }
}

#[test]
fn a_crash_of_the_library_is_the_failure_of_the_expression() {
    let zeros = "0".repeat(60);
    for expression in
        [format!("$fromMillis(1, \"[Y{zeros}]\")"), "-0..1e21".to_owned(), "$count([-0..1e21])".to_owned()]
    {
        let (error, _) = evaluate(&expression, json!({})).unwrap_err();
        assert!(
            ["States.QueryEvaluationError", "Invalid"].contains(&error.as_str()),
            "{expression}: {error}"
        );
    }
}

#[test]
fn guarded_calls_give_what_they_always_gave() {
    let input = json!({ "a": "x", "list": ["b", "c"], "n": 5, "items": [{ "k": "q" }, { "k": "r" }] });
    for (expression, value) in [
        (r#"$pad($states.input.a, 3, "-")"#, json!("x--")),
        (r#"$states.input.a ~> $pad(-3)"#, json!("  x")),
        (r#"$states.input.items.k ~> $join(", ")"#, json!("q, r")),
        (r#"$pad(?, 3, "_")("ab")"#, json!("ab_")),
        (r#"$states.input.list.$pad($, 2, ".")"#, json!(["b.", "c."])),
        (r#"$states.input.items.(k & "!")"#, json!(["q!", "r!"])),
        (r#"$join($states.input.list)"#, json!("bc")),
        (r#"$replace("abab", "a", "c", 1)"#, json!("cbab")),
        (r#"$replace("abc", /b/, function($m) { "<" & $m.match & ">" })"#, json!("a<b>c")),
        (r#"$split("a,b", ",")"#, json!(["a", "b"])),
        (
            r#"$map($states.input.items, function($i) { $i.k & $string($states.input.n) })"#,
            json!(["q5", "r5"]),
        ),
        (r#"$map([1, 2], $string)"#, json!(["1", "2"])),
        (r#""n: " & $states.input.n & $states.input.missing & true"#, json!("n: 5true")),
        (r#"$string([1, {"a": "b"}])"#, json!(r#"[1,{"a":"b"}]"#)),
        (r#"$sum([1..4])"#, json!(10)),
        (r#"[$states.input.n in [4..6], [1, 2] = [1, 2], {"a": 1} != {"a": 1}]"#, json!([true, true, false])),
        (r#"$distinct([1, 2, 1])"#, json!([1, 2])),
        (r#"$match("ab", /b/).index"#, json!(1)),
        (r#"$fromMillis(0, "[Y0001]-[M01]")"#, json!("1970-01")),
        (r#"$formatNumber(1234.5, "0,000.00")"#, json!("1,234.50")),
        (r#"($join := function($x) { $x & "!" }; $join("a"))"#, json!("a!")),
        (r#"($f := function($n) { $n = 0 ? "done" : $f($n - 1) }; $f(1000))"#, json!("done")),
    ] {
        assert_eq!(evaluate(expression, input.clone()), Ok(value), "{expression}");
    }
}
