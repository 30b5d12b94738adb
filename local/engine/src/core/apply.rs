//! The one way in which an execution changes: live, after a crash and when it is redriven.

use asl::{Effects, Event, Outcome, Timestamp};

use super::ambient::ExecutionAmbient;
use super::group::Work;
use super::nested;
use super::state::Core;
use crate::arn;
use crate::journal::{Ending, JournalError, Seq};
use crate::state_machine::StateMachineKind;
use crate::status::ExecutionStatus;

impl Core {
    /// Applies an event to an execution. Nothing happens when the execution has succeeded or is unknown,
    /// since a result may come after the execution has ended.
    pub(super) fn apply(&mut self, seq: Seq, event: Event) -> Result<(), JournalError> {
        let now = self.clock.now();
        if self.load(seq)?.is_none() {
            return Ok(());
        }
        let Some(live) = self.live.get_mut(&seq) else { return Ok(()) };
        let mut ambient = ExecutionAmbient { now, randomness: &self.randomness, key: &self.token_key, seq };
        let had_ended = live.execution.outcome().is_some();
        let effects = live.execution.apply(&live.machine, event, &mut ambient);
        // The result of a call that was still in flight when its execution ended changes nothing, not even
        // when it ended.
        if had_ended && effects.history.is_empty() {
            return Ok(());
        }
        self.take_effects(seq, effects)
    }

    /// Takes up what an event led to: history events, calls, and perhaps the execution's end.
    pub(super) fn take_effects(&mut self, seq: Seq, effects: Effects) -> Result<(), JournalError> {
        self.group.touch(seq).extend(effects.history);
        for invocation in effects.invocations {
            self.group.work.push_back(Work::Perform(seq, invocation));
        }
        self.finish(seq)
    }

    /// If the execution has ended, notes how, and tells its parent and the caller who waits for it.
    fn finish(&mut self, seq: Seq) -> Result<(), JournalError> {
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        let Some(outcome) = live.execution.outcome() else { return Ok(()) };
        let parent = live.parent;
        let status = ExecutionStatus::from(outcome);
        self.journal.end_execution(seq, &ending(outcome, self.clock.now()))?;
        if let Some(parent) = parent
            && let Some(row) = self.journal.execution_by_seq(seq)?
        {
            self.group.work.push_back(Work::Apply(parent.seq, nested::result(parent, &row)));
        }
        self.note_status(seq, status);
        self.answer_waiter(seq)
    }
}

impl Core {
    /// Notes that the execution has come to this status, if anybody wants to hear of it.
    pub(super) fn note_status(&mut self, seq: Seq, status: ExecutionStatus) {
        let Some(live) = self.live.get(&seq).filter(|live| live.kind == StateMachineKind::Standard) else {
            return;
        };
        let machine = arn::state_machine_of(&live.arn);
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
