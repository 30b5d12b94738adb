//! Takes a branch from state to state, until it waits or has ended.

use std::sync::Arc;

use serde_json::Value;

use super::branch::{Active, Branch, Phase, active};
use super::events;
use super::runner::{MAX_EVENTS, Runner, too_large};
use super::stimulus::{Action, Stimulus};
use crate::budget::Budget;
use crate::error::{Evaluated, Failure, names};
use crate::graph::{Graph, Kind, Next};
use crate::history::Details;
use crate::scope::{Scope, Variables};
use crate::size;
use crate::states::data::Assigned;
use crate::states::{self, Exit, Intent};
use crate::time;

impl Runner<'_> {
    /// Hands a stimulus to a branch and runs it until it waits or ends. An error is the failure of the whole
    /// branch.
    pub(super) fn stimulate(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<()> {
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
        mut action: Evaluated<Action>,
    ) -> Evaluated<()> {
        loop {
            if self.budget.is_exceeded() {
                // Whatever this led to is dropped.
                return Err(Budget::failure());
            }
            if self.is_exhausted() {
                return Err(Failure::plain(
                    names::RUNTIME,
                    format!("The execution reached the maximum number of history events ({MAX_EVENTS})."),
                ));
            }
            action = match action {
                Ok(Action::Enter(state, input)) => {
                    self.enter(graph, branch, state, input);
                    if self.is_spent() {
                        self.pause(branch);
                        return Ok(());
                    }
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

    pub(super) fn enter(&mut self, graph: &Graph, branch: &mut Branch, index: usize, input: Arc<Value>) {
        let Some(state) = graph.states.get(index) else { return };
        self.count_step(&input);
        let before = branch.previous;
        let details = Details::Entered { name: Arc::clone(&state.name), input: Arc::clone(&input) };
        branch.previous = self.record(before, events::entered(&state.kind), Some(details));
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

    /// Has the active state start at the next wake-up, which is due at once.
    fn pause(&mut self, branch: &mut Branch) {
        if let Some(active) = &mut branch.at {
            active.phase = Phase::Backoff(time::floor(self.now));
        }
    }

    /// Starts the active state.
    fn start(&mut self, graph: &Graph, branch: &mut Branch, outer: Option<&Scope<'_>>) -> Evaluated<Action> {
        let Branch { variables, previous, at, item, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(Action::Suspend) };
        let scope = Scope { own: variables, outer, item: item.as_ref() };
        // A task must have its number and its token before its arguments are evaluated.
        if let Kind::Task(task) = &state.kind {
            return self.start_task(state, task, active, previous, scope);
        }
        let input = active.raw_input(self.identity);
        match self.visit(state, active, &input, scope, None, states::start)? {
            Intent::Exit(exit) => Ok(Action::Exit(exit)),
            Intent::Wait(until) => self.start_wait(state, active, scope, until),
            Intent::Parallel(input) => self.start_parallel(state, active, previous, &scope, &input),
            Intent::Map(plan) => self.start_map(state, active, previous, &scope, plan),
            Intent::Task(_) => Ok(Action::Suspend),
        }
    }

    /// Leaves the active state. `None` means that the branch has ended.
    fn leave(&mut self, graph: &Graph, branch: &mut Branch, exit: Exit) -> Evaluated<Option<Action>> {
        let Branch { variables, previous, at, output, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(None) };
        // An input has been measured before, so it is not measured again where it is handed on.
        if !self.is_input(active, &exit.output) && size::is_too_large(&exit.output) {
            return Err(too_large(&state.name));
        }
        if !exit.assigned.is_empty() {
            self.check_variables(&state.name, variables, &exit.assigned)?;
        }
        for (name, value) in &exit.assigned {
            variables.insert(Arc::clone(name), Arc::clone(value));
        }
        let details = Details::Exited {
            name: Arc::clone(&state.name),
            output: Arc::clone(&exit.output),
            assigned: exit.assigned,
        };
        if let Some(event) = events::exited(&state.kind) {
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

    /// Refuses variables that a state sets when one of them, all of them, or all of the execution with them are larger
    /// than AWS allows.
    fn check_variables(&mut self, state: &str, kept: &Variables, set: &Assigned) -> Evaluated<()> {
        // AWS names the fault for all three cases, and doesn't document another text for the last two.
        let fits = !set.iter().any(|(_, value)| size::is_too_large(value));
        let bytes = set.iter().map(|(_, value)| size::of(value)).sum();
        let replaced = set.iter().filter_map(|(name, _)| kept.get(name)).map(|value| size::of(value)).sum();
        if fits && bytes <= size::MAX_PAYLOAD && self.add_variables(bytes, replaced) {
            Ok(())
        } else {
            Err(too_large(state))
        }
    }

    /// Whether a value is the very input of the state or of the execution.
    fn is_input(&self, active: &Active, value: &Arc<Value>) -> bool {
        active.input.as_ref().is_some_and(|input| Arc::ptr_eq(input, value))
            || Arc::ptr_eq(&self.identity.input, value)
    }

    /// Finds out whether a stimulus concerns the active state, and what the branch does then.
    fn poke(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<Action> {
        let Branch { variables, previous, at, item, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Ok(Action::Suspend) };
        let scope = Scope { own: variables, outer, item: item.as_ref() };
        if let Stimulus::Redrive = stimulus {
            active.attempts.clear();
        }
        match (&mut active.phase, &mut *stimulus) {
            (Phase::Parallel(_), _) => self.continue_parallel(state, active, previous, &scope, stimulus),
            (Phase::Map(_), _) => self.continue_map(state, active, previous, &scope, stimulus),
            (Phase::Distributed(_), _) => self.continue_distributed(state, active, previous, scope, stimulus),
            (_, Stimulus::Redrive) => {
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
