//! The names of the variables that states assign (AWS Step Functions Developer Guide, "Passing data between
//! states with variables"). The words are not recorded anywhere; the rules are AWS's.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::findings::Findings;
use super::transitions::{graphs, targets};

/// Characters that a name may have.
const MAX_NAME: usize = 80;

/// Checks the names in a graph and in those inside its states. `outer` has the names that are assigned around
/// it before it runs: a variable of an inner scope may not have the name of one of an outer scope. A name that
/// an outer scope assigns only later is allowed, as recorded executions of AWS show.
pub(super) fn check(part: &Value, location: &str, outer: &BTreeSet<&str>, findings: &mut Findings) {
    let Some(states) = part.get("States").and_then(Value::as_object) else { return };
    for (state, definition) in states {
        for (place, fields) in assigns(definition) {
            let location = format!("{location}/States/{state}{place}");
            for name in fields.keys().map(|field| variable(field)) {
                check_name(name, &location, findings);
                if outer.contains(name) {
                    let message = format!(
                        "The variable '{name}' is assigned in an outer scope already, so an inner scope cannot assign it"
                    );
                    findings.schema(&location, message);
                }
            }
        }
    }
    for (state, definition) in states {
        let graphs = graphs(definition);
        if graphs.is_empty() {
            continue;
        }
        let mut around = assigned_before(state, states);
        around.extend(outer);
        for (field, inner) in graphs {
            check(inner, &format!("{location}/States/{state}/{field}"), &around, findings);
        }
    }
}

/// The names that the states which lead to a state assign.
fn assigned_before<'d>(state: &str, states: &'d Map<String, Value>) -> BTreeSet<&'d str> {
    let mut before: BTreeSet<&str> = BTreeSet::new();
    let mut sought = vec![state];
    while let Some(target) = sought.pop() {
        for (name, definition) in states {
            if targets(definition).iter().any(|(_, to)| *to == target) && before.insert(name) {
                sought.push(name);
            }
        }
    }
    let definitions = before.into_iter().filter_map(|name| states.get(name));
    definitions.flat_map(assigns).flat_map(|(_, fields)| fields.keys()).map(|field| variable(field)).collect()
}

/// The name of the variable that a field of an Assign sets.
fn variable(field: &str) -> &str {
    field.strip_suffix(".$").unwrap_or(field)
}

/// The Assign fields of a state, of its rules and of its catchers, with their places in it.
fn assigns(state: &Value) -> Vec<(String, &Map<String, Value>)> {
    let own = state.get("Assign").map(|assign| ("/Assign".to_owned(), assign));
    let of_list = ["Choices", "Catch"].into_iter().flat_map(|field| {
        let assigns = list(state, field).iter().enumerate();
        assigns.filter_map(move |(i, entry)| Some((format!("/{field}[{i}]/Assign"), entry.get("Assign")?)))
    });
    own.into_iter().chain(of_list).filter_map(|(place, assign)| Some((place, assign.as_object()?))).collect()
}

fn list<'v>(part: &'v Value, field: &str) -> &'v [Value] {
    part.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Checks that a name is a Unicode identifier, not too long, and not the one that AWS keeps for itself.
fn check_name(name: &str, location: &str, findings: &mut Findings) {
    let mut chars = name.chars();
    let begins = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        findings.schema(location, format!("Variable name '{name}' is not a valid identifier"));
    } else if name.chars().count() > MAX_NAME {
        let message = format!("Variable name '{name}' is longer than {MAX_NAME} characters");
        findings.schema(location, message);
    } else if name == "states" {
        findings.schema(location, "Variable name 'states' is reserved");
    }
}
