//! The definitions of state machines by their revision. An execution keeps the revision that it began with, and
//! Step Functions answers few questions for definitions (AWS Step Functions Developer Guide, "Quotas related to
//! API action throttling": one a second for DescribeStateMachineForExecution).

use std::collections::VecDeque;

use aws_sdk_sfn::Client;
use aws_sdk_sfn::error::SdkError;
use aws_sdk_sfn::operation::describe_state_machine_for_execution::DescribeStateMachineForExecutionError;
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::Mutex;

use super::event::instant;
use super::payload::shown;

/// The number of revisions of one machine that are remembered.
const REMEMBERED: usize = 8;

/// The beginning of an execution, which decides its revision.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun {
    pub at: Option<DateTime<Utc>>,
    /// The ARN of the version of the machine, when it was started by one.
    pub version: Option<String>,
}

/// The revisions of one state machine, the latest that was asked for first.
#[derive(Default)]
pub(super) struct Definitions(Mutex<VecDeque<Revision>>);

struct Revision {
    id: Option<String>,
    version: Option<String>,
    /// The moment at which the revision was made.
    made_at: DateTime<Utc>,
    /// The latest beginning of an execution that is known to have this revision. Between the two, no other
    /// revision was made.
    until: DateTime<Utc>,
    definition: Value,
}

impl Revision {
    fn is_of(&self, begun: &Begun) -> bool {
        match (&begun.version, begun.at) {
            (Some(version), _) => self.version.as_ref() == Some(version),
            (None, Some(at)) => self.version.is_none() && self.made_at <= at && at <= self.until,
            (None, None) => false,
        }
    }
}

impl Definitions {
    /// The definition that the execution with this ARN has. Of those who need one that isn't known, one asks.
    pub(super) async fn of(
        &self,
        begun: &Begun,
        execution: &str,
        client: &Client,
    ) -> Result<Value, SdkError<DescribeStateMachineForExecutionError>> {
        let mut revisions = self.0.lock().await;
        if let Some(known) = revisions.iter().find(|revision| revision.is_of(begun)) {
            return Ok(known.definition.clone());
        }
        let machine = client.describe_state_machine_for_execution().execution_arn(execution).send().await?;
        let definition = shown(Some(&machine.definition));
        let made_at = instant(&machine.update_date);
        if let (Some(made_at), Some(at)) = (made_at, begun.at) {
            let same = |revision: &&mut Revision| {
                revision.made_at == made_at
                    && revision.id == machine.revision_id
                    && revision.version == begun.version
            };
            match revisions.iter_mut().find(same) {
                Some(revision) => revision.until = revision.until.max(at),
                None => revisions.push_front(Revision {
                    id: machine.revision_id,
                    version: begun.version.clone(),
                    made_at,
                    until: at,
                    definition: definition.clone(),
                }),
            }
            revisions.truncate(REMEMBERED);
        }
        Ok(definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_revision_is_that_of_executions_between_two_that_have_it() {
        let revision = Revision {
            id: None,
            version: None,
            made_at: moment(10),
            until: moment(20),
            definition: Value::Null,
        };
        let begun = |at| Begun { at: Some(moment(at)), version: None };
        assert_eq!([9, 10, 20, 21].map(|at| revision.is_of(&begun(at))), [false, true, true, false]);
        assert!(!revision.is_of(&Begun { version: Some("v".to_owned()), ..begun(15) }));
        assert!(!revision.is_of(&Begun::default()));
        let versioned = Revision { version: Some("v".to_owned()), ..revision };
        assert!(versioned.is_of(&Begun { version: Some("v".to_owned()), ..begun(99) }));
        assert!(!versioned.is_of(&begun(15)));
    }
}
