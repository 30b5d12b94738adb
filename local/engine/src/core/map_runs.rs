//! Map Runs: the child executions of a Distributed Map as a whole, from their first to their end.
//!
//! ```text
//!   asl: MapRunChange::Started ──▶ map_run (journal), OpenRun (memory) ──▶ tended
//!                                                                            │ a few children at a time
//!   Event::MapRunSucceeded / MapRunFailed ◀── all have ended ◀── children ◀──┘
//! ```
//!
//! A child is an execution like any other. It comes into being when there is room for it, so that items that wait for
//! their turn cost nothing, and groups do a share of the work each: whatever is left to do for a run follows from its
//! row and from those of its children, also after a crash.

use std::sync::Arc;

use asl::{Event, MapRunChange, MapRunStart, TaskId, Tolerated};

use super::group::Work;
use super::state::Core;
use crate::arn;
use crate::journal::{JournalError, MapMember, MapRunId, MapRunOutputs, MapRunRow, Parent, Seq};
use crate::map_runs::MapRunStatus;
use crate::state_machine::StateMachineKind;
use crate::status::ExecutionStatus;

/// How many children of a run are running at the most. AWS runs up to 10,000 (AWS Step Functions Developer Guide,
/// "Map state", `MaxConcurrency`); one machine makes no more calls at a time for more of them, and each costs memory.
const CONCURRENCY: u64 = 1000;

/// How many children are started, redriven or aborted before the next run has its turn. It bounds how far a group may
/// go beyond its share.
const STEP: u64 = 32;

/// A Map Run for which there is something left to do.
pub(super) struct OpenRun {
    pub row: MapRunRow,
    /// The role of the parent, which its children have too.
    pub role_arn: String,
    /// Children that have not ended.
    pub running: u64,
    /// Children that are to be redriven and wait for their turn.
    pub pending_redrive: u64,
    /// Items of children that have ended without success.
    pub failed_items: u64,
}

/// What is to be done for a run next.
enum Step {
    /// Nothing, until a child has ended.
    Rest,
    /// Its end has come.
    Finish,
    /// So many children may be started.
    Start(u64),
    /// So many children may be redriven.
    Redrive(u64),
    /// It has ended, and some children have not.
    Abort,
}

impl OpenRun {
    pub(super) fn is_running(&self) -> bool {
        self.row.status == MapRunStatus::Running
    }

    fn is_done(&self) -> bool {
        !self.is_running() && self.running == 0
    }

    fn exceeds_its_tolerance(&self) -> bool {
        self.row.tolerated.exceeded(self.failed_items, self.row.items)
    }

    fn next_step(&self) -> Step {
        if !self.is_running() {
            return if self.running == 0 { Step::Rest } else { Step::Abort };
        }
        let limit = match self.row.max_concurrency {
            0 => CONCURRENCY,
            limit => limit.min(CONCURRENCY),
        };
        let room = limit.saturating_sub(self.running).min(STEP);
        let has_more = self.row.next < self.row.items;
        match (room, self.pending_redrive > 0, has_more) {
            (_, false, false) if self.running == 0 => Step::Finish,
            (0, ..) | (_, false, false) => Step::Rest,
            (room, true, _) => Step::Redrive(room),
            (room, false, true) => Step::Start(room),
        }
    }
}

impl Core {
    /// Takes into memory all runs for which there is something left to do.
    pub(super) fn load_map_runs(&mut self) -> Result<(), JournalError> {
        self.map_runs.clear();
        self.tended.clear();
        for row in self.journal.unfinished_map_runs()? {
            self.hold_map_run(row)?;
        }
        Ok(())
    }

    /// Takes a run into memory as the journal has it, and has it looked at.
    fn hold_map_run(&mut self, row: MapRunRow) -> Result<(), JournalError> {
        let parent = self.journal.execution_by_seq(row.execution)?;
        let role_arn = parent.map(|parent| parent.role_arn).unwrap_or_default();
        let mut run = OpenRun { row, role_arn, running: 0, pending_redrive: 0, failed_items: 0 };
        for count in self.journal.map_run_counts(run.row.id)? {
            match count.status {
                ExecutionStatus::Running => run.running = count.executions,
                ExecutionStatus::PendingRedrive => run.pending_redrive = count.executions,
                ExecutionStatus::Succeeded => {}
                ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
                    run.failed_items += count.items;
                }
            }
        }
        self.tended.insert(run.row.id);
        self.map_runs.insert(run.row.id, run);
        Ok(())
    }

    /// Does what an execution wants done about one of its runs.
    pub(super) fn change_map_run(&mut self, seq: Seq, change: MapRunChange) -> Result<(), JournalError> {
        match change {
            MapRunChange::Started(start) => self.begin_map_run(seq, &start),
            MapRunChange::Redriven { run } => self.redrive_map_run(seq, run),
            MapRunChange::Failed { run } => self.end_map_run_of(seq, run, MapRunStatus::Failed),
            MapRunChange::Aborted { run } => self.end_map_run_of(seq, run, MapRunStatus::Aborted),
        }
    }

    fn begin_map_run(&mut self, seq: Seq, start: &MapRunStart) -> Result<(), JournalError> {
        let mut row = MapRunRow {
            id: 0,
            arn: start.arn.clone(),
            execution: seq,
            run: start.run,
            definition: self.journal.definition_id(&start.definition)?,
            kind: StateMachineKind::of(start.child_type),
            status: MapRunStatus::Running,
            started: self.clock.now(),
            stopped: None,
            items: start.items,
            items_a_child: start.items_a_child,
            next: 0,
            max_concurrency: start.max_concurrency,
            tolerated: start.tolerated,
            redrives: 0,
            redriven: None,
        };
        row.id = self.journal.insert_map_run(&row)?;
        self.group.changed = true;
        self.hold_map_run(row)
    }

    /// Has a run go on: its children that ended without success are redriven, and the rest are started.
    fn redrive_map_run(&mut self, seq: Seq, run: TaskId) -> Result<(), JournalError> {
        let Some(mut row) = self.journal.map_run_of(seq, run)? else {
            tracing::error!(seq, run = run.0, "the journal does not know a Map Run that is to be redriven");
            self.group.work.push_back(Work::Apply(seq, Event::MapRunFailed { run }));
            return Ok(());
        };
        row.redrives += 1;
        row.redriven = Some(self.clock.now());
        self.resume_map_run(row)
    }

    fn resume_map_run(&mut self, mut row: MapRunRow) -> Result<(), JournalError> {
        row.status = MapRunStatus::Running;
        row.stopped = None;
        self.journal.await_redrive(row.id)?;
        self.journal.update_map_run(&row)?;
        self.group.changed = true;
        self.hold_map_run(row)
    }

    /// Has the runs go on that an execution waits for which was in quarantine.
    pub(super) fn take_up_map_runs(&mut self, seq: Seq) -> Result<(), JournalError> {
        for row in self.journal.map_runs(seq, None, usize::MAX)? {
            let is_awaited = self.load(seq)?.is_some_and(|live| live.execution.pending(row.run));
            if is_awaited {
                self.resume_map_run(row)?;
            }
        }
        Ok(())
    }

    fn end_map_run_of(&mut self, seq: Seq, run: TaskId, status: MapRunStatus) -> Result<(), JournalError> {
        let found = self.map_runs.values().find(|open| open.row.execution == seq && open.row.run == run);
        match found.map(|open| open.row.id) {
            Some(id) => self.end_map_run(id, status),
            None => Ok(()),
        }
    }

    /// Has the runs of an execution looked at again.
    pub(super) fn tend_map_runs_of(&mut self, seq: Seq) {
        let of_it = self.map_runs.values().filter(|open| open.row.execution == seq);
        self.tended.extend(of_it.map(|open| open.row.id));
    }

    /// Aborts the runs of an execution that has ended, whatever ended it.
    pub(super) fn abort_map_runs_of(&mut self, seq: Seq) -> Result<(), JournalError> {
        if self.map_runs.is_empty() {
            return Ok(());
        }
        let of_it = |open: &&OpenRun| open.row.execution == seq && open.is_running();
        let ids: Vec<_> = self.map_runs.values().filter(of_it).map(|open| open.row.id).collect();
        ids.into_iter().try_for_each(|id| self.end_map_run(id, MapRunStatus::Aborted))
    }

    /// Ends a run that has not ended yet. Children that still run are aborted in the groups that follow.
    pub(super) fn end_map_run(&mut self, id: MapRunId, status: MapRunStatus) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get_mut(&id).filter(|run| run.is_running()) else { return Ok(()) };
        run.row.status = status;
        run.row.stopped = Some(self.clock.now());
        if run.pending_redrive > 0 {
            run.pending_redrive = 0;
            self.journal.give_up_redrives(id)?;
        }
        self.journal.update_map_run(&run.row)?;
        self.group.changed = true;
        self.tended.insert(id);
        Ok(())
    }

    /// Counts a child that has ended, and fails its run when that was one failure too many.
    pub(super) fn child_ended(
        &mut self,
        member: MapMember,
        status: ExecutionStatus,
    ) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get_mut(&member.run) else { return Ok(()) };
        run.running = run.running.saturating_sub(1);
        if status != ExecutionStatus::Succeeded {
            run.failed_items += member.items;
        }
        self.tended.insert(member.run);
        if run.is_running() && status != ExecutionStatus::Succeeded && run.exceeds_its_tolerance() {
            let (parent, number) = (run.row.execution, run.row.run);
            self.end_map_run(member.run, MapRunStatus::Failed)?;
            self.group.work.push_back(Work::Apply(parent, Event::MapRunFailed { run: number }));
        }
        Ok(())
    }

    /// Counts the children of a run anew, when one of them has ended in another way than it seemed.
    pub(super) fn recount_map_run(&mut self, parent: Option<Parent>) -> Result<(), JournalError> {
        if let Some(Parent::MapRun(member)) = parent
            && let Some(run) = self.map_runs.remove(&member.run)
        {
            self.hold_map_run(run.row)?;
        }
        Ok(())
    }

    /// Does a share of what is to be done for all runs, a few children of each at a time.
    pub(super) fn tend_map_runs(&mut self) -> Result<(), JournalError> {
        while !self.is_full()
            && let Some(id) = self.next_tended()
        {
            self.tended_last = id;
            self.tend_map_run(id)?;
            self.work_off()?;
        }
        Ok(())
    }

    /// The run whose turn is next.
    fn next_tended(&self) -> Option<MapRunId> {
        let after = self.tended.range(self.tended_last.saturating_add(1)..).next();
        after.or_else(|| self.tended.first()).copied()
    }

    fn tend_map_run(&mut self, id: MapRunId) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get(&id) else {
            self.tended.remove(&id);
            return Ok(());
        };
        match run.next_step() {
            Step::Rest => {
                let is_done = run.is_done();
                self.tended.remove(&id);
                if is_done {
                    self.map_runs.remove(&id);
                }
                Ok(())
            }
            Step::Finish => self.finish_map_run(id),
            Step::Start(room) => self.start_children(id, room),
            Step::Redrive(room) => self.redrive_children(id, room),
            Step::Abort => self.abort_children(id, STEP),
        }
    }

    /// Ends a run all of whose children have ended, and gives its execution the outputs.
    fn finish_map_run(&mut self, id: MapRunId) -> Result<(), JournalError> {
        let Some(run) = self.map_runs.get(&id) else { return Ok(()) };
        let (parent, number) = (run.row.execution, run.row.run);
        let (status, event) = match self.journal.map_run_outputs(id, asl::MAX_PAYLOAD)? {
            MapRunOutputs::TooLarge => (MapRunStatus::Failed, Event::MapRunTooLarge { run: number }),
            MapRunOutputs::Text(text) => match serde_json::from_str(&text) {
                Ok(output) => (
                    MapRunStatus::Succeeded,
                    Event::MapRunSucceeded { run: number, output: Arc::new(output) },
                ),
                Err(error) => {
                    let damage = JournalError::damaged("an output of a child execution", error);
                    return self.quarantine_or(parent, damage);
                }
            },
        };
        self.end_map_run(id, status)?;
        self.group.work.push_back(Work::Apply(parent, event));
        Ok(())
    }

    /// Changes the limits of a run that has not ended.
    pub(super) fn limit_map_run(
        &mut self,
        id: MapRunId,
        max_concurrency: Option<u64>,
        tolerated: Tolerated,
    ) -> Result<bool, JournalError> {
        let Some(run) = self.map_runs.get_mut(&id).filter(|run| run.is_running()) else { return Ok(false) };
        run.row.max_concurrency = max_concurrency.unwrap_or(run.row.max_concurrency);
        run.row.tolerated.count = tolerated.count.or(run.row.tolerated.count);
        run.row.tolerated.percentage = tolerated.percentage.or(run.row.tolerated.percentage);
        self.journal.update_map_run(&run.row)?;
        self.group.changed = true;
        self.tended.insert(id);
        Ok(true)
    }
}

/// The ARN of the state machine that the children of a run name: `…:stateMachine:MACHINE/LABEL`.
pub(super) fn machine_of(map_run: &str) -> String {
    let machine = map_run.rsplit_once(':').map_or(map_run, |(machine, _)| machine);
    machine.replacen(":mapRun:", ":stateMachine:", 1)
}

/// The ARN of a child of this name.
pub(super) fn child_arn(machine: &str, kind: StateMachineKind, name: &str, run: &str) -> String {
    match kind {
        StateMachineKind::Standard => {
            format!("{}:{name}", machine.replacen(":stateMachine:", ":execution:", 1))
        }
        StateMachineKind::Express => {
            format!("{}:{name}:{run}", machine.replacen(":stateMachine:", ":express:", 1))
        }
    }
}

/// The name of the state machine that an ARN names.
pub(super) fn name_of(machine: &str) -> &str {
    arn::name(machine).unwrap_or(machine)
}
