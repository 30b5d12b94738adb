//! The children of a Map Run: they are started, redriven and aborted, a few at a time.

use std::sync::Arc;

use asl::{Effects, Event, MapChild, TaskId};
use serde_json::Value;

use super::ambient::ExecutionAmbient;
use super::aside::Cause;
use super::group::Work;
use super::map_runs::{child_arn, machine_of, name_of};
use super::quarantine::guarded;
use super::start_execution::{Launch, Starting};
use super::state::Core;
use crate::error::Error;
use crate::journal::{Ending, JournalError, MapMember, MapRunId, Parent, Seq};
use crate::map_runs::MapRunStatus;
use crate::state_machine::StateMachineKind;
use crate::status::ExecutionStatus;

impl Core {
    /// Starts at most so many children for the items that come next.
    pub(super) fn start_children(&mut self, id: MapRunId, room: u64) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get(&id) else { return Ok(()) };
        let (parent, number, from) = (run.row.execution, run.row.run, run.row.next);
        if self.aside.contains_key(&parent) {
            // It is looked at again when the parent's step has been taken.
            self.tended.remove(&id);
            return Ok(());
        }
        match self.ask_for_children(id, parent, number, from, room)? {
            Some(effects) => self.take_children(id, parent, effects),
            None => Ok(()),
        }
    }

    /// Starts the children that a run's execution has made, or ends the run if it has made none.
    pub(super) fn take_children(
        &mut self,
        id: MapRunId,
        parent: Seq,
        effects: Effects,
    ) -> Result<(), JournalError> {
        if effects.children.is_empty() {
            // Either an input could not be made, which has failed the state, or the execution doesn't wait any more.
            if !effects.history.is_empty() {
                self.take_effects(parent, effects)?;
            }
            return self.end_map_run(id, MapRunStatus::Aborted);
        }
        self.group.changed = true;
        for child in effects.children {
            // A child that fails at once may be one failure too many; a redrive begins with those that follow.
            let Some(run) = self.map_runs.get_mut(&id).filter(|run| run.is_running()) else { break };
            let first = run.row.next;
            run.row.next += child.items;
            self.start_child(id, first, child)?;
        }
        match self.map_runs.get(&id) {
            Some(run) => self.journal.update_map_run(&run.row),
            None => Ok(()),
        }
    }

    /// The next children as the parent makes them. `None` when the parent can't go on and has failed, or makes them
    /// beside the groups.
    fn ask_for_children(
        &mut self,
        id: MapRunId,
        parent: Seq,
        run: TaskId,
        from: u64,
        room: u64,
    ) -> Result<Option<Effects>, JournalError> {
        self.group.at = Some(parent);
        if let Err(error) = self.load(parent) {
            self.quarantine_or(parent, error)?;
            return Ok(None);
        }
        let changed_before = self.group.touched.contains_key(&parent);
        let Some(live) = self.live.get_mut(&parent) else { return Ok(Some(Effects::default())) };
        let before = changed_before.then(|| live.execution.clone());
        let (now, timed) = (self.clock.now(), self.limits.timed);
        let mut ambient = ExecutionAmbient::new(now, &self.randomness, &self.token_key, parent, timed);
        let event = Event::MapChildren { run, from, at_most: usize::try_from(room).unwrap_or(usize::MAX) };
        let again = event.clone();
        match guarded(|| live.execution.apply(&live.machine, event, &mut ambient)) {
            Ok(effects) if effects.exceeded => {
                self.tended.remove(&id);
                if self.restore(parent, before)? {
                    self.take_aside(parent, again, Cause::Children(id))?;
                }
                Ok(None)
            }
            Ok(effects) => Ok(Some(effects)),
            Err(said) => {
                self.fail_after_panic(parent, before, &said)?;
                Ok(None)
            }
        }
    }

    fn start_child(&mut self, id: MapRunId, first: u64, child: MapChild) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get_mut(&id) else { return Ok(()) };
        let (definition, kind, parent) = (run.row.definition, run.row.kind, run.row.execution);
        let (machine_arn, role_arn) = (machine_of(&run.row.arn), run.role_arn.clone());
        let machine = match self.machine(definition) {
            Ok(machine) => machine,
            Err(error) => return self.cannot_run_children(parent, error),
        };
        if let Some(run) = self.map_runs.get_mut(&id) {
            run.running += 1;
        }
        let name = self.randomness.uuid_v4().to_string();
        let express_run = self.randomness.uuid_v4().to_string();
        let starting = Starting {
            arn: child_arn(&machine_arn, kind, &name, &express_run),
            machine_name: name_of(&machine_arn).to_owned(),
            machine_arn,
            kind,
            role_arn,
            definition,
            machine,
            name,
            parent: Some(Parent::MapRun(MapMember { run: id, first, items: child.items })),
            launch: Launch::Detached,
        };
        self.begin(starting, (*child.input).clone(), child.input.to_string()).map(|_| ())
    }

    /// Fails the parent of children whose definition can't be run.
    fn cannot_run_children(&mut self, parent: Seq, error: Error) -> Result<(), JournalError> {
        match error {
            Error::Journal(error) => self.quarantine_or(parent, error),
            error => self.quarantine(parent, &error.to_string()),
        }
    }

    /// Redrives at most so many children of those that wait for it.
    pub(super) fn redrive_children(&mut self, id: MapRunId, room: u64) -> Result<(), JournalError> {
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let children = self.journal.map_run_children(id, ExecutionStatus::PendingRedrive, room)?;
        let Some(run) = self.map_runs.get_mut(&id) else { return Ok(()) };
        if children.is_empty() {
            run.pending_redrive = 0;
        }
        let kind = run.row.kind;
        for seq in children {
            if let Some(run) = self.map_runs.get_mut(&id) {
                run.pending_redrive = run.pending_redrive.saturating_sub(1);
                run.running += 1;
            }
            match kind {
                StateMachineKind::Standard => self.redrive_child(seq)?,
                StateMachineKind::Express => self.restart_child(seq)?,
            }
        }
        Ok(())
    }

    /// Takes up a child where it was. One that can't be taken up has failed again.
    fn redrive_child(&mut self, seq: Seq) -> Result<(), JournalError> {
        let now = self.clock.now();
        self.group.changed = true;
        self.journal.reopen_execution(seq, now)?;
        self.open += 1;
        let was_running = match self.load(seq) {
            Ok(Some(live)) if live.execution.outcome().is_none() => true,
            Ok(Some(live)) if live.execution.is_redrivable() => false,
            Ok(_) => return self.quarantine(seq, "Nothing is left of the execution that could be redriven."),
            Err(error) => return self.quarantine_or(seq, error),
        };
        if let Some(arn) = self.live.get(&seq).map(|live| Arc::clone(&live.arn)) {
            self.note_status(seq, &arn, ExecutionStatus::Running);
        }
        if was_running {
            return self.take_up(seq);
        }
        self.group.work.push_back(Work::Apply(seq, Event::Redrive));
        Ok(())
    }

    /// Starts an Express child anew, as AWS does: nothing is kept of how far it had come.
    fn restart_child(&mut self, seq: Seq) -> Result<(), JournalError> {
        self.group.changed = true;
        self.journal.reopen_execution(seq, self.clock.now())?;
        self.open += 1;
        let Some(row) = self.journal.execution_by_seq(seq)? else { return Ok(()) };
        let machine = match self.machine(row.definition) {
            Ok(machine) => machine,
            Err(error) => return self.quarantine(seq, &error.to_string()),
        };
        let input: Value = match serde_json::from_str(&row.input) {
            Ok(input) => input,
            Err(error) => return self.quarantine(seq, &format!("The input can't be read: {error}")),
        };
        self.live.remove(&seq);
        let machine_name = name_of(&row.machine).to_owned();
        self.run(row, machine, StateMachineKind::Express, &machine_name, input, Launch::Detached)
    }

    /// Aborts at most so many children of a run that has ended.
    pub(super) fn abort_children(&mut self, id: MapRunId, at_most: u64) -> Result<(), JournalError> {
        let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
        let children = self.journal.map_run_children(id, ExecutionStatus::Running, at_most)?;
        if children.is_empty()
            && let Some(run) = self.map_runs.get_mut(&id)
        {
            run.running = 0;
        }
        for seq in children {
            self.apply(seq, Event::Abort { error: None, cause: None })?;
            let Some(row) = self.journal.execution_by_seq(seq)? else { continue };
            if row.stopped.is_none() {
                // There is nothing left of it that could be told to stop.
                let ending = Ending {
                    status: ExecutionStatus::Aborted,
                    stopped: self.clock.now(),
                    output: None,
                    error: None,
                    cause: None,
                };
                self.end(seq, &row.arn, row.parent, &ending)?;
            }
        }
        Ok(())
    }
}
