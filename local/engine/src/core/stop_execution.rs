//! StopExecution.

use asl::{Event, Timestamp};

use super::group::Work;
use super::state::Core;
use crate::error::Error;
use crate::executions;

impl Core {
    /// Aborts an execution, and returns the time at which it stops. An execution that has ended already stays
    /// as it is, and the time at which it ended is returned.
    pub(super) fn stop_execution(
        &mut self,
        arn: &str,
        error: Option<String>,
        cause: Option<String>,
    ) -> Result<Timestamp, Error> {
        let row = executions::describe(&self.journal, arn)?;
        if let Some(stopped) = row.stopped {
            return Ok(stopped);
        }
        self.group.work.push_back(Work::Apply(row.seq, Event::Abort { error, cause }));
        Ok(self.clock.now())
    }
}
