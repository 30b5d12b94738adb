//! Where transitions lead: every target exists, every state is reached, some state ends the machine, and no
//! name appears twice.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::findings::Findings;

pub(super) fn check(definition: &Value, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    graph(definition, "", true, &mut names, findings);
}

/// Checks only that the targets exist, in a definition whose form is wrong.
pub(super) fn check_targets(definition: &Value, findings: &mut Findings) {
    targets_of(definition, "", findings);
}

fn targets_of(part: &Value, location: &str, findings: &mut Findings) {
    let Some(states) = part.get("States").and_then(Value::as_object).filter(|states| !states.is_empty())
    else {
        return;
    };
    if let Some(start) = part.get("StartAt").and_then(Value::as_str) {
        aim(states, start, &format!("{location}/StartAt"), &mut Vec::new(), findings);
    }
    for (name, state) in states {
        let location = format!("{location}/States/{name}");
        for (field, target) in targets(state) {
            aim(states, target, &format!("{location}/{field}"), &mut Vec::new(), findings);
        }
        for (field, inner) in graphs(state) {
            targets_of(inner, &format!("{location}/{field}"), findings);
        }
    }
}

/// The graphs inside a state, with the fields that hold them.
pub(super) fn graphs(state: &Value) -> Vec<(String, &Value)> {
    let processors = ["ItemProcessor", "Iterator"].into_iter();
    let mut graphs: Vec<_> =
        processors.filter_map(|field| Some((field.to_owned(), state.get(field)?))).collect();
    let branches = state.get("Branches").and_then(Value::as_array).into_iter().flatten();
    graphs.extend(branches.enumerate().map(|(i, branch)| (format!("Branches[{i}]"), branch)));
    graphs
}

/// Checks a graph and those inside its states. `names` has the names of all states so far; they must be
/// unique over the whole machine. Only the machine itself (`top`) must have a state that ends it.
fn graph<'d>(
    part: &'d Value,
    location: &str,
    top: bool,
    names: &mut BTreeSet<&'d str>,
    findings: &mut Findings,
) {
    let Some(states) = part.get("States").and_then(Value::as_object) else { return };
    for name in states.keys() {
        if !names.insert(name) {
            let location = format!("{location}/States/{name}");
            findings.add("DUPLICATE_STATE_NAME", &location, format!("Duplicate State name: {name}"));
        }
    }
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut pending = Vec::new();
    let start = part.get("StartAt").and_then(Value::as_str).unwrap_or_default();
    aim(states, start, &format!("{location}/StartAt"), &mut pending, findings);
    // A target must exist even if its state is never reached.
    for (name, state) in states {
        let location = format!("{location}/States/{name}");
        for (field, target) in targets(state) {
            aim(states, target, &format!("{location}/{field}"), &mut Vec::new(), findings);
        }
    }
    while let Some(name) = pending.pop() {
        if reached.insert(name) {
            let state = states.get(name).unwrap_or(&Value::Null);
            pending.extend(
                targets(state).into_iter().map(|(_, target)| target).filter(|t| states.contains_key(*t)),
            );
        }
    }
    if top && !states.values().any(is_terminal) {
        findings.add_overall("MISSING_END_STATE", "Workflow has no terminal state");
    } else {
        for name in states.keys().filter(|name| !reached.contains(name.as_str())) {
            let location = format!("{location}/States/{name}");
            findings.add(
                "MISSING_TRANSITION_TARGET",
                &location,
                format!("State \"{name}\" is not reachable."),
            );
        }
    }
    for (name, state) in states {
        let location = format!("{location}/States/{name}");
        for (field, inner) in graphs(state) {
            graph(inner, &format!("{location}/{field}"), false, names, findings);
        }
    }
}

/// Reports a target that does not exist, and adds one that does to the pending states.
fn aim<'d>(
    states: &Map<String, Value>,
    target: &'d str,
    location: &str,
    pending: &mut Vec<&'d str>,
    findings: &mut Findings,
) {
    if states.contains_key(target) {
        pending.push(target);
    } else {
        // AWS says 'Next' whatever the field is called.
        findings.add("MISSING_TRANSITION_TARGET", location, format!("Missing 'Next' target: {target}"));
    }
}

fn is_terminal(state: &Value) -> bool {
    state.get("End").is_some_and(|end| end == true)
        || state.get("Type").is_some_and(|kind| kind == "Succeed" || kind == "Fail")
}

/// The transitions of a state: the field, such as `Catch[0]/Next`, and the name of the state that it leads
/// to.
pub(super) fn targets(state: &Value) -> Vec<(String, &str)> {
    let mut targets = Vec::new();
    for field in ["Next", "Default"] {
        targets.extend(state.get(field).and_then(Value::as_str).map(|target| (field.to_owned(), target)));
    }
    for list in ["Choices", "Catch"] {
        for (i, entry) in state.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            let target = entry.get("Next").and_then(Value::as_str);
            targets.extend(target.map(|target| (format!("{list}[{i}]/Next"), target)));
        }
    }
    targets
}
