//! Recovery: the calls that were in flight when the engine last stopped are made again.

use asl::Event;

use super::commit::is_made_again;
use super::group::{After, Work};
use super::state::Core;
use crate::journal::{JournalError, Seq};

impl Core {
    /// The calls to make again, and the effects of wake-ups that came due meanwhile.
    pub(crate) fn recover(&mut self) -> Result<Vec<After>, JournalError> {
        let mut after = self.commit_with(true, Self::resume_all)?;
        after.extend(self.commit_group(&mut [])?);
        Ok(after)
    }

    fn resume_all(&mut self) -> Result<(), JournalError> {
        for seq in self.journal.busy()? {
            self.resume(seq)?;
        }
        // The wake-up of these is worked out anew.
        for seq in self.journal.without_readable_wake()? {
            self.apply(seq, Event::Wake)?;
        }
        Ok(())
    }

    /// Makes the calls of an execution again.
    fn resume(&mut self, seq: Seq) -> Result<(), JournalError> {
        self.group.at = Some(seq);
        let calls = match self.load(seq) {
            Ok(live) => live.map(|live| live.execution.invocations()).unwrap_or_default(),
            Err(error) => return self.quarantine_or(seq, error),
        };
        for call in calls.into_iter().filter(is_made_again) {
            self.perform(seq, call)?;
        }
        Ok(())
    }

    /// Takes up an execution that was in quarantine, and which can be read again, where it was.
    pub(super) fn take_up(&mut self, seq: Seq) -> Result<(), JournalError> {
        let calls = self.load(seq)?.map(|live| live.execution.invocations()).unwrap_or_default();
        self.group.touch(seq);
        self.take_up_map_runs(seq)?;
        self.group.work.extend(calls.into_iter().map(|call| Work::Perform(seq, call)));
        Ok(())
    }
}
