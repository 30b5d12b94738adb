//! Distributed Map: the host runs a child execution for each item or batch, and reports how the whole ended.
//!
//! What is known here is what the children are to work on. How many of them have been started, run and have
//! ended the host keeps, so that an execution stays as small with ten thousand children as with ten.

use std::cell::OnceCell;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::branch::{Active, MapRun, Phase, item};
use super::runner::{Runner, too_large};
use super::stimulus::{Action, MapRunReport, Stimulus};
use crate::api::{MapChild, MapRunChange, MapRunStart, TaskId};
use crate::error::{Evaluated, Failure, names};
use crate::graph::{BatchInput, Distributed, ItemSelector, Kind, MapState, Processor, State};
use crate::history::Details;
use crate::intrinsic;
use crate::scope::{Context, Env, Scope};
use crate::size;
use crate::states::Visit;
use crate::states::map::{self, BatchLimits, MapPlan};

/// Where the children of a run are made: the Map and what its expressions see.
struct Making<'m> {
    state: &'m State,
    map: &'m MapState,
    batch_input: Option<&'m BatchInput>,
    input: &'m Arc<Value>,
    scope: Scope<'m>,
    /// The context object, or null when nothing looks at it. Its member `Map.Item` is that of the item that is being
    /// worked on.
    context: Value,
    items: &'m Value,
}

impl Runner<'_> {
    /// Has the host begin a Map Run.
    pub(super) fn start_map_run(
        &mut self,
        distributed: &Distributed,
        active: &mut Active,
        previous: &mut u64,
        plan: MapPlan,
    ) -> Action {
        *self.tasks += 1;
        let id = TaskId(*self.tasks);
        let arn = self.map_run_arn(distributed);
        let details = Details::MapRun { arn: Arc::clone(&arn) };
        *previous = self.record(*previous, "MapRunStarted", Some(details));
        let items_a_child = match plan.batches {
            None => 1,
            Some(limits) => limits.items.unwrap_or(u64::MAX),
        };
        self.effects.map_runs.push(MapRunChange::Started(Box::new(MapRunStart {
            run: id,
            arn: arn.to_string(),
            definition: Arc::clone(&distributed.definition),
            child_type: distributed.child_type,
            items: map::count(&plan.items) as u64,
            items_a_child,
            max_concurrency: plan.max_concurrency,
            tolerated: plan.tolerated,
        })));
        active.phase = Phase::Distributed(Box::new(MapRun {
            id,
            arn,
            items: plan.items,
            batches: plan.batches,
            redrives: 0,
            begun: *previous,
        }));
        Action::Suspend
    }

    /// Does what the host asks for or reports, and redrives the run.
    pub(super) fn continue_distributed(
        &mut self,
        state: &State,
        active: &mut Active,
        previous: &mut u64,
        scope: Scope<'_>,
        stimulus: &mut Stimulus,
    ) -> Evaluated<Action> {
        let Phase::Distributed(run) = &mut active.phase else { return Ok(Action::Suspend) };
        let report = match stimulus {
            Stimulus::Redrive => {
                self.redrive_map_run(run, previous);
                None
            }
            Stimulus::MapRun(id, report) if *id == run.id => report.take(),
            _ => None,
        };
        let id = run.id;
        match report {
            None => Ok(Action::Suspend),
            Some(MapRunReport::Children { from, at_most }) => {
                let made = self.children(state, active, scope, from, at_most);
                match made {
                    Ok(children) => {
                        self.effects.children = children;
                        Ok(Action::Suspend)
                    }
                    Err(failure) => Err(self.fail_map_run(id, previous, failure)),
                }
            }
            Some(MapRunReport::Succeeded(output)) => {
                *previous = self.record(*previous, "MapRunSucceeded", None);
                self.record(*previous, "MapStateSucceeded", None);
                self.leave_with_result(state, active, scope, None, &output)
            }
            Some(MapRunReport::TooLarge) => {
                // Its children have nothing left to do, so a redrive begins a new run.
                active.phase = Phase::Idle;
                Err(self.fail_map_run(id, previous, too_large(&state.name)))
            }
            Some(MapRunReport::Failed) => Err(self.fail_map_run(id, previous, map::too_many_failures())),
        }
    }

    fn redrive_map_run(&mut self, run: &mut MapRun, previous: &mut u64) {
        run.redrives += 1;
        let details = Details::MapRunRedriven { arn: Arc::clone(&run.arn), count: run.redrives };
        *previous = self.record(*previous, "MapRunRedriven", Some(details));
        run.begun = *previous;
        self.effects.map_runs.push(MapRunChange::Redriven { run: run.id });
    }

    /// Records that a run has failed, and returns the failure.
    fn fail_map_run(&mut self, run: TaskId, previous: &mut u64, failure: Failure) -> Failure {
        let details =
            Details::Failure { service: None, error: failure.error_name(), cause: failure.cause.clone() };
        *previous = self.record(*previous, "MapRunFailed", Some(details));
        self.effects.map_runs.push(MapRunChange::Failed { run });
        failure
    }

    /// Records that a run is given up, and returns the number of the event.
    pub(super) fn abort_map_run(&mut self, run: &MapRun) -> u64 {
        self.effects.map_runs.push(MapRunChange::Aborted { run: run.id });
        self.record(run.begun, "MapRunAborted", None)
    }

    /// The inputs of at most `at_most` children, for the items from the index `from` on.
    fn children(
        &mut self,
        state: &State,
        active: &Active,
        scope: Scope<'_>,
        from: u64,
        at_most: usize,
    ) -> Evaluated<Vec<MapChild>> {
        let (Kind::Map(map), Phase::Distributed(run)) = (&state.kind, &active.phase) else {
            return Ok(Vec::new());
        };
        let Processor::Distributed(distributed) = &map.processor else { return Ok(Vec::new()) };
        let input = active.raw_input(self.identity);
        let (batches, length) = (run.batches, map::count(&run.items));
        let mut next = usize::try_from(from).unwrap_or(usize::MAX);
        let batch_input = distributed.batcher.as_ref().and_then(|batcher| batcher.input.as_ref());
        let is_evaluated = batch_input.is_some() || !matches!(map.item_selector, ItemSelector::Item);
        let mut making = Making {
            state,
            map,
            batch_input,
            input: &input,
            scope,
            context: if is_evaluated { self.context_of(state, active, scope) } else { Value::Null },
            items: &run.items,
        };
        let mut children = Vec::new();
        while children.len() < at_most && next < length {
            let (items, input) = match batches {
                None => (1, self.item_child(&mut making, next)?),
                Some(limits) => self.batch(&mut making, limits, next..length)?,
            };
            if size::is_too_large(&input) {
                return Err(too_large(&state.name));
            }
            next += items;
            children.push(MapChild { items: items as u64, input });
        }
        Ok(children)
    }

    /// The context object of a state, built once for many items: it holds the execution's input, which is as
    /// large as all items together.
    fn context_of(&self, state: &State, active: &Active, scope: Scope<'_>) -> Value {
        let context = Context::Live {
            identity: self.identity,
            state: &state.name,
            entered: active.entered_at,
            retries: Some(active.retries),
            token: None,
            scope,
            built: OnceCell::new(),
        };
        context.value().clone()
    }

    /// What ItemSelector makes of the item at an index.
    fn item_child(&mut self, making: &mut Making<'_>, index: usize) -> Evaluated<Arc<Value>> {
        let item = item(making.items, index);
        if !matches!(making.map.item_selector, ItemSelector::Item) {
            making.context["Map"] = serde_json::json!({ "Item": item.context() });
        }
        let scope = Scope { own: making.scope.own, outer: making.scope.outer, item: Some(&item) };
        self.budget.visit();
        let env = Env {
            scope,
            context: Context::Given(&making.context),
            ambient: &mut *self.ambient,
            budget: &self.budget,
        };
        map::item_input(&mut Visit { state: making.state, input: making.input, env }, making.map, &item)
    }

    /// As many of the items at these indices as a batch may hold, with BatchInput: the number of the items
    /// and the child's input.
    fn batch(
        &mut self,
        making: &mut Making<'_>,
        limits: BatchLimits,
        of: std::ops::Range<usize>,
    ) -> Evaluated<(usize, Arc<Value>)> {
        let mut input = Map::new();
        if let Some(part) = making.batch_input {
            self.budget.visit();
            let env = Env {
                scope: making.scope,
                context: Context::Given(&making.context),
                ambient: &mut *self.ambient,
                budget: &self.budget,
            };
            let mut visit = Visit { state: making.state, input: making.input, env };
            let value = map::batch_input(&mut visit, part)?;
            input.insert("BatchInput".to_owned(), Arc::unwrap_or_clone(value));
        }
        input.insert("Items".to_owned(), Value::Array(Vec::new()));
        let mut bytes = size::of(&Value::Object(input.clone()));
        let most = limits.items.and_then(|items| usize::try_from(items).ok()).unwrap_or(usize::MAX);
        let budget = limits.bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let budget = budget.min(size::MAX_PAYLOAD);
        let first = of.start;
        let mut items = Vec::new();
        for index in of {
            let item = self.item_child(making, index)?;
            bytes += size::of(&item) + usize::from(!items.is_empty());
            if items.len() >= most || bytes > budget {
                break;
            }
            items.push(Arc::unwrap_or_clone(item));
        }
        if items.is_empty() {
            let cause =
                format!("The item with the index {first} does not fit into a batch of {budget} bytes.");
            return Err(Failure::named(names::DATA_LIMIT, cause));
        }
        let count = items.len();
        input.insert("Items".to_owned(), Value::Array(items));
        Ok((count, Arc::new(Value::Object(input))))
    }

    /// The ARN of a new run. A Map in a child of another run names the machine itself, and not the other
    /// Map, before its own label.
    fn map_run_arn(&mut self, distributed: &Distributed) -> Arc<str> {
        let machine = self.identity.state_machine_arn.replacen(":stateMachine:", ":mapRun:", 1);
        let machine = machine.split('/').next().unwrap_or_default();
        let mut random = || self.ambient.random();
        let run = intrinsic::uuid(&mut random);
        let label = distributed.label.clone().unwrap_or_else(|| intrinsic::uuid(&mut random));
        format!("{machine}/{label}:{run}").into()
    }
}
