//! Wake-ups: what is due by the clock.

use asl::Event;

use super::group::Work;
use super::state::Core;
use crate::journal::JournalError;

/// The largest number of wake-ups in one group; the rest follow in the next ones.
const WAKES_A_GROUP: usize = 1024;

impl Core {
    /// Wakes the executions whose time has come, such as the end of a Wait state or of a task's timeout.
    pub(super) fn wake_due(&mut self) -> Result<(), JournalError> {
        for seq in self.journal.due(self.clock.now(), WAKES_A_GROUP)? {
            if self.is_full() {
                break;
            }
            self.group.work.push_back(Work::Apply(seq, Event::Wake));
            self.work_off()?;
        }
        Ok(())
    }
}
