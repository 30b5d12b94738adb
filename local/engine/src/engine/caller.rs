//! What happens after a commit: callers are answered, and calls of Task states are made.

use std::num::NonZero;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use asl::{Event, Pattern, Resource};
use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use super::requests::Requests;
use crate::core::{After, DearStep};
use crate::integrations::{Integrations, TaskCall, TaskError};
use crate::journal::Seq;
use crate::request::Request;

/// Makes calls on the tokio runtime, and brings their results back to the engine.
pub(super) struct Caller {
    integrations: Arc<dyn Integrations>,
    runtime: Handle,
    requests: Requests,
    in_flight: Arc<AtomicUsize>,
    steps: Steps,
}

/// Where steps are taken that are too dear for the groups.
#[derive(Clone)]
pub(super) enum Steps {
    /// On threads of their own, of which so many are at work at the same time.
    OnThreads(Arc<Semaphore>),
    /// As tasks of the runtime, so that a program with one thread has no other.
    AsTasks,
}

/// How many dear steps are taken at the same time at the most. The others wait for them and for nobody else.
const STEPS_AT_ONCE: usize = 4;

impl Steps {
    pub(super) fn on_threads() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self::OnThreads(Arc::new(Semaphore::new(processors.min(STEPS_AT_ONCE))))
    }
}

impl Caller {
    /// Calls are made on the current runtime.
    pub(super) fn new(integrations: Arc<dyn Integrations>, requests: Requests, steps: Steps) -> Self {
        Self { integrations, runtime: Handle::current(), requests, in_flight: Arc::default(), steps }
    }

    /// How many calls have not returned yet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn perform(&self, after: Vec<After>) {
        for step in after {
            match step {
                After::Answer(answer) => answer(),
                After::Invoke(seq, call) => self.invoke(seq, call),
                After::TakeAside(step) => self.take_aside(*step),
            }
        }
    }

    fn take_aside(&self, step: DearStep) {
        let (requests, steps) = (self.requests.clone(), self.steps.clone());
        self.runtime.spawn(async move {
            let taken = match steps {
                Steps::AsTasks => step.take(),
                Steps::OnThreads(places) => {
                    // The places are never closed. A step that a runtime does not take because it ends is taken again
                    // at the next start.
                    let _place = places.acquire().await;
                    let Ok(taken) = tokio::task::spawn_blocking(|| step.take()).await else { return };
                    taken
                }
            };
            let _ = requests.send(Request::StepTaken(Some(Box::new(taken))));
        });
    }

    fn invoke(&self, seq: Seq, call: TaskCall) {
        let (task, waits_for_token) = (call.task, waits_for_token(&call.resource));
        let integrations = Arc::clone(&self.integrations);
        let call = async move { integrations.call(call).await };
        let requests = self.requests.clone();
        let in_flight = Arc::clone(&self.in_flight);
        in_flight.fetch_add(1, Relaxed);
        self.runtime.spawn(async move {
            // A panic in an integration is that call's failure, never the engine's.
            let result = AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
                Err(TaskError {
                    error: "States.Runtime".to_owned(),
                    cause: "the integration panicked".to_owned(),
                })
            });
            let event = match result {
                Ok(output) if waits_for_token => Event::TaskSubmitted { task, output: output.into() },
                Ok(output) => Event::TaskSucceeded { task, output: output.into() },
                Err(TaskError { error, cause }) => {
                    Event::TaskFailed { task, error: Some(error), cause: Some(cause) }
                }
            };
            in_flight.fetch_sub(1, Relaxed);
            // When the engine has stopped meanwhile, the call is made again at its next start.
            let _ = requests.send(Request::TaskResult { seq, event });
        });
    }
}

fn waits_for_token(resource: &Resource) -> bool {
    matches!(resource, Resource::Service { pattern: Pattern::WaitForTaskToken, .. })
}
