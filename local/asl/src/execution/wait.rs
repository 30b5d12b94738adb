//! Wait: the branch goes on at an instant.

use super::branch::{Active, Phase};
use super::runner::Runner;
use super::stimulus::Action;
use crate::error::Evaluated;
use crate::graph::State;
use crate::scope::Scope;
use crate::states::data;
use crate::time::{self, Timestamp};

impl Runner<'_> {
    pub(super) fn start_wait(
        &mut self,
        state: &State,
        active: &mut Active,
        scope: Scope<'_>,
        until: Timestamp,
    ) -> Evaluated<Action> {
        if until <= self.now {
            return self.end_wait(state, active, scope);
        }
        active.phase = Phase::Wait(time::floor(until));
        Ok(Action::Suspend)
    }

    pub(super) fn end_wait(
        &mut self,
        state: &State,
        active: &mut Active,
        scope: Scope<'_>,
    ) -> Evaluated<Action> {
        active.phase = Phase::Idle;
        let input = active.raw_input(self.identity);
        self.visit(state, active, &input, scope, None, data::leave_wait).map(Action::Exit)
    }
}
