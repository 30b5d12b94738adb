//! StartSyncExecution.

use super::start_execution::Origin;
use super::state::Core;
use crate::error::Error;
use crate::executions::ExecutionDescription;
use crate::journal::{JournalError, Seq};
use crate::request::{Reply, StartRequest};
use crate::state_machine::StateMachineKind;

impl Core {
    /// Starts an Express execution, and keeps the reply until the execution has ended.
    pub(super) fn start_sync_execution(
        &mut self,
        request: &StartRequest,
        reply: &mut Reply<ExecutionDescription>,
    ) -> Result<(), JournalError> {
        let machine = self.journal.state_machine(&request.machine_arn)?;
        let started = match machine {
            Some((machine, _)) if machine.kind != StateMachineKind::Express => {
                Err(Error::StateMachineTypeNotSupported {
                    operation: "StartSyncExecution",
                    kind: machine.kind,
                })
            }
            _ => self.start(request, Origin::WaitingCaller),
        };
        match started {
            Ok((_, seq)) => {
                if let Some(reply) = reply.take() {
                    self.waiters.insert(seq, reply);
                    // It may have run to its end without a single call, or not have come into being at all.
                    if self.live.get(&seq).is_none_or(|live| live.execution.outcome().is_some()) {
                        self.answer_waiter(seq)?;
                    }
                }
                Ok(())
            }
            Err(error) => self.answer(reply, Err(error)),
        }
    }

    /// Describes an execution that has ended to the caller who waits for it, if one does.
    pub(super) fn answer_waiter(&mut self, seq: Seq) -> Result<(), JournalError> {
        let Some(waiter) = self.waiters.remove(&seq) else { return Ok(()) };
        let Some(row) = self.journal.execution_by_seq(seq)? else { return Ok(()) };
        self.answer(&mut Some(waiter), Ok(row.into()))
    }
}
