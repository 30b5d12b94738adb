//! Executions that the engine can't go on with: they fail, and nobody else does.
//!
//! What is stored of an execution may be damaged or of a later release, its definition may be missing, and the
//! interpreter may panic on it. None of that goes away by trying again. So such an execution fails with
//! States.Runtime and the cause, and rests: its row of `progress` stays as it was found, but nothing wakes it. Once the
//! cause is gone, for example after an upgrade, RedriveExecution takes it up where it was.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use asl::{Ambient, Effects, Event, Execution, Machine};

use super::ambient::ExecutionAmbient;
use super::state::Core;
use crate::error::RUNTIME;
use crate::journal::{Ending, JournalError, Seq};
use crate::status::ExecutionStatus;

/// Does work that may panic. An error is what the panic said.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What the work leaves half-done is dropped by the caller.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| said(&*panic))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}

/// The cause of an execution that ends because the interpreter panicked.
pub(super) fn crashed(said: &str) -> String {
    format!("The interpreter failed on this execution ({said}). It can be redriven once that is mended.")
}

/// Has an execution fail by an event of its own.
pub(super) fn fail(
    execution: &mut Execution,
    machine: &Machine,
    ambient: &mut dyn Ambient,
    said: &str,
) -> Effects {
    let event = Event::Fail { error: Some(RUNTIME.to_owned()), cause: Some(crashed(said)) };
    execution.apply(machine, event, ambient)
}

impl Core {
    /// Has an execution fail whose step panicked. `before` is the execution before that step, when the group had
    /// changed it already; otherwise the journal has it.
    pub(super) fn fail_after_panic(
        &mut self,
        seq: Seq,
        before: Option<Execution>,
        said: &str,
    ) -> Result<(), JournalError> {
        if !self.restore(seq, before)? {
            return Ok(());
        }
        let Some(live) = self.live.get_mut(&seq) else { return Ok(()) };
        tracing::error!(execution = %live.arn, panic = said, "an execution crashed the interpreter, and has failed");
        let (now, timed) = (self.clock.now(), self.limits.timed);
        let mut ambient = ExecutionAmbient::new(now, &self.randomness, &self.token_key, seq, timed);
        let failed = guarded(|| fail(&mut live.execution, &live.machine, &mut ambient, said));
        match failed {
            Ok(effects) => self.take_effects(seq, effects),
            Err(said) => self.quarantine(seq, &crashed(&said)),
        }
    }

    /// Has an execution be again what it was before a step. `before` is that, when the group had changed it already;
    /// otherwise the journal has it. `false` means that there is none.
    pub(super) fn restore(&mut self, seq: Seq, before: Option<Execution>) -> Result<bool, JournalError> {
        match (before, self.live.get_mut(&seq)) {
            (Some(before), Some(live)) => live.execution = before,
            _ => {
                self.live.remove(&seq);
            }
        }
        match self.load(seq) {
            Ok(live) => Ok(live.is_some()),
            Err(error) => self.quarantine_or(seq, error).map(|()| false),
        }
    }

    /// Puts the execution into quarantine if `error` says that what is stored of it is at fault. Any other error is
    /// the group's.
    pub(super) fn quarantine_or(&mut self, seq: Seq, error: JournalError) -> Result<(), JournalError> {
        if error.is_damage() { self.quarantine(seq, &error.to_string()) } else { Err(error) }
    }

    /// Has an execution fail and rest of which nothing but its row can be relied on.
    pub(super) fn quarantine(&mut self, seq: Seq, cause: &str) -> Result<(), JournalError> {
        self.live.remove(&seq);
        self.aside.remove(&seq);
        self.group.touched.remove(&seq);
        self.group.changed = true;
        self.journal.rest(seq)?;
        self.journal.drop_postponed(seq)?;
        let Some(row) = self.journal.execution_by_seq(seq)? else {
            tracing::error!(seq, cause, "the journal has the progress of an execution that it does not know");
            return Ok(());
        };
        let ends_in_this_group = std::mem::take(&mut self.group.unwritten);
        if row.stopped.is_some() && !ends_in_this_group {
            return Ok(());
        }
        tracing::error!(
            execution = row.arn,
            cause,
            "an execution can't go on, and has failed; RedriveExecution takes it up once the cause is gone"
        );
        let ending = Ending {
            status: ExecutionStatus::Failed,
            stopped: self.clock.now(),
            output: None,
            error: Some(RUNTIME),
            cause: Some(cause),
        };
        if row.stopped.is_some() {
            // Whoever waits for its end has been told of it, in this very group.
            self.note_status(seq, &row.arn, ending.status);
            self.journal.end_execution(seq, &ending)?;
            return self.recount_map_run(row.parent);
        }
        self.end(seq, &row.arn, row.parent, &ending)
    }
}
