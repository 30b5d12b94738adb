//! What stays in memory, and for how long: executions and compiled definitions.

use std::rc::Rc;

use asl::{Execution, Machine};

use super::live::Live;
use super::quarantine::guarded;
use super::state::Core;
use crate::arn::resource_type;
use crate::error::Error;
use crate::journal::{DefinitionId, JournalError, Seq};
use crate::state_machine::StateMachineKind;

/// How many executions stay in memory before those that only wait are dropped from it. They are read again
/// from the journal when something happens to them.
const IDLE_KEPT: usize = 2048;

impl Core {
    /// The execution, read from the journal when it is not in memory; `None` when it has succeeded or is
    /// unknown. When what is stored of it is at fault, the error [says so](JournalError::is_damage).
    pub(super) fn load(&mut self, seq: Seq) -> Result<Option<&Live>, JournalError> {
        if !self.live.contains_key(&seq) {
            let Some((state, definition)) = self.journal.progress(seq)? else { return Ok(None) };
            let Some(row) = self.journal.execution_by_seq(seq)? else { return Ok(None) };
            let damaged = |what: &str| format!("{what} of {}", row.arn);
            let execution = Execution::from_json(&state)
                .map_err(|error| JournalError::damaged(damaged("the state"), error))?;
            let kind = match resource_type(&row.arn) {
                Ok("express") => StateMachineKind::Express,
                Ok(_) => StateMachineKind::Standard,
                Err(error) => return Err(JournalError::damaged("the ARN of an execution", error)),
            };
            let machine = self.machine(definition).map_err(|error| match error {
                Error::Journal(error) => error,
                error => JournalError::damaged(damaged("the definition"), error),
            })?;
            let (arn, parent) = (row.arn.into(), row.parent);
            let live = Live { execution, machine, definition, arn, kind, parent, waits_only: true };
            self.live.insert(seq, live);
        }
        Ok(self.live.get(&seq))
    }

    /// The compiled definition.
    pub(super) fn machine(&mut self, definition: DefinitionId) -> Result<Rc<Machine>, Error> {
        if let Some(machine) = self.machines.get(&definition) {
            return Ok(Rc::clone(machine));
        }
        let text = self.journal.definition(definition)?;
        let machine = guarded(|| Machine::parse(&text))
            .map_err(|said| {
                JournalError::damaged("a definition", format!("it crashes the interpreter: {said}"))
            })?
            .map_err(|invalid| Error::InvalidDefinition(invalid.to_string()))?;
        let machine = Rc::new(machine);
        self.machines.insert(definition, Rc::clone(&machine));
        Ok(machine)
    }

    /// Drops executions from memory: those that have ended of the ones that a group has written, and when there are
    /// many, those that only wait.
    pub(super) fn evict_idle(&mut self, written: &[Seq]) {
        for seq in written {
            if self.live.get(seq).is_some_and(|live| live.execution.outcome().is_some()) {
                self.live.remove(seq);
            }
        }
        if self.live.len() > IDLE_KEPT {
            self.live.retain(|_, live| !live.waits_only);
        }
    }

    /// Forgets all that is in memory only because of a group that was not committed.
    pub(super) fn forget_group(&mut self) -> Result<(), JournalError> {
        self.live.clear();
        // The events of these are in the backlog.
        self.aside.clear();
        // Keys that the group gave will be given again, to other definitions and executions.
        self.machines.clear();
        self.next_seq = self.journal.last_seq()? + 1;
        self.has_backlog = self.journal.has_backlog()?;
        self.load_map_runs()?;
        let next_seq = self.next_seq;
        self.waiters.retain(|seq, _| *seq < next_seq);
        Ok(())
    }
}
