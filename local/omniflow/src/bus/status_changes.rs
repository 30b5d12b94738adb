//! The event "Step Functions Execution Status Change", which Step Functions puts on the default bus.
//!
//! Source: AWS Step Functions Developer Guide, "Automating Step Functions event delivery with EventBridge". There
//! it is delivered at most once or a few times ("best effort"); here at least once: the deliveries are written
//! before the change is committed, and made after that.

use std::io;

use engine::{Committed, ExecutionDescription, ExecutionStatus, StatusChanges};
use serde_json::{Value, json};

use super::{EventBus, PutEvent};

const SOURCE: &str = "aws.states";
const DETAIL_TYPE: &str = "Step Functions Execution Status Change";
/// The bus that all accounts have and that AWS services publish to.
const DEFAULT_BUS: &str = "default";

impl StatusChanges for EventBus {
    fn wants(&self, state_machine_arn: &str, status: ExecutionStatus) -> bool {
        let known = json!({
            "source": SOURCE,
            "detail-type": DETAIL_TYPE,
            "detail": { "stateMachineArn": state_machine_arn, "status": status },
        });
        let mut rules = self.0.rules.iter().filter(|(rule, _)| rule.bus == DEFAULT_BUS);
        rules.any(|(_, pattern)| pattern.may_match(&known))
    }

    fn changed(&mut self, executions: Vec<ExecutionDescription>) -> io::Result<Committed> {
        let events: Vec<_> = executions.iter().map(|execution| self.status_change(execution)).collect();
        let deliveries = self.matched(events.iter());
        let held = self.queue().hold(deliveries, self.now()).map_err(io::Error::other)?;
        let bus = self.clone();
        Ok(Box::new(move |committed| {
            if let Err(error) = bus.queue().let_go(&held, committed) {
                tracing::error!(%error, "events of an execution that was not committed stay in the store");
            }
            bus.0.waiting.notify_one();
        }))
    }
}

impl EventBus {
    fn status_change(&self, execution: &ExecutionDescription) -> PutEvent {
        let surroundings = &self.0.surroundings;
        PutEvent {
            id: surroundings.randomness.uuid_v7(surroundings.clock.now()).to_string(),
            bus: DEFAULT_BUS.to_owned(),
            source: SOURCE.to_owned(),
            detail_type: DETAIL_TYPE.to_owned(),
            detail: detail(execution),
            resources: vec![execution.arn.clone()],
        }
    }
}

fn detail(execution: &ExecutionDescription) -> Value {
    let redrivable = execution.status.is_redrivable();
    let reason = format!("Execution is {} and cannot be redriven", execution.status);
    json!({
        "executionArn": execution.arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": null,
        "stateMachineAliasArn": null,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started.timestamp_millis(),
        "stopDate": execution.stopped.map(|stopped| stopped.timestamp_millis()),
        "input": execution.input,
        "inputDetails": { "included": true },
        "output": execution.output,
        "outputDetails": execution.output.as_ref().map(|_| json!({ "included": true })),
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven.map(|redriven| redriven.timestamp_millis()),
        "redriveStatus": execution.redrive_status(),
        "redriveStatusReason": (!redrivable).then_some(reason),
    })
}
