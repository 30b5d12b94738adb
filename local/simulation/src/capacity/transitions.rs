//! How many state transitions go with what an execution is seen to do: with its start, and with each call of a task.
//!
//! Whatever an execution enters counts, and each retry (AWS Step Functions Developer Guide, "Transitions"). A task is seen
//! by its call. States that call nothing are counted with the start or with the task that leads to them: a Wait at the
//! beginning, or a Map, whose first task is counted by itself.

use std::collections::BTreeMap;

use serde_json::Value;
use template::StateMachine;

/// The transitions of all state machines.
#[derive(Debug, Default)]
pub struct Transitions {
    /// Those at the start of an execution, by the name of the state machine.
    starts: BTreeMap<String, u32>,
    /// Those of a call of a task, by the names of the state machine and of the state.
    calls: BTreeMap<(String, String), u32>,
}

impl Transitions {
    /// Those of these state machines.
    pub fn of(machines: &[StateMachine]) -> Self {
        let mut all = Self::default();
        for machine in machines {
            let definition: Value = serde_json::from_str(&machine.definition).unwrap_or_default();
            let first = definition["StartAt"].as_str();
            all.starts.insert(machine.name.clone(), silent(&definition["States"], first));
            all.add(&machine.name, &definition["States"]);
        }
        all
    }

    fn add(&mut self, machine: &str, states: &Value) {
        for (name, state) in states.as_object().into_iter().flatten() {
            if state["Type"] == "Task" {
                let next = silent(states, state["Next"].as_str());
                self.calls.insert((machine.to_owned(), name.clone()), 1 + next);
            }
            for inner in inner(state) {
                self.add(machine, &inner["States"]);
            }
        }
    }

    /// The transitions at the start of an execution of this state machine.
    pub fn of_start(&self, machine: &str) -> u32 {
        self.starts.get(machine).copied().unwrap_or_default()
    }

    /// The transitions of a call that this state of this execution makes.
    pub fn of_call(&self, execution_arn: &str, state: &str) -> u32 {
        // arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
        let machine = execution_arn.split(':').nth(6).unwrap_or_default();
        self.calls.get(&(machine.to_owned(), state.to_owned())).copied().unwrap_or(1)
    }
}

/// The machines within a state.
fn inner(state: &Value) -> impl Iterator<Item = &Value> {
    let branches = state["Branches"].as_array().into_iter().flatten();
    let processors = ["ItemProcessor", "Iterator"].into_iter().filter_map(|name| state.get(name));
    processors.chain(branches)
}

/// The states that are entered from this one on until the first that calls something.
fn silent(states: &Value, first: Option<&str>) -> u32 {
    let mut count = 0;
    let mut name = first;
    // A machine without a task in a loop would never end.
    while let Some(state) = name.map(|name| &states[name]).filter(|_| count < 100) {
        match state["Type"].as_str() {
            None | Some("Task") => return count,
            Some("Map" | "Parallel") => {
                let within = inner(state).map(|inner| silent(&inner["States"], inner["StartAt"].as_str()));
                return count + 1 + within.sum::<u32>();
            }
            Some(_) => count += 1,
        }
        name = state["Next"].as_str().or(state["Default"].as_str());
    }
    count
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn states_that_call_nothing_are_counted_with_what_leads_to_them() {
        let task = |next: &str| json!({ "Type": "Task", "Next": next });
        let definition = json!({ "StartAt": "Wait", "States": {
            "Wait": { "Type": "Wait", "Next": "One" },
            "One": task("All"),
            "All": { "Type": "Map", "Next": "Last", "ItemProcessor": {
                "StartAt": "Each", "States": { "Each": { "Type": "Task", "End": true } },
            } },
            "Last": { "Type": "Task", "Next": "Done" },
            "Done": { "Type": "Succeed" },
        } });
        let machine = StateMachine {
            name: "Orders".to_owned(),
            kind: "STANDARD".to_owned(),
            definition: definition.to_string(),
            role_arn: String::new(),
        };
        let all = Transitions::of(&[machine]);
        let call = |state| all.of_call("arn:aws:states:us-east-1:0:execution:Orders:ORD-1", state);
        assert_eq!(all.of_start("Orders"), 1);
        assert_eq!([call("One"), call("Each"), call("Last")], [2, 1, 2]);
    }
}
