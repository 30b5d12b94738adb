//! Map: iterations run as far as the concurrency allows, and the state ends when all have ended or too many
//! have failed.

use std::sync::Arc;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::branch::{Active, Branch, Iterations, Phase, item, variable_bytes};
use super::runner::{Runner, too_large};
use super::stimulus::{Action, Stimulus};
use crate::error::Evaluated;
use crate::graph::{Graph, Kind, MapState, Processor, State};
use crate::history::Details;
use crate::scope::Scope;
use crate::size;
use crate::states::map::{self, MapPlan};

/// Iterations that run at once without a MaxConcurrency, and at the most with one (AWS Step Functions
/// Developer Guide, "Using Map state in Inline mode").
const INLINE_CONCURRENCY: usize = 40;

/// How far an iteration has come.
enum Progress {
    Running,
    Ended,
    /// It has ended, and the outputs of all that have are larger than a payload may be.
    TooLarge,
}

/// The details of an event about one iteration.
fn iteration_details(state: &State, branch: &Branch) -> Option<Details> {
    let index = branch.item.as_ref().map_or(0, |item| item.index);
    Some(Details::Iteration { name: Arc::clone(&state.name), index })
}

impl Runner<'_> {
    pub(super) fn start_map(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        plan: MapPlan,
    ) -> Evaluated<Action> {
        let Kind::Map(map) = &state.kind else { return Ok(Action::Suspend) };
        let length = map::count(&plan.items);
        *previous =
            self.record(*previous, "MapStateStarted", Some(Details::MapStarted { length: length as u64 }));
        if let Some(refused) = plan.refused {
            return Err(refused);
        }
        if let Processor::Distributed(distributed) = &map.processor {
            return Ok(self.start_map_run(distributed, active, previous, plan));
        }
        let limit = match usize::try_from(plan.max_concurrency).unwrap_or(usize::MAX) {
            0 => INLINE_CONCURRENCY,
            limit => limit.min(INLINE_CONCURRENCY),
        };
        active.phase = Phase::Map(Box::new(Iterations {
            items: plan.items,
            next: 0,
            limit,
            running: Vec::new(),
            outputs: vec![None; length],
            failed: IgnoredAny,
            tolerated: IgnoredAny,
            previous: *previous,
            output_bytes: None,
        }));
        self.continue_map(state, active, previous, scope, &mut Stimulus::Wake)
    }

    /// Hands a stimulus to the running iterations, and ends the state when none is left.
    pub(super) fn continue_map(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<Action> {
        let Kind::Map(map) = &state.kind else { return Ok(Action::Suspend) };
        let Processor::Inline(graph) = &map.processor else { return Ok(Action::Suspend) };
        // The run is taken out of the state, because the iterations look at the state too.
        let Phase::Map(mut run) = std::mem::take(&mut active.phase) else { return Ok(Action::Suspend) };
        let result = self.iterate(state, (map, graph), active, &mut run, scope, stimulus);
        let done = run.running.is_empty() && run.next >= run.len();
        *previous = run.previous;
        if let Err(failure) = result {
            self.forget_variables(variable_bytes(&run.running));
            active.phase = Phase::Map(run);
            return Err(failure);
        }
        if !done {
            active.phase = Phase::Map(run);
            return Ok(Action::Suspend);
        }
        let outputs = run.outputs.into_iter().flatten().map(Arc::unwrap_or_clone);
        let result = Arc::new(Value::Array(outputs.collect()));
        if size::is_too_large(&result) {
            return Err(too_large(&state.name));
        }
        self.record(*previous, "MapStateSucceeded", None);
        self.leave_with_result(state, active, *scope, None, &result)
    }

    /// Hands a stimulus to the running iterations, then starts as many as there is room for.
    fn iterate(
        &mut self,
        state: &State,
        (map, graph): (&MapState, &Graph),
        active: &Active,
        run: &mut Iterations,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<()> {
        let mut at = 0;
        while at < run.running.len() && !stimulus.is_spent() {
            let ended = self.iteration(state, graph, run, at, scope, stimulus)?;
            at += usize::from(!ended);
        }
        while run.running.len() < run.limit && run.next < run.len() {
            let branch = self.next_iteration(state, run);
            let input = self.item_input(state, map, active, &branch, scope)?;
            run.running.push(branch);
            let at = run.running.len() - 1;
            self.iteration(state, graph, run, at, scope, &mut Stimulus::Begin(input))?;
        }
        Ok(())
    }

    /// The branch for the next item, which has not begun yet.
    fn next_iteration(&mut self, state: &State, run: &mut Iterations) -> Branch {
        let item = item(&run.items, run.next);
        run.next += 1;
        let mut branch = Branch { previous: run.previous, item: Some(item), ..Branch::default() };
        let details = iteration_details(state, &branch);
        branch.previous = self.record(run.previous, "MapIterationStarted", details);
        branch
    }

    fn item_input(
        &mut self,
        state: &State,
        map: &MapState,
        active: &Active,
        branch: &Branch,
        scope: &Scope<'_>,
    ) -> Evaluated<Arc<Value>> {
        let Some(item) = &branch.item else { return Ok(Arc::default()) };
        let inner = Scope { own: scope.own, outer: scope.outer, item: Some(item) };
        let input = active.raw_input(self.identity);
        let made =
            self.visit(state, active, &input, inner, None, |visit| map::item_input(visit, map, item))?;
        if size::is_too_large(&made) { Err(too_large(&state.name)) } else { Ok(made) }
    }

    /// Hands a stimulus to the running iteration at an index. `true` means that it has ended and left the
    /// list.
    fn iteration(
        &mut self,
        state: &State,
        graph: &Graph,
        run: &mut Iterations,
        at: usize,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<bool> {
        let Some(branch) = run.running.get_mut(at) else { return Ok(true) };
        match self.stimulate(graph, branch, Some(scope), stimulus) {
            Ok(()) => match self.end_iteration(state, run, at) {
                Progress::Running => Ok(false),
                Progress::Ended => Ok(true),
                Progress::TooLarge => {
                    self.abort_iterations(graph, state, run, None);
                    Err(too_large(&state.name))
                }
            },
            Err(failure) => {
                self.fail_map(state, graph, run, at);
                Err(failure)
            }
        }
    }

    /// Takes an iteration that has its output out of the list.
    fn end_iteration(&mut self, state: &State, run: &mut Iterations, at: usize) -> Progress {
        let Some(branch) = run.running.get_mut(at) else { return Progress::Ended };
        let Some(output) = branch.output.take() else { return Progress::Running };
        let index = branch.item.as_ref().map_or(0, |item| item.index);
        let fits = run.keep(usize::try_from(index).unwrap_or(usize::MAX), output);
        let ended = run.running.remove(at);
        self.forget_variables(ended.variable_bytes());
        run.previous = ended.previous;
        let details = iteration_details(state, &ended);
        let succeeded = self.record(ended.previous, "MapIterationSucceeded", details);
        // The start of the next iteration follows the last state of this one, but the end of the Map follows
        // the end of the last iteration.
        if run.running.is_empty() && run.next >= run.len() {
            run.previous = succeeded;
        }
        if fits { Progress::Ended } else { Progress::TooLarge }
    }

    /// Gives up all iterations because of the one at an index.
    fn fail_map(&mut self, state: &State, graph: &Graph, run: &mut Iterations, at: usize) {
        if let Some(branch) = run.running.get_mut(at) {
            run.previous = branch.previous;
            self.abort(graph, branch, true);
            let details = iteration_details(state, branch);
            self.record(run.previous, "MapIterationFailed", details);
        }
        self.abort_iterations(graph, state, run, Some(at));
    }

    /// Gives up all iterations but the one at the index `failed`, if one is the reason.
    fn abort_iterations(
        &mut self,
        graph: &Graph,
        state: &State,
        run: &mut Iterations,
        failed: Option<usize>,
    ) {
        for (other, branch) in run.running.iter_mut().enumerate() {
            if Some(other) == failed {
                continue;
            }
            self.abort(graph, branch, false);
            let details = iteration_details(state, branch);
            self.record(branch.previous, "MapIterationAborted", details);
        }
    }
}
