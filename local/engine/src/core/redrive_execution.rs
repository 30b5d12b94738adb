//! RedriveExecution.

use asl::{Event, Timestamp};

use super::group::Work;
use super::state::Core;
use crate::error::Error;
use crate::executions;
use crate::journal::Parent;
use crate::status::ExecutionStatus;

impl Core {
    /// Takes up an execution that ended without success, from the state that failed, and returns the time.
    pub(super) fn redrive_execution(&mut self, arn: &str) -> Result<Timestamp, Error> {
        let row = executions::describe(&self.journal, arn)?;
        if matches!(row.parent, Some(Parent::MapRun(_))) {
            let why = "Execution is a child of a Map Run: redrive the execution that has the Map".to_owned();
            return Err(Error::ExecutionNotRedrivable(why));
        }
        if !row.status.is_redrivable() {
            let why = format!("Execution is {} and cannot be redriven", row.status);
            return Err(Error::ExecutionNotRedrivable(why));
        }
        let was_running = match self.load(row.seq) {
            Ok(Some(live)) if live.execution.outcome().is_none() => true,
            Ok(Some(live)) if live.execution.is_redrivable() => false,
            Ok(_) => {
                let why = format!("Execution is {} and nothing is left that could be redriven", row.status);
                return Err(Error::ExecutionNotRedrivable(why));
            }
            Err(error) if error.is_damage() => {
                tracing::warn!(execution = arn, %error, "an execution still can't go on");
                let why = format!("Execution still cannot go on: {error}");
                return Err(Error::ExecutionNotRedrivable(why));
            }
            Err(error) => return Err(error.into()),
        };
        if self.open >= self.limits.open_executions {
            return Err(Error::ExecutionLimitExceeded);
        }
        let now = self.clock.now();
        self.journal.reopen_execution(row.seq, now)?;
        self.note_status(row.seq, arn, ExecutionStatus::Running);
        self.open += 1;
        if was_running {
            self.take_up(row.seq)?;
        } else {
            self.group.work.push_back(Work::Apply(row.seq, Event::Redrive));
        }
        Ok(now)
    }
}
