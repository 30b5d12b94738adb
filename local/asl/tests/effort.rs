//! What expressions may cost: a host that wants only a small effort made learns that an event needs more, and beyond a
//! full effort an expression fails. All of that is counted in work, so none of it depends on the machine.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use asl::{Ambient, Effects, Effort, Event, Execution, Machine, Outcome, TaskId, Timestamp};
use serde_json::{Value, json};

struct Outside(Effort);

impl Ambient for Outside {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn random(&mut self) -> u64 {
        4
    }

    fn task_token(&mut self, _: TaskId) -> String {
        String::new()
    }

    fn effort(&self) -> Effort {
        self.0
    }
}

const SMALL: Effort = Effort::Small { timed: false };

fn begin(machine: &Machine, input: Value, effort: Effort) -> (Execution, Effects) {
    Execution::start(machine, common::start(input), &mut Outside(effort))
}

fn pass(field: &str, template: Value) -> Machine {
    let language = if field == "Output" { "JSONata" } else { "JSONPath" };
    let mut state = json!({ "Type": "Pass", "End": true });
    state[field] = template;
    let definition = json!({ "QueryLanguage": language, "StartAt": "A", "States": { "A": state } });
    Machine::parse(&definition.to_string()).unwrap()
}

/// Texts that have the same hash in Java: each pair of letters is one of two that do.
fn of_one_hash() -> Vec<String> {
    (0_u32..1 << 12)
        .map(|bits| (0..12).map(|at| if bits >> at & 1 == 0 { "Aa" } else { "BB" }).collect())
        .collect()
}

/// What needs more than a small effort, and less than a full one.
fn dear() -> Vec<(Machine, Value)> {
    let many: Vec<_> = (0..300).map(|n| json!({ "n": n })).collect();
    let flat: Vec<_> = (0..100_000).map(|_| 1).collect();
    vec![
        (pass("Output", json!(r#"{% $length($pad("x", 2000000)) %}"#)), json!({})),
        (pass("Output", json!("{% $count($states.input) %}")), json!(flat)),
        (pass("Output", json!("{% $count($distinct([1..2000])) %}")), json!({})),
        (pass("InputPath", json!("$.items[?(@.n in $.items[*].n)]")), json!({ "items": many })),
        (
            pass("Parameters", json!({ "n.$": "States.ArrayLength(States.ArrayUnique($.texts))" })),
            json!({ "texts": of_one_hash() }),
        ),
        (pass("Parameters", json!({ "n.$": "States.ArrayContains($, 2)" })), json!(flat)),
    ]
}

#[test]
fn an_event_that_needs_more_than_a_small_effort_has_no_effects_and_runs_with_full_effort() {
    for (index, (machine, input)) in dear().into_iter().enumerate() {
        let (_, effects) = begin(&machine, input.clone(), SMALL);
        assert!(effects.exceeded, "{index}");
        assert!(effects.history.is_empty() && effects.invocations.is_empty(), "{index}");
        let (execution, effects) = begin(&machine, input, Effort::Full);
        assert!(!effects.exceeded, "{index}");
        assert!(
            matches!(execution.outcome(), Some(Outcome::Succeeded { .. })),
            "{index}: {:?}",
            execution.outcome()
        );
    }
}

#[test]
fn what_is_dear_inside_of_branches_and_behind_catchers_is_not_caught() {
    let dear = json!({ "Type": "Pass", "Output": r#"{% $length($pad("x", 2000000)) %}"#, "End": true });
    let inner = json!({ "StartAt": "Dear", "States": { "Dear": dear } });
    let catch = json!([{ "ErrorEquals": ["States.ALL"], "Next": "Caught" }]);
    let caught = json!({ "Type": "Succeed" });
    let parallel = json!({ "Type": "Parallel", "Branches": [inner.clone()], "Catch": catch, "End": true });
    let map = json!({ "Type": "Map", "Items": [1, 2], "ItemProcessor": inner, "Catch": catch, "End": true });
    for around in [parallel, map] {
        let definition = json!({ "QueryLanguage": "JSONata", "StartAt": "Around",
            "States": { "Around": around, "Caught": caught } });
        let machine = Machine::parse(&definition.to_string()).unwrap();
        assert!(begin(&machine, json!({}), SMALL).1.exceeded);
        let (execution, _) = begin(&machine, json!({}), Effort::Full);
        let Some(Outcome::Succeeded { output }) = execution.outcome() else {
            panic!("{:?}", execution.outcome())
        };
        assert!(output.as_array().unwrap().iter().all(|length| *length == 2_000_000));
    }
}

#[test]
fn many_cheap_states_pause_before_they_have_cost_a_small_effort() {
    let input: Vec<_> = (0..20_000).map(|_| 1).collect();
    let mut states = serde_json::Map::new();
    for n in 0..20 {
        let next = format!("S{}", n + 1);
        states.insert(format!("S{n}"), json!({ "Type": "Pass", "Next": next, "Parameters": { "n.$": "States.ArrayContains($, 2)" }, "ResultPath": null }));
    }
    states.insert("S20".to_owned(), json!({ "Type": "Succeed" }));
    let machine = Machine::parse(&json!({ "StartAt": "S0", "States": states }).to_string()).unwrap();
    let (mut execution, effects) = begin(&machine, json!(input), SMALL);
    assert!(!effects.exceeded);
    let mut events = 1;
    while execution.outcome().is_none() {
        assert_eq!(execution.wake_at(), Some(Timestamp::UNIX_EPOCH), "it has paused, and is due");
        assert!(!execution.apply(&machine, Event::Wake, &mut Outside(SMALL)).exceeded);
        events += 1;
    }
    assert!(events > 3, "{events}");
    assert!(matches!(execution.outcome(), Some(Outcome::Succeeded { .. })));
}

#[test]
fn beyond_a_full_effort_paths_and_functions_fail() {
    let items: Vec<_> = (0..20_000).map(|n| json!({ "n": n })).collect();
    let (execution, _) = begin(
        &pass("InputPath", json!("$.items[?(@.n in $.items[*].n)]")),
        json!({ "items": items }),
        Effort::Full,
    );
    let Some(Outcome::Failed { error, cause }) = execution.outcome() else {
        panic!("{:?}", execution.outcome())
    };
    assert_eq!(error.as_deref(), Some("States.Runtime"));
    assert!(cause.as_deref().unwrap().contains("more work"), "{cause:?}");

    // Each level doubles the backslashes of the one before.
    let mut call = "States.JsonToString($.quotes)".to_owned();
    for _ in 0..9 {
        call = format!("States.JsonToString({call})");
    }
    let machine = pass("Parameters", json!({ "text.$": call }));
    let (execution, _) = begin(&machine, json!({ "quotes": "\"".repeat(120_000) }), Effort::Full);
    let Some(Outcome::Failed { error, .. }) = execution.outcome() else {
        panic!("{:?}", execution.outcome())
    };
    assert!(["States.Runtime", "States.DataLimitExceeded"].contains(&error.as_deref().unwrap()));
}
