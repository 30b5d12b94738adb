//! The one way in which an execution changes: live, after a crash and when it is redriven.

use std::sync::Arc;

use asl::{Effects, Event, Outcome, Timestamp};

use super::ambient::ExecutionAmbient;
use super::group::Work;
use super::nested;
use super::quarantine::guarded;
use super::state::Core;
use crate::arn;
use crate::journal::{Ending, JournalError, Parent, Seq};
use crate::status::ExecutionStatus;

impl Core {
    /// Applies an event to an execution. Nothing happens when the execution has succeeded or is unknown,
    /// since a result may come after the execution has ended.
    pub(super) fn apply(&mut self, seq: Seq, event: Event) -> Result<(), JournalError> {
        let Some(event) = self.unless_aside(seq, event)? else { return Ok(()) };
        let now = self.clock.now();
        let wakes = matches!(event, Event::Wake);
        self.group.at = Some(seq);
        match self.load(seq) {
            Ok(Some(_)) => {}
            Ok(None) if wakes => return self.wake_nobody(seq),
            Ok(None) => return Ok(()),
            Err(error) => return self.quarantine_or(seq, error),
        }
        // What the journal has is what the execution was before the group's first step.
        let changed_before = self.group.touched.contains_key(&seq);
        let Some(live) = self.live.get_mut(&seq) else { return Ok(()) };
        let before = changed_before.then(|| live.execution.clone());
        let mut ambient =
            ExecutionAmbient::new(now, &self.randomness, &self.token_key, seq, self.limits.timed);
        let again = event.clone();
        let had_ended = live.execution.outcome().is_some();
        let step = guarded(|| live.execution.apply(&live.machine, event, &mut ambient));
        let effects = match step {
            Ok(effects) if effects.exceeded => return self.set_aside(seq, before, again),
            Ok(effects) => effects,
            Err(said) => return self.fail_after_panic(seq, before, &said),
        };
        let is_due = live.execution.wake_at().is_some_and(|at| at <= now);
        let changes_nothing = effects.history.is_empty() && effects.invocations.is_empty();
        // The result of a call that was still in flight when its execution ended changes nothing, not even
        // when it ended.
        if had_ended && changes_nothing {
            return if wakes { self.wake_nobody(seq) } else { Ok(()) };
        }
        if wakes && is_due && changes_nothing && self.is_as_stored(seq)? {
            return self.quarantine(seq, "The execution is due, and yet nothing happens when it is woken.");
        }
        self.take_effects(seq, effects)?;
        self.go_on_if_paused(seq);
        Ok(())
    }

    /// Has an execution go on in this group that has paused, if there is room for it.
    pub(super) fn go_on_if_paused(&mut self, seq: Seq) {
        let now = self.clock.now();
        let wake = self.live.get(&seq).and_then(|live| live.execution.wake_at());
        if wake.is_some_and(|at| at <= now) && !self.is_full() {
            self.group.work.push_back(Work::Apply(seq, Event::Wake));
        }
    }

    /// Takes a wake-up away that would come again and again: there is no execution to wake, or it has ended.
    fn wake_nobody(&mut self, seq: Seq) -> Result<(), JournalError> {
        self.group.changed = true;
        self.journal.rest(seq)
    }

    /// Whether an execution in memory is what the journal has of it.
    fn is_as_stored(&self, seq: Seq) -> Result<bool, JournalError> {
        let Some(live) = self.live.get(&seq) else { return Ok(false) };
        let now = serde_json::to_vec(&live.execution).map_err(JournalError::Unwritable)?;
        Ok(self.journal.progress(seq)?.is_some_and(|(stored, _)| stored == now))
    }

    /// Takes up what an event led to: history events, calls, and perhaps the execution's end.
    pub(super) fn take_effects(&mut self, seq: Seq, effects: Effects) -> Result<(), JournalError> {
        self.group.record(seq, &effects.history)?;
        for invocation in effects.invocations {
            self.group.work.push_back(Work::Perform(seq, invocation));
        }
        for change in effects.map_runs {
            self.change_map_run(seq, change)?;
        }
        self.finish(seq)
    }

    /// If the execution has ended, ends it in the journal as well.
    fn finish(&mut self, seq: Seq) -> Result<(), JournalError> {
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        let Some(outcome) = live.execution.outcome() else { return Ok(()) };
        let (arn, parent, outcome) = (Arc::clone(&live.arn), live.parent, outcome.clone());
        self.end(seq, &arn, parent, &ending(&outcome, self.clock.now()))
    }

    /// Notes how an execution has ended, and tells its parent and the caller who waits for it.
    pub(super) fn end(
        &mut self,
        seq: Seq,
        arn: &str,
        parent: Option<Parent>,
        ending: &Ending<'_>,
    ) -> Result<(), JournalError> {
        self.journal.end_execution(seq, ending)?;
        self.open = self.open.saturating_sub(1);
        match parent {
            Some(Parent::Task(task)) => {
                if let Some(row) = self.journal.execution_by_seq(seq)? {
                    self.group.work.push_back(Work::Apply(task.seq, nested::result(task, &row)));
                }
            }
            Some(Parent::MapRun(member)) => self.child_ended(member, ending.status)?,
            None => {}
        }
        self.abort_map_runs_of(seq)?;
        self.note_status(seq, arn, ending.status);
        self.answer_waiter(seq)
    }
}

impl Core {
    /// Notes that the execution has come to this status, if anybody wants to hear of it.
    pub(super) fn note_status(&mut self, seq: Seq, arn: &str, status: ExecutionStatus) {
        // Executions of Express state machines have another type in their ARN.
        if arn::check_type(arn, "execution").is_err() {
            return;
        }
        let machine = arn::state_machine_of(arn);
        let noted = self.group.status_changes.contains(&seq);
        if !noted && self.hooks.status_changes.wants(&machine, status) {
            self.group.status_changes.push(seq);
        }
    }
}

fn ending(outcome: &Outcome, stopped: Timestamp) -> Ending<'_> {
    let status = ExecutionStatus::from(outcome);
    match outcome {
        Outcome::Succeeded { output } => {
            Ending { status, stopped, output: Some(output.to_string()), error: None, cause: None }
        }
        Outcome::Failed { error, cause }
        | Outcome::TimedOut { error, cause }
        | Outcome::Aborted { error, cause } => {
            Ending { status, stopped, output: None, error: error.as_deref(), cause: cause.as_deref() }
        }
    }
}
