//! Recovery: the calls that were in flight when the engine last stopped are made again.

use super::group::{After, Work};
use super::state::Core;
use crate::journal::JournalError;

impl Core {
    /// The calls to make again, and the effects of wake-ups that came due meanwhile.
    pub(crate) fn recover(&mut self) -> Result<Vec<After>, JournalError> {
        for seq in self.journal.busy()? {
            let Some(live) = self.load(seq)? else { continue };
            for invocation in live.execution.invocations() {
                self.group.work.push_back(Work::Perform(seq, invocation));
            }
        }
        self.commit_group(&mut [])
    }
}
