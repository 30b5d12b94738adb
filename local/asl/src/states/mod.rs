//! What a state does with its input: one file a type, and one function that picks the right one.
//!
//! Nothing is done here. A state says what it wants ([`Intent`]), and the runner in [`crate::execution`] sees
//! to it: events, tasks, timers and branches.

mod choice;
pub(crate) mod data;
mod fail;
pub(crate) mod map;
mod parallel;
mod pass;
mod succeed;
mod task;
mod visit;
mod wait;

use std::sync::Arc;

use serde_json::Value;

use crate::error::Evaluated;
use crate::graph::Kind;
use crate::time::Timestamp;
use map::MapPlan;
use task::TaskPlan;

pub(crate) use visit::{Exit, Visit};

/// What a state wants after its first look at the input.
#[derive(Debug)]
pub(crate) enum Intent {
    /// The state is done.
    Exit(Exit),
    /// The state waits until this instant.
    Wait(Timestamp),
    /// The state wants a task run.
    Task(TaskPlan),
    /// The state wants all its branches run on this input.
    Parallel(Arc<Value>),
    /// The state wants an iteration run for each item.
    Map(MapPlan),
}

/// Starts a state.
pub(crate) fn start(visit: &mut Visit<'_>) -> Evaluated<Intent> {
    match &visit.state.kind {
        Kind::Pass { result } => pass::run(visit, result.as_ref()).map(Intent::Exit),
        Kind::Task(task) => task::plan(visit, task).map(Intent::Task),
        Kind::Choice(choice) => choice::run(visit, choice).map(Intent::Exit),
        Kind::Wait(wait) => wait::until(visit, wait).map(Intent::Wait),
        Kind::Succeed => succeed::run(visit).map(Intent::Exit),
        Kind::Fail { error, cause } => Err(fail::failure(visit, error, cause)?),
        Kind::Parallel { .. } => parallel::input(visit).map(Intent::Parallel),
        Kind::Map(map) => map::plan(visit, map).map(Intent::Map),
    }
}
