//! What goes on beside the requests.

use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use futures::future::BoxFuture;
use omniflow_tables::Tables;
use template::{Place, System};
use tokio::task::JoinHandle;

use crate::aws::Aws;
use crate::pause::pause;
use crate::schedule;

/// How often items whose time to live is over are deleted. DynamoDB does it "within a few days" (DynamoDB
/// Developer Guide, "Using time to live (TTL)").
const EXPIRY_SWEEP: Duration = Duration::from_secs(600);

pub(super) fn start_workers(
    system: &System,
    aws: &Aws,
    place: &Place,
    retention: Duration,
) -> Vec<JoinHandle<()>> {
    let mut workers: Vec<_> = workers(system, aws, place).into_iter().map(tokio::spawn).collect();
    workers.push(tokio::spawn(aws.bus.clone().forget_dead_letters(retention)));
    workers
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
