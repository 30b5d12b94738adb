//! The calls of Task states. A call runs as a task of the process, so that it dies with it.

use std::sync::Arc;

use engine::{Integrations, TaskCall, TaskError};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::process::Tasks;
use crate::world::World;

/// The seam.
pub struct Calls {
    world: Arc<World>,
    behind: Arc<dyn Integrations>,
    tasks: Tasks,
}

impl Calls {
    /// The seam before these integrations.
    pub fn new(world: Arc<World>, behind: Arc<dyn Integrations>, tasks: Tasks) -> Self {
        Self { world, behind, tasks }
    }
}

impl Integrations for Calls {
    fn call(&self, call: TaskCall) -> BoxFuture<'static, Result<Value, TaskError>> {
        let (answer, answered) = oneshot::channel();
        let (world, execution, state) =
            (Arc::clone(&self.world), call.execution_arn.clone(), call.state.clone());
        let call = self.behind.call(call);
        self.tasks.spawn(async move {
            if let Some(account) = &world.capacity {
                account.transit(&execution, &state).await;
            }
            // Nobody listens when the process has died.
            let _ = answer.send(call.await);
        });
        Box::pin(async move {
            answered.await.unwrap_or_else(|_| {
                Err(TaskError { error: "Simulation.Killed".to_owned(), cause: "the process died".to_owned() })
            })
        })
    }
}
