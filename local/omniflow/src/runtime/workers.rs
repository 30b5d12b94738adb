//! What goes on beside the requests.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use futures::future::{BoxFuture, FutureExt as _};
use omniflow_tables::Tables;
use template::{Place, System};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::pause::pause;
use crate::schedule;

/// How often items whose time to live is over are deleted. DynamoDB does it "within a few days" (DynamoDB
/// Developer Guide, "Using time to live (TTL)").
const EXPIRY_SWEEP: Duration = Duration::from_secs(600);

/// Tasks that run until they are aborted.
pub(super) struct Workers {
    tasks: Vec<JoinHandle<()>>,
    /// Whether one has panicked.
    crashed: watch::Sender<bool>,
}

impl Workers {
    pub(super) fn new() -> Self {
        Self { tasks: Vec::new(), crashed: watch::Sender::new(false) }
    }

    pub(super) fn start(&mut self, works: impl IntoIterator<Item = BoxFuture<'static, ()>>) {
        let start = |work: BoxFuture<'static, ()>| {
            let crashed = self.crashed.clone();
            tokio::spawn(async move {
                if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                    crashed.send_replace(true);
                }
            })
        };
        self.tasks.extend(works.into_iter().map(start));
    }

    pub(super) fn abort(&self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Returns when one of the tasks has panicked; otherwise never.
    pub(super) async fn crashed(&self) {
        // The sender is held here, so the channel can't be closed.
        let _ = self.crashed.subscribe().wait_for(|crashed| *crashed).await;
    }
}

/// What goes on beside the requests, for as long as the runtime runs: the bus makes its deliveries, items
/// expire, and the schedules call their functions.
pub(crate) fn workers(system: &System, aws: &Aws, place: &Place) -> Vec<BoxFuture<'static, ()>> {
    let mut workers: Vec<BoxFuture<'static, ()>> = vec![
        Box::pin(aws.bus.clone().deliver()),
        Box::pin(sweep_expired(aws.tables.clone(), Arc::clone(&aws.surroundings.clock))),
    ];
    for schedule in &system.schedules {
        workers.push(Box::pin(schedule::run(
            schedule.clone(),
            aws.functions.clone(),
            place.clone(),
            aws.surroundings.clone(),
        )));
    }
    workers
}

async fn sweep_expired(tables: Tables, clock: Arc<dyn Clock>) {
    loop {
        pause(&*clock, EXPIRY_SWEEP).await;
        if let Err(error) = tables.sweep_expired(clock.now()).await {
            tracing::warn!(%error, "expired items can't be deleted");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_panics_is_noticed_and_one_that_ends_or_is_aborted_is_not() {
        let mut workers = Workers::new();
        workers.start([pending().boxed(), ready(()).boxed()]);
        tokio::time::timeout(Duration::from_secs(1), workers.crashed()).await.unwrap_err();
        workers.abort();
        tokio::time::timeout(Duration::from_secs(1), workers.crashed()).await.unwrap_err();
        workers.start([async { panic!("on purpose") }.boxed()]);
        workers.crashed().await;
    }
}
