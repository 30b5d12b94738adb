//! Group commit: many requests, one transaction, one fsync.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use asl::Outcome;

use super::group::{After, Work};
use super::state::Core;
use crate::executions::ExecutionDescription;
use crate::journal::JournalError;
use crate::request::Request;
use crate::state_machine::StateMachineKind;
use crate::stats::Stats;
use crate::status_changes::Committed;

impl Core {
    /// Carries out the requests and all due wake-ups, and commits. On an error nothing of the group was kept.
    pub(crate) fn commit_group(&mut self, requests: &mut [Request]) -> Result<Vec<After>, JournalError> {
        self.vitals.begins();
        let committed = self.try_commit(requests);
        self.vitals.ends();
        committed
    }

    fn try_commit(&mut self, requests: &mut [Request]) -> Result<Vec<After>, JournalError> {
        let stats = Arc::clone(&self.stats);
        let only_wakes = requests.iter().all(|request| matches!(request, Request::ClockMoved));
        let durable = (!only_wakes).then(|| (self.hooks.before_commit)());
        self.journal.begin()?;
        let mut told = None;
        let done = Stats::time(&stats.interpret, || self.handle_all(requests))
            .and_then(|()| Stats::time(&stats.write, || self.write_group()))
            .and_then(|events| {
                if self.group.order.is_empty() && only_wakes {
                    self.journal.rollback();
                    return Ok(events);
                }
                let durable = durable.unwrap_or_else(|| (self.hooks.before_commit)());
                told = self.tell_status_changes()?;
                let outside =
                    Stats::time(&stats.before_commit, durable).map_err(JournalError::BeforeCommit)?;
                Stats::time(&stats.commit, || self.journal.commit_relying_on(outside))?;
                if let Some(folder) = &mut self.hooks.folder {
                    (folder.after_commit)(self.journal.reached());
                }
                stats.groups.fetch_add(1, Relaxed);
                self.vitals.committed();
                Ok(events)
            });
        let mut group = std::mem::take(&mut self.group);
        match done {
            Ok(events) => {
                stats.requests.fetch_add(requests.len() as u64, Relaxed);
                stats.events.fetch_add(events, Relaxed);
                self.evict_idle();
                group.after.extend(told.map(|told| After::Answer(Box::new(move || told(true)))));
                Ok(group.after)
            }
            Err(error) => {
                // Before callers learn it, who may ask for the engine's health next.
                self.vitals.failed(&error);
                self.journal.rollback();
                if let Some(told) = told {
                    told(false);
                }
                self.forget_group()?;
                Err(error)
            }
        }
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

    fn handle_all(&mut self, requests: &mut [Request]) -> Result<(), JournalError> {
        for request in requests {
            self.handle(request)?;
            self.work_off()?;
        }
        self.wake_due()?;
        self.work_off()
    }

    /// Does the group's work until none is left; work may leave more work.
    pub(super) fn work_off(&mut self) -> Result<(), JournalError> {
        while let Some(work) = self.group.work.pop_front() {
            match work {
                Work::Apply(seq, event) => self.apply(seq, event)?,
                Work::Perform(seq, invocation) => self.perform(seq, invocation)?,
            }
        }
        Ok(())
    }

    /// Writes the progress and the history of each execution that the group changed, and returns the number
    /// of history events.
    fn write_group(&mut self) -> Result<u64, JournalError> {
        let mut written = 0;
        for seq in &self.group.order {
            let Some(live) = self.live.get_mut(seq) else { continue };
            let events = self.group.touched.remove(seq).unwrap_or_default();
            written += events.len() as u64;
            let ended = live.execution.outcome();
            if ended.is_some() && live.kind == StateMachineKind::Express {
                self.journal.forget_execution(*seq)?;
                continue;
            }
            self.journal.append_history(*seq, &events)?;
            match ended {
                Some(Outcome::Succeeded { .. }) => self.journal.delete_progress(*seq)?,
                _ => {
                    let busy = ended.is_none() && !live.execution.invocations().is_empty();
                    let wake = if ended.is_some() { None } else { live.execution.wake_at() };
                    live.waits_only = !busy;
                    let state = serde_json::to_vec(&live.execution).map_err(JournalError::Unwritable)?;
                    self.journal.put_progress(*seq, &state, wake, busy)?;
                }
            }
        }
        Ok(written)
    }
}
