//! Which command carries out which request.

use super::group::{After, Work};
use super::state::Core;
use crate::error::Error;
use crate::journal::JournalError;
use crate::request::{Reply, Request};

impl Core {
    /// Carries out a request. A refusal is an answer like any other; only a failure of the journal fails the
    /// group.
    pub(super) fn handle(&mut self, request: &mut Request) -> Result<(), JournalError> {
        self.group.at = None;
        match request {
            Request::CreateStateMachine(create, reply) => {
                let created = self.create_state_machine(create);
                self.answer(reply, created)
            }
            Request::UpdateStateMachine(update, reply) => {
                let updated = self.update_state_machine(update);
                self.answer(reply, updated)
            }
            Request::DeleteStateMachine { arn, reply } => {
                let deleted = self.journal.delete_state_machine(arn);
                self.answer(reply, deleted.map_err(Error::from))
            }
            Request::StartExecution(start, reply) => {
                let started = self.start_execution(start);
                self.answer(reply, started)
            }
            Request::StartSyncExecution(start, reply) => self.start_sync_execution(start, reply),
            Request::StopExecution { arn, error, cause, reply } => {
                let stopped = self.stop_execution(arn, error.take(), cause.take());
                self.answer(reply, stopped)
            }
            Request::RedriveExecution { arn, reply } => {
                let redriven = self.redrive_execution(arn);
                self.answer(reply, redriven)
            }
            Request::UpdateMapRun(update, reply) => {
                let updated = self.update_map_run(update);
                self.answer(reply, updated)
            }
            Request::SendTask { token, verdict, reply } => {
                let sent = self.send_task(token, verdict);
                self.answer(reply, sent)
            }
            // Cloned, because the request is handled again when the group can't be committed.
            Request::TaskResult { seq, event } => {
                self.group.work.push_back(Work::Apply(*seq, event.clone()));
                Ok(())
            }
            Request::StepTaken(taken) => taken.take().map_or(Ok(()), |taken| self.step_taken(*taken)),
            Request::ClockMoved | Request::ShutDown => Ok(()),
        }
    }

    /// Sends the answer once the group is committed. When the answer is a failure of the journal, it fails
    /// the group, unless a stored value is at fault that only this request needs.
    pub(super) fn answer<T: Send + 'static>(
        &mut self,
        reply: &mut Reply<T>,
        result: Result<T, Error>,
    ) -> Result<(), JournalError> {
        let result = match result {
            Err(Error::Journal(error)) if !error.is_damage() => return Err(error),
            Err(Error::Journal(error)) => {
                tracing::error!(%error, "a request can't be carried out");
                Err(Error::Journal(error))
            }
            result => result,
        };
        if let Some(reply) = reply.take() {
            self.group.after.push(After::Answer(Box::new(move || {
                // A caller who went away needs no answer.
                let _ = reply.send(result);
            })));
        }
        Ok(())
    }
}
