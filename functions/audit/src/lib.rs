//! The review of large orders.

use std::sync::Arc;

use omniflow_domain::Status;
use omniflow_services::{
    ConfigError, DynamoDb, Environment, EventBridge, Fault, Handler, StepFunctions, typed,
};
use omniflow_store as store;
use omniflow_store::activity::{Activity, Done, TokenStep};
use omniflow_store::workflow::Workflow;

/// The function `request-audit`: puts an order before a reviewer and keeps the token that the verdict answers.
///
/// # Errors
/// When the environment lacks a setting.
pub fn request_audit(
    dynamodb: &Arc<dyn DynamoDb>,
    events: &Arc<dyn EventBridge>,
    states: &Arc<dyn StepFunctions>,
    environment: &Environment,
) -> Result<Box<dyn Handler>, ConfigError> {
    let activity = Activity::new(dynamodb, events, environment)?;
    // It only answers tokens; it starts nothing.
    let workflow = Workflow::new(states.clone(), "");
    Ok(Box::new(typed(move |step: TokenStep| {
        let (activity, workflow) = (activity.clone(), workflow.clone());
        async move { request(&activity, &workflow, step).await.map_err(Fault::from) }
    })))
}

async fn request(activity: &Activity, workflow: &Workflow, step: TokenStep) -> Result<Done, store::Error> {
    let now = activity.now();
    let (order, ()) = activity
        .orders
        .update(&step.order_id, |order| order.request_audit(step.token(), now).map_err(store::Error::from))
        .await?;
    activity.events.publish(&order, &[Status::AwaitingAudit]).await;
    // A verdict that came between the first try and this one waits for the new token.
    if let Err(error) = workflow.tell(&order).await {
        tracing::warn!(order_id = %order.order_id, %error, "left to the sweeper");
    }
    Ok((&order).into())
}
