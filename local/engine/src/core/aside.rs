//! Steps that are too dear for a group are taken beside it, so that they hold nobody up.
//!
//! ```text
//!   apply ── exceeded ──▶ backlog (journal): the event ── commit ──▶ After::TakeAside ──▶ a thread of its own
//!                              │                                                                │
//!          events that come meanwhile go behind it                                              │
//!                              ▼                                                                ▼
//!   the execution is as the step left it; what waited is applied ◀── Request::StepTaken ── StepTaken
//! ```
//!
//! A group makes a small effort with each event. When the expressions of the event need more, nothing of it counts: the
//! execution stays as it was before, and the event lies in the backlog until the step has been taken. So a crash in the
//! middle loses nothing: the event is found in the backlog, and is applied again. Meanwhile nothing wakes the execution,
//! and what happens to it waits behind the event in the backlog, in order. Only its end from outside waits for nothing.

use asl::{Event, Execution};

use super::dear_step::{DearStep, Outside, StepTaken};
use super::group::After;
use super::state::Core;
use crate::journal::{JournalError, MapRunId, Postponed, PostponedId, Seq};

/// An execution whose step is being taken.
pub(super) struct Aside {
    /// The number of the step. A result with another number is of a group that was not committed.
    number: u64,
    cause: Cause,
}

/// What the step is taken for.
#[derive(Clone, Copy)]
pub(super) enum Cause {
    /// An event, which lies in the backlog.
    Event(PostponedId),
    /// The inputs of more children of a Map Run.
    Children(MapRunId),
}

impl Core {
    /// The event, unless it has to wait until a step of its execution has been taken.
    pub(super) fn unless_aside(&mut self, seq: Seq, event: Event) -> Result<Option<Event>, JournalError> {
        if !self.aside.contains_key(&seq) {
            return Ok(Some(event));
        }
        match event {
            // When the execution is due is worked out once the step has been taken.
            Event::Wake => Ok(None),
            Event::Abort { .. } | Event::Fail { .. } => {
                self.aside.remove(&seq);
                self.group.changed = true;
                self.journal.drop_postponed(seq)?;
                Ok(Some(event))
            }
            event => {
                self.group.changed = true;
                self.journal.postpone(seq, &Postponed::Apply(event))?;
                Ok(None)
            }
        }
    }

    /// Has an event applied beside the groups that exceeded the effort of this one. `before` is the execution before the
    /// event, when the group had changed it already; otherwise the journal has it.
    pub(super) fn set_aside(
        &mut self,
        seq: Seq,
        before: Option<Execution>,
        event: Event,
    ) -> Result<(), JournalError> {
        if !self.restore(seq, before)? {
            return Ok(());
        }
        let id = self.journal.postpone_first(seq, &Postponed::Apply(event.clone()))?;
        self.take_aside(seq, event, Cause::Event(id))
    }

    /// Has an event applied beside the groups to the execution as it is in memory.
    pub(super) fn take_aside(&mut self, seq: Seq, event: Event, cause: Cause) -> Result<(), JournalError> {
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        let definition = match self.journal.definition(live.definition) {
            Ok(definition) => definition.into(),
            Err(error) => return self.quarantine_or(seq, error),
        };
        self.steps_aside += 1;
        let step = DearStep {
            seq,
            number: self.steps_aside,
            definition,
            execution: live.execution.clone(),
            event,
            outside: Outside {
                now: self.clock.now(),
                seed: self.randomness.bits(),
                key: self.token_key.clone(),
                seq,
            },
        };
        self.aside.insert(seq, Aside { number: step.number, cause });
        // It is written, so that nothing wakes it meanwhile.
        self.group.touch(seq);
        self.group.after.push(After::TakeAside(Box::new(step)));
        Ok(())
    }

    /// Takes up what a step has led to, and what has waited for its end.
    pub(super) fn step_taken(&mut self, taken: StepTaken) -> Result<(), JournalError> {
        let StepTaken { seq, number, result } = taken;
        let Some(cause) =
            self.aside.get(&seq).filter(|aside| aside.number == number).map(|aside| aside.cause)
        else {
            return Ok(());
        };
        self.aside.remove(&seq);
        self.group.at = Some(seq);
        self.group.changed = true;
        if let Cause::Event(id) = cause {
            self.journal.forget_postponed(id)?;
        }
        let before = match self.load(seq) {
            Ok(Some(live)) => live.execution.clone(),
            Ok(None) => return Ok(()),
            Err(error) => return self.quarantine_or(seq, error),
        };
        // It is written in any case: nothing wakes it as it is.
        self.group.touch(seq);
        match result {
            Err(said) => self.fail_after_panic(seq, Some(before), &said)?,
            Ok((execution, effects)) => {
                if let Some(live) = self.live.get_mut(&seq) {
                    live.execution = execution;
                }
                match cause {
                    Cause::Event(_) => self.take_effects(seq, effects)?,
                    Cause::Children(run) => self.take_children(run, seq, effects)?,
                }
                self.go_on_if_paused(seq);
            }
        }
        for work in self.journal.take_postponed_of(seq)? {
            self.queue_postponed(seq, work)?;
        }
        self.tend_map_runs_of(seq);
        Ok(())
    }
}
