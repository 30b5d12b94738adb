//! The state transitions that Step Functions bills for a Standard Workflow, counted from the history of an
//! execution.
//!
//! AWS says: "Step Functions counts a state transition each time a step of your workflow is executed",
//! "including retries" ("AWS Step Functions Pricing"). A redrive is one as well, and so is each state that
//! it runs again (Developer Guide, "Transitions"). In the history a step is an event `…StateEntered`. A
//! retry doesn't enter its state again: its task is scheduled, or its Map or Parallel started, by an event
//! other than the one that entered the state. Nothing else counts: not the start, not the end, and of the
//! iterations of a Map only the states in them.

use std::collections::HashMap;

use serde_json::Value;

/// The number of billed transitions in these events of GetExecutionHistory.
pub(crate) fn billed(events: &[Value]) -> usize {
    let types: HashMap<_, _> = events.iter().map(|event| (event["id"].as_u64(), type_of(event))).collect();
    let of_previous = |event: &Value| types.get(&event["previousEventId"].as_u64()).copied();
    events
        .iter()
        .filter(|event| match type_of(event) {
            "ExecutionRedriven" => true,
            "TaskScheduled" | "LambdaFunctionScheduled" | "MapStateStarted" | "ParallelStateStarted" => {
                !of_previous(event).is_some_and(is_entered)
            }
            name => is_entered(name),
        })
        .count()
}

fn type_of(event: &Value) -> &str {
    event["type"].as_str().unwrap_or_default()
}

fn is_entered(name: &str) -> bool {
    name.ends_with("StateEntered")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A history of events of these types, each with the id of the event that led to it.
    fn history(events: &[(&str, u64)]) -> Vec<Value> {
        let numbered = events.iter().enumerate();
        numbered
            .map(|(index, (name, previous))| {
                json!({ "id": index + 1, "previousEventId": previous, "type": name })
            })
            .collect()
    }

    #[test]
    fn every_state_that_is_entered_counts_and_start_and_end_do_not() {
        let events = [
            ("ExecutionStarted", 0),
            ("TaskStateEntered", 1),
            ("TaskScheduled", 2),
            ("TaskStarted", 3),
            ("TaskSucceeded", 4),
            ("TaskStateExited", 5),
            ("WaitStateEntered", 6),
            ("WaitStateExited", 7),
            ("ExecutionSucceeded", 8),
        ];
        assert_eq!(billed(&history(&events)), 2);
    }

    #[test]
    fn every_retry_counts() {
        let events = [
            ("ExecutionStarted", 0),
            ("TaskStateEntered", 1),
            ("TaskScheduled", 2),
            ("TaskFailed", 3),
            ("TaskScheduled", 4),
            ("TaskFailed", 5),
            ("LambdaFunctionScheduled", 6),
        ];
        assert_eq!(billed(&history(&events)), 3);
    }

    #[test]
    fn of_a_map_the_map_and_the_states_of_its_iterations_count() {
        let events = [
            ("ExecutionStarted", 0),
            ("MapStateEntered", 1),
            ("MapStateStarted", 2),
            ("MapIterationStarted", 3),
            ("MapIterationStarted", 3),
            ("TaskStateEntered", 4),
            ("TaskStateEntered", 5),
            ("TaskScheduled", 6),
            ("TaskScheduled", 7),
            ("MapStateFailed", 8),
            ("MapStateStarted", 10),
        ];
        assert_eq!(billed(&history(&events)), 4, "and the Map's own retry");
    }

    #[test]
    fn a_redrive_counts() {
        assert_eq!(billed(&history(&[("ExecutionFailed", 0), ("ExecutionRedriven", 1)])), 1);
    }
}
