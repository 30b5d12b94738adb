//! Task: what to call, with which arguments, and for how long.

use std::sync::Arc;

use serde_json::Value;

use super::data;
use super::visit::Visit;
use crate::error::{Evaluated, Failure};
use crate::graph::Task;
use crate::parameters;

/// What a Task wants to have called.
#[derive(Debug)]
pub(crate) struct TaskPlan {
    pub(crate) arguments: Arc<Value>,
    /// The task's timeout in seconds.
    pub(crate) timeout: Option<u64>,
    /// Seconds that may pass between two heartbeats.
    pub(crate) heartbeat: Option<u64>,
}

pub(super) fn plan(visit: &mut Visit<'_>, task: &Task) -> Evaluated<TaskPlan> {
    let arguments = data::effective_input(visit)?;
    let faults = parameters::faults(&task.resource, &arguments);
    if !faults.is_empty() {
        let faults = faults.join(", ");
        return Err(Failure::runtime(format!(
            "The Parameters '{arguments}' could not be used to start the Task: [{faults}]"
        )));
    }
    let mut limit = |number: Option<&_>, field| match number {
        Some(number) => {
            let input = data::selected_input(visit)?;
            visit.integer(number, field, &input).map(Some)
        }
        None => Ok(None),
    };
    let timeout = limit(task.timeout.as_ref(), "TimeoutSeconds")?;
    let heartbeat = limit(task.heartbeat.as_ref(), "HeartbeatSeconds")?;
    Ok(TaskPlan { arguments, timeout, heartbeat })
}
