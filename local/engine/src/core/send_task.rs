//! SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat.

use asl::TaskId;

use super::group::Work;
use super::state::Core;
use crate::error::Error;
use crate::journal::Seq;
use crate::request::Verdict;

impl Core {
    /// Gives the task of this token what its holder reports.
    pub(super) fn send_task(&mut self, token: &str, verdict: &Verdict) -> Result<(), Error> {
        let (seq, task) = self.open_token(token)?;
        self.group.work.push_back(Work::Apply(seq, verdict.clone().into_event(task)));
        Ok(())
    }

    /// The execution and the task of a token, if the task still waits.
    fn open_token(&mut self, token: &str) -> Result<(Seq, TaskId), Error> {
        let (seq, task) = self.token_key.open(token).ok_or(Error::InvalidToken)?;
        let waits = match self.load(seq) {
            Ok(live) => live.map(|live| live.execution.pending(task)),
            Err(error) => {
                self.quarantine_or(seq, error)?;
                Some(false)
            }
        };
        match waits {
            Some(true) => Ok((seq, task)),
            Some(false) => Err(Error::TaskTimedOut),
            None if self.journal.execution_by_seq(seq)?.is_some() => Err(Error::TaskTimedOut),
            None => Err(Error::TaskDoesNotExist),
        }
    }
}
