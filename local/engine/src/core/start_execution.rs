//! StartExecution, and what all starts of executions share.

use std::rc::Rc;

use asl::{Machine, Start};
use serde_json::Value;

use super::ambient::ExecutionAmbient;
use super::live::Live;
use super::quarantine::{crashed, guarded};
use super::state::Core;
use crate::arn;
use crate::checks::{check_name, parse_input};
use crate::error::{Error, RUNTIME};
use crate::executions::Started;
use crate::journal::{DefinitionId, ExecutionRow, JournalError, Parent, Seq};
use crate::request::StartRequest;
use crate::state_machine::{StateMachine, StateMachineKind};
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

/// An execution that is about to start.
struct Starting {
    state_machine: StateMachine,
    definition: DefinitionId,
    machine: Rc<Machine>,
    arn: String,
    name: String,
    input: Value,
    origin: Origin,
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
        let starting = Starting { state_machine, definition, machine, arn, name, input, origin };
        Ok(self.begin(starting, request.input.clone())?)
    }

    fn begin(&mut self, starting: Starting, input_text: String) -> Result<(Started, Seq), JournalError> {
        let Starting { state_machine, definition, machine, arn, name, input, origin } = starting;
        let row = ExecutionRow {
            seq: self.next_seq,
            arn,
            machine: state_machine.arn,
            name,
            definition,
            role_arn: state_machine.role_arn,
            status: ExecutionStatus::Running,
            started: self.clock.now(),
            stopped: None,
            input: input_text,
            output: None,
            error: None,
            cause: None,
            redrives: 0,
            redriven: None,
            parent: match origin {
                Origin::State(parent) => parent,
                Origin::Caller | Origin::WaitingCaller => None,
            },
        };
        self.next_seq += 1;
        self.group.at = Some(row.seq);
        self.journal.insert_execution(&row)?;
        self.open += 1;
        let started = Started { arn: row.arn.clone(), started: row.started };
        let state_machine_name = state_machine.name;
        let start = start_of(&row, &state_machine_name, input);
        let mut ambient = ExecutionAmbient {
            now: row.started,
            randomness: &self.randomness,
            key: &self.token_key,
            seq: row.seq,
        };
        let started_or_crashed = guarded(|| match origin {
            Origin::WaitingCaller => asl::Execution::start_synchronous(&machine, start, &mut ambient),
            Origin::Caller | Origin::State(_) => asl::Execution::start(&machine, start, &mut ambient),
        });
        let (execution, effects) = match started_or_crashed {
            Ok(begun) => begun,
            Err(said) => {
                tracing::error!(
                    execution = row.arn,
                    panic = said,
                    "an execution crashed the interpreter, and has failed"
                );
                match guarded(|| failed_start(&row, &state_machine_name, &machine, &mut ambient, &said)) {
                    Ok(failed) => failed,
                    Err(said) => {
                        self.quarantine(row.seq, &crashed(&said))?;
                        return Ok((started, row.seq));
                    }
                }
            }
        };
        let live = Live {
            execution,
            machine,
            arn: row.arn.into(),
            kind: state_machine.kind,
            parent: row.parent,
            waits_only: false,
        };
        self.live.insert(row.seq, live);
        self.note_status(row.seq, &started.arn, ExecutionStatus::Running);
        self.take_effects(row.seq, effects)?;
        Ok((started, row.seq))
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
