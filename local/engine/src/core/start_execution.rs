//! StartExecution, and what all starts of executions share.

use std::rc::Rc;
use std::sync::Arc;

use asl::{Event, Machine, Start};
use serde_json::Value;

use super::ambient::ExecutionAmbient;
use super::aside::Cause;
use super::live::Live;
use super::quarantine::{crashed, guarded};
use super::state::Core;
use crate::arn;
use crate::checks::{check_name, parse_input};
use crate::error::{Error, RUNTIME};
use crate::executions::Started;
use crate::journal::{DefinitionId, ExecutionRow, JournalError, Parent, Postponed, Seq};
use crate::request::StartRequest;
use crate::state_machine::StateMachineKind;
use crate::status::ExecutionStatus;

/// Who starts an execution.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// A caller of StartExecution, who learns only that it started.
    Caller,
    /// A caller of StartSyncExecution, who waits for its end.
    WaitingCaller,
    /// A Task state, which waits for its end when there is a parent.
    State(Option<Parent>),
}

/// Whether anybody waits for the end in the call that starts an execution.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Launch {
    /// Nobody does.
    Detached,
    /// The caller of StartSyncExecution does.
    Synchronous,
}

/// An execution that is about to start.
pub(super) struct Starting {
    pub machine_arn: String,
    pub machine_name: String,
    pub kind: StateMachineKind,
    pub role_arn: String,
    pub definition: DefinitionId,
    pub machine: Rc<Machine>,
    pub arn: String,
    pub name: String,
    pub parent: Option<Parent>,
    pub launch: Launch,
}

impl Core {
    pub(super) fn start_execution(&mut self, request: &StartRequest) -> Result<Started, Error> {
        self.start(request, Origin::Caller).map(|(started, _)| started)
    }

    /// Starts an execution. When one of the same name and input runs already, that one is given: a repeated
    /// start is harmless (Step Functions API Reference, StartExecution). A state that waits for its child's
    /// end can't share it.
    pub(super) fn start(&mut self, request: &StartRequest, origin: Origin) -> Result<(Started, Seq), Error> {
        arn::check_type(&request.machine_arn, "stateMachine")?;
        let input = parse_input(&request.input)?;
        let (state_machine, definition) = self
            .journal
            .state_machine(&request.machine_arn)?
            .ok_or_else(|| Error::StateMachineDoesNotExist(request.machine_arn.clone()))?;
        let name = request.name.clone().unwrap_or_else(|| self.randomness.uuid_v4().to_string());
        check_name(&name)?;
        let run = self.randomness.uuid_v4().to_string();
        let arn = self.arns.execution(state_machine.kind, &state_machine.name, &name, &run);
        if let Some(kept) = self.journal.execution_by_arn(&arn)? {
            let same = kept.status == ExecutionStatus::Running
                && serde_json::from_str::<Value>(&kept.input).ok().as_ref() == Some(&input);
            return if same && !matches!(origin, Origin::State(Some(_))) {
                Ok((Started { arn, started: kept.started }, kept.seq))
            } else {
                Err(Error::ExecutionAlreadyExists(arn))
            };
        }
        if state_machine.kind == StateMachineKind::Standard && self.open >= self.limits.open_executions {
            return Err(Error::ExecutionLimitExceeded);
        }
        // Before anything is written: a definition that an earlier release took may be refused by this one.
        let machine = self.machine(definition)?;
        let (parent, launch) = match origin {
            Origin::Caller => (None, Launch::Detached),
            Origin::WaitingCaller => (None, Launch::Synchronous),
            Origin::State(parent) => (parent, Launch::Detached),
        };
        let starting = Starting {
            machine_arn: state_machine.arn,
            machine_name: state_machine.name,
            kind: state_machine.kind,
            role_arn: state_machine.role_arn,
            definition,
            machine,
            arn,
            name,
            parent,
            launch,
        };
        Ok(self.begin(starting, input, request.input.clone())?)
    }

    /// Stores an execution and runs it until it waits or ends.
    pub(super) fn begin(
        &mut self,
        starting: Starting,
        input: Value,
        input_text: String,
    ) -> Result<(Started, Seq), JournalError> {
        let Starting {
            machine_arn,
            machine_name,
            kind,
            role_arn,
            definition,
            machine,
            arn,
            name,
            parent,
            launch,
        } = starting;
        let row = ExecutionRow {
            seq: self.next_seq,
            arn,
            machine: machine_arn,
            name,
            definition,
            role_arn,
            status: ExecutionStatus::Running,
            started: self.clock.now(),
            stopped: None,
            input: input_text,
            output: None,
            error: None,
            cause: None,
            redrives: 0,
            redriven: None,
            parent,
            map_run_arn: None,
        };
        self.next_seq += 1;
        self.journal.insert_execution(&row)?;
        self.open += 1;
        let (started, seq) = (Started { arn: row.arn.clone(), started: row.started }, row.seq);
        self.run(row, machine, kind, &machine_name, input, launch)?;
        Ok((started, seq))
    }

    /// Runs an execution, whose row is stored, from its first state until it waits or ends.
    pub(super) fn run(
        &mut self,
        row: ExecutionRow,
        machine: Rc<Machine>,
        kind: StateMachineKind,
        machine_name: &str,
        input: Value,
        launch: Launch,
    ) -> Result<(), JournalError> {
        self.group.at = Some(row.seq);
        let start = start_of(&row, machine_name, input);
        let (now, timed) = (row.started, self.limits.timed);
        let mut ambient = ExecutionAmbient::new(now, &self.randomness, &self.token_key, row.seq, timed);
        let started_or_crashed = guarded(|| {
            let begun = launch_execution(launch, &machine, start.clone(), &mut ambient);
            if !begun.1.exceeded {
                return (begun, false);
            }
            // It goes no further than into its first state, which is dear, and goes on from there beside the groups.
            ambient.allowance.states = 1;
            (launch_execution(launch, &machine, start, &mut ambient), true)
        });
        let ((execution, effects), is_dear) = match started_or_crashed {
            Ok(begun) => begun,
            Err(said) => {
                tracing::error!(
                    execution = row.arn,
                    panic = said,
                    "an execution crashed the interpreter, and has failed"
                );
                match guarded(|| failed_start(&row, machine_name, &machine, &mut ambient, &said)) {
                    Ok(failed) => (failed, false),
                    Err(said) => {
                        return self.quarantine(row.seq, &crashed(&said));
                    }
                }
            }
        };
        let arn = Arc::<str>::from(row.arn);
        let live = Live {
            execution,
            machine,
            definition: row.definition,
            arn: Arc::clone(&arn),
            kind,
            parent: row.parent,
            waits_only: false,
        };
        self.live.insert(row.seq, live);
        self.note_status(row.seq, &arn, ExecutionStatus::Running);
        self.take_effects(row.seq, effects)?;
        if !is_dear {
            return Ok(());
        }
        let id = self.journal.postpone_first(row.seq, &Postponed::Apply(Event::Wake))?;
        self.take_aside(row.seq, Event::Wake, Cause::Event(id))
    }
}

fn launch_execution(
    launch: Launch,
    machine: &Machine,
    start: Start,
    ambient: &mut ExecutionAmbient<'_>,
) -> (asl::Execution, asl::Effects) {
    match launch {
        Launch::Synchronous => asl::Execution::start_synchronous(machine, start, ambient),
        Launch::Detached => asl::Execution::start(machine, start, ambient),
    }
}

fn start_of(row: &ExecutionRow, state_machine_name: &str, input: Value) -> Start {
    Start {
        execution_arn: row.arn.clone(),
        execution_name: row.name.clone(),
        state_machine_arn: row.machine.clone(),
        state_machine_name: state_machine_name.to_owned(),
        role_arn: row.role_arn.clone(),
        start_time: row.started,
        input,
    }
}

/// An execution whose start made the interpreter panic.
fn failed_start(
    row: &ExecutionRow,
    state_machine_name: &str,
    machine: &Machine,
    ambient: &mut ExecutionAmbient<'_>,
    said: &str,
) -> (asl::Execution, asl::Effects) {
    // It was read when the execution was accepted.
    let input = serde_json::from_str(&row.input).unwrap_or_default();
    let start = start_of(row, state_machine_name, input);
    asl::Execution::start_failed(machine, start, ambient, RUNTIME.to_owned(), crashed(said))
}
