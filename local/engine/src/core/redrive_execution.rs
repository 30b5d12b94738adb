//! RedriveExecution.

use asl::{Event, Timestamp};

use super::group::Work;
use super::state::Core;
use crate::error::Error;
use crate::executions;
use crate::status::ExecutionStatus;

impl Core {
    /// Takes up an execution that ended without success, from the state that failed, and returns the time.
    pub(super) fn redrive_execution(&mut self, arn: &str) -> Result<Timestamp, Error> {
        let row = executions::describe(&self.journal, arn)?;
        if !row.status.is_redrivable() {
            let why = format!("Execution is {} and cannot be redriven", row.status);
            return Err(Error::ExecutionNotRedrivable(why));
        }
        let now = self.clock.now();
        self.journal.reopen_execution(row.seq, now)?;
        self.load(row.seq)?;
        self.note_status(row.seq, ExecutionStatus::Running);
        self.group.work.push_back(Work::Apply(row.seq, Event::Redrive));
        Ok(now)
    }
}
