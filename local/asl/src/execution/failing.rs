//! A state that fails: first Retry decides, then Catch, and then the whole branch fails.

use std::sync::Arc;

use chrono::TimeDelta;

use super::branch::{Active, Branch, Phase, active};
use super::runner::Runner;
use super::stimulus::Action;
use crate::error::{Evaluated, Failure, FailureKind};
use crate::graph::{Graph, Kind, Processor, Retrier, State};
use crate::history::Details;
use crate::scope::Scope;
use crate::states::data;
use crate::time;

impl Runner<'_> {
    /// Decides what a failure of the active state leads to. An error is the failure of the whole branch.
    pub(super) fn failed(
        &mut self,
        graph: &Graph,
        branch: &mut Branch,
        outer: Option<&Scope<'_>>,
        failure: Failure,
    ) -> Evaluated<Action> {
        let Branch { variables, previous, at, item, .. } = branch;
        let Some((active, state)) = active(graph, at) else { return Err(failure) };
        let mut failure = self.tell(state, active, previous, failure);
        let from_task = state.kind.retries();
        if let Some((index, retrier)) =
            state.retry.iter().enumerate().find(|(_, r)| failure.matches(&r.error_equals, from_task))
            && self.retry(active, index, retrier)
        {
            return Ok(Action::Suspend);
        }
        if !failure.is_terminal() {
            match state.kind {
                Kind::Parallel { .. } => *previous = self.record(*previous, "ParallelStateFailed", None),
                Kind::Map(_) => *previous = self.record(*previous, "MapStateFailed", None),
                _ => {}
            }
        }
        let catcher =
            state.catch.iter().enumerate().find(|(_, c)| failure.matches(&c.error_equals, from_task));
        let Some((index, catcher)) = catcher else { return Err(failure) };
        let scope = Scope { own: variables, outer, item: item.as_ref() };
        let input = active.raw_input(self.identity);
        let caught = self
            .visit(state, active, &input, scope, None, |visit| data::caught(visit, index, catcher, &failure));
        match caught {
            Ok(exit) => Ok(Action::Exit(exit)),
            Err(second) => {
                // A catcher that fails itself is not caught again.
                failure = self.tell(state, active, previous, second);
                Err(failure)
            }
        }
    }

    /// Puts the state's name into the cause of a failure of the interpreter's own, and the failure of an
    /// expression into the history.
    fn tell(&mut self, state: &State, active: &Active, previous: &mut u64, mut failure: Failure) -> Failure {
        let kind = std::mem::replace(&mut failure.kind, FailureKind::Told);
        if kind == FailureKind::Told {
            return failure;
        }
        let reason = failure.cause.take().unwrap_or_default();
        let name = &state.name;
        let cause = format!(
            "An error occurred while executing the state '{name}' (entered at the event id #{}). {reason}",
            active.entered
        );
        failure.cause = Some(cause.clone());
        if let FailureKind::Evaluation { location, after_entering } = kind {
            // AWS evaluates an expression before it has written the event of entering the state, and looks at
            // the value after that.
            let follows =
                if *previous == active.entered && !after_entering { active.before } else { *previous };
            let error = failure.error.clone().unwrap_or_default().into_owned();
            let details = Details::Evaluation { error, cause, location, state: Arc::clone(name) };
            *previous = self.record(follows, "EvaluationFailed", Some(details));
        }
        failure
    }

    /// Starts the wait before the next try, if the retrier has one left, and says whether it has.
    fn retry(&mut self, active: &mut Active, index: usize, retrier: &Retrier) -> bool {
        if active.attempts.len() <= index {
            active.attempts.resize(index + 1, 0);
        }
        let Some(attempts) = active.attempts.get_mut(index) else { return false };
        if *attempts >= retrier.max_attempts {
            return false;
        }
        let mut delay = retrier.delay_seconds(*attempts);
        *attempts += 1;
        active.retries = active.retries.saturating_add(1);
        if retrier.full_jitter {
            delay *= (self.ambient.random() >> 11) as f64 / (1_u64 << 53) as f64;
        }
        let delay = TimeDelta::try_milliseconds((delay * 1000.0).round() as i64).unwrap_or_default();
        active.phase = Phase::Backoff(time::floor(self.now.checked_add_signed(delay).unwrap_or(self.now)));
        true
    }

    /// Gives up what runs in a branch, because the Parallel or Map around it has failed. `failed` says
    /// whether this branch is the reason.
    pub(super) fn abort(&mut self, graph: &Graph, branch: &mut Branch, failed: bool) {
        let mut previous = branch.previous;
        let Some((active, state)) = active(graph, &mut branch.at) else { return };
        match (&mut active.phase, &state.kind) {
            (Phase::Parallel(branches), Kind::Parallel { branches: graphs }) if !failed => {
                graphs.iter().zip(branches).for_each(|(graph, branch)| self.abort(graph, branch, false));
            }
            (Phase::Map(run), Kind::Map(map)) if !failed => {
                if let Processor::Inline(graph) = &map.processor {
                    run.running.iter_mut().for_each(|branch| self.abort(graph, branch, false));
                }
            }
            (Phase::Distributed(run), _) if !failed => previous = self.abort_map_run(run),
            (Phase::Parallel(_) | Phase::Map(_) | Phase::Distributed(_), _) => {}
            (phase, _) => *phase = Phase::Idle,
        }
        let event = match state.kind {
            Kind::Task(_) => "TaskStateAborted",
            Kind::Wait(_) if !failed => "WaitStateAborted",
            Kind::Parallel { .. } if !failed => "ParallelStateAborted",
            Kind::Map(_) if !failed => "MapStateAborted",
            _ => return,
        };
        self.record(previous, event, None);
    }
}
