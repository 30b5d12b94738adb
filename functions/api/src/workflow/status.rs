//! Whether an order's workflow runs, as the order itself tells it. Step Functions isn't asked: it answers few
//! questions, and customers may ask many.

use chrono::{DateTime, Utc};
use omniflow_domain::order::Signal;
use omniflow_domain::{Order, OrderId, Status};
use omniflow_store as store;
use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::{Api, refused, unavailable};

/// The execution of an order's workflow, without what happened in it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WorkflowStatus<'a> {
    workflow_id: &'a str,
    /// The workflow id again, under the order page's name for it.
    #[serde(rename = "workflowId")]
    workflow_id_of_the_page: &'a str,
    order_id: &'a OrderId,
    /// The order id again, under the order page's name for it.
    #[serde(rename = "orderId")]
    order_id_of_the_page: &'a OrderId,
    execution_arn: &'a str,
    /// `PENDING` until the execution begins, `RUNNING` until the order is closed, then `SUCCEEDED`, or `FAILED`
    /// for an order that needs attention.
    #[cfg_attr(test, schemars(extend("enum" = crate::openapi::WORKFLOW_STATUSES)))]
    status: &'a str,
    /// When the workflow was asked for, once it has begun.
    started_at: Option<DateTime<Utc>>,
    /// When the order came to the state that it ended in.
    stopped_at: Option<DateTime<Utc>>,
    /// The state of the order itself.
    state: Status,
}

/// `GET /api/orders/state?workflow_id=` and `GET /api/workflows/{order_id}/status`.
pub(crate) async fn read_status(api: &Api, request: &Request) -> Result<Response, Problem> {
    let id = request.order_id()?;
    let order = api.orders.get(&id).await.map_err(|error| refused(error, &request.caller))?;
    if !request.caller.sees(order.customer_id()) {
        return Err(unavailable(&store::Error::NoOrder(id)));
    }
    let workflow_id = id.processing_id(order.customer_id());
    let status = status(&order);
    let has_ended = order.status().is_final() || order.status() == Status::NeedsAttention;
    let status = WorkflowStatus {
        workflow_id: &workflow_id,
        workflow_id_of_the_page: &workflow_id,
        order_id: &id,
        order_id_of_the_page: &id,
        execution_arn: &api.executions.arn_of_order(&order),
        status,
        started_at: order.created_at().filter(|_| status != PENDING),
        stopped_at: order.timeline().last().map(|change| change.at).filter(|_| has_ended),
        state: order.shown_status(),
    };
    Ok(Response::json(200, &json!(status)))
}

/// The status of a workflow that was asked for and may not have begun.
const PENDING: &str = "PENDING";

fn status(order: &Order) -> &'static str {
    match order.status() {
        _ if order.pending_signal() == Some(Signal::Start) => PENDING,
        Status::Completed | Status::Cancelled | Status::Rejected => "SUCCEEDED",
        Status::NeedsAttention => "FAILED",
        _ => "RUNNING",
    }
}
