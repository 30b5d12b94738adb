//! Drives branches: from a stimulus, through as many states as it takes, until everything waits or has ended.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value;

use super::branch::{Active, Branch, Phase};
use super::tasks::Report;
use crate::api::{Ambient, Effects, TaskId};
use crate::error::{Failure, names};
use crate::history::{Details, HistoryEvent};
use crate::machine::{Graph, Kind, Next, State};
use crate::scope::{Context, Env, Identity, Scope};
use crate::states::{self, Exit, Step, Visit};
use crate::{Timestamp, size, time};

/// Events in a history (AWS Step Functions Developer Guide, "Avoid reaching the history quota"): the last one is the end.
const MAX_EVENTS: u64 = 25_000;
/// States in a row without waiting. Only a machine without history (a distributed iteration) gets here before `MAX_EVENTS`.
const MAX_STEPS: u64 = 50_000;

/// What sets a branch going.
pub(super) enum Stimulus {
    /// It starts on this input.
    Begin(Arc<Value>),
    /// Time has passed.
    Wake,
    /// Something is known about a task; `None` once the task has been found.
    Task(TaskId, Option<Report>),
    /// What failed is tried again.
    Redrive,
}

impl Stimulus {
    pub(super) fn is_spent(&self) -> bool {
        matches!(self, Self::Task(_, None))
    }
}

/// The next thing to do in a branch.
pub(super) enum Action {
    Enter(usize, Arc<Value>),
    Start,
    Exit(Exit),
    Suspend,
}

/// Runs things and collects what came of them.
pub(super) struct Runner<'r> {
    pub(super) identity: &'r Identity,
    events: &'r mut u64,
    pub(super) tasks: &'r mut u64,
    pub(super) ambient: &'r mut dyn Ambient,
    pub(super) now: Timestamp,
    pub(super) effects: Effects,
    /// How many distributed Maps are around: their iterations leave no events here.
    pub(super) muted: usize,
    steps: u64,
    exhausted: bool,
}

impl<'r> Runner<'r> {
    pub(super) fn new(
        identity: &'r Identity,
        events: &'r mut u64,
        tasks: &'r mut u64,
        ambient: &'r mut dyn Ambient,
    ) -> Self {
        let now = ambient.now();
        Self {
            identity,
            events,
            tasks,
            ambient,
            now,
            effects: Effects::default(),
            muted: 0,
            steps: 0,
            exhausted: false,
        }
    }

    /// Adds an event and returns its id.
    pub(super) fn record(
        &mut self,
        previous: u64,
        event_type: &'static str,
        details: Option<Details>,
    ) -> u64 {
        if self.muted > 0 {
            return previous;
        }
        if *self.events + 1 >= MAX_EVENTS {
            self.exhausted = true;
            return previous;
        }
        self.push(previous, event_type, details)
    }

    /// Adds the event that ends the history: there is always room for it.
    pub(super) fn record_last(
        &mut self,
        previous: u64,
        event_type: &'static str,
        details: Option<Details>,
    ) -> u64 {
        self.push(previous, event_type, details)
    }

    fn push(&mut self, previous_id: u64, event_type: &'static str, details: Option<Details>) -> u64 {
        *self.events += 1;
        let id = *self.events;
        self.effects.history.push(HistoryEvent { id, previous_id, timestamp: self.now, event_type, details });
        id
    }

    /// Hands a stimulus to a branch and runs it until it waits or ends.
    pub(super) fn stimulate(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        stimulus: &mut Stimulus,
    ) -> Result<(), Failure> {
        let action = match stimulus {
            Stimulus::Begin(input) => Ok(Action::Enter(graph.start, Arc::clone(input))),
            _ => self.poke(graph, branch, outer, stimulus),
        };
        self.run(graph, branch, outer, action)
    }

    fn run(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        mut action: Result<Action, Failure>,
    ) -> Result<(), Failure> {
        loop {
            if self.exhausted {
                return Err(Failure::plain(
                    names::RUNTIME,
                    format!("The execution reached the maximum number of history events ({MAX_EVENTS})."),
                ));
            }
            action = match action {
                Ok(Action::Enter(state, input)) => {
                    self.enter(graph, branch, state, input);
                    Ok(Action::Start)
                }
                Ok(Action::Start) => self.start(graph, branch, outer),
                Ok(Action::Exit(exit)) => match self.leave(graph, branch, exit) {
                    Ok(Some(action)) => Ok(action),
                    Ok(None) => return Ok(()),
                    Err(failure) => Err(failure),
                },
                Ok(Action::Suspend) => return Ok(()),
                Err(failure) => Ok(self.failed(graph, branch, outer, failure)?),
            };
        }
    }

    fn enter(&mut self, graph: &Graph, branch: &mut Branch, index: usize, input: Arc<Value>) {
        let Some(state) = graph.states.get(index) else { return };
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.exhausted = true;
        }
        let before = branch.previous;
        let details = Details::Entered { name: Arc::clone(&state.name), input: Arc::clone(&input) };
        branch.previous = self.record(before, entered(&state.kind), Some(details));
        let input = (!Arc::ptr_eq(&input, &self.identity.input)).then_some(input);
        branch.at = Some(Active {
            state: index,
            input,
            entered: branch.previous,
            before,
            entered_at: self.now,
            attempts: Vec::new(),
            retries: 0,
            phase: Phase::Idle,
        });
    }

    /// Runs the body of the active state.
    fn start(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
    ) -> Result<Action, Failure> {
        let Branch { variables, previous, at, item, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(Action::Suspend) };
        let scope = Scope { own: variables, outer, item: item.as_ref() };
        if let Kind::Task(task) = &state.kind {
            return self.start_task(state, task, active, previous, scope);
        }
        let input = raw_input(active, self.identity);
        let step = self.visit(state, active, &input, scope, None, |visit| visit.start())?;
        match step {
            Step::Exit(exit) => Ok(Action::Exit(exit)),
            Step::Wait(until) if until <= self.now => self.end_wait(state, active, scope),
            Step::Wait(until) => {
                active.phase = Phase::Wait(time::floor(until));
                Ok(Action::Suspend)
            }
            Step::Parallel(input) => self.start_parallel(state, active, previous, &scope, &input),
            Step::Map(plan) => self.start_map(state, active, previous, &scope, plan),
            // Tasks have gone their way above.
            Step::Task(_) => Ok(Action::Suspend),
        }
    }

    /// Calls `work` with all that the expressions of a state can see.
    pub(super) fn visit<T>(
        &mut self,
        state: &State,
        active: &Active,
        input: &Arc<Value>,
        scope: Scope<'_>,
        token: Option<&str>,
        work: impl FnOnce(&mut Visit<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let context = Context::Live {
            identity: self.identity,
            state: &state.name,
            entered: active.entered_at,
            retries: state.kind.retries().then_some(active.retries),
            token,
            scope,
            built: OnceCell::new(),
        };
        let env = Env { scope, context, ambient: &mut *self.ambient };
        work(&mut Visit { state, input, env })
    }

    fn end_wait(&mut self, state: &State, active: &mut Active, scope: Scope<'_>) -> Result<Action, Failure> {
        active.phase = Phase::Idle;
        let input = raw_input(active, self.identity);
        self.visit(state, active, &input, scope, None, states::data::leave_wait).map(Action::Exit)
    }

    /// Leaves the active state; `None`: the branch has ended.
    fn leave(&mut self, graph: &Graph, branch: &mut Branch, exit: Exit) -> Result<Option<Action>, Failure> {
        let Branch { variables, previous, at, output, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(None) };
        let is_input = active.input.as_ref().is_some_and(|input| Arc::ptr_eq(input, &exit.output))
            || Arc::ptr_eq(&self.identity.input, &exit.output);
        if !is_input && size::is_too_large(&exit.output) {
            return Err(too_large(&state.name));
        }
        if exit.assigned.iter().any(|(_, value)| size::is_too_large(value)) {
            return Err(too_large(&state.name));
        }
        for (name, value) in &exit.assigned {
            variables.insert(Arc::clone(name), Arc::clone(value));
        }
        let details = Details::Exited {
            name: Arc::clone(&state.name),
            output: Arc::clone(&exit.output),
            assigned: exit.assigned,
        };
        if let Some(event) = exited(&state.kind) {
            *previous = self.record(*previous, event, Some(details));
        }
        *at = None;
        match exit.next {
            Next::To(next) => Ok(Some(Action::Enter(next, exit.output))),
            Next::End => {
                *output = Some(exit.output);
                Ok(None)
            }
        }
    }

    /// Finds out whether a stimulus concerns the active state, and what it leads to.
    fn poke(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        stimulus: &mut Stimulus,
    ) -> Result<Action, Failure> {
        let Branch { variables, previous, at, item, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(Action::Suspend) };
        let scope = Scope { own: variables, outer, item: item.as_ref() };
        match (&mut active.phase, &mut *stimulus) {
            (Phase::Parallel(_), Stimulus::Redrive) | (Phase::Map(_), Stimulus::Redrive) => {
                active.attempts.clear();
                self.continue_compound(state, active, previous, &scope, stimulus)
            }
            (Phase::Parallel(_) | Phase::Map(_), _) => {
                self.continue_compound(state, active, previous, &scope, stimulus)
            }
            (_, Stimulus::Redrive) => {
                active.attempts.clear();
                active.retries = 0;
                active.phase = Phase::Idle;
                Ok(Action::Start)
            }
            (Phase::Wait(until), Stimulus::Wake) if *until <= self.now => self.end_wait(state, active, scope),
            (Phase::Backoff(until), Stimulus::Wake) if *until <= self.now => {
                active.phase = Phase::Idle;
                Ok(Action::Start)
            }
            (Phase::Task(run), Stimulus::Wake) if run.due().is_some_and(|due| due <= self.now) => {
                self.time_out(state, active, previous)
            }
            (Phase::Task(run), Stimulus::Task(task, report)) if run.id == *task => match report.take() {
                Some(report) => self.report(state, active, previous, scope, report),
                None => Ok(Action::Suspend),
            },
            _ => Ok(Action::Suspend),
        }
    }
}

/// The failure for a result that is too large; AWS names the state, or the task's resource.
pub(super) fn too_large(what: &str) -> Failure {
    Failure::plain(
        names::DATA_LIMIT,
        format!(
            "The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit."
        ),
    )
}

/// The active state and its definition.
pub(super) fn active<'a, 'g>(
    graph: &'g Graph,
    at: &'a mut Option<Active>,
) -> Option<(&'a mut Active, &'g State)> {
    let active = at.as_mut()?;
    let state = graph.states.get(active.state)?;
    Some((active, state))
}

/// The raw input of the active state.
pub(super) fn raw_input(active: &Active, identity: &Identity) -> Arc<Value> {
    Arc::clone(active.input.as_ref().unwrap_or(&identity.input))
}

fn entered(kind: &Kind) -> &'static str {
    match kind {
        Kind::Pass { .. } => "PassStateEntered",
        Kind::Task(_) => "TaskStateEntered",
        Kind::Choice(_) => "ChoiceStateEntered",
        Kind::Wait(_) => "WaitStateEntered",
        Kind::Succeed => "SucceedStateEntered",
        Kind::Fail { .. } => "FailStateEntered",
        Kind::Parallel { .. } => "ParallelStateEntered",
        Kind::Map(_) => "MapStateEntered",
    }
}

fn exited(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Pass { .. } => "PassStateExited",
        Kind::Task(_) => "TaskStateExited",
        Kind::Choice(_) => "ChoiceStateExited",
        Kind::Wait(_) => "WaitStateExited",
        Kind::Succeed => "SucceedStateExited",
        Kind::Fail { .. } => return None,
        Kind::Parallel { .. } => "ParallelStateExited",
        Kind::Map(_) => "MapStateExited",
    })
}
