//! What running a branch needs from the execution around it, and what it collects there.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::Value;

use super::branch::{Active, Branch, Phase};
use super::stimulus::Action;
use crate::api::{Allowance, Ambient, Effects};
use crate::budget::Budget;
use crate::error::{Evaluated, Failure, names};
use crate::graph::State;
use crate::history::{Details, HistoryEvent};
use crate::scope::{Context, Env, Identity, Scope};
use crate::size;
use crate::states::{Visit, data};
use crate::time::Timestamp;

/// Events that a history may have (AWS Step Functions Developer Guide, "Service quotas"). The last one is the
/// end of the execution.
pub(super) const MAX_EVENTS: u64 = 25_000;

/// States that are entered between two questions to the host whether it wants a pause.
const BETWEEN_LOOKS: u64 = 16;

/// Runs the branches of one execution for one event, and collects the effects.
pub(super) struct Runner<'r> {
    pub(super) identity: &'r Identity,
    events: &'r mut u64,
    pub(super) tasks: &'r mut u64,
    pub(super) ambient: &'r mut dyn Ambient,
    pub(super) now: Timestamp,
    pub(super) effects: Effects,
    steps: u64,
    exhausted: bool,
    allowance: Allowance,
    pub(super) budget: Budget,
    /// How many bytes the variables of all branches have together.
    variable_bytes: usize,
    /// The input that was measured last, with its size: most states hand on the very input that they got.
    measured: Option<(Arc<Value>, usize)>,
}

impl<'r> Runner<'r> {
    pub(super) fn new(
        identity: &'r Identity,
        events: &'r mut u64,
        tasks: &'r mut u64,
        ambient: &'r mut dyn Ambient,
    ) -> Self {
        let (now, allowance) = (ambient.now(), ambient.allowance());
        let budget = Budget::new(ambient.effort());
        Self {
            identity,
            events,
            tasks,
            ambient,
            now,
            effects: Effects::default(),
            steps: 0,
            exhausted: false,
            allowance,
            budget,
            variable_bytes: 0,
            measured: None,
        }
    }

    /// Adds an event and returns its number.
    pub(super) fn record(
        &mut self,
        previous: u64,
        event_type: &'static str,
        details: Option<Details>,
    ) -> u64 {
        if *self.events + 1 >= MAX_EVENTS {
            self.exhausted = true;
            return previous;
        }
        self.record_last(previous, event_type, details)
    }

    /// Adds the event that ends the history, for which there is always room, and returns its number.
    pub(super) fn record_last(
        &mut self,
        previous_id: u64,
        event_type: &'static str,
        details: Option<Details>,
    ) -> u64 {
        *self.events += 1;
        let id = *self.events;
        self.effects.history.push(HistoryEvent { id, previous_id, timestamp: self.now, event_type, details });
        id
    }

    /// Counts a state that was entered with this input.
    pub(super) fn count_step(&mut self, input: &Arc<Value>) {
        self.steps += 1;
        if self.allowance.bytes != usize::MAX {
            let size = match &self.measured {
                Some((last, size)) if Arc::ptr_eq(last, input) => *size,
                _ => {
                    let size = size::of(input);
                    self.measured = Some((Arc::clone(input), size));
                    size
                }
            };
            self.allowance.bytes = self.allowance.bytes.saturating_sub(size);
        }
    }

    /// Whether the execution has done what it may for one event.
    pub(super) fn is_spent(&self) -> bool {
        self.steps >= self.allowance.states
            || self.allowance.bytes == 0
            || self.budget.is_low()
            || (self.steps.is_multiple_of(BETWEEN_LOOKS) && self.ambient.wants_pause())
    }

    /// Counts the variables that there are.
    pub(super) fn count_variables(&mut self, root: &Branch) {
        self.variable_bytes = root.variable_bytes();
    }

    /// Counts what a state sets, of which all together take so many bytes more than what it replaces. `false` means
    /// that the execution may not have as many.
    pub(super) fn add_variables(&mut self, set: usize, replaced: usize) -> bool {
        self.variable_bytes = (self.variable_bytes + set).saturating_sub(replaced);
        self.variable_bytes <= size::MAX_VARIABLES
    }

    /// Counts variables no more that have gone with their branch.
    pub(super) fn forget_variables(&mut self, bytes: usize) {
        self.variable_bytes = self.variable_bytes.saturating_sub(bytes);
    }

    /// Whether a limit is reached, so that the execution must end.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// Calls `work` with all that the expressions of a state can see.
    pub(super) fn visit<T>(
        &mut self,
        state: &State,
        active: &Active,
        input: &Arc<Value>,
        scope: Scope<'_>,
        token: Option<&str>,
        work: impl FnOnce(&mut Visit<'_>) -> Evaluated<T>,
    ) -> Evaluated<T> {
        let context = Context::Live {
            identity: self.identity,
            state: &state.name,
            entered: active.entered_at,
            retries: state.kind.retries().then_some(active.retries),
            token,
            scope,
            built: OnceCell::new(),
        };
        self.budget.visit();
        let env = Env { scope, context, ambient: &mut *self.ambient, budget: &self.budget };
        work(&mut Visit { state, input, env })
    }

    /// Leaves a state that has a result: of its task, its branches or its iterations.
    pub(super) fn leave_with_result(
        &mut self,
        state: &State,
        active: &mut Active,
        scope: Scope<'_>,
        token: Option<&str>,
        result: &Arc<Value>,
    ) -> Evaluated<Action> {
        active.phase = Phase::Idle;
        let input = active.raw_input(self.identity);
        self.visit(state, active, &input, scope, token, |visit| data::leave(visit, result)).map(Action::Exit)
    }
}

/// The failure for a result that is too large. AWS names the state, or the task's function.
pub(super) fn too_large(what: &str) -> Failure {
    Failure::plain(
        names::DATA_LIMIT,
        format!(
            "The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit."
        ),
    )
}
