//! The engine's core: takes a group of requests, applies them to executions, and commits the whole group or nothing.
//!
//! It runs on one thread and performs nothing of the outside: what must happen after the commit (answers, calls) it
//! returns. Live running, recovery after a crash and redrive all come through [`Core::apply`].

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use asl::{Ambient, Effects, Event, HistoryEvent, Invocation, Machine, Outcome, Start, TaskId, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::Value;
use uuid::Uuid;

use crate::clock::Clock;
use crate::engine::BeforeCommit;
use crate::error::Error;
use crate::executions::{self, ExecutionDescription, Started};
use crate::integrations::Call;
use crate::journal::{Ending, ExecutionRow, Journal, Parent, Seq};
use crate::nested;
use crate::request::{Reply, Request, StartRequest};
use crate::state_machines::{
    CreateStateMachine, Place, StateMachine, StateMachineKind, UpdateStateMachine, UpdatedStateMachine,
    check_definition, check_name, resource_type,
};
use crate::stats::Stats;
use crate::token::TokenKey;

/// An execution that only waits stays in memory while there are no more than this many.
const IDLE_KEPT: usize = 2048;
/// Wake-ups taken into one group; more of them wait for the next.
const WAKES_A_GROUP: usize = 1024;
/// AWS: the input and output of states and executions, in bytes of UTF-8.
const MAX_PAYLOAD: usize = 262_144;

/// What is done once the group is committed.
pub(crate) enum After {
    Answer(Box<dyn FnOnce() + Send>),
    Invoke(Seq, Call),
}

struct Live {
    execution: asl::Execution,
    machine: Rc<Machine>,
    arn: Arc<str>,
    kind: StateMachineKind,
    parent: Option<Parent>,
    waits_only: bool,
}

/// What one group changes.
#[derive(Default)]
struct Group {
    touched: HashMap<Seq, Vec<HistoryEvent>>,
    order: Vec<Seq>,
    work: VecDeque<Work>,
    after: Vec<After>,
}

/// Who starts an execution.
#[derive(Clone, Copy)]
enum Origin {
    /// StartExecution.
    Caller,
    /// StartSyncExecution.
    WaitingCaller,
    /// A Task state; with a parent, when it waits for the end.
    State(Option<Parent>),
}

enum Work {
    Apply(Seq, Event),
    Perform(Seq, Invocation),
}

struct Outside<'a> {
    now: Timestamp,
    rng: &'a mut StdRng,
    key: &'a TokenKey,
    seq: Seq,
}

impl Ambient for Outside<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    fn task_token(&mut self, task: TaskId) -> String {
        self.key.issue(self.seq, task)
    }
}

pub(crate) struct Core {
    journal: Journal,
    place: Place,
    clock: Arc<dyn Clock>,
    rng: StdRng,
    key: TokenKey,
    stats: Arc<Stats>,
    before_commit: BeforeCommit,
    machines: HashMap<i64, Rc<Machine>>,
    live: HashMap<Seq, Live>,
    waiters: HashMap<Seq, tokio::sync::oneshot::Sender<Result<ExecutionDescription, Error>>>,
    next_seq: Seq,
    group: Group,
}

impl Core {
    pub(crate) fn new(
        journal: Journal,
        place: Place,
        clock: Arc<dyn Clock>,
        seed: Option<u64>,
        stats: Arc<Stats>,
        before_commit: BeforeCommit,
    ) -> Result<Self, Error> {
        let mut rng = seed.map_or_else(rand::make_rng, StdRng::seed_from_u64);
        let key = journal.meta("token_key", || rng.random::<[u8; 32]>().to_vec())?;
        let key = key.try_into().map_err(|_| Error::Journal("the token key is damaged".to_owned()))?;
        let next_seq = journal.last_seq()? + 1;
        Ok(Self {
            journal,
            place,
            clock,
            rng,
            key: TokenKey::new(key),
            stats,
            before_commit,
            machines: HashMap::new(),
            live: HashMap::new(),
            waiters: HashMap::new(),
            next_seq,
            group: Group::default(),
        })
    }

    /// The calls that were in flight when the engine last stopped.
    pub(crate) fn recover(&mut self) -> Result<Vec<After>, Error> {
        for seq in self.journal.busy()? {
            let Some(live) = self.load(seq)? else { continue };
            for invocation in live.execution.invocations() {
                self.group.work.push_back(Work::Perform(seq, invocation));
            }
        }
        self.commit_group(&mut [])
    }

    /// What the journal needs between two groups.
    pub(crate) fn tend_journal(&mut self) {
        self.journal.tend_log();
    }

    pub(crate) fn next_wake(&self) -> Result<Option<Timestamp>, Error> {
        self.journal.next_wake()
    }

    /// Applies the requests and all due wake-ups, and commits. On an error nothing of the group was kept.
    pub(crate) fn commit_group(&mut self, requests: &mut [Request]) -> Result<Vec<After>, Error> {
        let stats = Arc::clone(&self.stats);
        let only_ticks = requests.iter().all(|request| matches!(request, Request::Tick));
        let durable = (!only_ticks).then(|| (self.before_commit)());
        self.journal.begin()?;
        let done = Stats::time(&stats.interpret, || self.handle_all(requests))
            .and_then(|()| Stats::time(&stats.write, || self.write_group()))
            .and_then(|events| {
                if self.group.order.is_empty() && only_ticks {
                    self.journal.rollback();
                    return Ok(events);
                }
                let durable = durable.unwrap_or_else(|| (self.before_commit)());
                Stats::time(&stats.before_commit, durable)
                    .map_err(|error| Error::Journal(format!("syncing the tables: {error}")))?;
                Stats::time(&stats.commit, || self.journal.commit())?;
                stats.groups.fetch_add(1, Relaxed);
                Ok(events)
            });
        let group = std::mem::take(&mut self.group);
        match done {
            Ok(events) => {
                stats.requests.fetch_add(requests.len() as u64, Relaxed);
                stats.events.fetch_add(events, Relaxed);
                self.evict_idle();
                Ok(group.after)
            }
            Err(error) => {
                self.journal.rollback();
                self.live.clear();
                self.next_seq = self.journal.last_seq()? + 1;
                Err(error)
            }
        }
    }

    fn handle_all(&mut self, requests: &mut [Request]) -> Result<(), Error> {
        for request in requests {
            self.handle(request)?;
            self.work_off()?;
        }
        for seq in self.journal.due(self.clock.now(), WAKES_A_GROUP)? {
            self.group.work.push_back(Work::Apply(seq, Event::Wake));
            self.work_off()?;
        }
        self.work_off()
    }

    fn work_off(&mut self) -> Result<(), Error> {
        while let Some(work) = self.group.work.pop_front() {
            match work {
                Work::Apply(seq, event) => self.apply(seq, event)?,
                Work::Perform(seq, invocation) => self.perform(seq, invocation)?,
            }
        }
        Ok(())
    }

    fn handle(&mut self, request: &mut Request) -> Result<(), Error> {
        match request {
            Request::Create(create, reply) => {
                let result = self.create(create);
                self.answer(reply, result)
            }
            Request::Update(update, reply) => {
                let result = self.update(update);
                self.answer(reply, result)
            }
            Request::Delete(arn, reply) => {
                let result = self.journal.delete_state_machine(arn);
                self.answer(reply, result)
            }
            Request::Start(start, reply) => {
                let result = self.start(start, Origin::Caller).map(|(started, _)| started);
                self.answer(reply, result)
            }
            Request::StartSync(start, reply) => self.start_sync(start, reply),
            Request::Stop { arn, error, cause, reply } => {
                let result = self.stop(arn, error.take(), cause.take());
                self.answer(reply, result)
            }
            Request::Redrive(arn, reply) => {
                let result = self.redrive(arn);
                self.answer(reply, result)
            }
            Request::Token(token, verdict, reply) => {
                let result = match self.open_token(token) {
                    Ok((seq, task)) => {
                        self.group.work.push_back(Work::Apply(seq, verdict.clone().into_event(task)));
                        Ok(())
                    }
                    Err(error) => Err(error),
                };
                self.answer(reply, result)
            }
            Request::Task(seq, event) => {
                self.group.work.push_back(Work::Apply(*seq, event.clone()));
                Ok(())
            }
            Request::Tick | Request::Shutdown => Ok(()),
        }
    }

    /// Answers after the commit; only a failure of the journal itself fails the group.
    fn answer<T: Send + 'static>(
        &mut self,
        reply: &mut Reply<T>,
        result: Result<T, Error>,
    ) -> Result<(), Error> {
        if let Err(error @ Error::Journal(_)) = result {
            return Err(error);
        }
        if let Some(reply) = reply.take() {
            self.group.after.push(After::Answer(Box::new(move || {
                // A caller who went away needs no answer.
                let _ = reply.send(result);
            })));
        }
        Ok(())
    }

    fn create(&mut self, create: &CreateStateMachine) -> Result<StateMachine, Error> {
        check_name(&create.name)?;
        check_definition(&create.definition, create.kind)?;
        let arn = self.place.state_machine_arn(&create.name);
        if let Some((kept, _)) = self.journal.state_machine(&arn)? {
            let same = kept.definition == create.definition
                && kept.kind == create.kind
                && kept.role_arn == create.role_arn;
            return if same { Ok(kept) } else { Err(Error::StateMachineAlreadyExists(arn)) };
        }
        let now = self.clock.now();
        let machine = StateMachine {
            arn,
            name: create.name.clone(),
            kind: create.kind,
            role_arn: create.role_arn.clone(),
            definition: create.definition.clone(),
            revision_id: self.uuid(),
            created: now,
            updated: now,
        };
        let definition = self.journal.definition_id(&machine.definition)?;
        self.journal.put_state_machine(&machine, definition)?;
        Ok(machine)
    }

    fn update(&mut self, update: &UpdateStateMachine) -> Result<UpdatedStateMachine, Error> {
        let (mut machine, _) = self
            .journal
            .state_machine(&update.arn)?
            .ok_or_else(|| Error::StateMachineDoesNotExist(update.arn.clone()))?;
        if let Some(definition) = &update.definition {
            check_definition(definition, machine.kind)?;
            machine.definition.clone_from(definition);
        }
        if let Some(role_arn) = &update.role_arn {
            machine.role_arn.clone_from(role_arn);
        }
        machine.revision_id = self.uuid();
        machine.updated = self.clock.now();
        let definition = self.journal.definition_id(&machine.definition)?;
        self.journal.put_state_machine(&machine, definition)?;
        Ok(UpdatedStateMachine { revision_id: machine.revision_id, updated: machine.updated })
    }

    /// Starts an execution, or finds the running one of the same name and input (StartExecution is idempotent so).
    fn start(&mut self, request: &StartRequest, origin: Origin) -> Result<(Started, Seq), Error> {
        if resource_type(&request.machine_arn)? != "stateMachine" {
            return Err(Error::InvalidArn(request.machine_arn.clone()));
        }
        let input = parse_input(&request.input)?;
        let (machine, definition) = self
            .journal
            .state_machine(&request.machine_arn)?
            .ok_or_else(|| Error::StateMachineDoesNotExist(request.machine_arn.clone()))?;
        let name = request.name.clone().unwrap_or_else(|| self.uuid());
        check_name(&name)?;
        let run = self.uuid();
        let arn = self.place.execution_arn(machine.kind, &machine.name, &name, &run);
        if let Some(kept) = self.journal.execution_by_arn(&arn)? {
            let same = kept.status == "RUNNING"
                && serde_json::from_str::<Value>(&kept.input).ok().as_ref() == Some(&input);
            return if same && !matches!(origin, Origin::State(Some(_))) {
                Ok((Started { arn, started: kept.started }, kept.seq))
            } else {
                Err(Error::ExecutionAlreadyExists(arn))
            };
        }
        let row = ExecutionRow {
            seq: self.next_seq,
            arn,
            machine: machine.arn,
            name,
            definition,
            role_arn: machine.role_arn,
            status: "RUNNING".to_owned(),
            started: self.clock.now(),
            stopped: None,
            input: request.input.clone(),
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
        let seq = row.seq;
        self.begin(row, machine.name, machine.kind, input, origin)?;
        Ok((started, seq))
    }

    fn begin(
        &mut self,
        row: ExecutionRow,
        machine_name: String,
        kind: StateMachineKind,
        input: Value,
        origin: Origin,
    ) -> Result<(), Error> {
        let machine = self.machine(row.definition)?;
        let start = Start {
            execution_arn: row.arn.clone(),
            execution_name: row.name,
            state_machine_arn: row.machine,
            state_machine_name: machine_name,
            role_arn: row.role_arn,
            start_time: row.started,
            input,
        };
        let mut outside = Outside { now: row.started, rng: &mut self.rng, key: &self.key, seq: row.seq };
        let (execution, effects) = match origin {
            Origin::WaitingCaller => asl::Execution::start_synchronous(&machine, start, &mut outside),
            Origin::Caller | Origin::State(_) => asl::Execution::start(&machine, start, &mut outside),
        };
        let live =
            Live { execution, machine, arn: row.arn.into(), kind, parent: row.parent, waits_only: false };
        self.live.insert(row.seq, live);
        self.take_effects(row.seq, effects)
    }

    fn start_sync(
        &mut self,
        request: &StartRequest,
        reply: &mut Reply<ExecutionDescription>,
    ) -> Result<(), Error> {
        let machine = self.journal.state_machine(&request.machine_arn)?;
        let result = match machine {
            Some((machine, _)) if machine.kind != StateMachineKind::Express => {
                Err(Error::StateMachineTypeNotSupported {
                    operation: "StartSyncExecution",
                    kind: machine.kind,
                })
            }
            _ => self.start(request, Origin::WaitingCaller),
        };
        match result {
            Ok((_, seq)) => {
                if let Some(reply) = reply.take() {
                    self.waiters.insert(seq, reply);
                    // It may have run to its end without a single call.
                    if self.live.get(&seq).is_some_and(|live| live.execution.outcome().is_some()) {
                        self.answer_waiter(seq)?;
                    }
                }
                Ok(())
            }
            Err(error) => self.answer(reply, Err(error)),
        }
    }

    fn stop(&mut self, arn: &str, error: Option<String>, cause: Option<String>) -> Result<Timestamp, Error> {
        let row = executions::describe(&self.journal, arn)?;
        if let Some(stopped) = row.stopped {
            return Ok(stopped);
        }
        self.group.work.push_back(Work::Apply(row.seq, Event::Abort { error, cause }));
        Ok(self.clock.now())
    }

    fn redrive(&mut self, arn: &str) -> Result<Timestamp, Error> {
        let row = executions::describe(&self.journal, arn)?;
        if matches!(row.status.as_str(), "RUNNING" | "SUCCEEDED") {
            return Err(Error::ExecutionNotRedrivable(format!(
                "Execution is {} and cannot be redriven",
                row.status
            )));
        }
        let now = self.clock.now();
        self.journal.reopen_execution(row.seq, now)?;
        self.group.work.push_back(Work::Apply(row.seq, Event::Redrive));
        Ok(now)
    }

    fn open_token(&mut self, token: &str) -> Result<(Seq, TaskId), Error> {
        let (seq, task) = self.key.open(token).ok_or(Error::InvalidToken)?;
        let waits = self.load(seq)?.map(|live| live.execution.pending(task));
        match waits {
            Some(true) => Ok((seq, task)),
            Some(false) => Err(Error::TaskTimedOut),
            None if self.journal.execution_by_seq(seq)?.is_some() => Err(Error::TaskTimedOut),
            None => Err(Error::TaskDoesNotExist),
        }
    }

    /// The one way an execution changes.
    fn apply(&mut self, seq: Seq, event: Event) -> Result<(), Error> {
        let now = self.clock.now();
        if self.load(seq)?.is_none() {
            return Ok(());
        }
        let Some(live) = self.live.get_mut(&seq) else { return Ok(()) };
        let mut outside = Outside { now, rng: &mut self.rng, key: &self.key, seq };
        let effects = live.execution.apply(&live.machine, event, &mut outside);
        self.take_effects(seq, effects)
    }

    fn take_effects(&mut self, seq: Seq, effects: Effects) -> Result<(), Error> {
        let events = self.group.touched.entry(seq).or_insert_with(|| {
            self.group.order.push(seq);
            Vec::new()
        });
        events.extend(effects.history);
        for invocation in effects.invocations {
            self.group.work.push_back(Work::Perform(seq, invocation));
        }
        if self.live.get(&seq).is_some_and(|live| live.execution.outcome().is_some()) {
            self.finish(seq)?;
        }
        Ok(())
    }

    fn finish(&mut self, seq: Seq) -> Result<(), Error> {
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        let Some(outcome) = live.execution.outcome() else { return Ok(()) };
        let stopped = self.clock.now();
        self.journal.end_execution(seq, &ending(outcome, stopped))?;
        if let Some(parent) = live.parent {
            let row = self.journal.execution_by_seq(seq)?;
            if let Some(row) = row {
                let event = nested::result(parent, &row);
                self.group.work.push_back(Work::Apply(parent.seq, event));
            }
        }
        if self.waiters.contains_key(&seq) {
            self.answer_waiter(seq)?;
        }
        Ok(())
    }

    fn answer_waiter(&mut self, seq: Seq) -> Result<(), Error> {
        let row = self.journal.execution_by_seq(seq)?;
        if let (Some(waiter), Some(row)) = (self.waiters.remove(&seq), row) {
            self.answer(&mut Some(waiter), Ok(row.into()))?;
        }
        Ok(())
    }

    fn perform(&mut self, seq: Seq, invocation: Invocation) -> Result<(), Error> {
        if let Some(pattern) = nested::start_pattern(&invocation.resource) {
            return self.start_nested(seq, invocation, pattern);
        }
        let Some(live) = self.live.get(&seq) else { return Ok(()) };
        self.group.after.push(After::Invoke(
            seq,
            Call {
                execution_arn: live.arn.to_string(),
                state: invocation.state,
                task: invocation.task,
                resource: invocation.resource,
                arguments: invocation.arguments,
            },
        ));
        Ok(())
    }

    /// `states:startExecution`: the child starts in the same commit in which its parent asks for it.
    fn start_nested(&mut self, seq: Seq, invocation: Invocation, pattern: asl::Pattern) -> Result<(), Error> {
        let task = invocation.task;
        let parent = nested::parent(seq, task, pattern);
        let events = match nested::request(&invocation.arguments) {
            Ok(request) => match self.start(&request, Origin::State(parent)) {
                Ok((started, _)) => Ok(nested::started(task, pattern, &started)),
                Err(error @ Error::Journal(_)) => return Err(error),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let event = events.unwrap_or_else(|error| nested::refused(task, &error));
        // Before anything the child does: its result must find the task submitted.
        self.group.work.push_front(Work::Apply(seq, event));
        Ok(())
    }

    fn machine(&mut self, definition: i64) -> Result<Rc<Machine>, Error> {
        if let Some(machine) = self.machines.get(&definition) {
            return Ok(Rc::clone(machine));
        }
        let text = self.journal.definition(definition)?;
        let machine =
            Machine::parse(&text).map_err(|invalid| Error::InvalidDefinition(invalid.to_string()))?;
        let machine = Rc::new(machine);
        self.machines.insert(definition, Rc::clone(&machine));
        Ok(machine)
    }

    fn load(&mut self, seq: Seq) -> Result<Option<&Live>, Error> {
        if !self.live.contains_key(&seq) {
            let Some((state, definition)) = self.journal.progress(seq)? else { return Ok(None) };
            let Some(row) = self.journal.execution_by_seq(seq)? else { return Ok(None) };
            let execution = serde_json::from_slice(&state)
                .map_err(|error| Error::Journal(format!("the state of {} is damaged: {error}", row.arn)))?;
            let kind = match resource_type(&row.arn)? {
                "express" => StateMachineKind::Express,
                _ => StateMachineKind::Standard,
            };
            let machine = self.machine(definition)?;
            let live =
                Live { execution, machine, arn: row.arn.into(), kind, parent: row.parent, waits_only: true };
            self.live.insert(seq, live);
        }
        Ok(self.live.get(&seq))
    }

    fn write_group(&mut self) -> Result<u64, Error> {
        let mut written = 0;
        for seq in &self.group.order {
            let Some(live) = self.live.get_mut(seq) else { continue };
            let events = self.group.touched.remove(seq).unwrap_or_default();
            written += events.len() as u64;
            let ended = live.execution.outcome();
            if ended.is_some() && live.kind == StateMachineKind::Express {
                self.journal.forget_execution(*seq)?;
                continue;
            }
            self.journal.append_history(*seq, &events)?;
            match ended {
                Some(Outcome::Succeeded { .. }) => self.journal.delete_progress(*seq)?,
                _ => {
                    let busy = ended.is_none() && !live.execution.invocations().is_empty();
                    let wake = if ended.is_some() { None } else { live.execution.wake_at() };
                    live.waits_only = !busy;
                    let state = serde_json::to_vec(&live.execution)
                        .map_err(|error| Error::Journal(error.to_string()))?;
                    self.journal.put_progress(*seq, &state, wake, busy)?;
                }
            }
            if ended.is_some() {
                live.waits_only = true;
            }
        }
        Ok(written)
    }

    fn evict_idle(&mut self) {
        self.live.retain(|_, live| live.execution.outcome().is_none());
        if self.live.len() > IDLE_KEPT {
            self.live.retain(|_, live| !live.waits_only);
        }
    }

    fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().as_hyphenated().to_string()
    }
}

fn parse_input(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_PAYLOAD {
        return Err(Error::Validation(format!(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to {MAX_PAYLOAD}"
        )));
    }
    serde_json::from_str(text).map_err(|error| Error::InvalidExecutionInput(error.to_string()))
}

fn ending(outcome: &Outcome, stopped: Timestamp) -> Ending<'_> {
    let (status, output, error, cause) = match outcome {
        Outcome::Succeeded { output } => ("SUCCEEDED", Some(output.to_string()), None, None),
        Outcome::Failed { error, cause } => ("FAILED", None, error.as_deref(), cause.as_deref()),
        Outcome::TimedOut { error, cause } => ("TIMED_OUT", None, error.as_deref(), cause.as_deref()),
        Outcome::Aborted { error, cause } => ("ABORTED", None, error.as_deref(), cause.as_deref()),
    };
    Ending { status, stopped, output, error, cause }
}

/// A random version 4 UUID's text, for hosts that need one outside a group.
pub(crate) fn fresh_uuid() -> String {
    Uuid::new_v4().to_string()
}
