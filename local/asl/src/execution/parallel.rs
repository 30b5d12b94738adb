//! Parallel: all branches run, and the state ends when all have ended or one has failed.

use std::sync::Arc;

use serde_json::Value;

use super::branch::{Active, Branch, Phase, variable_bytes};
use super::runner::{Runner, too_large};
use super::stimulus::{Action, Stimulus};
use crate::error::Evaluated;
use crate::graph::{Graph, Kind, State};
use crate::scope::Scope;
use crate::size;

impl Runner<'_> {
    pub(super) fn start_parallel(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        input: &Arc<Value>,
    ) -> Evaluated<Action> {
        let Kind::Parallel { branches } = &state.kind else { return Ok(Action::Suspend) };
        if size::is_too_large(input) {
            return Err(too_large(&state.name));
        }
        *previous = self.record(*previous, "ParallelStateStarted", None);
        let children = branches.iter().map(|_| Branch { previous: *previous, ..Branch::default() }).collect();
        active.phase = Phase::Parallel(children);
        self.continue_parallel(state, active, previous, scope, &mut Stimulus::Begin(Arc::clone(input)))
    }

    /// Hands a stimulus to the branches that have not ended.
    pub(super) fn continue_parallel(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: &Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<Action> {
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
                self.forget_variables(variable_bytes(children));
                self.abort_branches(graphs, children, index);
                return Err(failure);
            }
            if stimulus.is_spent() {
                break;
            }
        }
        if children.iter().any(|child| child.output.is_none()) {
            return Ok(Action::Suspend);
        }
        self.forget_variables(variable_bytes(children));
        let outputs =
            children.iter_mut().map(|child| child.output.take().map_or(Value::Null, Arc::unwrap_or_clone));
        let result = Arc::new(Value::Array(outputs.collect()));
        if size::is_too_large(&result) {
            return Err(too_large(&state.name));
        }
        self.record(*previous, "ParallelStateSucceeded", None);
        self.leave_with_result(state, active, *scope, None, &result)
    }

    /// Gives up all branches: first the one that failed, then the others in their order.
    fn abort_branches(&mut self, graphs: &[Graph], children: &mut [Branch], failed: usize) {
        if let (Some(graph), Some(child)) = (graphs.get(failed), children.get_mut(failed)) {
            self.abort(graph, child, true);
        }
        for (other, (graph, child)) in graphs.iter().zip(children).enumerate() {
            if other != failed {
                self.abort(graph, child, false);
            }
        }
    }
}
