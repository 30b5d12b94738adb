//! Work that was too much for one group.
//!
//! One request can lead to any amount of work: an execution starts another, which starts another. A group does a share
//! of it and stores the rest in the journal, in the same transaction, for the groups that follow. So a commit never
//! waits long, requests of others are handled in between, and a crash loses nothing.

use asl::Event;

use super::group::Work;
use super::nested;
use super::state::Core;
use crate::journal::{JournalError, Postponed, Seq};

impl Core {
    /// Stores what is left of the group's work.
    pub(super) fn postpone_rest(&mut self) -> Result<(), JournalError> {
        while let Some(work) = self.group.work.pop_front() {
            let (seq, postponed) = match work {
                // An execution that has paused is due, which its row says.
                Work::Apply(_, Event::Wake) => continue,
                Work::Apply(seq, event) => (seq, Postponed::Apply(event)),
                Work::Perform(seq, invocation) if nested::start_pattern(&invocation.resource).is_some() => {
                    (seq, Postponed::Start(invocation.task))
                }
                Work::Perform(seq, invocation) => {
                    self.perform(seq, invocation)?;
                    continue;
                }
            };
            self.group.changed = true;
            self.has_backlog = true;
            self.journal.postpone(seq, &postponed)?;
        }
        Ok(())
    }

    /// Does a share of the postponed work.
    pub(super) fn work_off_backlog(&mut self) -> Result<(), JournalError> {
        while self.has_backlog && !self.is_full() {
            let aside = &self.aside;
            let Some((seq, work)) = self.journal.take_postponed(|seq| aside.contains_key(&seq))? else {
                // What is left waits for steps that are being taken.
                self.has_backlog = false;
                return Ok(());
            };
            self.group.changed = true;
            self.queue_postponed(seq, work)?;
            self.work_off()?;
        }
        Ok(())
    }

    /// Has postponed work done in this group.
    pub(super) fn queue_postponed(
        &mut self,
        seq: Seq,
        work: Result<Postponed, JournalError>,
    ) -> Result<(), JournalError> {
        match work {
            Ok(Postponed::Apply(event)) => self.group.work.push_back(Work::Apply(seq, event)),
            Ok(Postponed::Start(task)) => {
                let live = match self.load(seq) {
                    Ok(live) => live,
                    Err(error) => return self.quarantine_or(seq, error),
                };
                let calls = live.map(|live| live.execution.invocations()).unwrap_or_default();
                // Its state may have been given up meanwhile.
                let call = calls.into_iter().find(|call| call.task == task);
                self.group.work.extend(call.map(|call| Work::Perform(seq, call)));
            }
            Err(error) => self.quarantine_or(seq, error)?,
        }
        Ok(())
    }
}
