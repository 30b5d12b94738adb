//! Parallel and Map: states with branches of their own.

use std::sync::Arc;

use serde_json::Value;

use super::branch::{Active, Branch, MapRun, Phase};
use super::runner::{Action, Runner, Stimulus, raw_input};
use crate::error::Failure;
use crate::history::Details;
use crate::intrinsic;
use crate::machine::{Graph, Kind, MapState, State};
use crate::scope::{MapItem, Scope};
use crate::states::{data, map};

/// Iterations that an inline Map runs at once without a MaxConcurrency of its own (AWS Step Functions Developer Guide, "Inline mode").
const INLINE_CONCURRENCY: usize = 40;

impl Runner<'_> {
    pub(super) fn start_parallel(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        input: &Arc<Value>,
    ) -> Result<Action, Failure> {
        let Kind::Parallel { branches } = &state.kind else { return Ok(Action::Suspend) };
        *previous = self.record(*previous, "ParallelStateStarted", None);
        let children = branches.iter().map(|_| Branch { previous: *previous, ..Branch::default() }).collect();
        active.phase = Phase::Parallel(children);
        self.continue_parallel(state, active, previous, scope, &mut Stimulus::Begin(Arc::clone(input)))
    }

    pub(super) fn start_map(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        plan: map::Plan,
    ) -> Result<Action, Failure> {
        let Kind::Map(map) = &state.kind else { return Ok(Action::Suspend) };
        let length = plan.items.as_array().map_or(0, Vec::len);
        *previous =
            self.record(*previous, "MapStateStarted", Some(Details::MapStarted { length: length as u64 }));
        if let Some(refused) = plan.refused {
            return Err(refused);
        }
        if map.distributed {
            let arn = self.map_run_arn(map);
            *previous = self.record(*previous, "MapRunStarted", Some(Details::MapRun { arn }));
        }
        let limit = match usize::try_from(plan.max_concurrency).unwrap_or(usize::MAX) {
            0 => INLINE_CONCURRENCY,
            limit => limit.min(INLINE_CONCURRENCY),
        };
        active.phase = Phase::Map(Box::new(MapRun {
            items: plan.items,
            next: 0,
            limit,
            running: Vec::new(),
            outputs: vec![None; length],
            failed: 0,
            tolerated: plan.tolerated,
            previous: *previous,
        }));
        self.continue_map(state, active, previous, scope, &mut Stimulus::Wake)
    }

    /// Hands a stimulus to the branches of the active state.
    pub(super) fn continue_compound(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Result<Action, Failure> {
        match &state.kind {
            Kind::Map(_) => self.continue_map(state, active, previous, scope, stimulus),
            _ => self.continue_parallel(state, active, previous, scope, stimulus),
        }
    }

    fn continue_parallel(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Result<Action, Failure> {
        let (Kind::Parallel { branches: graphs }, Phase::Parallel(children)) =
            (&state.kind, &mut active.phase)
        else {
            return Ok(Action::Suspend);
        };
        for (index, graph) in graphs.iter().enumerate() {
            let Some(child) = children.get_mut(index).filter(|child| child.output.is_none()) else {
                continue;
            };
            let result = self.stimulate(graph, child, Some(scope), stimulus);
            if result.is_err() || child.output.is_some() {
                *previous = child.previous;
            }
            if let Err(failure) = result {
                self.abort(graph, child, true);
                for (other, (graph, child)) in graphs.iter().zip(children.iter_mut()).enumerate() {
                    if other != index {
                        self.abort(graph, child, false);
                    }
                }
                return Err(failure);
            }
            if stimulus.is_spent() {
                break;
            }
        }
        if children.iter().any(|child| child.output.is_none()) {
            return Ok(Action::Suspend);
        }
        let outputs =
            children.iter_mut().map(|child| child.output.take().map_or(Value::Null, Arc::unwrap_or_clone));
        let result = Arc::new(Value::Array(outputs.collect()));
        self.record(*previous, "ParallelStateSucceeded", None);
        self.leave_compound(state, active, scope, &result)
    }

    fn leave_compound(
        &mut self,
        state: &State,
        active: &mut Active,
        scope: &Scope<'_>,
        result: &Arc<Value>,
    ) -> Result<Action, Failure> {
        active.phase = Phase::Idle;
        let input = raw_input(active, self.identity);
        self.visit(state, active, &input, *scope, None, |visit| data::leave(visit, result)).map(Action::Exit)
    }

    fn continue_map(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Result<Action, Failure> {
        let Kind::Map(map) = &state.kind else { return Ok(Action::Suspend) };
        // Out of the state while its iterations run, since those look at the state too.
        let Phase::Map(mut run) = std::mem::take(&mut active.phase) else { return Ok(Action::Suspend) };
        let result = self.iterate(state, map, active, &mut run, scope, stimulus);
        let done = run.running.is_empty() && run.next >= run.items().len();
        *previous = run.previous;
        if let Err(failure) = result {
            active.phase = Phase::Map(run);
            return Err(failure);
        }
        if !done {
            active.phase = Phase::Map(run);
            return Ok(Action::Suspend);
        }
        if map.distributed {
            *previous = self.record(*previous, "MapRunSucceeded", None);
        }
        let outputs = run.outputs.into_iter().flatten().map(Arc::unwrap_or_clone);
        let result = Arc::new(Value::Array(outputs.collect()));
        self.record(*previous, "MapStateSucceeded", None);
        self.leave_compound(state, active, scope, &result)
    }

    /// Hands a stimulus to the running iterations, then starts as many as there is room for.
    fn iterate(
        &mut self,
        state: &State,
        map: &MapState,
        active: &Active,
        run: &mut MapRun,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Result<(), Failure> {
        let mut at = 0;
        while at < run.running.len() && !stimulus.is_spent() {
            let ended = self.iteration(state, map, run, at, scope, stimulus)?;
            at += usize::from(!ended);
        }
        while run.running.len() < run.limit && run.next < run.items().len() {
            let index = run.next;
            let value = run.items().get(index).cloned().map(Arc::new).unwrap_or_default();
            run.next += 1;
            let item = MapItem { index: index as u64, value };
            let name = Arc::clone(&state.name);
            let mut branch = Branch { previous: run.previous, item: Some(item), ..Branch::default() };
            if !map.distributed {
                branch.previous = self.record(
                    run.previous,
                    "MapIterationStarted",
                    Some(Details::Iteration { name, index: index as u64 }),
                );
            }
            let input = self.item_input(state, map, active, &branch, scope)?;
            run.running.push(branch);
            let at = run.running.len() - 1;
            self.iteration(state, map, run, at, scope, &mut Stimulus::Begin(input))?;
        }
        Ok(())
    }

    fn item_input(
        &mut self,
        state: &State,
        map: &MapState,
        active: &Active,
        branch: &Branch,
        scope: &Scope<'_>,
    ) -> Result<Arc<Value>, Failure> {
        let Some(item) = &branch.item else { return Ok(Arc::default()) };
        let inner = Scope { own: scope.own, outer: scope.outer, item: Some(item) };
        let input = raw_input(active, self.identity);
        self.visit(state, active, &input, inner, None, |visit| map::item_input(visit, map, &item.value))
    }

    /// Hands a stimulus to one iteration; `true` when it has ended and is out of the list.
    fn iteration(
        &mut self,
        state: &State,
        map: &MapState,
        run: &mut MapRun,
        at: usize,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Result<bool, Failure> {
        let length = run.items().len() as u64;
        let Some(branch) = run.running.get_mut(at) else { return Ok(true) };
        let muted = usize::from(map.distributed);
        self.muted += muted;
        let result = self.stimulate(&map.processor, branch, Some(scope), stimulus);
        self.muted -= muted;
        let index = branch.item.as_ref().map_or(0, |item| item.index);
        let details = Some(Details::Iteration { name: Arc::clone(&state.name), index });
        match result {
            Ok(()) => {
                let Some(output) = branch.output.take() else { return Ok(false) };
                if let Some(slot) = usize::try_from(index).ok().and_then(|i| run.outputs.get_mut(i)) {
                    *slot = Some(output);
                }
                let ended = run.running.remove(at);
                if !map.distributed {
                    run.previous = ended.previous;
                    let succeeded = self.record(ended.previous, "MapIterationSucceeded", details);
                    // The next start follows the iteration's last state, the Map's end follows the iteration's end.
                    if run.running.is_empty() && run.next as u64 >= length {
                        run.previous = succeeded;
                    }
                }
                Ok(true)
            }
            Err(_) if map.distributed && !run.tolerated.exceeded(run.failed + 1, length) => {
                run.failed += 1;
                run.running.remove(at);
                Ok(true)
            }
            Err(failure) => {
                run.previous = if map.distributed { run.previous } else { branch.previous };
                self.muted += muted;
                self.abort(&map.processor, branch, true);
                self.muted -= muted;
                if map.distributed {
                    run.previous = self.record(run.previous, "MapRunFailed", None);
                } else {
                    self.record(run.previous, "MapIterationFailed", details);
                }
                self.abort_iterations(&map.processor, state, run, at);
                Err(if map.distributed { map::too_many_failures() } else { failure })
            }
        }
    }

    fn abort_iterations(&mut self, graph: &Graph, state: &State, run: &mut MapRun, failed: usize) {
        for (other, branch) in run.running.iter_mut().enumerate() {
            if other == failed {
                continue;
            }
            self.abort(graph, branch, false);
            let index = branch.item.as_ref().map_or(0, |item| item.index);
            let details = Details::Iteration { name: Arc::clone(&state.name), index };
            self.record(branch.previous, "MapIterationAborted", Some(details));
        }
    }

    fn map_run_arn(&mut self, map: &MapState) -> String {
        let machine = self.identity.state_machine_arn.replacen(":stateMachine:", ":mapRun:", 1);
        let mut random = || self.ambient.random();
        let run = intrinsic::uuid(&mut random);
        let label = map.label.clone().unwrap_or_else(|| intrinsic::uuid(&mut random));
        format!("{machine}/{label}:{run}")
    }
}
