//! What is done beside the groups, in small steps: histories of executions that have ended are compressed, those that
//! ended long ago are forgotten, as on AWS, and what the journal doesn't need of its disk any more is given back.

use asl::Timestamp;
use chrono::TimeDelta;

use super::state::Core;
use crate::journal::{Found, JournalError};

/// The time between two steps while there is much to do. A step takes some milliseconds.
const BETWEEN_STEPS: TimeDelta = TimeDelta::milliseconds(20);
/// The time until the next step when there was little to do: a step costs nearly the same for one execution as for
/// many, and histories that are compressed together take less room.
const REST: TimeDelta = TimeDelta::seconds(10);
/// The time until the next look when nothing has been committed since the last one: then only the retention time of
/// some execution may have passed.
const LONG_REST: TimeDelta = TimeDelta::hours(1);
/// The most commits between two looks that count as quiet. Space that is given back while the engine is busy would soon
/// be needed again.
const QUIET: u64 = 100;

/// What was found at the last step.
#[derive(Default)]
pub(super) struct Tidy {
    /// When the last step was done.
    last: Option<Timestamp>,
    /// What the last step found to do.
    found: Found,
    /// How many groups were committed since the last step that found nothing to archive.
    commits: u64,
    /// Whether the engine was quiet until that step.
    is_quiet: bool,
}

impl Tidy {
    /// Notes that a group was committed, so that there may be something to do.
    pub(super) fn note_commit(&mut self) {
        self.commits += 1;
    }

    /// The time from the last step to the next.
    fn pause(&self) -> TimeDelta {
        match self {
            Self { found: Found::Much, .. } => BETWEEN_STEPS,
            Self { found: Found::Nothing, commits: 0, is_quiet: true, .. } => LONG_REST,
            _ => REST,
        }
    }
}

impl Core {
    /// Does a step if one is due. It is called between groups.
    pub(super) fn tidy(&mut self) {
        let now = self.clock.now();
        // A clock that was set back makes no step wait.
        if self.tidy.last.is_some_and(|last| last <= now && now - last < self.tidy.pause()) {
            return;
        }
        let found = self.step(now).unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal can't be tidied");
            Found::Nothing
        });
        self.tidy.found = found;
        self.tidy.last = Some(now);
    }

    fn step(&mut self, now: Timestamp) -> Result<Found, JournalError> {
        let kept_since = now.checked_sub_signed(self.limits.retention);
        let purged = match kept_since {
            Some(since) => self.journal.purge_some(since.timestamp_millis())?,
            None => Found::Nothing,
        };
        let found = if purged == Found::Much { purged } else { purged.max(self.journal.archive_some()?) };
        if found != Found::Nothing {
            return Ok(found);
        }
        if self.tidy.commits > QUIET {
            self.tidy.is_quiet = false;
        } else if self.tidy.found == Found::Nothing {
            self.tidy.is_quiet = true;
        }
        self.tidy.commits = 0;
        Ok(if self.tidy.is_quiet && self.journal.give_back_some()? { Found::Much } else { Found::Nothing })
    }

    /// When the next step is due.
    pub(super) fn next_step(&self) -> Option<Timestamp> {
        match self.tidy.last {
            Some(last) => last.checked_add_signed(self.tidy.pause()),
            None => Some(self.clock.now()),
        }
    }
}
