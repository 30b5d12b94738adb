//! How the workflows of returns are told of decisions, and how they are; see [`crate::workflow`] for those of orders.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use omniflow_domain::order::returns::{Return, ReturnSignal};
use omniflow_domain::{ErrorName, Order};
use omniflow_services::StepFunctions;
use serde_json::json;

use crate::Orders;
use crate::workflow::{ExecutionState, Heard, NotSent, Unsent, Workflow};

/// The workflow of returns in Step Functions.
#[derive(Clone)]
pub struct ReturnWorkflow(Workflow);

impl ReturnWorkflow {
    /// The workflow with this state machine, by its ARN.
    pub fn new(states: Arc<dyn StepFunctions>, state_machine: &str) -> Self {
        Self(Workflow::new(states, state_machine))
    }

    /// Tells the workflows of the order's returns what they have to be told, and begins another execution where the one
    /// that failed can't go on. The answer is the order as it was told of.
    ///
    /// # Errors
    /// [`NotSent`], of the first that could not be told; the others were tried.
    pub async fn tell(
        &self,
        orders: &Orders,
        order: &Order,
        now: DateTime<Utc>,
    ) -> Result<(Order, Heard), NotSent> {
        let (mut current, mut all, mut failed) = (order.clone(), Heard::NoMore, None);
        for it in order.returns() {
            let mut told = self.tell_one(order, it).await;
            if let Ok(Heard::Impossible) = told {
                current = restart(orders, order, it.number, now).await?;
                told = match current.return_of(it.number) {
                    Ok(it) => self.tell_one(&current, it).await,
                    Err(_) => Ok(Heard::NoMore),
                };
            }
            match told {
                Ok(Heard::Now) => all = Heard::Now,
                Ok(Heard::NoMore | Heard::Impossible) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok((current, all)), |error| Err(error.into()))
    }

    async fn tell_one(&self, order: &Order, it: &Return) -> Result<Heard, Unsent> {
        let name = it.execution_name(order.id());
        let token = it.task.as_ref().map(|task| task.token.token.as_str());
        match (it.pending, token) {
            (Some(ReturnSignal::Start), _) => {
                let input = json!({ "order_id": order.id().as_str(), "return": it.number });
                self.0.start_named(&name, &input).await
            }
            (Some(ReturnSignal::Retry), _) => self.0.redrive_named(&name).await,
            (Some(ReturnSignal::Approved | ReturnSignal::Received), Some(token)) => {
                self.0.tasks.go_on(order, token).await
            }
            (Some(ReturnSignal::Rejected), Some(token)) => {
                self.0.tasks.fail(token, ErrorName::ReturnRejected, "the return was rejected").await
            }
            // No task waits yet: one that comes finds what was decided.
            (None, _) | (_, None) => Ok(Heard::NoMore),
        }
    }

    /// How the execution of the return is.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn execution(&self, order: &Order, it: &Return) -> Result<ExecutionState, Unsent> {
        self.0.execution_named(&it.execution_name(order.id())).await
    }
}

async fn restart(
    orders: &Orders,
    order: &Order,
    number: u32,
    now: DateTime<Utc>,
) -> Result<Order, crate::Error> {
    let restart = |order: &mut Order| {
        order.restart_return(number, now);
        Ok::<_, crate::Error>(())
    };
    Ok(orders.update(order.id(), restart).await?.0)
}
