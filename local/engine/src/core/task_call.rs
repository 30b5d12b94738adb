//! The calls that Task states ask for.

use asl::Invocation;

use super::group::After;
use super::nested;
use super::state::Core;
use crate::integrations::TaskCall;
use crate::journal::{JournalError, Seq};

impl Core {
    /// Has a call made once the group is committed. A nested execution is started in the group itself.
    pub(super) fn perform(&mut self, seq: Seq, invocation: Invocation) -> Result<(), JournalError> {
        if let Some(pattern) = nested::start_pattern(&invocation.resource) {
            return self.start_nested_execution(seq, &invocation, pattern);
        }
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        self.group.after.push(After::Invoke(
            seq,
            TaskCall {
                execution_arn: live.arn.to_string(),
                state: invocation.state,
                task: invocation.task,
                resource: invocation.resource,
                arguments: invocation.arguments,
            },
        ));
        Ok(())
    }
}
