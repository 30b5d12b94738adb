//! What is done beside the groups, in small steps: histories of executions that have ended are compressed, and those
//! that ended long ago are forgotten, as on AWS.

use asl::Timestamp;
use chrono::TimeDelta;

use super::state::Core;
use crate::journal::{Found, JournalError};

/// The time between two steps while there is much to do. A step takes some milliseconds.
const BETWEEN_STEPS: TimeDelta = TimeDelta::milliseconds(20);
/// The time until the next step when there was little to do: a step costs nearly the same for one execution as for
/// many, and histories that are compressed together take less room.
const REST: TimeDelta = TimeDelta::seconds(10);

/// When the next step is due.
#[derive(Default)]
pub(super) struct Tidy {
    next: Option<Timestamp>,
    /// Whether the last step found something to do.
    pub has_more: bool,
}

impl Core {
    /// Does a step if one is due. It is called between groups.
    pub(super) fn tidy(&mut self) {
        let now = self.clock.now();
        // A clock that was set back makes no step wait.
        if self.tidy.next.is_some_and(|next| now < next && next - now <= REST) {
            return;
        }
        let found = self.step(now).unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal can't be tidied");
            Found::Nothing
        });
        self.tidy.has_more = found != Found::Nothing;
        let pause = if found == Found::Much { BETWEEN_STEPS } else { REST };
        self.tidy.next = now.checked_add_signed(pause);
    }

    fn step(&self, now: Timestamp) -> Result<Found, JournalError> {
        let kept_since = now.checked_sub_signed(self.limits.retention);
        let purged = match kept_since {
            Some(since) => self.journal.purge_some(since.timestamp_millis())?,
            None => Found::Nothing,
        };
        if purged == Found::Much { Ok(purged) } else { Ok(purged.max(self.journal.archive_some()?)) }
    }

    /// When the next step is due, while there is something to do.
    pub(super) fn next_step(&self) -> Option<Timestamp> {
        self.tidy.next.filter(|_| self.tidy.has_more)
    }
}
