//! StartExecution, and what all starts of executions share.

use std::rc::Rc;

use asl::{Machine, Start};
use serde_json::Value;

use super::ambient::ExecutionAmbient;
use super::live::Live;
use super::state::Core;
use crate::arn;
use crate::checks::{check_name, parse_input};
use crate::error::Error;
use crate::executions::Started;
use crate::journal::{DefinitionId, ExecutionRow, JournalError, Parent, Seq};
use crate::request::StartRequest;
use crate::state_machine::StateMachine;
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
        self.journal.insert_execution(&row)?;
        let started = Started { arn: row.arn.clone(), started: row.started };
        let start = Start {
            execution_arn: row.arn.clone(),
            execution_name: row.name,
            state_machine_arn: row.machine,
            state_machine_name: state_machine.name,
            role_arn: row.role_arn,
            start_time: row.started,
            input,
        };
        let mut ambient = ExecutionAmbient {
            now: row.started,
            randomness: &self.randomness,
            key: &self.token_key,
            seq: row.seq,
        };
        let (execution, effects) = match origin {
            Origin::WaitingCaller => asl::Execution::start_synchronous(&machine, start, &mut ambient),
            Origin::Caller | Origin::State(_) => asl::Execution::start(&machine, start, &mut ambient),
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
        self.note_status(row.seq, ExecutionStatus::Running);
        self.take_effects(row.seq, effects)?;
        Ok((started, row.seq))
    }
}
