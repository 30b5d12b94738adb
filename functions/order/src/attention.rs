//! `mark-needs-attention`: leaves an order to a person whose workflow has failed for good.

use omniflow_domain::Order;
use omniflow_domain::order::returns::return_of_execution;
use omniflow_domain::order::{Failed, OrderId};
use omniflow_services::{ConfigError, Environment, Fault, Function, Services};
use omniflow_store as store;
use omniflow_store::activity::{Activity, CompensationEvent, Done};
use omniflow_store::metrics;
use omniflow_store::returns::ReturnWorkflow;
use omniflow_store::workflow::{ExecutionState, Unsent, Workflow};
use serde::{Deserialize, Serialize};

/// How often an order is read and its execution described anew, when others write the order in between.
const LOOKS: usize = 5;

/// What invokes the function.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// The event "Step Functions Execution Status Change" (AWS Step Functions Developer Guide, "Automating
    /// Step Functions event delivery with EventBridge").
    StatusChange {
        /// The execution and the status that it has come to.
        detail: StatusChange,
    },
    /// The step of a state machine of an earlier release, executions of which may still run.
    Step(CompensationEvent),
}

/// The change of an execution's status, as far as it is of interest here.
#[derive(Debug, Deserialize)]
pub struct StatusChange {
    /// The name of the execution.
    name: String,
}

/// What became of the order.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The order needs attention, or is closed.
    Marked(Done),
    /// The execution is of no order, isn't the order's present one, or goes on.
    Ignored {
        /// The name of the execution.
        ignored: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Workflow(#[from] Unsent),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Workflow(error) => Self::new("WorkflowUnavailable", error.to_string()),
        }
    }
}

/// The function `mark-needs-attention`.
pub struct MarkNeedsAttention {
    activity: Activity,
    workflow: Workflow,
    returns: ReturnWorkflow,
}

impl Function for MarkNeedsAttention {
    const NAME: &'static str = "mark-needs-attention";
    const VARIABLES: &'static [&'static str] =
        &["ORDERS_TABLE", "EVENT_BUS", "ORDER_STATE_MACHINE", "RETURN_STATE_MACHINE"];
    const ACTIONS: &'static [&'static str] = &[
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "events:PutEvents",
        "states:DescribeExecution",
        "states:GetExecutionHistory",
    ];

    type Event = Event;
    type Answer = Answer;
    type Error = Error;

    fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            activity: Activity::new(services, environment)?,
            workflow: Workflow::new(services.step_functions(), environment.require("ORDER_STATE_MACHINE")?),
            returns: ReturnWorkflow::new(
                services.step_functions(),
                environment.require("RETURN_STATE_MACHINE")?,
            ),
        })
    }

    async fn call(&self, event: Event) -> Result<Answer, Error> {
        match event {
            Event::StatusChange { detail } => self.execution_ended(detail).await,
            Event::Step(CompensationEvent { order_id, failure }) => {
                let failed = failure.into();
                Ok(Answer::Marked((&self.mark(&order_id, &failed).await?).into()))
            }
        }
    }
}

impl MarkNeedsAttention {
    async fn execution_ended(&self, StatusChange { name }: StatusChange) -> Result<Answer, Error> {
        if let Some((id, number)) = return_of_execution(&name) {
            return self.return_ended(&id, number, name).await;
        }
        let Some(id) = OrderId::of_execution(&name) else { return Ok(Answer::Ignored { ignored: name }) };
        for _ in 0..LOOKS {
            let order = self.activity.orders.get(&id).await?;
            if order.execution_name() != name {
                return Ok(Answer::Ignored { ignored: name });
            }
            if order.status().is_final() {
                return Ok(Answer::Marked((&order).into()));
            }
            // The event may come late or twice, and the execution may have been redriven meanwhile.
            let ExecutionState::Failed(failed) = self.workflow.execution(&order).await? else {
                return Ok(Answer::Ignored { ignored: name });
            };
            let now = self.activity.now();
            let orders = &self.activity.orders;
            if let (order, Some(is_news)) = orders.need_attention_as_read(&order, &failed, now).await? {
                self.marked(&order, &failed, is_news).await;
                return Ok(Answer::Marked((&order).into()));
            }
        }
        Err(store::Error::Contention.into())
    }

    async fn return_ended(&self, id: &OrderId, number: u32, name: String) -> Result<Answer, Error> {
        for _ in 0..LOOKS {
            let order = self.activity.orders.get(id).await?;
            let known = order.return_of(number).ok().filter(|it| it.execution_name(id) == name);
            let Some(it) = known else { return Ok(Answer::Ignored { ignored: name }) };
            let ExecutionState::Failed(failed) = self.returns.execution(&order, it).await? else {
                return Ok(Answer::Ignored { ignored: name });
            };
            let now = self.activity.now();
            let fail = |order: &mut Order| {
                order.fail_return(number, failed.clone(), now).map_err(store::Error::from)
            };
            let (order, Some(is_news)) = self.activity.orders.update_as_read(&order, fail).await? else {
                continue;
            };
            if is_news {
                tracing::error!(order_id = %id, number, failure = failed.text(), "a return's workflow failed for good");
                metrics::count(metrics::NEEDING_ATTENTION, id);
            }
            self.activity.announce_returns_or_leave(&order).await;
            return Ok(Answer::Marked((&order).into()));
        }
        Err(store::Error::Contention.into())
    }

    async fn mark(&self, id: &OrderId, failed: &Failed) -> Result<Order, store::Error> {
        let (order, is_news) = self.activity.orders.need_attention(id, failed, self.activity.now()).await?;
        self.marked(&order, failed, is_news).await;
        Ok(order)
    }

    async fn marked(&self, order: &Order, failed: &Failed, is_news: bool) {
        if is_news {
            tracing::error!(order_id = %order.id(), failure = failed.text(), "a workflow failed for good");
            metrics::outcome(order);
        }
        self.activity.announce_or_leave(order).await;
    }
}
