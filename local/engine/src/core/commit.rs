//! Group commit: many requests, one transaction, one fsync.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use asl::{Invocation, Outcome};

use super::group::{After, Group, Work};
use super::nested;
use super::quarantine::{crashed, guarded};
use super::state::Core;
use crate::executions::ExecutionDescription;
use crate::journal::{JournalError, Parent, Seq};
use crate::request::Request;
use crate::state_machine::StateMachineKind;
use crate::stats::Stats;
use crate::status_changes::Committed;

impl Core {
    /// Carries out requests and due wake-ups, and commits. On an error nothing of the group was kept; what nobody else
    /// would repeat is tried again with the next group. A request that the group has no room for waits for the next
    /// one, which [`Core::next_wake`] says is due.
    pub(crate) fn commit_group(&mut self, requests: &mut [Request]) -> Result<Vec<After>, JournalError> {
        let only_wakes =
            self.queue.is_empty() && requests.iter().all(|request| matches!(request, Request::ClockMoved));
        self.queue.extend(requests.iter_mut().map(|request| std::mem::replace(request, Request::ClockMoved)));
        self.commit_with(only_wakes, Self::do_shares)
    }

    /// Commits what `work` does as one group.
    pub(super) fn commit_with(
        &mut self,
        only_wakes: bool,
        work: impl FnOnce(&mut Self) -> Result<(), JournalError>,
    ) -> Result<Vec<After>, JournalError> {
        self.vitals.begins();
        let open = self.open;
        let done = self.try_commit(only_wakes, work);
        let mut group = std::mem::take(&mut self.group);
        let committed = match done {
            Ok(()) => {
                self.stats.requests.fetch_add(group.handled.len() as u64, Relaxed);
                self.stats.events.fetch_add(group.events, Relaxed);
                self.stats.retries.fetch_add(group.retries, Relaxed);
                self.stats.open.store(self.open, Relaxed);
                self.evict_idle(&group.written);
                let told = group.told.take();
                group.after.extend(told.map(|told| After::Answer(Box::new(move || told(true)))));
                Ok(group.after)
            }
            Err(error) => {
                // Before callers learn it, who may ask for the engine's health next.
                self.vitals.failed(&error);
                self.open = open;
                self.give_back(&mut group, &error);
                Err(error)
            }
        };
        self.vitals.ends();
        committed
    }

    fn try_commit(
        &mut self,
        only_wakes: bool,
        work: impl FnOnce(&mut Self) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let stats = Arc::clone(&self.stats);
        let durable = (!only_wakes).then(|| (self.hooks.before_commit)());
        self.journal.begin()?;
        // Beside the steps of executions, which are guarded one by one, a panic here is a fault of the engine. It must
        // not end the thread on which all executions run.
        guarded(|| {
            Stats::time(&stats.interpret, || work(self))?;
            Stats::time(&stats.write, || self.write_group())
        })
        .unwrap_or_else(|said| Err(JournalError::Panicked(said)))?;
        if self.group.order.is_empty() && !self.group.changed && only_wakes {
            self.journal.rollback();
            return Ok(());
        }
        let durable = durable.unwrap_or_else(|| (self.hooks.before_commit)());
        let told = self.tell_status_changes()?;
        let committed = Stats::time(&stats.before_commit, durable)
            .map_err(JournalError::BeforeCommit)
            .and_then(|outside| Stats::time(&stats.commit, || self.journal.commit_relying_on(outside)));
        if let Err(error) = committed {
            self.journal.rollback();
            if let Some(told) = told {
                told(false);
            }
            return Err(error);
        }
        if let Some(folder) = &mut self.hooks.folder {
            (folder.after_commit)(self.journal.reached());
        }
        self.group.told = told;
        self.tidy.note_commit();
        stats.groups.fetch_add(1, Relaxed);
        self.vitals.committed();
        Ok(())
    }

    /// Tells of the executions whose status this group changes, as they will be.
    fn tell_status_changes(&mut self) -> Result<Option<Committed>, JournalError> {
        let mut changed = Vec::new();
        for seq in std::mem::take(&mut self.group.status_changes) {
            changed.extend(self.journal.execution_by_seq(seq)?.map(ExecutionDescription::from));
        }
        if changed.is_empty() {
            return Ok(None);
        }
        self.hooks.status_changes.changed(changed).map(Some).map_err(JournalError::BeforeCommit)
    }

    /// Undoes a group that could not be committed.
    fn give_back(&mut self, group: &mut Group, error: &JournalError) {
        self.journal.rollback();
        for request in std::mem::take(&mut group.handled).into_iter().rev().filter(Request::is_internal) {
            self.queue.push_front(request);
        }
        if let Err(error) = self.forget_group() {
            tracing::error!(%error, "what is in memory can't be compared with the journal");
        }
        let (JournalError::Panicked(said), Some(seq)) = (error, group.at) else { return };
        // The execution that was worked on would bring the next group down, too.
        self.queue.retain(|request| !matches!(request, Request::TaskResult { seq: of, .. } if *of == seq));
        if let Err(error) = self.try_commit(false, |core| core.quarantine(seq, &crashed(said))) {
            tracing::error!(%error, seq, "an execution that crashed the engine can't be marked as failed");
            self.journal.rollback();
        }
        if let Some(told) = std::mem::take(&mut self.group).told {
            told(true);
        }
    }

    /// Whether the share of the group that is being done is spent.
    pub(super) fn is_full(&self) -> bool {
        self.group.is_full(self.clock.now())
    }

    fn do_shares(&mut self) -> Result<(), JournalError> {
        self.group.begin_share(self.clock.now());
        while !self.is_full()
            && let Some(mut request) = self.queue.pop_front()
        {
            let handled = self.handle(&mut request);
            self.group.handled.push(request);
            handled?;
            self.work_off()?;
        }
        self.group.begin_share(self.clock.now());
        self.wake_due()?;
        self.group.begin_share(self.clock.now());
        self.work_off_backlog()?;
        if !self.tended.is_empty() {
            self.group.begin_share(self.clock.now());
            self.tend_map_runs()?;
        }
        Ok(())
    }

    /// Does the group's work until none is left, or the rest is too much for the group; work may leave more work.
    pub(super) fn work_off(&mut self) -> Result<(), JournalError> {
        while let Some(work) = self.group.work.pop_front() {
            if self.is_full() {
                self.group.work.push_front(work);
                return self.postpone_rest();
            }
            match work {
                Work::Apply(seq, event) => self.apply(seq, event)?,
                Work::Perform(seq, invocation) => self.perform(seq, invocation)?,
            }
        }
        Ok(())
    }

    /// Writes the progress and the history of each execution that the group changed.
    fn write_group(&mut self) -> Result<(), JournalError> {
        for seq in std::mem::take(&mut self.group.order) {
            self.group.changed = true;
            self.group.written.push(seq);
            if let Err(error) = self.write_execution(seq) {
                self.group.unwritten = true;
                self.quarantine_or(seq, error)?;
            }
        }
        // Whoever waits for an execution that has failed only now is told in the next group.
        self.postpone_rest()
    }

    fn write_execution(&mut self, seq: Seq) -> Result<(), JournalError> {
        let Some(live) = self.live.get_mut(&seq) else { return Ok(()) };
        let chunk = self.group.touched.remove(&seq).unwrap_or_default();
        let ended = live.execution.outcome();
        let is_express = live.kind == StateMachineKind::Express;
        let is_child = matches!(live.parent, Some(Parent::MapRun(_)));
        if ended.is_some() && is_express {
            // Of the Express children of a Map Run AWS keeps how they ended, and no history.
            return if is_child {
                self.journal.delete_progress(seq)
            } else {
                self.journal.forget_execution(seq)
            };
        }
        let first = chunk.first;
        if let Some(events) = chunk.into_array().filter(|_| !(is_express && is_child)) {
            self.journal.append_history(seq, first, &events)?;
        }
        match ended {
            Some(Outcome::Succeeded { .. }) => self.journal.delete_progress(seq),
            _ => {
                let busy = ended.is_none() && live.execution.invocations().iter().any(is_made_again);
                let rests = ended.is_some() || self.aside.contains_key(&seq);
                let wake = if rests { None } else { live.execution.wake_at() };
                live.waits_only = !busy;
                let state = serde_json::to_vec(&live.execution).map_err(JournalError::Unwritable)?;
                self.journal.put_progress(seq, &state, wake, busy)
            }
        }
    }
}

/// Whether a call that was in flight at a crash is made again at the next start. A nested execution that is still to be
/// started lies in the backlog, which survives by itself.
pub(super) fn is_made_again(call: &Invocation) -> bool {
    nested::start_pattern(&call.resource).is_none()
}
