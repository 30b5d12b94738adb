//! StopExecution.

use asl::{Event, Timestamp};

use super::group::Work;
use super::state::Core;
use crate::error::Error;
use crate::executions;

impl Core {
    /// Aborts an execution; when it stops, or when it ended if it has already.
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
