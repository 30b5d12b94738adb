//! `states:startExecution`: an execution that a Task state starts.

use asl::{Invocation, Pattern};

use super::nested;
use super::start_execution::Origin;
use super::state::Core;
use crate::error::Error;
use crate::journal::{JournalError, Parent, Seq};

impl Core {
    /// Starts a child in the same commit in which its parent asks for it.
    pub(super) fn start_nested_execution(
        &mut self,
        seq: Seq,
        invocation: &Invocation,
        pattern: Pattern,
    ) -> Result<(), JournalError> {
        let task = invocation.task;
        let parent = nested::parent(seq, task, pattern).map(Parent::Task);
        let started = nested::request(&invocation.arguments)
            .and_then(|request| self.start(&request, Origin::State(parent)));
        let request_id = self.randomness.uuid_v4().to_string();
        let event = match started {
            Ok((started, _)) => nested::started(task, pattern, &started, &request_id),
            Err(Error::Journal(error)) if !error.is_damage() => return Err(error),
            Err(error) => nested::refused(task, &error, &request_id),
        };
        // Before anything that the child does: its result must find the task submitted.
        self.apply(seq, event)
    }
}
